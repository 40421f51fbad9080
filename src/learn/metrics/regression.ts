import { type Metric, meanOf, undefinedMetric } from "./metric.ts";

/** Root of the mean squared error, in the unit of `y`. */
export function rmse(predicted: Float64Array, y: Float64Array): Metric {
  const squared = meanOf(y.length, (row) => (predicted[row]! - y[row]!) ** 2);
  return squared.value === null ? squared : { value: Math.sqrt(squared.value) };
}

/** Mean absolute error, in the unit of `y`. */
export const mae = (predicted: Float64Array, y: Float64Array): Metric =>
  meanOf(y.length, (row) => Math.abs(predicted[row]! - y[row]!));

/** 1 minus the squared error's share of the variance of `y`; at most 1, and below 0 where the mean of these rows would do better. */
export function r2(predicted: Float64Array, y: Float64Array): Metric {
  const mean = meanOf(y.length, (row) => y[row]!);
  if (mean.value === null) return mean;
  let [error, variation] = [0, 0];
  for (let row = 0; row < y.length; row++) {
    error += (predicted[row]! - y[row]!) ** 2;
    variation += (y[row]! - mean.value) ** 2;
  }
  return variation === 0 ? undefinedMetric("all rows have the same true value") : { value: 1 - error / variation };
}
