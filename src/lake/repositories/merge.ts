/**
 * Three-way merge of trees as two streams of differences from the base, joined by path. What only one side changed is taken; what both changed is no
 * conflict when both made the same of it. Path and identity decide, never identity alone: many paths may hold the same bytes.
 */
import type { Digest } from "../../base/index.ts";
import type { Difference, Edit, Tree } from "../tree/tree.ts";
import { decodeEntry, encodeEntry, sameEntry } from "./encode-entry.ts";
import { comparePaths } from "./paths.ts";
import type { Conflict, MergeOptions, Resolution } from "./repository.ts";

export interface Sides {
  readonly base: Digest;
  readonly ours: Digest;
  readonly theirs: Digest;
}

export type Merged = { readonly root: Digest } | { readonly conflicts: readonly Conflict[]; readonly conflictCount: number };

/** Conflicts told at once, when no page is asked for. */
const CONFLICTS_MAX = 1000;

export async function mergeTrees(tree: Tree, { base, ours, theirs }: Sides, options: MergeOptions): Promise<Merged> {
  const { after, limit = CONFLICTS_MAX } = options.conflicts ?? {};
  const conflicts: Conflict[] = [];
  let conflictCount = 0;
  const root = await tree.apply(ours, edits());
  return conflictCount > 0 ? { conflicts, conflictCount } : { root };

  /** What changes on our side; stops at the first conflict, and then only counts. */
  async function* edits(): AsyncGenerator<readonly Edit[]> {
    for await (const batch of joined(tree.diff(base, ours), tree.diff(base, theirs))) {
      const taken = batch.flatMap(({ path, left, right }): Edit[] => {
        const theirs = right ? right.after : left!.before;
        const named = namedResolution(path, options);
        if (named) return resolved(path, named, theirs);
        if (!right || sameEntry(right.before, right.after)) return [];
        if (!left || sameEntry(left.before, left.after)) return [{ path, value: theirs }];
        if (sameEntry(left.after, right.after)) return [];
        if (options.strategy) return resolved(path, options.strategy, theirs);
        conflictCount++;
        if (conflicts.length < limit && (after === undefined || comparePaths(path, after) > 0))
          conflicts.push({ path, base: decoded(left.before), ours: decoded(left.after), theirs: decoded(right.after) });
        return [];
      });
      if (conflictCount === 0 && taken.length > 0) yield taken;
    }
  }
}

const namedResolution = (path: string, { resolutions = {} }: MergeOptions): Resolution | undefined =>
  Object.hasOwn(resolutions, path) ? resolutions[path] : undefined;

function resolved(path: string, resolution: Resolution, theirs: Uint8Array | null): Edit[] {
  if (resolution === "ours") return [];
  return [{ path, value: resolution === "theirs" ? theirs : resolution.entry && encodeEntry(resolution.entry) }];
}

const decoded = (value: Uint8Array | null) => value && decodeEntry(value);

export interface Joined {
  readonly path: string;
  readonly left: Difference | null;
  readonly right: Difference | null;
}

/** Two streams of differences, in order, as one. */
export async function* joined(
  left: AsyncIterable<readonly Difference[]>,
  right: AsyncIterable<readonly Difference[]>,
): AsyncGenerator<readonly Joined[]> {
  const a = await openCursor(left);
  const b = await openCursor(right);
  try {
    while (a.item || b.item) {
      const batch: Joined[] = [];
      do {
        const order = !a.item ? 1 : !b.item ? -1 : comparePaths(a.item.path, b.item.path);
        batch.push({
          path: (order <= 0 ? a.item! : b.item!).path,
          left: order <= 0 ? a.item : null,
          right: order >= 0 ? b.item : null,
        });
        if (order <= 0) a.step();
        if (order >= 0) b.step();
      } while ((a.item || a.ended) && (b.item || b.ended) && (a.item || b.item) && batch.length < 1000);
      yield batch;
      await a.fill();
      await b.fill();
    }
  } finally {
    await a.close();
    await b.close();
  }
}

interface Cursor {
  /** null: what was read is used up. */
  readonly item: Difference | null;
  readonly ended: boolean;
  step(): void;
  fill(): Promise<void>;
  close(): Promise<void>;
}

async function openCursor(source: AsyncIterable<readonly Difference[]>): Promise<Cursor> {
  const iterator = source[Symbol.asyncIterator]();
  let batch: readonly Difference[] = [];
  let at = 0;
  let ended = false;
  const cursor: Cursor = {
    get item() {
      return batch[at] ?? null;
    },
    get ended() {
      return ended;
    },
    step: () => void at++,
    async fill() {
      while (at >= batch.length && !ended) {
        const { done, value } = await iterator.next();
        if (done) ended = true;
        else [batch, at] = [value, 0];
      }
    },
    close: async () => void (await iterator.return?.()),
  };
  await cursor.fill();
  return cursor;
}
