/**
 * The sizes of the parts that an object was uploaded in, kept with its headers so that one part can be asked for again: runs of equal sizes,
 * `COUNTxSIZE` with commas between, as in `3x8388608,1x1234`. Of an upload of very uneven parts nothing is kept.
 */
import type { Entry } from "../../lake/index.ts";
import type { Described } from "./object-headers.ts";
import type { ByteRange } from "./ranges.ts";
import { S3Error } from "./s3-error.ts";

/** No header of HTTP: it is shown to nobody. */
const KEY = "part-sizes";
const RUNS_MAX = 32;

export function keepPartSizes(sizes: readonly number[]): Readonly<Record<string, string>> {
  const runs: { count: number; size: number }[] = [];
  for (const size of sizes) {
    const last = runs.at(-1);
    if (last?.size === size) last.count++;
    else runs.push({ count: 1, size });
  }
  return runs.length > RUNS_MAX ? {} : { [KEY]: runs.map(({ count, size }) => `${count}x${size}`).join(",") };
}

/** How many parts an object was uploaded in; 1 for one that came whole. */
export const partsOf = (entry: Entry): number => Number(/-(\d+)$/.exec(entry.etag)?.[1] ?? 1);

/** Where a part lies; null: it is all of an empty object. Errors: InvalidPartNumber, NotImplemented. */
export function partRange(entry: Entry, number: number): ByteRange | null {
  if (number > partsOf(entry)) throw new S3Error("InvalidPartNumber");
  if (entry.sizeBytes === 0) return null;
  if (partsOf(entry) === 1) return { start: 0, end: entry.sizeBytes };
  const sizes = partSizes(entry);
  if (!sizes) throw new S3Error("NotImplemented", "The sizes of the parts of this object are not kept: ask for a Range.");
  const start = sizes.slice(0, number - 1).reduce((sum, size) => sum + size, 0);
  return { start, end: start + sizes[number - 1]! };
}

/** null: they were not kept. */
export function partSizes(entry: Entry): readonly number[] | null {
  const kept = entry.headers?.[KEY];
  if (!kept) return null;
  return kept.split(",").flatMap((run) => {
    const [count, size] = run.split("x").map(Number);
    return Array<number>(count!).fill(size!);
  });
}

/** New words for an object whose parts stay. */
export const withPartSizesOf = ({ headers }: Entry, described: Described): Described =>
  headers?.[KEY] ? { ...described, headers: { ...described.headers, [KEY]: headers[KEY] } } : described;
