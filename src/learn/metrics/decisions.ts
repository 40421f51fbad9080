import { type Metric, NO_ROWS, ratio } from "./metric.ts";

/** Rows by true class (first index) and decided class (second). */
export type Confusion = readonly (readonly number[])[];

/** A class index per row: 1 where the probability of the positive is at least `threshold`. */
export const decide = (probabilities: Float64Array, threshold: number): Float64Array =>
  probabilities.map((probability) => (probability >= threshold ? 1 : 0));

/** The likeliest class per row; the first of equals. */
export function likeliest(probabilities: Float64Array, classCount: number): Float64Array {
  const decided = new Float64Array(probabilities.length / classCount);
  for (let row = 0; row < decided.length; row++) {
    let best = 0;
    for (let k = 1; k < classCount; k++) {
      if (probabilities[row * classCount + k]! > probabilities[row * classCount + best]!) best = k;
    }
    decided[row] = best;
  }
  return decided;
}

/** Counts of rows, or sums of their weights. */
export function confusionOf(decided: Float64Array, y: Float64Array, classCount: number, weights?: Float64Array): Confusion {
  const counts = Array.from({ length: classCount }, () => new Array<number>(classCount).fill(0));
  for (let row = 0; row < y.length; row++) counts[y[row]!]![decided[row]!]! += weights === undefined ? 1 : weights[row]!;
  return counts;
}

export function accuracy(confusion: Confusion): Metric {
  return ratio(
    confusion.reduce((right, row, k) => right + row[k]!, 0),
    sumOf(confusion.map(sumOf)),
    "there are no rows",
  );
}

/** Of class `k` against the rest; for a binary task of the positive, 1. */
export const precision = (confusion: Confusion, k = 1): Metric =>
  ratio(confusion[k]![k]!, decidedAs(confusion, k), "no row was decided to be of the class");

export const recall = (confusion: Confusion, k = 1): Metric =>
  ratio(confusion[k]![k]!, sumOf(confusion[k]!), "no row is of the class");

/** Harmonic mean of precision and recall; 0 where one of them is 0 or has nothing to count, null where both have nothing. */
export const f1 = (confusion: Confusion, k = 1): Metric =>
  ratio(2 * confusion[k]![k]!, decidedAs(confusion, k) + sumOf(confusion[k]!), "no row is of the class, nor was decided to be");

/** F1 in which recall counts `beta` times as much as precision (van Rijsbergen, 1979). */
export const fBeta =
  (beta: number) =>
  (confusion: Confusion, k = 1): Metric =>
    ratio(
      (1 + beta ** 2) * confusion[k]![k]!,
      decidedAs(confusion, k) + beta ** 2 * sumOf(confusion[k]!),
      "no row is of the class, nor was decided to be",
    );

/**
 * The mean of `metric` over the classes that occur, in the rows or in the decisions; a class for which it is not defined counts as 0, as in
 * scikit-learn.
 */
export function macro(confusion: Confusion, metric: (confusion: Confusion, k: number) => Metric): Metric {
  const present = confusion.map((_, k) => k).filter((k) => sumOf(confusion[k]!) + decidedAs(confusion, k) > 0);
  if (present.length === 0) return NO_ROWS;
  return { value: sumOf(present.map((k) => metric(confusion, k).value ?? 0)) / present.length };
}

/** `metric` of all decisions together, each a yes to one class and a no to the others. */
export function micro(confusion: Confusion, metric: (confusion: Confusion, k: number) => Metric): Metric {
  const right = sumOf(confusion.map((row, k) => row[k]!));
  const wrong = sumOf(confusion.map(sumOf)) - right;
  const together = [
    [0, wrong],
    [wrong, right],
  ];
  return metric(together, 1);
}

/** The mean of `metric` over the classes, each counting by its rows; a class for which it is not defined counts as 0. */
export function weighted(confusion: Confusion, metric: (confusion: Confusion, k: number) => Metric): Metric {
  const rows = confusion.map(sumOf);
  const sum = sumOf(rows.map((count, k) => (count === 0 ? 0 : count * (metric(confusion, k).value ?? 0))));
  return ratio(sum, sumOf(rows), "there are no rows");
}

const decidedAs = (confusion: Confusion, k: number) => sumOf(confusion.map((row) => row[k]!));
const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
