/** Measures that are sums over the rows, added up some rows at a time. */
import type { Confusion } from "./decisions.ts";
import type { Scored } from "./measures.ts";
import { type Metric, NO_ROWS, undefinedMetric } from "./metric.ts";

export interface Tally {
  /** Some more rows; of one model, so that the classes stay the same. */
  add(rows: Scored): void;
  /** Of all rows so far. */
  value(): Metric;
}

export function meanTally(
  term: (rows: Scored, row: number) => number,
  outside: (rows: Scored) => string | null = () => null,
  finish: (mean: number) => number = (mean) => mean,
): Tally {
  let [sum, total] = [0, 0];
  let problem: string | null = null;
  return {
    add: (rows) => {
      problem ??= outside(rows);
      const { y, weights } = rows;
      for (let row = 0; row < y.length; row++) {
        const weight = weights === undefined ? 1 : weights[row]!;
        if (weight === 0) continue;
        sum += weight * term(rows, row);
        total += weight;
      }
    },
    value: () => (problem !== null ? undefinedMetric(problem) : total === 0 ? NO_ROWS : finite(finish(sum / total))),
  };
}

/** Rows by true and by decided class, with what `metric` makes of them. */
export function confusionTally(confusionOf: (rows: Scored) => Confusion, metric: (confusion: Confusion) => Metric): Tally {
  let sums: Confusion | undefined;
  return {
    add: (rows) => {
      const confusion = confusionOf(rows);
      sums = sums === undefined ? confusion : sums.map((row, k) => row.map((count, j) => count + confusion[k]![j]!));
    },
    value: () => (sums === undefined ? NO_ROWS : metric(sums)),
  };
}

const finite = (value: number): Metric =>
  Number.isFinite(value) ? { value } : undefinedMetric("a prediction or a sum of them is not finite");
