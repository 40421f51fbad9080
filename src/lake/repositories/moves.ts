/** Head and root of a branch move by compare-and-set: what is to come is worked out from the branch as it was seen, and committed if it still stands so. */
import { setTimeout as delay } from "node:timers/promises";
import { createQueues, type Digest } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import type { Tree } from "../tree/tree.ts";
import { forgetStaged, moved, moveStatement, readBranch, type Seen, seeBranch } from "./branch-state.ts";

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
      const seen = await seeBranch(records, tree, repository, branch);
      if (expect !== undefined && seen.head !== expect) throw moved(seen, expect);
      if (!options.anyHead) expect = seen.head;
      const { to, statements = [], result } = await plan(seen);
      if (!to) return result;
      const { committed } = await records.commit([moveStatement(seen, to), forgetStaged(seen), ...statements]);
      if (committed) return result;
      if (attempt === TRIES) throw moved(await readBranch(records, repository, branch), seen.head);
      await delay(Math.random() * 2 ** Math.min(attempt, 7));
    }
  }
}
