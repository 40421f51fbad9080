/** How monitoring writes numbers and moments, in plain words. */
import { formatMoment } from "../base/index.ts";
import type { Counted } from "./bins.ts";
import { sharesOf } from "./drift.ts";
import type { Distribution } from "./reference.ts";

export const percent = (share: number) => `${Number((100 * share).toPrecision(2))} %`;

export const momentOf = (micros: number | null) => (micros === null ? null : formatMoment(micros));

export const decimal = (value: number) =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toFixed(3)));

/** The bin that has grown most: `null in 100 % of the rows, 12 % of the reference`. */
export function shiftInWords(distribution: Distribution, { counts, min, max }: Counted): string {
  const now = sharesOf(counts);
  const grown = now.map((share, bin) => share - distribution.shares[bin]!);
  const most = grown.indexOf(Math.max(...grown));
  const isNumber = distribution.kind === "number" && most <= distribution.edges.length;
  const range = isNumber && min !== null && max !== null ? `; ${decimal(min)} to ${decimal(max)} in all` : "";
  return `${binInWords(distribution, most)} in ${percent(now[most]!)} of the rows, ${percent(distribution.shares[most]!)} of the reference${range}`;
}

function binInWords({ kind, edges, values }: Distribution, bin: number): string {
  if (kind === "text") return bin < values.length ? `"${values[bin]}"` : bin === values.length ? "other texts" : "null";
  if (bin > edges.length) return "null";
  if (edges.length === 0) return "any number";
  if (bin === 0) return `at most ${decimal(edges[0]!)}`;
  if (bin === edges.length) return `above ${decimal(edges.at(-1)!)}`;
  const [from, to] = [decimal(edges[bin - 1]!), decimal(edges[bin]!)];
  return isDiscrete(edges) ? to : `above ${from} up to ${to}`;
}

/** The first of a few known values has an edge right before it. */
const isDiscrete = ([first, second]: readonly number[]) =>
  first !== undefined && second !== undefined && second - first <= Math.abs(second) * 2 ** -51;
