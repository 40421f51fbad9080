import { formatMoment } from "../base/index.ts";
import { TIME } from "../features/index.ts";
import type { Frame } from "../learn/index.ts";

export interface RecentRows {
  readonly rows: Uint32Array;
  /** Data time of the first and the last, as text. */
  readonly window: { readonly from: string; readonly to: string };
}

/**
 * About the newest third of some rows by data time: those of equal time stay together. null where rows have no time, or all the same.
 * See decisions/recent-window.md.
 */
export function recentRows({ columns }: Frame): RecentRows | null {
  const time = columns[TIME];
  if (time?.kind !== "number") return null;
  const rising = time.values.filter((micros) => !Number.isNaN(micros)).sort();
  const from = rising[Math.ceil((rising.length * 2) / 3)];
  if (from === undefined || from === rising[0]) return null;
  const rows = Uint32Array.from(time.values.keys()).filter((row) => time.values[row]! >= from);
  return { rows, window: { from: formatMoment(from), to: formatMoment(rising.at(-1)!) } };
}
