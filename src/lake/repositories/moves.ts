/** Head and root of a branch move by compare-and-set: what is to come is worked out from the branch as it was seen, and committed if it still stands so. */
import { setTimeout as delay } from "node:timers/promises";
import { createQueues, type Digest, MillError } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import type { Tree } from "../tree/tree.ts";
import { type BranchState, forgetStaged, moveStatement, readBranch, stagedEdits } from "./branch-state.ts";

/** A branch with all that is staged on it worked into its tree, which is stored but not yet the branch's. */
export interface Seen extends BranchState {
  readonly working: Digest;
}

/** Where a branch goes; null: it stays. */
export type Plan<T> = {
  readonly to: { readonly head?: Digest; readonly root: Digest } | null;
  /** Committed with the move. */
  readonly statements?: readonly Statement[];
  readonly result: T;
};

export interface MoveOptions {
  /** The head that the caller saw. */
  readonly expect?: Digest | undefined;
  /** Whether the plan holds for another head too; default: the caller is told `lake.moved`. */
  readonly anyHead?: boolean;
}

export interface Moves {
  /** Plans again when the branch moved meanwhile. Errors: `lake.moved`, `lake.unknown-repository`, `lake.unknown-ref`. */
  move<T>(repository: string, branch: string, plan: (seen: Seen) => Promise<Plan<T>>, options?: MoveOptions): Promise<T>;
}

const TRIES = 12;

export function createMoves(records: Records, tree: Tree): Moves {
  const inOrder = createQueues();

  return {
    move: (repository, branch, plan, options = {}) =>
      inOrder(`${repository}/${branch}`, () => run(repository, branch, plan, options)),
  };

  async function run<T>(
    repository: string,
    branch: string,
    plan: (seen: Seen) => Promise<Plan<T>>,
    options: MoveOptions,
  ): Promise<T> {
    let expect = options.expect;
    for (let attempt = 1; ; attempt++) {
      const state = await readBranch(records, repository, branch);
      if (expect !== undefined && state.head !== expect) throw moved(state, expect);
      if (!options.anyHead) expect = state.head;
      const working = await tree.apply(state.root, stagedEdits(records, state));
      const { to, statements = [], result } = await plan({ ...state, working });
      if (!to) return result;
      const { committed } = await records.commit([moveStatement(state, to), forgetStaged(state), ...statements]);
      if (committed) return result;
      if (attempt === TRIES) throw moved(await readBranch(records, repository, branch), state.head);
      await delay(Math.random() * 2 ** Math.min(attempt, 7));
    }
  }
}

export const moved = ({ repository, branch, head }: BranchState, expected: Digest): MillError =>
  new MillError("lake.moved", `The branch "${branch}" of "${repository}" has another head by now.`, {
    at: `${repository}/${branch}`,
    expected,
    got: head,
    fix: "Look at what came in, and do it again on the new head.",
  });
