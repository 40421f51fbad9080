/** Changes made elsewhere brought onto a branch: a merge, and a revert or cherry-pick, which are merges with another base. */
import { type Digest, MillError } from "../../base/index.ts";
import type { Edit } from "../tree/tree.ts";
import type { BranchState, Seen } from "./branch-state.ts";
import { after, before, moveEvent } from "./changes.ts";
import { insertCommit, newCommit, wholeStatement } from "./commits.ts";
import { sameEntry } from "./encode-entry.ts";
import type { MoveEvent } from "./guards.ts";
import { mergeBase } from "./history.ts";
import { joined, mergeTrees } from "./merge.ts";
import type { Refs } from "./refs.ts";
import type { Commit, MergeOptions, MergeOutcome } from "./repository.ts";
import type { Workings } from "./workings.ts";

export async function mergeFrom(
  workings: Workings,
  refs: Refs,
  from: string,
  branch: string,
  options: MergeOptions,
): Promise<MergeOutcome> {
  const { repository, records, tree } = workings;
  const { commit } = await refs.resolve(from);
  return bring(workings, branch, options, async (seen) => {
    const theirs = await refs.commit(commit);
    const ours = await refs.commit(seen.head);
    const base = await mergeBase(records, repository, ours, theirs);
    const isThere = base?.id === theirs.id;
    return {
      isThere,
      kind: "merge",
      base: base ? (await refs.commit(base.id)).root : await tree.empty(),
      reads: base ? [base.id, theirs.id] : [theirs.id],
      theirs: theirs.root,
      parents: [ours, theirs],
      ours,
    };
  });
}

/** `back`: what the commit changed is taken back. */
export async function applyCommit(
  workings: Workings,
  refs: Refs,
  branch: string,
  ref: string,
  options: MergeOptions,
  { back }: { readonly back: boolean },
): Promise<MergeOutcome> {
  const { commit: id } = await refs.resolve(ref);
  return bring(workings, branch, options, async (seen) => {
    const commit = await refs.commit(id);
    const [parent] = commit.parents;
    const parentRoot = parent === undefined ? await workings.tree.empty() : (await refs.commit(parent)).root;
    const ours = await refs.commit(seen.head);
    const [base, theirs] = back ? [commit.root, parentRoot] : [parentRoot, commit.root];
    const reads = parent === undefined ? [commit.id] : [commit.id, parent];
    return { isThere: false, kind: back ? "revert" : "cherry-pick", base, theirs, reads, parents: [ours], ours };
  });
}

interface Bringing {
  /** The branch has all of it. */
  readonly isThere: boolean;
  readonly kind: MoveEvent["kind"];
  readonly base: Digest;
  readonly theirs: Digest;
  /** The commits whose trees these are. */
  readonly reads: readonly Digest[];
  readonly ours: Commit;
  readonly parents: readonly Commit[];
}

type Done = { readonly outcome: MergeOutcome; readonly event: MoveEvent | null };

async function bring(
  workings: Workings,
  branch: string,
  options: MergeOptions,
  bringing: (seen: Seen) => Promise<Bringing>,
): Promise<MergeOutcome> {
  const { repository, tree, clock, moves } = workings;
  const stay = (outcome: MergeOutcome) => ({ to: null, result: { outcome, event: null } });
  const { outcome, event } = await moves.move<Done>(
    repository,
    branch,
    async (seen) => {
      const { isThere, kind, base, theirs, reads, ours, parents } = await bringing(seen);
      const unchanged: MergeOutcome = { merged: false, conflicts: [], conflictCount: 0, commit: ours };
      if (isThere) return stay(unchanged);
      const merged = await mergeTrees(tree, { base, ours: ours.root, theirs }, options);
      if (!("root" in merged)) return stay({ merged: false, ...merged, commit: null });
      if (merged.root === ours.root && kind !== "merge") return stay(unchanged);

      const commit = newCommit(merged.root, parents, options, clock());
      const event = moveEvent(workings, { kind, branch, actor: options.author, base: ours.root, commit });
      return {
        to: { head: commit.id, root: await carryStaged(workings, seen, merged.root) },
        statements: [wholeStatement(repository, reads), insertCommit(repository, commit), ...(await before(workings, event))],
        result: { outcome: { merged: true, commit }, event },
      };
    },
    { expect: options.expect, anyHead: options.expect === undefined },
  );
  if (outcome.merged && event) await after(workings, event, outcome.commit);
  return outcome;
}

/** What is staged, laid over the branch's new tree. Errors: `lake.uncommitted`. */
async function carryStaged({ tree }: Workings, seen: Seen, newRoot: Digest): Promise<Digest> {
  if (seen.working === seen.headRoot) return newRoot;
  return tree.apply(newRoot, carried());

  async function* carried(): AsyncGenerator<readonly Edit[]> {
    for await (const batch of joined(tree.diff(seen.headRoot, seen.working), tree.diff(seen.headRoot, newRoot)))
      yield batch.flatMap(({ path, left, right }) => {
        if (!left || sameEntry(left.before, left.after)) return [];
        if (right && !sameEntry(left.after, right.after)) throw stagedToo(seen, path);
        return [{ path, value: left.after }];
      });
  }
}

const stagedToo = ({ repository, branch }: BranchState, path: string) =>
  new MillError("lake.uncommitted", `What is staged on "${branch}" and what is brought there change the same path.`, {
    at: `${repository}/${branch}/${path}`,
    fix: "Commit what is staged, or reset it, and try again.",
  });
