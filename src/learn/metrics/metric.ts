/** A measured number, or null with the reason why these rows do not define it. Never NaN or infinite. */
export type Metric = { readonly value: number } | { readonly value: null; readonly why: string };

export const undefinedMetric = (why: string): Metric => ({ value: null, why });

export const NO_ROWS = undefinedMetric("there are no rows");

/** `numerator / denominator`, or why there is no such share. */
export const ratio = (numerator: number, denominator: number, why: string): Metric =>
  denominator === 0 ? undefinedMetric(why) : { value: numerator / denominator };

/** The mean of `term(0)` to `term(count - 1)`; each counts as often as its weight says. */
export function meanOf(count: number, term: (index: number) => number, weights?: Float64Array): Metric {
  if (count === 0) return NO_ROWS;
  let sum = 0;
  if (weights === undefined) for (let index = 0; index < count; index++) sum += term(index);
  else for (let index = 0; index < count; index++) sum += weights[index]! * term(index);
  return ratio(sum, totalOf(count, weights), "the weights sum to 0");
}

/** The number of rows, or the sum of their weights. */
export function totalOf(count: number, weights?: Float64Array): number {
  if (weights === undefined) return count;
  let total = 0;
  for (let index = 0; index < count; index++) total += weights[index]!;
  return total;
}
