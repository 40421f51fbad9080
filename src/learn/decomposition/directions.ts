/** The directions in which points spread most: eigenvectors of the sums of their products, found in the way that suits their shape. */
import { createRandom } from "../../base/index.ts";
import { crewSize, runCrew } from "../crew/crew.ts";
import { sharedCopy, sharedFloat64 } from "../crew/shared.ts";
import type { FitContext, TrainingData } from "../estimator.ts";
import type { Frame } from "../frame.ts";
import { sharedFrame } from "../point-rows.ts";
import type { PointNumber, PointSpace } from "../points.ts";
import { type Eigen, eigenOf } from "./eigen.ts";
import { squaresOf } from "./jacobi.ts";
import type { Covariance } from "./one-pass.ts";
import { type Products, sizeOf, strideOf, sumProductsHere } from "./products.ts";

export const SOLVERS = ["auto", "covariance", "triangle", "randomised"] as const;

export interface DirectionsOptions {
  readonly isCentred: boolean;
  readonly solver: (typeof SOLVERS)[number];
  /** How many, from 1; below 1 the share of the variance that they must have. */
  readonly components: number;
  /** Of the columns of a space of numbers alone, where it is known. */
  readonly covariance?: Covariance | null;
}

export interface Directions {
  readonly means: Float64Array;
  /** Sum of the rows' weights. */
  readonly total: number;
  /** Sum of the squares of the points, less their means where they are centred; what the directions' values are parts of. */
  readonly squares: number;
  /** Of each direction the sum of the squares of the points' coordinates on it, descending. */
  readonly values: Float64Array;
  /** A unit vector per row; its largest part is positive. */
  readonly vectors: Float64Array;
}

/** So many dimensions cost an eigenproblem of some seconds. */
const COVARIANCE_WIDTH_MAX = 1000;
/** Below this part of the largest, products have lost the digits of a value that is asked for. */
const CONDITION = 1e-9;
const PARTIALS_MAX = 4_000_000;
/** Up to so many dimensions the products of a row take less time than its copy for other threads, whose fresh memory is dear. */
export const HERE_WIDTH_MAX = 128;

/** Errors: `learn.cancelled`, `learn.worker-lost`. */
export async function findDirections(
  data: TrainingData,
  space: PointSpace,
  { isCentred, solver, components, covariance }: DirectionsOptions,
  context: FitContext,
): Promise<Directions> {
  const { width } = space;
  const isRandomised =
    solver === "randomised" || (solver === "auto" && width > COVARIANCE_WIDTH_MAX && components >= 1 && components <= width / 5);
  const stages = isRandomised ? ITERATIONS + 3 : 2;
  const rows = { X: data.X, weights: data.weights };
  const sum = (what: Products, stage: number) => sumOver(rows, space, what, context, stage, stages);
  const moments = isRandomised ? momentsOf(await sum({ kind: "moments" }, 0), width) : undefined;
  if (moments !== undefined) {
    const means = isCentred ? moments.means : new Float64Array(width);
    const apply = (directions: Float64Array, stage: number) => sum({ kind: "directions", means, directions }, stage);
    const found = await randomised(apply, width, Math.min(width, Math.max(1, Math.floor(components))), context.seed);
    context.progress(1, 1);
    const squares = moments.squares - (isCentred ? centredPart(moments) : 0);
    return finish({ means: moments.means, total: moments.total, squares }, found, components, width);
  }
  const { matrix, ...base } = covariance
    ? scaledBy(covariance, space)
    : matrixOf(await sum({ kind: "gram" }, 0), width, isCentred);
  let eigen = eigenOf(matrix, width);
  const kept = countOf(eigen.values, base.squares, components);
  const isIll = eigen.values[kept - 1]! < CONDITION * eigen.values[0]!;
  if (solver === "triangle" || (solver === "auto" && isIll)) {
    const means = isCentred ? base.means : new Float64Array(width);
    eigen = squaresOf(await sum({ kind: "triangle", means }, 1), width);
  }
  context.progress(1, 1);
  return finish(base, eigen, components, width);
}

async function sumOver(
  { X, weights }: { readonly X: Frame; readonly weights: Float64Array | undefined },
  space: PointSpace,
  what: Products,
  context: FitContext,
  stage: number,
  stages: number,
): Promise<Float64Array> {
  const size = sizeOf(space.width, what);
  const chunks = Math.max(1, Math.min(1024, Math.ceil(X.rowCount / 4096), Math.max(4, Math.floor(PARTIALS_MAX / size))));
  const order = { X, space, weights, what, chunks };
  const progress = (done: number, total: number) => context.progress(stage + done / total, stages);
  if (space.width <= HERE_WIDTH_MAX && what.kind === "gram") return sumProductsHere(order, { progress, signal: context.signal });
  const shared = { ...order, X: sharedFrame(X), weights: weights && sharedCopy(weights), partials: sharedFloat64(chunks * size) };
  const members = Math.min(chunks, crewSize(X.rowCount, context.threads));
  return (await runCrew("sum-products", shared, members, { progress, signal: context.signal }))!;
}

/** From the products of all dimensions and a 1. */
function matrixOf(gram: Float64Array, width: number, isCentred: boolean) {
  const stride = strideOf(width);
  const total = gram[width * stride + width]!;
  const means = Float64Array.from({ length: width }, (_, at) => gram[at * stride + width]! / total);
  const matrix = new Float64Array(width * width);
  let squares = 0;
  for (let i = 0; i < width; i++)
    for (let k = i; k < width; k++) {
      const value = gram[i * stride + k]! - (isCentred ? total * means[i]! * means[k]! : 0);
      matrix[i * width + k] = value;
      matrix[k * width + i] = value;
      if (i === k) squares += value;
    }
  return { matrix, means, total, squares };
}

/** The same from the covariance of columns as they are. */
function scaledBy({ rowCount, products }: Covariance, { inputs, width }: PointSpace) {
  const scales = inputs.map((input) => (input as PointNumber).scale);
  const matrix = products.map((product, at) => product * scales[Math.floor(at / width)]! * scales[at % width]!);
  let squares = 0;
  for (let at = 0; at < width; at++) squares += matrix[at * (width + 1)]!;
  return { matrix, means: new Float64Array(width), total: rowCount, squares };
}

interface Moments {
  readonly total: number;
  readonly means: Float64Array;
  readonly squares: number;
}

/** From the sums of the dimensions, of 1 and of all squares. */
function momentsOf(sums: Float64Array, width: number): Moments {
  const total = sums[width]!;
  return { total, means: sums.slice(0, width).map((sum) => sum / total), squares: sums[width + 1]! };
}

const centredPart = ({ means, total }: Moments) => total * means.reduce((sum, mean) => sum + mean * mean, 0);

/** Steps of the power iteration, and directions beyond those asked for: what lies beyond them fades with the power of their ratio. */
const ITERATIONS = 7;
const OVERSAMPLES = 10;

/**
 * The first directions from products with a few random ones, made upright after each step. Source: Halko, Martinsson and Tropp 2011, algorithm 4.4 and 5.3.
 */
async function randomised(
  apply: (directions: Float64Array, stage: number) => Promise<Float64Array>,
  width: number,
  wanted: number,
  seed: number,
): Promise<Eigen> {
  const random = createRandom(seed);
  const count = Math.min(width, wanted + OVERSAMPLES);
  let basis = upright(
    Float64Array.from({ length: count * width }, () => random.normal()),
    width,
  );
  for (let step = 0; step < ITERATIONS; step++) basis = upright(await apply(basis, step + 1), width);
  const products = await apply(basis, ITERATIONS + 1);
  const small = new Float64Array(count * count);
  for (let i = 0; i < count; i++)
    for (let k = 0; k < count; k++) {
      let sum = 0;
      for (let at = 0; at < width; at++)
        sum += basis[i * width + at]! * products[k * width + at]! + basis[k * width + at]! * products[i * width + at]!;
      small[i * count + k] = sum / 2;
    }
  const { values, vectors } = eigenOf(small, count);
  const found = new Float64Array(count * width);
  for (let i = 0; i < count; i++)
    for (let k = 0; k < count; k++)
      for (let at = 0; at < width; at++) found[i * width + at]! += vectors[i * count + k]! * basis[k * width + at]!;
  return { values: values.subarray(0, wanted), vectors: found.subarray(0, wanted * width) };
}

/** Rows made unit vectors at right angles, twice, which is enough (Gram and Schmidt); one that the others make up becomes 0. */
function upright(rows: Float64Array, width: number): Float64Array {
  for (let first = 0; first < rows.length; first += width) {
    const before = norm(rows, first, width);
    for (let pass = 0; pass < 2; pass++)
      for (let other = 0; other < first; other += width) {
        let product = 0;
        for (let at = 0; at < width; at++) product += rows[first + at]! * rows[other + at]!;
        for (let at = 0; at < width; at++) rows[first + at]! -= product * rows[other + at]!;
      }
    const length = norm(rows, first, width);
    const scale = length > 1e-14 * before ? 1 / length : 0;
    for (let at = first; at < first + width; at++) rows[at]! *= scale;
  }
  return rows;
}

function norm(rows: Float64Array, first: number, width: number): number {
  let square = 0;
  for (let at = first; at < first + width; at++) square += rows[at]! ** 2;
  return Math.sqrt(square);
}

/** Directions to keep: as many as asked for, or the fewest whose values make up the share. */
function countOf(values: Float64Array, squares: number, components: number): number {
  if (components >= 1) return Math.min(values.length, components);
  let [count, sum] = [0, 0];
  while (count < values.length && !(sum > components * squares)) sum += Math.max(0, values[count++]!);
  return Math.max(1, count);
}

function finish(
  base: Omit<Directions, "values" | "vectors">,
  { values, vectors }: Eigen,
  components: number,
  width: number,
): Directions {
  const count = countOf(values, base.squares, components);
  const kept = vectors.slice(0, count * width);
  for (let first = 0; first < kept.length; first += width) {
    let most = 0;
    for (let at = first; at < first + width; at++) most = Math.max(most, Math.abs(kept[at]!));
    let largest = first;
    while (Math.abs(kept[largest]!) < most * (1 - 1e-8)) largest++; // the first of equal ones, however they were rounded
    if (kept[largest]! < 0) for (let at = first; at < first + width; at++) kept[at] = -kept[at]!;
  }
  return { ...base, values: values.slice(0, count).map((value) => Math.max(0, value)), vectors: kept };
}
