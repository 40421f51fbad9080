import type { Digest } from "../../base/index.ts";
import { fromRow, unknownRef } from "./branch-state.ts";
import { applyCommit, mergeFrom } from "./bring.ts";
import { commitStaged, pathDifferences, prepareCommit, resetBranch, resetStaged, sortedEdits } from "./changes.ts";
import { decodeEntry, encodeEntry } from "./encode-entry.ts";
import type { Change, Entry } from "./entry.ts";
import type { StageEvent } from "./guards.ts";
import { logOf } from "./history.ts";
import { type Items, listPage } from "./listing.ts";
import { checkPath, isStorable, storablePosition } from "./paths.ts";
import { refsOf } from "./refs.ts";
import type { PathDifference, Repository, RepositoryInfo } from "./repository.ts";
import { stageMany } from "./stage-many.ts";
import { branchChanges, branchItems, type Held, type Position } from "./windows.ts";
import type { Workings } from "./workings.ts";

export const INFO_COLUMNS = `name, default_branch AS "defaultBranch", bucket_branch AS "bucketBranch", created_at AS "createdAt", created_by AS "createdBy"`;

export function openRepository(workings: Workings): Repository {
  const { repository, records, tree, clock, staging, guards } = workings;
  const refs = refsOf(records, repository, clock);

  const self: Repository = {
    name: repository,
    ...refs,

    async info() {
      const [info] = await records.query<RepositoryInfo>(`SELECT ${INFO_COLUMNS} FROM repositories WHERE name = ?`, [repository]);
      if (!info) throw await unknownRef(records, repository, "");
      return info;
    },

    async resolve(ref) {
      const { kind, name, commit } = await refs.resolve(ref);
      return { kind, name, commit };
    },

    commitOf: async (ref) => refs.commit((await refs.resolve(ref)).commit),
    count: async (ref) => tree.count((await refs.resolve(ref)).root),

    async entry(ref, path) {
      if (path === "" || !isStorable(path)) return null;
      const row = await branchEntry(ref, path);
      const value = row
        ? row.staged === null
          ? await tree.get(row.root, path)
          : fromRow(row.entry)
        : await committedEntry(ref, path);
      return value && decodeEntry(value);
    },

    list: async (ref, options) => listPage(await itemsOf(ref), options),

    async *scan(ref, prefix = "") {
      if (!isStorable(prefix)) return;
      for await (const batch of (await itemsOf(ref))(prefix, { from: prefix }, ROWS_AHEAD))
        yield batch.map(({ path, value }) => ({ path, entry: decodeEntry(value) }));
    },

    async stage(branch, changes, conditions = [], actor = "") {
      if (!isStorable(branch)) throw await unknownRef(records, repository, branch, "branch");
      if (changes.length === 0 && conditions.length === 0) return;
      if (changes.length > STAGED_ROWS_MAX && conditions.length === 0)
        return void (await self.stageMany(branch, inOrder(changes), actor));
      for (const { path } of [...changes, ...conditions]) checkPath(path);
      const paths = () => once(changes.map(({ path }) => path));
      const event: StageEvent = { kind: "stage", repository, branch, actor, paths };
      await staging.stage(repository, branch, {
        changes: changes.map(({ path, entry }) => ({ path, value: entry && encodeEntry(entry) })),
        conditions,
        ask: guards && (() => guards.before(event)),
      });
    },

    stageMany: (branch, changes, actor = "") => stageMany(workings, branch, changes, actor),

    async uncommitted(branch, { limit, after }) {
      return take(pathDifferences(branchChanges(workings, { repository, branch }, startOf(after), limit)), limit);
    },

    reset: (branch, prefix = "", actor = "") => resetStaged(workings, branch, prefix, actor),
    commit: (branch, options) => commitStaged(workings, branch, options),
    commitStatements: (branch, changes, options) => prepareCommit(workings, branch, changes, options),

    log: async (ref, options) => logOf(workings, repository, await self.commitOf(ref), options),

    async diff(before, after, { limit, after: behind, prefix = "" }) {
      const [old, now] = await Promise.all([refs.resolve(before), refs.resolve(after)]);
      if (!isStorable(prefix)) return [];
      const found = tree.diff(old.root, now.root, { prefix, ...(behind !== undefined && { after: behind }) });
      return take(pathDifferences(found), limit);
    },

    merge: (from, branch, options) => mergeFrom(workings, refs, from, branch, options),
    revert: (branch, commit, options) => applyCommit(workings, refs, branch, commit, options, { back: true }),
    cherryPick: (branch, commit, options) => applyCommit(workings, refs, branch, commit, options, { back: false }),
    resetTo: async (branch, ref, options = {}) => resetBranch(workings, branch, await refs.resolve(ref), options),
  };
  return self;

  async function branchEntry(branch: string, path: string) {
    if (!isStorable(branch)) return undefined;
    const [row] = await records.query<{ root: Digest; staged: string | null; entry: string | null }>(
      `SELECT b.root, s.path AS staged, s.entry FROM branches b LEFT JOIN staged s ON s.repository = b.repository AND s.branch = b.name AND s.path = ?
        WHERE b.repository = ? AND b.name = ?`,
      [path, repository, branch],
    );
    return row;
  }

  async function committedEntry(ref: string, path: string) {
    return tree.get((await refs.resolve(ref)).root, path);
  }

  async function itemsOf(ref: string): Promise<Items> {
    const { kind, name, root } = await refs.resolve(ref);
    if (kind === "branch" && name === ref) {
      const held: Held = {};
      return (prefix, position, rows) => branchItems(workings, { repository, branch: name }, prefix, position, rows, held);
    }
    return (prefix, position: Position) => tree.scan(root, { prefix, ...position });
  }
}

/** More changes than these go into the tree at once. */
const STAGED_ROWS_MAX = 4096;
const ROWS_AHEAD = 2000;

const startOf = (after: string | undefined): Position =>
  after === undefined ? { from: "" } : { after: storablePosition(after) };

async function* inOrder(changes: readonly Change[]): AsyncGenerator<readonly Change[]> {
  const entries = new Map<string, Entry | null>(changes.map(({ path, entry }) => [path, entry]));
  yield sortedEdits(changes).map(({ path }) => ({ path, entry: entries.get(path)! }));
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}

async function take(found: AsyncIterable<readonly PathDifference[]>, limit: number): Promise<PathDifference[]> {
  const taken: PathDifference[] = [];
  if (limit <= 0) return taken;
  for await (const batch of found) {
    taken.push(...batch.slice(0, limit - taken.length));
    if (taken.length === limit) break;
  }
  return taken;
}
