import type { Item } from "../tree/tree.ts";
import { decodeEntry } from "./encode-entry.ts";
import { behindPrefix, comparePaths, isStorable, storablePosition } from "./paths.ts";
import type { Listing, ListOptions } from "./repository.ts";
import type { Position } from "./windows.ts";

/** Reads what a ref holds below a prefix, from a position on; stops when it is not asked on. */
export type Items = (prefix: string, position: Position, rows: number) => AsyncIterable<readonly Item[]>;

/** One page. A common prefix is told once, and all below it stepped over with one seek. */
export async function listPage(items: Items, { prefix = "", delimiter = "", after, limit }: ListOptions): Promise<Listing> {
  const entries: Listing["entries"][number][] = [];
  const prefixes: string[] = [];
  let last: string | null = null;
  if (limit <= 0 || !isStorable(prefix)) return { entries, prefixes, next: null };

  let position: Position | null = startOf(prefix, after);
  while (position !== null) {
    let behind: string | null = null;
    let seek = false;
    for await (const batch of items(prefix, position, limit + 1)) {
      for (const { path, value } of batch) {
        if (behind !== null && comparePaths(path, behind) < 0) continue;
        const common = delimiter === "" ? null : commonPrefix(path, prefix, delimiter);
        if (common === null || after === undefined || comparePaths(common, after) > 0) {
          if (entries.length + prefixes.length === limit) return { entries, prefixes, next: last };
          if (common === null) entries.push({ path, entry: decodeEntry(value) });
          else prefixes.push(common);
          last = common ?? path;
        }
        if (common === null) continue;
        behind = behindPrefix(common);
        if (behind === null) return { entries, prefixes, next: null };
      }
      seek = behind !== null && comparePaths(batch.at(-1)!.path, behind) < 0;
      if (seek) break;
    }
    position = seek ? { from: behind! } : null;
  }
  return { entries, prefixes, next: null };
}

function startOf(prefix: string, after: string | undefined): Position {
  if (after === undefined || comparePaths(after, prefix) < 0) return { from: prefix };
  return { after: storablePosition(after) };
}

function commonPrefix(path: string, prefix: string, delimiter: string): string | null {
  const at = path.indexOf(delimiter, prefix.length);
  return at < 0 ? null : path.slice(0, at + delimiter.length);
}
