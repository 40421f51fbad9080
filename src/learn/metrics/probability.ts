import { type Metric, meanOf } from "./metric.ts";

/** Probabilities are kept this far from 0 and 1, so that one sure and wrong prediction costs 34.5 and not infinity. */
const CLIP = 1e-15;

/** Mean of -ln of the probability that was given to what happened. `probabilities`: of the positive; `y`: 0 or 1. */
export function logLoss(probabilities: Float64Array, y: Float64Array): Metric {
  return meanOf(y.length, (row) => logLossOf(probabilities[row]!, y[row]!));
}

/** Of one row. */
export function logLossOf(probability: number, happened: number): number {
  const p = clip(probability);
  return happened === 1 ? -Math.log(p) : -Math.log1p(-p);
}

/** The same for several classes. `probabilities`: row-major, rows x classCount; `y`: class indices. */
export function multiclassLogLoss(probabilities: Float64Array, y: Float64Array, classCount: number): Metric {
  return meanOf(y.length, (row) => -Math.log(clip(probabilities[row * classCount + y[row]!]!)));
}

/** Mean squared distance of probability and outcome (Brier, 1950, in its one-sided form from 0 to 1). */
export const brier = (probabilities: Float64Array, y: Float64Array): Metric =>
  meanOf(y.length, (row) => (probabilities[row]! - y[row]!) ** 2);

const clip = (p: number) => Math.min(Math.max(p, CLIP), 1 - CLIP);
