/**
 * Coordinates in which the loss is bent about equally in all directions, so that a search by gradients takes few steps: the weights of dense columns and the
 * bias by the Cholesky factor of their products over a sample of the rows, the slots of texts by the root of their share.
 */
import type { LinearKernel } from "../kernels/linear.ts";
import { BLOCK } from "./losses.ts";
import type { RowsMatrix } from "./rows-matrix.ts";

export interface Coordinates {
  /** The weights at a point. */
  weightsAt(point: Float64Array): Float64Array;
  /** The point of weights. */
  pointOf(weights: Float64Array): Float64Array;
  /** The slopes along the coordinates from those along the weights. */
  slopesOf(gradient: Float64Array): Float64Array;
}

/** Each weight alone: x root of `curvatures`, per weight of one output. */
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

const SAMPLE_BLOCKS = 256;
const COLUMNS_MAX = 512;

/** As above for slots; dense weights and the bias together. `products` is stride x stride in the kernel's memory, `ridge` is added to each square. */
export function whitenedCoordinates(
  { rows, X, stride, loss: { outputs } }: RowsMatrix,
  curvatures: Float64Array,
  kernel: LinearKernel,
  products: Float64Array,
  ridge: Float64Array,
): Coordinates {
  const { denseCount, weightCount, rowCount } = rows;
  const count = denseCount + 1;
  const alone = scaledCoordinates(curvatures);
  if (count > COLUMNS_MAX) return alone;
  const blocks = Math.ceil(rowCount / BLOCK);
  const step = Math.ceil(blocks / SAMPLE_BLOCKS);
  let sampled = 0;
  for (let block = 0; block < blocks; block += step) {
    const at = X.byteOffset + block * BLOCK * stride * 8;
    kernel.addGram(at, at, BLOCK, stride, products.byteOffset);
    sampled += Math.min(BLOCK, rowCount - block * BLOCK);
  }
  const placeOf = (index: number) => (index === denseCount ? weightCount - 1 : index);
  const L = choleskyOf(count, (i, k) => products[k * stride + i]! / sampled + (i === k ? ridge[placeOf(i)]! + 1e-9 : 0));

  /** Replaces the dense weights and the bias of each output by what `solve` makes of them. */
  const turned = (values: Float64Array, solve: (vector: Float64Array) => void) => {
    const vector = new Float64Array(count);
    for (let first = 0; first < outputs * weightCount; first += weightCount) {
      for (let index = 0; index < count; index++) vector[index] = values[first + placeOf(index)]!;
      solve(vector);
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
    weightsAt: (point) => turned(replacing(alone.weightsAt(point), point), (v) => solveUpper(L, count, v)),
    pointOf: (weights) => turned(replacing(alone.pointOf(weights), weights), (v) => multiplyUpper(L, count, v)),
    slopesOf: (gradient) => turned(replacing(alone.slopesOf(gradient), gradient), (v) => solveLower(L, count, v)),
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
