import { type Metric, meanOf, NO_ROWS, ratio, totalOf, undefinedMetric } from "./metric.ts";

/** Of one row. */
export const absoluteError = (predicted: number, y: number) => Math.abs(predicted - y);
export const squaredError = (predicted: number, y: number) => (predicted - y) ** 2;

/** Of one row: what a prediction of the `quantile` (0 to 1) costs; being too low costs `quantile` a unit, too high the rest (Koenker and Bassett, 1978). */
export const pinballLoss = (quantile: number) => (predicted: number, y: number) =>
  y >= predicted ? quantile * (y - predicted) : (1 - quantile) * (predicted - y);

/** Root of the mean squared error, in the unit of `y`. */
export function rmse(predicted: Float64Array, y: Float64Array, weights?: Float64Array): Metric {
  const squared = meanOf(y.length, (row) => squaredError(predicted[row]!, y[row]!), weights);
  return squared.value === null ? squared : { value: Math.sqrt(squared.value) };
}

/** Mean absolute error, in the unit of `y`. */
export const mae = (predicted: Float64Array, y: Float64Array, weights?: Float64Array): Metric =>
  meanOf(y.length, (row) => absoluteError(predicted[row]!, y[row]!), weights);

/** Mean of the absolute error's share of the true value; undefined where a true value is 0. */
export function mape(predicted: Float64Array, y: Float64Array, weights?: Float64Array): Metric {
  if (y.includes(0)) return undefinedMetric("a true value is 0");
  return meanOf(y.length, (row) => absoluteError(predicted[row]!, y[row]!) / Math.abs(y[row]!), weights);
}

export const pinball =
  (quantile: number) =>
  (predicted: Float64Array, y: Float64Array, weights?: Float64Array): Metric => {
    const loss = pinballLoss(quantile);
    return meanOf(y.length, (row) => loss(predicted[row]!, y[row]!), weights);
  };

/** The absolute error that half of the rows do not exceed; between two middle ones the middle of them. */
export function medianAbsoluteError(predicted: Float64Array, y: Float64Array, weights?: Float64Array): Metric {
  const errors = y.map((value, row) => absoluteError(predicted[row]!, value));
  const order = [...errors.keys()]
    .filter((row) => weights === undefined || weights[row]! > 0)
    .sort((a, b) => errors[a]! - errors[b]!);
  if (order.length === 0) return NO_ROWS;
  const half = totalOf(y.length, weights) / 2;
  let below = 0;
  for (let at = 0; at < order.length; at++) {
    below += weights === undefined ? 1 : weights[order[at]!]!;
    if (below === half && at + 1 < order.length) return { value: (errors[order[at]!]! + errors[order[at + 1]!]!) / 2 };
    if (below >= half) return { value: errors[order[at]!]! };
  }
  return { value: errors[order.at(-1)!]! };
}

/** 1 minus the squared error's share of the variance of `y`; at most 1, and below 0 where the mean of these rows would do better. */
export function r2(predicted: Float64Array, y: Float64Array, weights?: Float64Array): Metric {
  const mean = meanOf(y.length, (row) => y[row]!, weights);
  if (mean.value === null) return mean;
  return unexplained(predicted, y, 0, mean.value, weights);
}

/** As `r2`, but an error that all rows share does not count. */
export function explainedVariance(predicted: Float64Array, y: Float64Array, weights?: Float64Array): Metric {
  const mean = meanOf(y.length, (row) => y[row]!, weights);
  const shift = meanOf(y.length, (row) => y[row]! - predicted[row]!, weights);
  if (mean.value === null || shift.value === null) return mean;
  return unexplained(predicted, y, shift.value, mean.value, weights);
}

function unexplained(predicted: Float64Array, y: Float64Array, shift: number, mean: number, weights?: Float64Array): Metric {
  let [error, variation] = [0, 0];
  for (let row = 0; row < y.length; row++) {
    const weight = weights === undefined ? 1 : weights[row]!;
    error += weight * (predicted[row]! - y[row]! + shift) ** 2;
    variation += weight * (y[row]! - mean) ** 2;
  }
  const share = ratio(error, variation, "all rows have the same true value");
  return share.value === null ? share : { value: 1 - share.value };
}
