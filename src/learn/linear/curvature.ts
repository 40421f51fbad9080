/**
 * How the loss is bent at given weights: for each output the products of the dense columns and the bias, rows weighted by the second derivative of their loss by
 * their score. Over every so many-th block of rows, as directions of a search need no more.
 */
import { addTiles, createTiles, padded } from "../decomposition/tiles.ts";
import type { Arena } from "../kernels/arena.ts";
import type { LinearKernel } from "../kernels/linear.ts";
import type { ProductsKernel } from "../kernels/products.ts";
import { BLOCK, type LossName, type LossRows } from "./losses.ts";
import {
  addressOf,
  createBlockScorer,
  hasProducts,
  type RowsMatrix,
  type Scratch,
  shapeOf,
  spreadWeights,
} from "./rows-matrix.ts";

export interface Curvature {
  /** outputs x count x count, means over the rows, on and above the diagonal; count = dense columns and the bias. */
  readonly products: Float64Array;
  /** Per output the mean of the rows' weights. */
  readonly bends: Float64Array;
}

/** What it works with, in the kernels' memory. */
export interface CurvatureMemory {
  readonly weighted: Float64Array;
  readonly tiles: Float64Array;
}

export const allocateCurvature = (arena: Arena, { rows, columns, pitch }: RowsMatrix): CurvatureMemory => ({
  weighted: arena.float64(hasProducts(rows.denseCount) ? columns * pitch : 0),
  tiles: createTiles(arena, hasProducts(rows.denseCount) ? rows.denseCount + 1 : 0),
});

export interface CurvatureOrder {
  readonly matrix: RowsMatrix;
  readonly scratch: Scratch;
  readonly memory: CurvatureMemory;
  readonly kernels: { readonly linear: LinearKernel; readonly products: ProductsKernel };
}

/** At `weights`, or with all rows alike for null; yields after every few blocks. */
export function* curvatureAt(
  { matrix, scratch, memory: { weighted, tiles }, kernels }: CurvatureOrder,
  weights: Float64Array | null,
  step: number,
): Generator<null, Curvature> {
  const { rows, blockRows, pitch, loss } = matrix;
  const { outputs } = loss;
  const count = rows.denseCount + 1;
  const [tiled] = padded(count, blockRows);
  const score = createBlockScorer(matrix, scratch, kernels.linear);
  const bend = weights === null ? null : bends[matrix.lossName];
  const own = bend === null || matrix.lossName === "softmax" ? 1 : outputs; // outputs that differ
  if (weights !== null) spreadWeights(matrix, weights, scratch);
  const products = new Float64Array(outputs * count * count);
  const sums = new Float64Array(outputs);
  let sampled = 0;
  const { blocks } = shapeOf(rows);
  for (let block = 0, done = 1; block < blocks; block += step, done++) {
    const row = block * blockRows;
    const present = Math.min(blockRows, rows.rowCount - row);
    const x = weights === null ? addressOf(matrix, scratch, block) : score(weights, block);
    bend?.(scratch.scores, loss, row, present);
    sampled += present;
    for (let k = 0; k < own; k++) {
      let from = x;
      if (bend !== null) {
        const factors = scratch.scores.subarray(k * BLOCK, k * BLOCK + blockRows).fill(0, present);
        sums[k]! += factors.reduce((a, b) => a + b, 0);
        multiply(new Float64Array(matrix.X.buffer, x, count * pitch), factors, pitch, weighted);
        from = weighted.byteOffset;
      }
      tiles.fill(0);
      kernels.products.addProducts(from, x, tiled, blockRows, tiles.byteOffset);
      addTiles(tiles, count, count, products.subarray(k * count * count, (k + 1) * count * count));
    }
    if (done % 8 === 0) yield null;
  }
  if (bend === null) sums[0] = sampled;
  for (let k = own; k < outputs; k++) {
    sums[k] = sums[0]!;
    products.copyWithin(k * count * count, 0, count * count);
  }
  return { products: products.map((sum) => sum / sampled), bends: sums.map((sum) => sum / sampled) };
}

function multiply(x: Float64Array, factors: Float64Array, pitch: number, into: Float64Array): void {
  for (let first = 0; first < x.length; first += pitch)
    for (let row = 0; row < factors.length; row++) into[first + row] = x[first + row]! * factors[row]!;
}

/** Turns scores into second derivatives, the rows' weights in them. */
type Bend = (scores: Float64Array, rows: LossRows, row: number, count: number) => void;

const weightOf = ({ rowWeights }: LossRows, row: number) => (rowWeights === undefined ? 1 : rowWeights[row]!);

const bendOfLog: Bend = (scores, rows, row, count) => {
  for (let at = 0; at < count; at++) {
    const p = 1 / (1 + Math.exp(-scores[at]!));
    scores[at] = weightOf(rows, row + at) * p * (1 - p);
  }
};

/**
 * The mean of the classes', for all of them: to add one vector to the weights of every class changes no probability, and with coordinates alike a search that begins
 * at 0 never goes that way.
 */
const bendOfSoftmax: Bend = (scores, rows, row, count) => {
  for (let at = 0; at < count; at++) {
    let [largest, sum, squares] = [-Infinity, 0, 0];
    for (let k = at; k < scores.length; k += BLOCK) largest = Math.max(largest, scores[k]!);
    for (let k = at; k < scores.length; k += BLOCK) {
      const share = Math.exp(scores[k]! - largest);
      sum += share;
      squares += share * share;
    }
    scores[at] = (weightOf(rows, row + at) * (1 - squares / (sum * sum))) / rows.outputs;
  }
};

const bendOfHinge: Bend = (scores, rows, row, count) => {
  for (let k = 0; k < rows.outputs; k++)
    for (let at = 0; at < count; at++) {
      const isOwn = rows.y[row + at] === (rows.outputs === 1 ? 1 : k);
      const score = scores[k * BLOCK + at]!;
      scores[k * BLOCK + at] = (isOwn ? score < 1 : score > -1) ? 2 * weightOf(rows, row + at) : 0;
    }
};

const bendOfSquaredTube: Bend = (scores, rows, row, count) => {
  for (let at = 0; at < count; at++)
    scores[at] = Math.abs(scores[at]! - rows.y[row + at]!) > rows.epsilon ? 2 * weightOf(rows, row + at) : 0;
};

/** It is bent in the few rows near the tube's edge alone, which say nothing of a longer step: all rows alike. */
const bendOfAbsoluteTube: Bend = (scores, rows, row, count) => {
  for (let at = 0; at < count; at++) scores[at] = weightOf(rows, row + at);
};

const bends: Readonly<Record<LossName, Bend>> = {
  log: bendOfLog,
  softmax: bendOfSoftmax,
  "squared-hinge": bendOfHinge,
  "squared-tube": bendOfSquaredTube,
  "absolute-tube": bendOfAbsoluteTube,
};
