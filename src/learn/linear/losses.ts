/**
 * Losses of a block of rows: each turns scores into residuals, the loss's slopes, in place, and answers the summed loss. Scores of output k stand from
 * k x BLOCK on.
 */
import type { LinearKernel } from "../kernels/linear.ts";

/** Rows of a block at most: long enough runs of a column for memory to read ahead, and some fifty of them stay in a core's cache. */
export const BLOCK = 512;

export interface LossRows {
  /** 1 for two classes and for numbers, else one per class. */
  readonly outputs: number;
  readonly y: Float64Array;
  readonly rowWeights: Float64Array | undefined;
  /** Half the width of the tube. */
  readonly epsilon: number;
  /** Over so far beyond the tube the absolute loss is bent, so that it has a slope everywhere. */
  readonly bend: number;
}

type BlockLoss = (scores: Float64Array, row: number, count: number) => number;

/** A loss of these rows; `sums` are two doubles of the kernel's memory. */
type Loss = (rows: LossRows, kernel: LinearKernel, sums: Float64Array) => BlockLoss;

/** log(1 + e^-m), m being the score towards the row's class. */
const logLoss: Loss = ({ y, rowWeights }, kernel, sums) => {
  const plain: BlockLoss = (scores, row, count) => {
    let loss = 0;
    for (let at = 0; at < count; at++) {
      const label = y[row + at]!;
      const score = scores[at]!;
      const small = Math.exp(-Math.abs(score));
      const weight = rowWeights === undefined ? 1 : rowWeights[row + at]!;
      loss += weight * (Math.log1p(small) + Math.max(score, 0) - label * score);
      scores[at] = weight * ((score >= 0 ? 1 : small) / (1 + small) - label);
    }
    return loss;
  };
  if (rowWeights !== undefined) return plain;
  return (scores, row, count) => {
    if (count < BLOCK) return plain(scores, row, count);
    kernel.logLoss(scores.byteOffset, y.byteOffset + row * 8, count, sums.byteOffset);
    return sums[0]! + Math.log(sums[1]!);
  };
};

/** -log of the class's share of the exponentials of all scores. */
const softmaxLoss: Loss = ({ y, rowWeights, outputs }, kernel) => {
  const largest = new Float64Array(BLOCK);
  return (scores, row, count) => {
    largest.fill(-Infinity);
    for (let at = 0; at < scores.length; at++) largest[at % BLOCK] = Math.max(largest[at % BLOCK]!, scores[at]!);
    for (let at = 0; at < scores.length; at++) scores[at]! -= largest[at % BLOCK]!;
    let loss = 0;
    for (let at = 0; at < count; at++) loss -= (rowWeights?.[row + at] ?? 1) * scores[y[row + at]! * BLOCK + at]!;
    kernel.exponentials(scores.byteOffset, scores.length);
    for (let at = 0; at < count; at++) {
      let sum = 0;
      for (let k = at; k < outputs * BLOCK; k += BLOCK) sum += scores[k]!;
      const weight = rowWeights === undefined ? 1 : rowWeights[row + at]!;
      loss += weight * Math.log(sum);
      for (let k = at; k < outputs * BLOCK; k += BLOCK) scores[k]! *= weight / sum;
      scores[y[row + at]! * BLOCK + at]! -= weight;
    }
    return loss;
  };
};

/** max(0, 1 - m)^2 for each output against the rest. */
const squaredHinge: Loss =
  ({ y, rowWeights, outputs }) =>
  (scores, row, count) => {
    let loss = 0;
    for (let k = 0; k < outputs; k++)
      for (let at = 0; at < count; at++) {
        const isOwn = y[row + at] === (outputs === 1 ? 1 : k);
        const score = scores[k * BLOCK + at]!;
        const short = Math.max(0, isOwn ? 1 - score : 1 + score);
        const weight = rowWeights === undefined ? 1 : rowWeights[row + at]!;
        loss += weight * short * short;
        scores[k * BLOCK + at] = (isOwn ? -2 : 2) * weight * short;
      }
    return loss;
  };

/** What an error costs by how far it is beyond the tube, and the slope of that. */
const tube =
  (cost: (excess: number, bend: number) => number, slope: (excess: number, bend: number) => number): Loss =>
  ({ y, rowWeights, epsilon, bend }) =>
  (scores, row, count) => {
    let loss = 0;
    for (let at = 0; at < count; at++) {
      const away = scores[at]! - y[row + at]!;
      const excess = Math.max(0, Math.abs(away) - epsilon);
      const weight = rowWeights === undefined ? 1 : rowWeights[row + at]!;
      loss += weight * cost(excess, bend);
      scores[at] = weight * slope(excess, bend) * Math.sign(away);
    }
    return loss;
  };

const squaredTube = tube(
  (excess) => excess * excess,
  (excess) => 2 * excess,
);

/** Bent where it begins. */
const absoluteTube = tube(
  (excess, bend) => (excess < bend ? (excess * excess) / (2 * bend) : excess - bend / 2),
  (excess, bend) => Math.min(1, excess / bend),
);

export const losses = {
  log: logLoss,
  softmax: softmaxLoss,
  "squared-hinge": squaredHinge,
  "squared-tube": squaredTube,
  "absolute-tube": absoluteTube,
} as const;

export type LossName = keyof typeof losses;
