/** A branch as its row has it, and the statements that move it on only while it stands as it was seen. */
import { type Digest, MillError } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import type { Edit } from "../tree/tree.ts";

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

const ROWS = 2000;

/**
 * What was staged when a branch was seen. A row that is staged anew between two pages is left out: it stays behind when the others go, and lies over
 * whatever they are folded into.
 */
export async function* stagedEdits(records: Records, seen: BranchState): AsyncGenerator<readonly Edit[]> {
  let after = "";
  for (;;) {
    const rows = await records.query<{ path: string; entry: string | null }>(
      `SELECT path, entry FROM staged WHERE repository = ? AND branch = ? AND path > ? AND stamp <= ? ORDER BY path LIMIT ${ROWS}`,
      [seen.repository, seen.branch, after, seen.stamp],
    );
    if (rows.length > 0) yield rows.map(({ path, entry }) => ({ path, value: fromRow(entry) }));
    if (rows.length < ROWS) return;
    after = rows.at(-1)!.path;
  }
}

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
