import type { Records } from "../../ports/records/index.ts";
import type { Tree } from "../tree/tree.ts";
import { createFolds, type FoldAt } from "./folds.ts";
import { createStager, type StageCall, type Stager } from "./group-staging.ts";
import type { Moves } from "./moves.ts";

export interface Staging {
  stage(repository: string, branch: string, call: StageCall): Promise<void>;
  /** Waits for folds under way. */
  settled(): Promise<void>;
}

/** Staging on any branch: calls in groups, and what came in folded into the branch's tree when it is much. */
export function createStaging(records: Records, tree: Tree, moves: Moves, foldAt: FoldAt): Staging {
  const stagers = new Map<string, Stager>();
  const folds = createFolds(foldAt, fold, stagedCount);

  return {
    async stage(repository, branch, call) {
      const name = `${repository}/${branch}`;
      const stager =
        stagers.get(name) ??
        createStager(records, tree, repository, branch, (changes) => folds.staged(repository, branch, changes));
      stagers.set(name, stager);
      try {
        await stager.stage(call);
      } finally {
        if (stager.isIdle()) stagers.delete(name);
      }
    },
    settled: () => folds.settled(),
  };

  async function fold(repository: string, branch: string): Promise<void> {
    await moves.move(repository, branch, async ({ working }) => ({ to: { root: working }, result: undefined }), {
      anyHead: true,
    });
  }

  async function stagedCount(repository: string, branch: string) {
    const [counted] = await records.query<{ rows: number; entries: number }>(
      `SELECT count(*) AS "rows", count(entry) AS entries FROM staged WHERE repository = ? AND branch = ?`,
      [repository, branch],
    );
    return { rows: counted!.rows, removed: counted!.rows - counted!.entries };
  }
}
