/** A branch as its row has it, and the statements that move it on only while it stands as it was seen. */
import { type Digest, MillError } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import type { Edit, Tree } from "../tree/tree.ts";
import { isStorable } from "./paths.ts";

export interface BranchState {
  readonly repository: string;
  readonly branch: string;
  readonly head: Digest;
  readonly headRoot: Digest;
  /** Of the head. */
  readonly generation: number;
  /** The working tree without what is staged. */
  readonly root: Digest;
  /** How often head and root have moved. */
  readonly epoch: number;
  /** Of the newest change that was staged. */
  readonly stamp: number;
  readonly protected: boolean;
}

/** Errors: `lake.unknown-repository`, `lake.unknown-ref`. */
export async function readBranch(records: Records, repository: string, branch: string): Promise<BranchState> {
  if (!isStorable(branch)) throw await unknownRef(records, repository, branch, "branch");
  const [row] = await records.query<Omit<BranchState, "protected"> & { protected: number }>(
    `SELECT b.repository, b.name AS branch, b.head, c.root AS "headRoot", c.generation, b.root, b.epoch, b.stamp, b.protected
      FROM branches b JOIN commits c ON c.repository = b.repository AND c.id = b.head WHERE b.repository = ? AND b.name = ?`,
    [repository, branch],
  );
  if (!row) throw await unknownRef(records, repository, branch, "branch");
  return { ...row, protected: row.protected !== 0 };
}

/** Errors: `lake.protected`. */
export function refuseProtected(state: BranchState): void {
  if (!state.protected) return;
  throw new MillError("lake.protected", `The branch "${state.branch}" of "${state.repository}" is protected.`, {
    at: `${state.repository}/${state.branch}`,
    expected: "a merge, a revert or a cherry-pick",
    fix: "Make a branch from it, commit there, and merge that branch into it.",
  });
}

/** Gives a branch another head or root, if it is as it was seen. */
export function moveStatement(seen: BranchState, to: { readonly head?: Digest; readonly root: Digest }): Statement {
  return {
    sql: `UPDATE branches SET head = ?, root = ?, epoch = epoch + 1
      WHERE repository = ? AND name = ? AND head = ? AND root = ? AND epoch = ? AND protected = ?`,
    params: [
      to.head ?? seen.head,
      to.root,
      seen.repository,
      seen.branch,
      seen.head,
      seen.root,
      seen.epoch,
      seen.protected ? 1 : 0,
    ],
    rows: 1,
  };
}

/** Takes away the staged rows that were seen; those that came since stay. */
export const forgetStaged = ({ repository, branch, stamp }: BranchState): Statement => ({
  sql: "DELETE FROM staged WHERE repository = ? AND branch = ? AND stamp <= ?",
  params: [repository, branch, stamp],
});

/** A branch with all that is staged on it worked into its tree, which is stored but not yet the branch's. */
export interface Seen extends BranchState {
  readonly working: Digest;
}

const TRIES = 20;

/** Errors: `lake.unknown-repository`, `lake.unknown-ref`, `lake.moved` when the branch never stands still. */
export async function seeBranch(records: Records, tree: Tree, repository: string, branch: string): Promise<Seen> {
  for (let attempt = 1; ; attempt++) {
    const state = await readBranch(records, repository, branch);
    try {
      return { ...state, working: await tree.apply(state.root, stagedEdits(records, state)) };
    } catch (error) {
      if (!(error instanceof MovedAway)) throw error;
      if (attempt === TRIES) throw moved(await readBranch(records, repository, branch), state.head);
    }
  }
}

class MovedAway extends Error {}

const ROWS = 2000;

/**
 * What was staged when a branch was seen. A row that is staged anew between two pages is left out: it stays behind when the others go, and lies over
 * whatever they are folded into.
 */
async function* stagedEdits(
  records: Records,
  { repository, branch, epoch, stamp }: BranchState,
): AsyncGenerator<readonly Edit[]> {
  let after = "";
  for (;;) {
    const found = await records.query<{ epoch: number; path: string | null; entry: string | null }>(
      `SELECT b.epoch, s.path, s.entry FROM branches b
        LEFT JOIN (SELECT path, entry FROM staged WHERE repository = ? AND branch = ? AND path > ? AND stamp <= ? ORDER BY path LIMIT ?) s ON 1 = 1
        WHERE b.repository = ? AND b.name = ? ORDER BY s.path`,
      [repository, branch, after, stamp, ROWS, repository, branch],
    );
    if (found[0]?.epoch !== epoch) throw new MovedAway();
    if (found[0].path === null) return;
    yield found.map(({ path, entry }) => ({ path: path!, value: fromRow(entry) }));
    if (found.length < ROWS) return;
    after = found.at(-1)!.path!;
  }
}

export const moved = ({ repository, branch, head }: BranchState, expected: Digest): MillError =>
  new MillError("lake.moved", `The branch "${branch}" of "${repository}" has another head by now.`, {
    at: `${repository}/${branch}`,
    expected,
    got: head,
    fix: "Look at what came in, and do it again on the new head.",
  });

/** An entry's bytes in a staged row. */
export const toRow = (value: Buffer | null): string | null => (value === null ? null : value.toString("base64"));
export const fromRow = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text, "base64"));

export async function unknownRef(
  records: Records,
  repository: string,
  ref: string,
  kind = "branch, tag or commit",
): Promise<MillError> {
  const [found] = await records.query<{ branch: string }>(`SELECT default_branch AS branch FROM repositories WHERE name = ?`, [
    repository,
  ]);
  if (!found)
    return new MillError("lake.unknown-repository", `There is no repository "${repository}".`, {
      at: repository,
      fix: "`mill lake list` names those that there are.",
    });
  return new MillError("lake.unknown-ref", `The repository "${repository}" has no ${kind} "${ref}".`, {
    at: `${repository}/${ref}`,
    expected: `a ${kind} such as "${found.branch}"`,
    fix: `\`mill lake branches ${repository}\` names its branches.`,
  });
}
