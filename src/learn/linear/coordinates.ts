/**
 * Coordinates in which the loss is bent about equally in all directions, so that a search by gradients takes few steps: the weights of dense columns and the
 * bias by the Cholesky factor of their products, rows weighted by their loss's bend, the slots of texts by the root of their share.
 */
import type { Curvature } from "./curvature.ts";

export interface Coordinates {
  /** The weights at a point. */
  weightsAt(point: Float64Array): Float64Array;
  /** The point of weights. */
  pointOf(weights: Float64Array): Float64Array;
  /** The slopes along the coordinates from those along the weights. */
  slopesOf(gradient: Float64Array): Float64Array;
}

/** Each weight alone: x root of `curvatures`, per weight, or per weight of one output. */
export function scaledCoordinates(curvatures: Float64Array): Coordinates {
  const roots = curvatures.map((curvature) => Math.sqrt(Math.max(curvature, 1e-12)));
  const each = (values: Float64Array, scale: (value: number, root: number) => number) =>
    values.map((value, at) => scale(value, roots[at % roots.length]!));
  return {
    weightsAt: (point) => each(point, (value, root) => value / root),
    pointOf: (weights) => each(weights, (value, root) => value * root),
    slopesOf: (gradient) => each(gradient, (value, root) => value / root),
  };
}

/** As above for slots; dense weights and the bias together. `ridge`, per weight of one output, is added to each square. */
export function whitenedCoordinates(
  { products, bends }: Curvature,
  squares: Float64Array,
  ridge: Float64Array,
  denseCount: number,
): Coordinates {
  const weightCount = squares.length;
  const outputs = bends.length;
  const count = denseCount + 1;
  const alone = scaledCoordinates(
    Float64Array.from({ length: outputs * weightCount }, (_, at) => {
      const own = at % weightCount;
      return squares[own]! * bends[Math.floor(at / weightCount)]! + ridge[own]!;
    }),
  );
  const placeOf = (index: number) => (index === denseCount ? weightCount - 1 : index);
  const factors = Array.from({ length: outputs }, (_, output) => {
    const first = output * count * count;
    return choleskyOf(count, (i, k) => products[first + k * count + i]! + (i === k ? ridge[placeOf(i)]! + 1e-9 : 0));
  });

  /** Replaces the dense weights and the bias of each output by what `solve` makes of them. */
  const turned = (values: Float64Array, solve: (L: Float64Array, count: number, vector: Float64Array) => void) => {
    const vector = new Float64Array(count);
    for (let output = 0; output < outputs; output++) {
      const first = output * weightCount;
      for (let index = 0; index < count; index++) vector[index] = values[first + placeOf(index)]!;
      solve(factors[output]!, count, vector);
      for (let index = 0; index < count; index++) values[first + placeOf(index)] = vector[index]!;
    }
    return values;
  };
  const replacing = (other: Float64Array, given: Float64Array) => {
    for (let first = 0; first < outputs * weightCount; first += weightCount)
      for (let index = 0; index < count; index++) other[first + placeOf(index)] = given[first + placeOf(index)]!;
    return other;
  };
  return {
    weightsAt: (point) => turned(replacing(alone.weightsAt(point), point), solveUpper),
    pointOf: (weights) => turned(replacing(alone.pointOf(weights), weights), multiplyUpper),
    slopesOf: (gradient) => turned(replacing(alone.slopesOf(gradient), gradient), solveLower),
  };
}

/** L with L L' = the matrix; `entry` is asked for i >= k. */
function choleskyOf(count: number, entry: (i: number, k: number) => number): Float64Array {
  const L = new Float64Array(count * count);
  for (let i = 0; i < count; i++)
    for (let k = 0; k <= i; k++) {
      let sum = entry(i, k);
      for (let m = 0; m < k; m++) sum -= L[i * count + m]! * L[k * count + m]!;
      L[i * count + k] = i === k ? Math.sqrt(Math.max(sum, 1e-9)) : sum / L[k * count + k]!;
    }
  return L;
}

function solveLower(L: Float64Array, count: number, vector: Float64Array): void {
  for (let i = 0; i < count; i++) {
    let sum = vector[i]!;
    for (let k = 0; k < i; k++) sum -= L[i * count + k]! * vector[k]!;
    vector[i] = sum / L[i * count + i]!;
  }
}

function solveUpper(L: Float64Array, count: number, vector: Float64Array): void {
  for (let i = count - 1; i >= 0; i--) {
    let sum = vector[i]!;
    for (let k = i + 1; k < count; k++) sum -= L[k * count + i]! * vector[k]!;
    vector[i] = sum / L[i * count + i]!;
  }
}

function multiplyUpper(L: Float64Array, count: number, vector: Float64Array): void {
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let k = i; k < count; k++) sum += L[k * count + i]! * vector[k]!;
    vector[i] = sum;
  }
}
