/**
 * What a branch holds, read in windows of staged rows. Each window comes with the tree that it lies over from one query, so that a fold between two of
 * them, which moves rows into the tree, is never seen half; all paths up to a window's last row are told from it.
 *
 *     staged   | put c  removed d  put k | put q ...      a window ends at k
 *     tree     | a  b  c  d  e  h        | m  p  q ...    its tree is read up to k, the next window's from there on
 */
import type { Digest } from "../../base/index.ts";
import type { Records } from "../../ports/records/index.ts";
import type { Difference, Item, Tree } from "../tree/tree.ts";
import { fromRow, unknownRef } from "./branch-state.ts";
import { sameEntry } from "./encode-entry.ts";
import { behindPrefix, comparePaths, isStorable } from "./paths.ts";

export interface Branch {
  readonly repository: string;
  readonly branch: string;
}

/** Where reading begins: at a path, or behind it. */
export type Position = { readonly from: string } | { readonly after: string };

export interface Row {
  readonly path: string;
  readonly value: Buffer | null;
}

export interface Window {
  readonly headRoot: Digest;
  readonly root: Digest;
  readonly rows: readonly Row[];
  /** The path up to which it tells everything; null: to the end. */
  readonly last: string | null;
}

const ROWS_MAX = 4000;

/** The window that a page was last read from: what it seeks next often lies in it, too. */
export interface Held {
  window?: { readonly window: Window; readonly position: Position };
}

/** Everything on a branch from a position on, below a prefix. `rows`: how much of it will probably be asked for. */
export async function* branchItems(
  { records, tree }: { readonly records: Records; readonly tree: Tree },
  branch: Branch,
  prefix: string,
  position: Position,
  rows: number,
  held: Held = {},
): AsyncGenerator<readonly Item[]> {
  for await (const { window, position: start } of windows(records, branch, prefix, position, rows, held))
    yield* overlaid(tree.scan(window.root, { prefix, ...start }), window, (_, row) =>
      row.value === null ? null : { path: row.path, value: row.value },
    );
}

/** What a branch holds otherwise than its head. */
export async function* branchChanges(
  { records, tree }: { readonly records: Records; readonly tree: Tree },
  branch: Branch,
  position: Position,
  rows: number,
): AsyncGenerator<readonly Difference[]> {
  for await (const { window, position: start } of windows(records, branch, "", position, rows)) {
    const place = (below: Difference | null, { path, value }: Row) => ({
      path,
      before: below?.before ?? null,
      after: value,
      isOnlyStaged: !below,
    });
    for await (const batch of overlaid<Difference & { isOnlyStaged?: boolean }>(
      tree.diff(window.headRoot, window.root, start),
      window,
      place,
    )) {
      const whole = await Promise.all(
        batch.map(async ({ path, before, after, isOnlyStaged }) => ({
          path,
          before: isOnlyStaged ? await tree.get(window.headRoot, path) : before,
          after,
        })),
      );
      yield whole.filter(({ before, after }) => !sameEntry(before, after));
    }
  }
}

async function* windows(records: Records, branch: Branch, prefix: string, position: Position, rows: number, held: Held = {}) {
  let start = position;
  for (let limit = Math.min(ROWS_MAX, Math.max(rows, 100)); ; limit = Math.min(ROWS_MAX, limit * 2)) {
    const window = restOf(held, start) ?? (await readWindow(records, branch, prefix, start, limit));
    held.window = { window, position: start };
    yield { window, position: start };
    if (window.last === null) return;
    start = { after: window.last };
  }
}

/** What a window that was read tells from a path on; null: the path lies before or behind it. */
function restOf({ window: held }: Held, position: Position): Window | null {
  if (!held || !("from" in position)) return null;
  const { window } = held;
  const first = "from" in held.position ? held.position.from : held.position.after;
  if (comparePaths(position.from, first) <= 0) return null;
  if (window.last !== null && comparePaths(position.from, window.last) > 0) return null;
  let [low, high] = [0, window.rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (comparePaths(window.rows[middle]!.path, position.from) < 0) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? window : { ...window, rows: window.rows.slice(low) };
}

async function readWindow(
  records: Records,
  { repository, branch }: Branch,
  prefix: string,
  position: Position,
  limit: number,
): Promise<Window> {
  if (!isStorable(branch)) throw await unknownRef(records, repository, branch, "branch");
  const [bound, path] = "from" in position ? [">=", position.from] : [">", position.after];
  const below = behindPrefix(prefix);
  const found = await records.query<{ headRoot: Digest; root: Digest; path: string | null; entry: string | null }>(
    `SELECT c.root AS "headRoot", b.root, s.path, s.entry
      FROM branches b JOIN commits c ON c.repository = b.repository AND c.id = b.head
      LEFT JOIN (SELECT path, entry FROM staged WHERE repository = ? AND branch = ? AND path ${bound} ? ${below === null ? "" : "AND path < ?"}
        ORDER BY path LIMIT ?) s ON 1 = 1
      WHERE b.repository = ? AND b.name = ? ORDER BY s.path`,
    [repository, branch, path, ...(below === null ? [] : [below]), limit, repository, branch],
  );
  const [first] = found;
  if (!first) throw await unknownRef(records, repository, branch, "branch");
  const rows = first.path === null ? [] : found.map(({ path, entry }) => ({ path: path!, value: fromRow(entry) }));
  return { headRoot: first.headRoot, root: first.root, rows, last: rows.length === limit ? rows.at(-1)!.path : null };
}

/** Lays a window's rows over what lies below; `place` says what a row makes of it (null: nothing stays). */
async function* overlaid<T extends { readonly path: string }>(
  below: AsyncIterable<readonly T[]>,
  { rows, last }: Window,
  place: (below: T | null, row: Row) => T | null,
): AsyncGenerator<readonly T[]> {
  let next = 0;
  for await (const batch of below) {
    const merged: T[] = [];
    let ended = false;
    for (const item of batch) {
      ended = last !== null && comparePaths(item.path, last) > 0;
      if (ended) break;
      let order = 1;
      while (next < rows.length && (order = comparePaths(rows[next]!.path, item.path)) <= 0) {
        const placed = place(order === 0 ? item : null, rows[next++]!);
        if (placed) merged.push(placed);
        if (order === 0) break;
      }
      if (order !== 0) merged.push(item);
    }
    if (merged.length > 0) yield merged;
    if (ended) break;
  }
  const rest = rows.slice(next).flatMap((row) => place(null, row) ?? []);
  if (rest.length > 0) yield rest;
}
