/** Quantiles of leaves' rows: the values of leaves for losses without curvature. */
import { createRandom } from "../../base/index.ts";
import type { Refit } from "./grower.ts";
import type { Memory } from "./memory.ts";

/** The quantile of what is left of a leaf's rows. */
export function refitTo(quantile: number, { y, scores, weights }: Memory): Refit {
  return (rows) => {
    const rests = new Float64Array(rows.length);
    for (let at = 0; at < rows.length; at++) rests[at] = y[rows[at]!]! - scores[rows[at]!]!;
    if (weights.length === 0) return plainQuantileOf(rests, quantile);
    return quantileOf(
      Array.from(rests, (rest, at) => [rest, weights[rows[at]!]!] as const),
      quantile,
    );
  };
}

/**
 * The weighted quantile: the least value at which the weights up to it reach the share of all, or the middle between it and the next where they reach it exactly,
 * so that a half of an even number of values is their median.
 */
export function quantileOf(values: (readonly [value: number, weight: number])[], quantile: number): number {
  values.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let total = 0;
  for (const [, weight] of values) total += weight;
  const wanted = quantile * total;
  let reached = 0;
  for (let at = 0; at < values.length; at++) {
    const [value, weight] = values[at]!;
    reached += weight;
    if (weight === 0 || reached < wanted) continue;
    if (reached > wanted) return value;
    const next = values.slice(at + 1).find((other) => other[1] > 0);
    return next === undefined ? value : value / 2 + next[0] / 2;
  }
  return values.at(-1)?.[0] ?? 0;
}

/** The same where all weigh the same. Moves the values. */
export function plainQuantileOf(values: Float64Array, quantile: number): number {
  const wanted = quantile * values.length;
  const at = Math.max(0, Math.ceil(wanted) - 1);
  select(values, at);
  const value = values[at] ?? 0;
  if (at + 1 > wanted || at + 1 >= values.length) return unsigned(value);
  let next = Infinity;
  for (let other = at + 1; other < values.length; other++) next = Math.min(next, values[other]!);
  return unsigned(value / 2 + next / 2);
}

/** Which of 0 and -0 comes first depends on where they stood. */
const unsigned = (value: number) => value + 0;

/** Moves the value of place `wanted` in the order there, and those that are not above it before it (Hoare's quickselect, pivots drawn). */
function select(values: Float64Array, wanted: number): void {
  const random = createRandom(1);
  for (let [low, high] = [0, values.length - 1]; low < high; ) {
    const pivot = values[low + random.below(high - low + 1)]!;
    let [left, right] = [low, high];
    while (left <= right) {
      while (values[left]! < pivot) left++;
      while (values[right]! > pivot) right--;
      if (left > right) break;
      const held = values[left]!;
      values[left++] = values[right]!;
      values[right--] = held;
    }
    if (wanted <= right) high = right;
    else if (wanted >= left) low = left;
    else return;
  }
}
