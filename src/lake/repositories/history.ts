/**
 * Walks over commits. A commit's generation is above that of its parents, so reading the repository's commits by falling generation, and passing on from
 * each wanted one to its parents, meets every commit behind all that lead to it, with one query for many commits.
 */
import type { Digest } from "../../base/index.ts";
import type { Records } from "../../ports/records/index.ts";
import type { Tree } from "../tree/tree.ts";
import { COMMIT_COLUMNS, type CommitRow, commitOf } from "./commits.ts";
import { sameEntry } from "./encode-entry.ts";
import type { Commit, Page } from "./repository.ts";

type Sides = number;
const LEFT = 1;
const RIGHT = 2;

/** Newest generation first, from some commits down. */
async function* walk(
  records: Records,
  repository: string,
  from: readonly { readonly commit: Commit; readonly sides: Sides }[],
): AsyncGenerator<{ readonly commit: Commit; readonly sides: Sides }> {
  const wanted = new Map<Digest, Sides>();
  const want = (id: Digest, sides: Sides) => wanted.set(id, (wanted.get(id) ?? 0) | sides);
  for (const { commit, sides } of from) want(commit.id, sides);
  let below: readonly [generation: number, id: string] = [Math.max(...from.map(({ commit }) => commit.generation)) + 1, ""];

  for (let limit = 32; wanted.size > 0; limit = Math.min(limit * 2, 1000)) {
    const rows = await records.query<CommitRow>(
      `SELECT ${COMMIT_COLUMNS} FROM commits c WHERE c.repository = ? AND (c.generation, c.id) < (?, ?) ORDER BY c.generation DESC, c.id DESC LIMIT ?`,
      [repository, ...below, limit],
    );
    for (const row of rows) {
      const sides = wanted.get(row.id);
      if (sides === undefined) continue;
      wanted.delete(row.id);
      const commit = commitOf(row);
      for (const parent of commit.parents) want(parent, sides);
      yield { commit, sides };
    }
    const last = rows.at(-1);
    if (!last) return;
    below = [last.generation, last.id];
  }
}

/** The newest commit that both come from, their own included: the first in the order of ids when there are several. null: they share nothing. */
export async function mergeBase(records: Records, repository: string, left: Commit, right: Commit): Promise<Commit | null> {
  const from = [
    { commit: left, sides: LEFT },
    { commit: right, sides: RIGHT },
  ];
  for await (const { commit, sides } of walk(records, repository, from)) if (sides === (LEFT | RIGHT)) return commit;
  return null;
}

/**
 * A page of the commits that lead to one, newest first; with `path` those that changed it against each of their parents. Of a commit whose tree retention
 * gave up that cannot be told: it is left out, and the next one counts as if it came from nothing.
 */
export async function logOf(
  { records, tree }: { readonly records: Records; readonly tree: Tree },
  repository: string,
  head: Commit,
  { limit, after, path }: Page & { readonly path?: string },
): Promise<Commit[]> {
  const found: Commit[] = [];
  if (limit <= 0) return found;
  const changed = path === undefined ? null : changesOf(records, tree, repository, path);
  let isBehind = after === undefined;
  for await (const { commit } of walk(records, repository, [{ commit: head, sides: LEFT }])) {
    if (isBehind && (changed === null || (await changed(commit)))) found.push(commit);
    if (found.length === limit) break;
    isBehind ||= commit.id === after;
  }
  return found;
}

function changesOf(records: Records, tree: Tree, repository: string, path: string): (commit: Commit) => Promise<boolean> {
  return async ({ id, parents }) => {
    const root = await wholeRoot(id);
    if (root === null) return false;
    const before = await Promise.all(parents.map(wholeRoot));
    for (const parent of before.length === 0 ? [null] : before)
      if (!(await differs(parent ?? (await tree.empty()), root))) return false;
    return true;
  };

  /** null: its tree was given up. */
  async function wholeRoot(id: Digest): Promise<Digest | null> {
    const [row] = await records.query<{ root: Digest; freedAt: number | null }>(
      `SELECT root, freed_at AS "freedAt" FROM commits WHERE repository = ? AND id = ?`,
      [repository, id],
    );
    return row && row.freedAt === null ? row.root : null;
  }

  async function differs(before: Digest, after: Digest): Promise<boolean> {
    if (before === after) return false;
    if (path !== "" && !path.endsWith("/")) return !sameEntry(await tree.get(before, path), await tree.get(after, path));
    for await (const batch of tree.diff(before, after, { prefix: path }))
      if (batch.some((difference) => !sameEntry(difference.before, difference.after))) return true;
    return false;
  }
}
