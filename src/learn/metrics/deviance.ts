/**
 * Deviance of the Tweedie family: twice the log likelihood that a prediction loses to a perfect one. By the power of the mean that the variance is:
 * 0 normal (the squared error), 1 Poisson, between 1 and 2 Poisson sums of gamma amounts, 2 gamma, 3 inverse Gaussian. Source: Jorgensen, The Theory of
 * Dispersion Models, 1997, chapter 4.
 */
import { type Metric, meanOf, undefinedMetric } from "./metric.ts";

/** Undefined where a value lies outside of the distribution: true values below 0 (from power 2 on also 0), predictions of 0 or below. */
export const tweedieDeviance =
  (power: number) =>
  (predicted: Float64Array, y: Float64Array, weights?: Float64Array): Metric => {
    const outside = outsideOf(power, predicted, y);
    if (outside !== null) return undefinedMetric(outside);
    const deviance = devianceOf(power);
    return meanOf(y.length, (row) => deviance(predicted[row]!, y[row]!), weights);
  };

export const poissonDeviance = tweedieDeviance(1);
export const gammaDeviance = tweedieDeviance(2);

/** Why the rows are not of the distribution, or null. */
export function outsideOf(power: number, predicted: Float64Array, y: Float64Array): string | null {
  if (power > 0 && power < 1) return `no distribution has a power of ${power}`;
  if (power === 0) return null;
  if (predicted.some((value) => value <= 0)) return "a prediction is not above 0";
  if (power >= 2 && y.some((value) => value <= 0)) return "a true value is not above 0";
  return power >= 1 && y.some((value) => value < 0) ? "a true value is below 0" : null;
}

/** Of one row. */
export function devianceOf(power: number): (predicted: number, y: number) => number {
  if (power === 0) return (predicted, y) => (predicted - y) ** 2;
  if (power === 1) return (predicted, y) => 2 * ((y === 0 ? 0 : y * Math.log(y / predicted)) - y + predicted);
  if (power === 2) return (predicted, y) => 2 * (Math.log(predicted / y) + y / predicted - 1);
  const [one, two] = [1 - power, 2 - power];
  return (predicted, y) => 2 * (Math.max(y, 0) ** two / (one * two) - (y * predicted ** one) / one + predicted ** two / two);
}
