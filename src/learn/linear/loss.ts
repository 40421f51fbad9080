/**
 * The loss of a linear classifier and its gradient, in one pass over a chunk of rows: scores, probabilities, loss and gradient from one read of each row.
 * Never a one-hot matrix: a text costs one look-up. Weights are output-major: output x weightCount + weight.
 */
import type { Design } from "../design.ts";

export interface LossRows extends Pick<Design, "denseCount" | "weightCount" | "dense" | "slots"> {
  /** 1 for two classes, else one per class. */
  readonly outputs: number;
  readonly y: Float64Array;
  readonly rowWeights: Float64Array | undefined;
}

/** Adds the gradient of rows `from` to `to` into `gradient` and answers their summed loss. */
export function addLoss(rows: LossRows, weights: Float64Array, gradient: Float64Array, from: number, to: number): number {
  return rows.outputs === 1 ? addLogLoss(rows, weights, gradient, from, to) : addSoftmaxLoss(rows, weights, gradient, from, to);
}

function addLogLoss(rows: LossRows, weights: Float64Array, gradient: Float64Array, from: number, to: number): number {
  const { y, rowWeights, weightCount } = rows;
  let loss = 0;
  for (let row = from; row < to; row++) {
    const score = scoreOf(rows, weights, 0, row);
    const small = Math.exp(-Math.abs(score));
    const p = score >= 0 ? 1 / (1 + small) : small / (1 + small);
    const weight = rowWeights === undefined ? 1 : rowWeights[row]!;
    loss += weight * (Math.log1p(small) + Math.max(score, 0) - y[row]! * score);
    addRow(rows, gradient, 0, row, weight * (p - y[row]!), weightCount);
  }
  return loss;
}

function addSoftmaxLoss(rows: LossRows, weights: Float64Array, gradient: Float64Array, from: number, to: number): number {
  const { y, rowWeights, weightCount, outputs } = rows;
  const scores = new Float64Array(outputs);
  let loss = 0;
  for (let row = from; row < to; row++) {
    let largest = -Infinity;
    for (let k = 0; k < outputs; k++) {
      scores[k] = scoreOf(rows, weights, k * weightCount, row);
      largest = Math.max(largest, scores[k]!);
    }
    let sum = 0;
    for (let k = 0; k < outputs; k++) sum += Math.exp(scores[k]! - largest);
    const normaliser = largest + Math.log(sum);
    const weight = rowWeights === undefined ? 1 : rowWeights[row]!;
    loss += weight * (normaliser - scores[y[row]!]!);
    for (let k = 0; k < outputs; k++) {
      const residual = Math.exp(scores[k]! - normaliser) - (y[row] === k ? 1 : 0);
      addRow(rows, gradient, k * weightCount, row, weight * residual, weightCount);
    }
  }
  return loss;
}

function scoreOf({ dense, denseCount, slots, weightCount }: LossRows, weights: Float64Array, at: number, row: number): number {
  let score = weights[at + weightCount - 1]!;
  for (let column = 0, first = row * denseCount; column < denseCount; column++)
    score += dense[first + column]! * weights[at + column]!;
  for (let text = 0; text < slots.length; text++) {
    const slot = slots[text]![row]!;
    if (slot >= 0) score += weights[at + slot]!;
  }
  return score;
}

function addRow(
  { dense, denseCount, slots }: LossRows,
  gradient: Float64Array,
  at: number,
  row: number,
  residual: number,
  weightCount: number,
): void {
  for (let column = 0, first = row * denseCount; column < denseCount; column++)
    gradient[at + column]! += residual * dense[first + column]!;
  for (let text = 0; text < slots.length; text++) {
    const slot = slots[text]![row]!;
    if (slot >= 0) gradient[at + slot]! += residual;
  }
  gradient[at + weightCount - 1]! += residual;
}
