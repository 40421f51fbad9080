/** The rows in the kernels' memory, and one pass over a chunk of them: scores, loss and gradient while the rows are in the nearest cache. */
import { type DesignRows, packRows } from "../design.ts";
import type { Arena } from "../kernels/arena.ts";
import type { LinearKernel } from "../kernels/linear.ts";
import { BLOCK, type LossName, type LossRows, losses } from "./losses.ts";

export interface RowsMatrix {
  readonly rows: DesignRows;
  /** Row-major: the dense columns, a 1 for the bias, and zeros up to a multiple of 4; rows of zeros up to a multiple of BLOCK. */
  readonly X: Float64Array;
  readonly stride: number;
  readonly loss: LossRows;
  readonly lossName: LossName;
}

/** What one member works with. */
export interface Scratch {
  /** outputs x stride each. */
  readonly weights: Float64Array;
  readonly gradient: Float64Array;
  /** outputs x BLOCK. */
  readonly scores: Float64Array;
  readonly sums: Float64Array;
}

/** Error: `learn.too-large`. */
export function allocateMatrix(arena: Arena, rows: DesignRows, loss: LossRows, lossName: LossName): RowsMatrix {
  const stride = Math.ceil((rows.denseCount + 1) / 4) * 4;
  const rowCount = Math.ceil(rows.rowCount / BLOCK) * BLOCK;
  const inArena = (values: Float64Array) => {
    const copy = arena.float64(rowCount);
    copy.set(values);
    return copy;
  };
  const X = arena.float64(rowCount * stride);
  const rowWeights = loss.rowWeights && inArena(loss.rowWeights);
  return { rows, X, stride, loss: { ...loss, y: inArena(loss.y), rowWeights }, lossName };
}

export function allocateScratch(arena: Arena, { stride, loss: { outputs } }: RowsMatrix): Scratch {
  return {
    weights: arena.float64(outputs * stride),
    gradient: arena.float64(outputs * stride),
    scores: arena.float64(outputs * BLOCK),
    sums: arena.float64(2),
  };
}

const FILL_BLOCK = 256;

/** Fills rows `from` to `to`. */
export function fillRows({ rows, X, stride }: RowsMatrix, from: number, to: number): void {
  for (let row = from; row < to; row += FILL_BLOCK) {
    const end = Math.min(to, row + FILL_BLOCK);
    packRows(rows, row, end, X.subarray(row * stride), stride, 1);
    for (let at = row; at < end; at++) X[at * stride + rows.denseCount] = 1;
  }
}

/** Weights as people count them, in the order in which the kernel reads the dense ones. */
export function spreadWeights({ rows, stride, loss }: RowsMatrix, weights: Float64Array, scratch: Scratch): void {
  const { denseCount, weightCount } = rows;
  for (let k = 0; k < loss.outputs; k++) {
    scratch.weights.set(weights.subarray(k * weightCount, k * weightCount + denseCount), k * stride);
    scratch.weights[k * stride + denseCount] = weights[(k + 1) * weightCount - 1]!;
  }
}

/** A function that adds the gradient of rows `from` (a multiple of BLOCK) to `to` into `gradient`, at the weights last spread, and answers their summed loss. */
export function createPass(
  matrix: RowsMatrix,
  scratch: Scratch,
  kernel: LinearKernel,
): (weights: Float64Array, gradient: Float64Array, from: number, to: number) => number {
  const { rows, X, stride, loss } = matrix;
  const { denseCount, weightCount, slots } = rows;
  const { outputs } = loss;
  const { scores } = scratch;
  const lossOf = losses[matrix.lossName](loss, kernel, scratch.sums);
  const rowBytes = stride * 8;
  const score = createBlockScorer(matrix, scratch, kernel);

  function addSlots(gradient: Float64Array, row: number, count: number): void {
    for (let k = 0; k < outputs; k++)
      for (const slotOf of slots)
        for (let at = 0; at < count; at++) {
          const slot = slotOf[row + at]!;
          if (slot >= 0) gradient[k * weightCount + slot]! += scores[k * BLOCK + at]!;
        }
  }

  return (weights, gradient, from, to) => {
    let sum = 0;
    scratch.gradient.fill(0);
    for (let row = from; row < to; row += BLOCK) {
      const count = Math.min(BLOCK, to - row);
      const x = X.byteOffset + row * rowBytes;
      score(weights, row, count);
      sum += lossOf(scores, row, count);
      if (count < BLOCK) for (let k = 0; k < outputs; k++) scores.fill(0, k * BLOCK + count, (k + 1) * BLOCK);
      for (let k = 0; k < outputs; k++)
        kernel.addRows(x, BLOCK, stride, scores.byteOffset + k * BLOCK * 8, scratch.gradient.byteOffset + k * rowBytes);
      addSlots(gradient, row, count);
    }
    for (let k = 0; k < outputs; k++) {
      const first = k * weightCount;
      for (let column = 0; column < denseCount; column++) gradient[first + column]! += scratch.gradient[k * stride + column]!;
      gradient[first + weightCount - 1]! += scratch.gradient[k * stride + denseCount]!;
    }
    return sum;
  };
}

/** A function that tells the scores of rows `from` (a multiple of BLOCK) to `to`, at the weights last spread. */
export function createScorer(
  matrix: RowsMatrix,
  scratch: Scratch,
  kernel: LinearKernel,
): (weights: Float64Array, from: number, to: number, tell: (row: number, output: number, score: number) => void) => void {
  const score = createBlockScorer(matrix, scratch, kernel);
  return (weights, from, to, tell) => {
    for (let row = from; row < to; row += BLOCK) {
      const count = Math.min(BLOCK, to - row);
      score(weights, row, count);
      for (let k = 0; k < matrix.loss.outputs; k++)
        for (let at = 0; at < count; at++) tell(row + at, k, scratch.scores[k * BLOCK + at]!);
    }
  };
}

/** A function that puts the scores of one block into the scratch. */
function createBlockScorer(
  { rows, X, stride, loss }: RowsMatrix,
  { scores, weights: dense }: Scratch,
  kernel: LinearKernel,
): (weights: Float64Array, row: number, count: number) => void {
  const { slots, weightCount } = rows;
  const rowBytes = stride * 8;
  return (weights, row, count) => {
    scores.fill(0);
    for (let k = 0; k < loss.outputs; k++) {
      for (const slotOf of slots)
        for (let at = 0; at < count; at++) {
          const slot = slotOf[row + at]!;
          if (slot >= 0) scores[k * BLOCK + at]! += weights[k * weightCount + slot]!;
        }
      const x = X.byteOffset + row * rowBytes;
      kernel.addScores(x, count, stride, dense.byteOffset + k * rowBytes, scores.byteOffset + k * BLOCK * 8);
    }
  };
}
