/** A measured number, or null with the reason why these rows do not define it. Never NaN or infinite. */
export type Metric = { readonly value: number } | { readonly value: null; readonly why: string };

export const undefinedMetric = (why: string): Metric => ({ value: null, why });

export const NO_ROWS = undefinedMetric("there are no rows");

/** `numerator / denominator`, or why there is no such share. */
export const ratio = (numerator: number, denominator: number, why: string): Metric =>
  denominator === 0 ? undefinedMetric(why) : { value: numerator / denominator };

/** The mean of `term(0)` to `term(count - 1)`. */
export function meanOf(count: number, term: (index: number) => number): Metric {
  if (count === 0) return NO_ROWS;
  let sum = 0;
  for (let index = 0; index < count; index++) sum += term(index);
  return { value: sum / count };
}
