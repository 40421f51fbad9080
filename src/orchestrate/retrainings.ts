/** Why a model was trained again, and what became of it: the rows. */
import type { Records, Statement } from "../ports/records/index.ts";

/**
 * `running`: see the run. `unchanged`: the same model came out. `candidate`: passed its gate and answers a share of the requests.
 * `promoted`, `halted`: how that ended. `refused`: by a check or gate. `failed`: by an error, or cut off.
 */
export type RetrainingState = "running" | "unchanged" | "candidate" | "promoted" | "halted" | "refused" | "failed";

export interface Retraining {
  readonly runId: string;
  readonly endpoint: string;
  readonly model: string;
  /** Why it was started, in one sentence. */
  readonly cause: string;
  /** Data time up to which rows could be known, in microseconds. */
  readonly asOf: number | null;
  readonly state: RetrainingState;
  readonly version: number | null;
  readonly why: string | null;
}

/** Newest first. */
export const retrainingsOf = (records: Records, endpoint: string, limit: number): Promise<Retraining[]> =>
  records.query<Retraining>(
    `SELECT run_id AS "runId", endpoint, model, cause, as_of AS "asOf", state, version, why FROM retrainings
      WHERE endpoint = ? ORDER BY run_id DESC LIMIT ?`,
    [endpoint, limit],
  );

/** The statement that ends a retraining, or the rollout that it led to. */
export const retrainingEnds = (
  runId: string,
  { state, version, why }: { readonly state: RetrainingState; readonly version: number | null; readonly why: string },
  at: number,
): Statement => ({
  sql: "UPDATE retrainings SET state = ?, version = ?, why = ?, ended_at = ? WHERE run_id = ?",
  params: [state, version, why, at, runId],
  rows: 1,
});
