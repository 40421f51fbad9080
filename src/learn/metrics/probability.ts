import { type Metric, meanOf } from "./metric.ts";

/** Probabilities are kept this far from 0 and 1, so that one sure and wrong prediction costs 34.5 and not infinity. */
const CLIP = 1e-15;

/** Mean of -ln of the probability that was given to what happened. `probabilities`: of the positive; `y`: 0 or 1. */
export const logLoss = (probabilities: Float64Array, y: Float64Array, weights?: Float64Array): Metric =>
  meanOf(y.length, (row) => logLossOf(probabilities[row]!, y[row]!), weights);

/** Of one row. */
export function logLossOf(probability: number, happened: number): number {
  const p = clip(probability);
  return happened === 1 ? -Math.log(p) : -Math.log1p(-p);
}

/** The same for several classes. `probabilities`: row-major, rows x classCount; `y`: class indices. */
export const multiclassLogLoss = (p: Float64Array, y: Float64Array, classCount: number, weights?: Float64Array): Metric =>
  meanOf(y.length, (row) => multiclassLogLossOf(p, y, classCount, row), weights);

/** Of one row. */
export const multiclassLogLossOf = (probabilities: Float64Array, y: Float64Array, classCount: number, row: number): number =>
  -Math.log(clip(probabilities[row * classCount + y[row]!]!));

/** Mean squared distance of probability and outcome (Brier, 1950, in its one-sided form from 0 to 1). */
export const brier = (probabilities: Float64Array, y: Float64Array, weights?: Float64Array): Metric =>
  meanOf(y.length, (row) => (probabilities[row]! - y[row]!) ** 2, weights);

/** Brier's own form for several classes, of one row: the squared distances of all its probabilities, summed; from 0 to 2. */
export function multiclassBrierOf(probabilities: Float64Array, y: Float64Array, classCount: number, row: number): number {
  let sum = 0;
  for (let k = 0; k < classCount; k++) sum += (probabilities[row * classCount + k]! - (y[row] === k ? 1 : 0)) ** 2;
  return sum;
}

/** 1 if fewer than `count` classes are likelier than the true one, else 0; of equals the first is taken as the likeliest. */
export function isAmongFirst(
  count: number,
  probabilities: Float64Array,
  y: Float64Array,
  classCount: number,
  row: number,
): number {
  const own = y[row]!;
  const stated = probabilities[row * classCount + own]!;
  let before = 0;
  for (let k = 0; k < classCount; k++) {
    const other = probabilities[row * classCount + k]!;
    if (other > stated || (other === stated && k < own)) before++;
  }
  return before < count ? 1 : 0;
}

const clip = (p: number) => Math.min(Math.max(p, CLIP), 1 - CLIP);
