/** What monitoring of days says, in plain words. */
import type { Counted } from "./bins.ts";
import { sharesOf } from "./drift.ts";
import type { Distribution } from "./reference.ts";

export const percent = (share: number) => `${Number((100 * share).toFixed(share < 0.1 ? 1 : 0))} %`;

export const decimal = (value: number) =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toFixed(3)));

/** The bin that has most to do with a shift: `null in 100 % of the rows, 12 % of the reference`. */
export function shiftInWords(distribution: Distribution, { counts, min, max }: Counted): string {
  const now = sharesOf(counts);
  const parts = now.map(
    (share, bin) =>
      (share - distribution.shares[bin]!) * Math.log(Math.max(share, 1e-4) / Math.max(distribution.shares[bin]!, 1e-4)),
  );
  const most = parts.indexOf(Math.max(...parts));
  const range =
    min === null || max === null || most >= distribution.edges.length + 1 ? "" : `; ${decimal(min)} to ${decimal(max)} in all`;
  return `${binInWords(distribution, most)} in ${percent(now[most]!)} of the rows, ${percent(distribution.shares[most]!)} of the reference${range}`;
}

function binInWords({ kind, edges, values }: Distribution, bin: number): string {
  if (kind === "text") return bin < values.length ? `"${values[bin]}"` : bin === values.length ? "other texts" : "null";
  if (bin > edges.length) return "null";
  if (edges.length === 0) return "any number";
  if (bin === 0) return `at most ${decimal(edges[0]!)}`;
  if (bin === edges.length) return `above ${decimal(edges.at(-1)!)}`;
  return `above ${decimal(edges[bin - 1]!)} up to ${decimal(edges[bin]!)}`;
}
