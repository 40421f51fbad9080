/**
 * The search for the weights of the least loss. Where rows are many it begins on few of them, and goes on where that ended on eight times as many, in coordinates in
 * which the loss was white there: the last search, over all rows, begins a step or two before its end.
 */
import type { LinearKernel } from "../kernels/linear.ts";
import type { ProductsKernel } from "../kernels/products.ts";
import { type Coordinates, scaledCoordinates, whitenedCoordinates } from "./coordinates.ts";
import { curvatureAt } from "./curvature.ts";
import { type Evaluation, type Minimum, minimise, type Search } from "./lbfgs.ts";
import { minimiseSparse } from "./orthants.ts";
import { hasProducts, type RowsMatrix } from "./rows-matrix.ts";
import type { LossOrder, TrainedWeights } from "./train.ts";

/** What is to be done with all rows: the loss and its slopes at the weights over every `of`-th block, the rows' weights without fold `of`, the scores of fold `of`. */
export interface Ask {
  readonly what: "evaluate" | "hold-out" | "score";
  readonly of: number;
}

/** Yields what it asks, or null to let others have the thread. */
type Lead<Result> = Generator<Ask | null, Result>;

export const LEVEL = 8;
const LEVEL_ROWS_MIN = 4096;
const WHITE_ROWS_MIN = 16_384;
/** Steps on a part of the rows: if they do not suffice, more would not be worth it. */
const LEVEL_ITERATIONS_MAX = 50;

/** Steps between blocks, the least rows first; the last is 1. A part has enough rows for each weight. */
export function levelsOf({ rowCount, denseCount }: RowsMatrix["rows"]): number[] {
  const steps = [1];
  while (rowCount / (steps[0]! * LEVEL) >= Math.max(LEVEL_ROWS_MIN, 20 * (denseCount + 1))) steps.unshift(steps[0]! * LEVEL);
  return steps;
}

export function* lead(
  order: LossOrder,
  kernels: { readonly linear: LinearKernel; readonly products: ProductsKernel },
  progress: (done: number, total: number) => void,
): Lead<TrainedWeights> {
  const { memory, matrix, l1, l2, squares, total, iterationsMax, tolerance, folds } = order;
  const { rows } = matrix;
  const isSparse = l1.some((penalty) => penalty > 0);
  const isWhitened = !isSparse && hasProducts(rows.denseCount);
  const levels = isWhitened ? levelsOf(rows) : [1];
  const steps = (iterationsMax + 1) * (folds + 1);
  const ridge = l2.map((penalty) => penalty / total);
  /** Where all rows count alike: a logistic loss is bent by at most a fourth of that. */
  const ridgeOfPlain = ridge.map((penalty) => 4 * penalty);

  function* whiteAt(weights: Float64Array | null, step: number): Lead<Coordinates> {
    const curvature = { matrix, scratch: memory.scratches[0]!, memory: memory.curvature, kernels };
    const found = yield* curvatureAt(curvature, weights, coarser(rows, step));
    return whitenedCoordinates(found, squares, weights === null ? ridgeOfPlain : ridge, rows.denseCount);
  }

  const zeros = new Float64Array(memory.weights.length);
  const plain = isWhitened
    ? yield* whiteAt(null, levels[0]!)
    : scaledCoordinates(squares.map((square, at) => square + ridgeOfPlain[at]!));
  let weights: Float64Array = zeros;
  let coordinates = plain;
  let valueAtZero = Infinity;

  /** Null when it would begin above 0's value: so far astray a part of the rows can lead. */
  function* run(search: Search<Minimum>, step: number): Lead<Minimum | null> {
    const all = totalOf(order, step);
    let next = search.next();
    for (let isFirst = true; !next.done; isFirst = false) {
      memory.weights.set(coordinates.weightsAt(next.value));
      yield { what: "evaluate", of: step };
      const there = objective(order, coordinates, all);
      if (isFirst && weights === zeros) valueAtZero = Math.min(valueAtZero, there.value);
      else if (isFirst && !(there.value <= valueAtZero)) return null;
      next = search.next(there);
    }
    return next.value;
  }

  function* minimum(step: number, searchFrom: (start: Float64Array) => Search<Minimum>): Lead<Minimum> {
    const found = yield* run(searchFrom(coordinates.pointOf(weights)), step);
    if (found !== null) return found;
    [weights, coordinates] = [zeros, plain];
    return (yield* run(searchFrom(zeros), step))!;
  }

  for (const step of levels.slice(0, -1)) {
    const noise = 0.3 / Math.sqrt(rows.rowCount / step);
    const options = {
      iterationsMax: Math.min(iterationsMax, LEVEL_ITERATIONS_MAX),
      tolerance: Math.max(tolerance, noise),
      onIteration: () => {},
    };
    const { x } = yield* minimum(step, (start) => minimise(start, options));
    weights = coordinates.weightsAt(x);
    coordinates = yield* whiteAt(weights, step);
  }

  const inFull = (doneBefore: number) => (start: Float64Array) => {
    const options = { iterationsMax, tolerance, onIteration: (done: number) => progress(doneBefore + done, steps) };
    if (!isSparse) return minimise(start, options);
    const sizes = coordinates.slopesOf(start.map((_, at) => l1[at % l1.length]! / total));
    return minimiseSparse(start, sizes, options);
  };
  const { x, value, iterations, converged } = yield* minimum(1, inFull(0));
  weights = coordinates.weightsAt(x);
  for (let fold = 0; fold < folds; fold++) {
    yield { what: "hold-out", of: fold };
    valueAtZero = Infinity;
    const found = yield* minimum(1, inFull((iterationsMax + 1) * (fold + 1)));
    memory.weights.set(coordinates.weightsAt(found.x));
    yield { what: "score", of: fold };
  }
  progress(steps, steps);
  return { weights, loss: value, iterations, converged };
}

/** A multiple of the step that leaves rows enough to tell how the loss is bent. */
function coarser(rows: RowsMatrix["rows"], step: number): number {
  const least = Math.max(WHITE_ROWS_MIN, 100 * (rows.denseCount + 1));
  return rows.rowCount / (2 * step) >= least ? coarser(rows, 2 * step) : step;
}

/** Weight of the rows in every `step`-th block. */
function totalOf({ matrix: { rows, blockRows, loss }, total }: LossOrder, step: number): number {
  if (step === 1) return total;
  let sum = 0;
  for (let from = 0; from < rows.rowCount; from += step * blockRows)
    for (let row = from; row < Math.min(rows.rowCount, from + blockRows); row++) sum += loss.rowWeights?.[row] ?? 1;
  return sum;
}

/** Summed loss / `all`, the weight of the rows that it is of, + sum of l2 w^2 / 2 / total weight. */
function objective({ l2, total, memory }: LossOrder, coordinates: Coordinates, all: number): Evaluation {
  const { weights, partials, losses } = memory;
  const gradient = new Float64Array(weights.length);
  for (let chunk = 0; chunk < losses.length; chunk++) {
    const first = chunk * weights.length;
    for (let at = 0; at < gradient.length; at++) gradient[at]! += partials[first + at]!;
  }
  let penalty = 0;
  for (let at = 0; at < gradient.length; at++) {
    const pull = l2[at % l2.length]! * weights[at]!;
    penalty += (pull * weights[at]!) / 2;
    gradient[at] = gradient[at]! / all + pull / total;
  }
  const loss = losses.reduce((a, b) => a + b, 0);
  return { value: loss / all + penalty / total, gradient: coordinates.slopesOf(gradient) };
}
