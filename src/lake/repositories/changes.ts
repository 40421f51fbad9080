/** What moves a branch: commits, and resets to what was. */
import { type Digest, MillError } from "../../base/index.ts";
import type { Statement } from "../../ports/records/index.ts";
import type { Difference, Edit } from "../tree/tree.ts";
import { moved, moveStatement, readBranch, refuseProtected } from "./branch-state.ts";
import { insertCommit, newCommit, wholeStatement } from "./commits.ts";
import { decodeEntry, encodeEntry, sameEntry } from "./encode-entry.ts";
import type { Change } from "./entry.ts";
import type { MoveEvent } from "./guards.ts";
import { checkPath, comparePaths } from "./paths.ts";
import { checkRefName, tagStatements } from "./refs.ts";
import type { Branch, Commit, CommitOptions, PathDifference, PreparedCommit } from "./repository.ts";
import type { Workings } from "./workings.ts";

export async function commitStaged(workings: Workings, branch: string, options: CommitOptions): Promise<Commit> {
  const { repository, tree, clock, moves } = workings;
  const { commit, event } = await moves.move(
    repository,
    branch,
    async (seen) => {
      refuseProtected(seen);
      if (!(await anyChange(tree.diff(seen.headRoot, seen.working)))) throw nothingStaged(repository, branch);
      const commit = newCommit(seen.working, [{ id: seen.head, generation: seen.generation }], options, clock());
      const event = moveEvent(workings, { kind: "commit", branch, actor: options.author, base: seen.headRoot, commit });
      return {
        to: { head: commit.id, root: commit.root },
        statements: [insertCommit(repository, commit), ...(await before(workings, event))],
        result: { commit, event },
      };
    },
    { expect: options.expect },
  );
  await after(workings, event, commit);
  return commit;
}

export async function prepareCommit(
  workings: Workings,
  branch: string,
  changes: readonly Change[],
  { tag, ...options }: CommitOptions & { readonly tag?: string },
): Promise<PreparedCommit> {
  const { repository, records, tree, clock } = workings;
  if (tag !== undefined) checkRefName("tag", tag);
  const edits = sortedEdits(changes);
  const seen = await readBranch(records, repository, branch);
  if (options.expect !== undefined && seen.head !== options.expect) throw moved(seen, options.expect);
  const root = await tree.apply(seen.headRoot, edits);
  const commit = newCommit(root, [{ id: seen.head, generation: seen.generation }], options, clock());
  const event = moveEvent(workings, { kind: "commit", branch, actor: options.author, base: seen.headRoot, commit });
  return {
    commit,
    statements: [
      moveStatement(seen, { head: commit.id, root: seen.root === seen.headRoot ? root : await tree.apply(seen.root, edits) }),
      ...(tag === undefined ? [] : tagStatements(repository, tag, commit.id, commit.createdAt)),
      insertCommit(repository, commit),
      ...(await before(workings, event)),
    ],
    committed: () => after(workings, event, commit),
  };
}

export async function resetStaged(workings: Workings, branch: string, prefix: string, actor: string): Promise<void> {
  const { repository, tree, moves } = workings;
  await moves.move(
    repository,
    branch,
    async (seen) => {
      refuseProtected(seen);
      const root =
        prefix === ""
          ? seen.headRoot
          : await tree.apply(seen.working, editsOf(tree.diff(seen.working, seen.headRoot, { prefix })));
      if (root === seen.working && root === seen.root) return { to: null, result: undefined };
      const event = moveEvent(workings, { kind: "reset", branch, actor, base: seen.working, root, commit: null });
      return { to: { root }, statements: await before(workings, event), result: undefined };
    },
    { anyHead: true },
  );
}

export async function resetBranch(
  workings: Workings,
  branch: string,
  target: { readonly commit: Digest; readonly root: Digest },
  { expect, actor = "" }: { readonly expect?: Digest; readonly actor?: string },
): Promise<Branch> {
  const { repository, moves } = workings;
  return moves.move(
    repository,
    branch,
    async (seen) => {
      refuseProtected(seen);
      const event = moveEvent(workings, { kind: "reset", branch, actor, base: seen.working, root: target.root, commit: null });
      return {
        to: { head: target.commit, root: target.root },
        statements: [wholeStatement(repository, [target.commit]), ...(await before(workings, event))],
        result: { name: branch, head: target.commit, protected: seen.protected },
      };
    },
    { expect },
  );
}

export const before = async (workings: Workings, event: MoveEvent): Promise<readonly Statement[]> =>
  (await workings.guards?.before(event)) ?? [];

export const after = async (workings: Workings, event: MoveEvent, commit: Commit): Promise<void> =>
  workings.guards?.after(event, commit).catch(() => undefined);

type Moving = Pick<MoveEvent, "kind" | "branch" | "actor" | "base"> &
  ({ readonly commit: Commit; readonly root?: undefined } | { readonly commit: null; readonly root: Digest });

export function moveEvent({ repository, tree }: Workings, moving: Moving): MoveEvent {
  const root = moving.commit?.root ?? moving.root!;
  return { repository, ...moving, root, changed: () => pathDifferences(tree.diff(moving.base, root)) };
}

/** Differences as entries, without those that are none but for the time or checksums. */
export async function* pathDifferences(found: AsyncIterable<readonly Difference[]>): AsyncGenerator<readonly PathDifference[]> {
  for await (const batch of found) {
    const real = batch.filter(({ before, after }) => !sameEntry(before, after));
    if (real.length > 0)
      yield real.map(({ path, before, after }) => ({
        path,
        before: before && decodeEntry(before),
        after: after && decodeEntry(after),
      }));
  }
}

export async function* editsOf(found: AsyncIterable<readonly Difference[]>): AsyncGenerator<readonly Edit[]> {
  for await (const batch of found) yield batch.map(({ path, after }) => ({ path, value: after }));
}

/** The last change of each path counts. Errors: `lake.bad-path`. */
export function sortedEdits(changes: readonly Change[]): Edit[] {
  const edits = new Map(changes.map(({ path, entry }) => [path, { path, value: entry && encodeEntry(entry) }]));
  for (const path of edits.keys()) checkPath(path);
  return [...edits.values()].sort((a, b) => comparePaths(a.path, b.path));
}

async function anyChange(found: AsyncIterable<readonly Difference[]>): Promise<boolean> {
  for await (const batch of found) if (batch.some(({ before, after }) => !sameEntry(before, after))) return true;
  return false;
}

const nothingStaged = (repository: string, branch: string) =>
  new MillError(
    "lake.nothing-staged",
    `The branch "${branch}" of "${repository}" holds what its head holds: there is nothing to commit.`,
    {
      at: `${repository}/${branch}`,
      fix: "Put or remove objects on it first.",
    },
  );
