/** The rows in the kernels' memory, and one pass over some blocks of them: scores, loss and gradient while a block is in the cache. */
import { PITCH } from "../decomposition/tiles.ts";
import { type DesignRows, packRows } from "../design.ts";
import type { Arena } from "../kernels/arena.ts";
import type { LinearKernel } from "../kernels/linear.ts";
import { BLOCK, type LossName, type LossRows, losses } from "./losses.ts";

export interface RowsMatrix {
  readonly rows: DesignRows;
  /** Block after block; in a block column after column, `pitch` doubles apart: the dense ones, a 1 for the bias, and zeros. Rows of zeros fill the last block. */
  readonly X: Float64Array;
  readonly blockRows: number;
  readonly pitch: number;
  readonly columns: number;
  /** X holds every so many-th block; the others are made again whenever they are asked for. */
  readonly held: number;
  readonly loss: LossRows;
  readonly lossName: LossName;
}

/** What one member works with. */
export interface Scratch {
  /** outputs x columns each. */
  readonly weights: Float64Array;
  readonly gradient: Float64Array;
  /** outputs x BLOCK. */
  readonly scores: Float64Array;
  readonly sums: Float64Array;
  /** A block that is not held. */
  readonly block: Float64Array;
}

/** Whether columns are so few that products of all of them pay. */
export const hasProducts = (denseCount: number) => denseCount < 512;

/** Shapes that the matrix of so many rows and dense columns has. */
export function shapeOf({ rowCount, denseCount }: DesignRows) {
  const blockRows = Math.min(BLOCK, Math.ceil(rowCount / 8) * 8);
  const count = denseCount + 1;
  const columns = Math.max(Math.ceil(count / 4) * 4, Math.ceil(count / 3) * 3); // kernels take fours, and threes for products
  const pitch = hasProducts(denseCount) ? PITCH : blockRows + 8;
  return { blockRows, pitch, columns, blocks: Math.ceil(rowCount / blockRows) };
}

/** Error: `learn.too-large`. */
export function allocateMatrix(arena: Arena, rows: DesignRows, loss: LossRows, lossName: LossName, held: number): RowsMatrix {
  const { blockRows, pitch, columns, blocks } = shapeOf(rows);
  const inArena = (values: Float64Array) => {
    const copy = arena.float64(blocks * blockRows);
    copy.set(values);
    return copy;
  };
  const X = arena.float64(Math.ceil(blocks / held) * columns * pitch);
  const rowWeights = loss.rowWeights && inArena(loss.rowWeights);
  return { rows, X, blockRows, pitch, columns, held, loss: { ...loss, y: inArena(loss.y), rowWeights }, lossName };
}

export function allocateScratch(arena: Arena, { columns, pitch, held, loss: { outputs } }: RowsMatrix): Scratch {
  return {
    weights: arena.float64(outputs * columns),
    gradient: arena.float64(outputs * columns),
    scores: arena.float64(outputs * BLOCK),
    sums: arena.float64(2),
    block: arena.float64(held > 1 ? columns * pitch : 0),
  };
}

/** Fills the held blocks among `from` to `to`. */
export function fillBlocks(matrix: RowsMatrix, from: number, to: number): void {
  const { X, columns, pitch, held } = matrix;
  for (let place = Math.ceil(from / held); place * held < to; place++)
    fillBlock(matrix, place * held, X.subarray(place * columns * pitch, (place + 1) * columns * pitch));
}

function fillBlock({ rows, blockRows, pitch }: RowsMatrix, block: number, into: Float64Array): void {
  const from = block * blockRows;
  const to = Math.min(rows.rowCount, from + blockRows);
  if (to - from < blockRows) into.fill(0);
  packRows(rows, from, to, into, pitch);
  into.fill(1, rows.denseCount * pitch, rows.denseCount * pitch + to - from);
}

/** Where a block is, made now if it is not held. */
export function addressOf(matrix: RowsMatrix, { block: made }: Scratch, block: number): number {
  const { X, columns, pitch, held } = matrix;
  if (block % held === 0) return X.byteOffset + (block / held) * columns * pitch * 8;
  fillBlock(matrix, block, made);
  return made.byteOffset;
}

/** Weights as people count them, in the order in which the kernel reads the dense ones. */
export function spreadWeights({ rows, columns, loss }: RowsMatrix, weights: Float64Array, scratch: Scratch): void {
  const { denseCount, weightCount } = rows;
  for (let k = 0; k < loss.outputs; k++) {
    scratch.weights.set(weights.subarray(k * weightCount, k * weightCount + denseCount), k * columns);
    scratch.weights[k * columns + denseCount] = weights[(k + 1) * weightCount - 1]!;
  }
}

/** A function that adds the gradient of every `step`-th block, from the `from`-th of them to the `to`-th, into `gradient`, at the weights last spread, and answers their summed loss. */
export function createPass(
  matrix: RowsMatrix,
  scratch: Scratch,
  kernel: LinearKernel,
): (weights: Float64Array, gradient: Float64Array, from: number, to: number, step: number) => number {
  const { rows, blockRows, pitch, columns, loss } = matrix;
  const { denseCount, weightCount, slots } = rows;
  const { outputs } = loss;
  const { scores } = scratch;
  const lossOf = losses[matrix.lossName](loss, kernel, scratch.sums);
  const score = createBlockScorer(matrix, scratch, kernel);

  function addSlots(gradient: Float64Array, row: number, count: number): void {
    for (let k = 0; k < outputs; k++)
      for (const slotOf of slots)
        for (let at = 0; at < count; at++) {
          const slot = slotOf[row + at]!;
          if (slot >= 0) gradient[k * weightCount + slot]! += scores[k * BLOCK + at]!;
        }
  }

  return (weights, gradient, from, to, step) => {
    let sum = 0;
    scratch.gradient.fill(0);
    for (let block = from * step; block < to * step; block += step) {
      const row = block * blockRows;
      const count = Math.min(blockRows, rows.rowCount - row);
      const x = score(weights, block);
      sum += lossOf(scores, row, count);
      for (let k = 0; k < outputs; k++) {
        if (count < blockRows) scores.fill(0, k * BLOCK + count, k * BLOCK + blockRows);
        const [residuals, into] = [scores.byteOffset + k * BLOCK * 8, scratch.gradient.byteOffset + k * columns * 8];
        kernel.addColumnSlopes(x, pitch, Math.ceil((denseCount + 1) / 4) * 4, blockRows, residuals, into);
      }
      addSlots(gradient, row, count);
    }
    for (let k = 0; k < outputs; k++) {
      const first = k * weightCount;
      for (let column = 0; column < denseCount; column++) gradient[first + column]! += scratch.gradient[k * columns + column]!;
      gradient[first + weightCount - 1]! += scratch.gradient[k * columns + denseCount]!;
    }
    return sum;
  };
}

/** A function that tells the scores of blocks `from` to `to`, at the weights last spread. */
export function createScorer(
  matrix: RowsMatrix,
  scratch: Scratch,
  kernel: LinearKernel,
): (weights: Float64Array, from: number, to: number, tell: (row: number, output: number, score: number) => void) => void {
  const { rows, blockRows, loss } = matrix;
  const score = createBlockScorer(matrix, scratch, kernel);
  return (weights, from, to, tell) => {
    for (let block = from; block < to; block++) {
      const row = block * blockRows;
      score(weights, block);
      for (let k = 0; k < loss.outputs; k++)
        for (let at = 0; at < Math.min(blockRows, rows.rowCount - row); at++) tell(row + at, k, scratch.scores[k * BLOCK + at]!);
    }
  };
}

/** A function that puts the scores of one block into the scratch, and answers where the block is. */
export function createBlockScorer(
  matrix: RowsMatrix,
  scratch: Scratch,
  kernel: LinearKernel,
): (weights: Float64Array, block: number) => number {
  const { rows, blockRows, pitch, columns, loss } = matrix;
  const { slots, weightCount, denseCount, rowCount } = rows;
  const { scores, weights: dense } = scratch;
  const fours = Math.ceil((denseCount + 1) / 4) * 4;
  return (weights, block) => {
    const x = addressOf(matrix, scratch, block);
    const row = block * blockRows;
    const count = Math.min(blockRows, rowCount - row);
    scores.fill(0);
    for (let k = 0; k < loss.outputs; k++) {
      for (const slotOf of slots)
        for (let at = 0; at < count; at++) {
          const slot = slotOf[row + at]!;
          if (slot >= 0) scores[k * BLOCK + at]! += weights[k * weightCount + slot]!;
        }
      const [from, into] = [dense.byteOffset + k * columns * 8, scores.byteOffset + k * BLOCK * 8];
      kernel.addMultiples(x, pitch, fours, blockRows, from, into);
    }
    return x;
  };
}
