/** Taking a step: at most one attempt of a key runs at a time, whoever asks. */
import { type Digest, MillError, newId } from "../base/index.ts";
import type { Statement } from "../ports/records/index.ts";
import { readingStatements, type Sealed } from "./sealed.ts";
import type { Attempt } from "./settle.ts";
import type { Surroundings } from "./surroundings.ts";

/** The step of a key that runs, or that was lost and waits to be taken up again. */
export interface OpenStep extends Attempt {
  readonly state: "running" | "lost";
  readonly leaseUntil: number | null;
  readonly engine: string;
  readonly handle: string | null;
  readonly owner: string;
}

const OPEN_STEPS = `SELECT s.id AS "stepId", s.fence AS fence, s.step_key AS key, s.kind AS kind, s.target AS target, s.state AS state,
    s.lease_until AS "leaseUntil", a.started_at AS "startedAt", a.engine AS engine, a.handle AS handle, a.owner AS owner
  FROM steps s JOIN attempts a ON a.step_id = s.id AND a.fence = s.fence`;

export async function openStepOf({ records }: Surroundings, key: Digest): Promise<OpenStep | null> {
  const order = "ORDER BY s.state DESC, s.id DESC LIMIT 1"; // a running one before a lost one
  const [step] = await records.query<OpenStep>(`${OPEN_STEPS} WHERE s.step_key = ? AND s.state IN ('running', 'lost') ${order}`, [
    key,
  ]);
  return step ?? null;
}

export const runningSteps = ({ records }: Surroundings): Promise<OpenStep[]> =>
  records.query<OpenStep>(`${OPEN_STEPS} WHERE s.state = 'running' ORDER BY s.id`);

/** Of the running steps that this ledger does not run itself: those whose lease is over or whose owner is gone (or has let go of them). */
export function isAbandoned({ leaseUntil, owner }: OpenStep, { clock, owner: self }: Surroundings): boolean {
  return (leaseUntil ?? 0) < clock() || owner === self.name || !self.alive(owner);
}

export interface Claim {
  readonly key: Digest;
  readonly kind: string;
  readonly revision: number;
  readonly target: string;
  readonly runId: string | null;
  readonly input: unknown;
  readonly sealed: readonly Sealed[];
  /** The lost step to take up; else a new one is made. */
  readonly lost: OpenStep | null;
}

/** Starts an attempt in one commit: the step's row, the attempt's, the readings of sealed inputs. null when another was faster. */
export async function claim(surroundings: Surroundings, asked: Claim): Promise<Attempt | null> {
  const { records, engine, owner, clock } = surroundings;
  const nowMs = clock();
  const { key, kind, target, lost } = asked;
  const attempt: Attempt = {
    ...{ stepId: lost?.stepId ?? newId(nowMs), fence: (lost?.fence ?? 0) + 1 },
    ...{ key, kind, target, startedAt: nowMs },
  };
  const outcome = await records
    .commit([
      stepStatement(attempt, asked, nowMs + surroundings.leaseMs),
      {
        sql: "INSERT INTO attempts (step_id, fence, engine, owner, started_at, heartbeat_at) VALUES (?, ?, ?, ?, ?, ?)",
        params: [attempt.stepId, attempt.fence, engine.name, owner.name, nowMs, nowMs],
      },
      ...readingStatements({ ...asked, granted: true, atMs: nowMs }),
    ])
    .catch((error) => {
      if (error instanceof MillError && error.code === "records.constraint") return { committed: false }; // two at the same moment
      throw error;
    });
  return outcome.committed ? attempt : null;
}

function stepStatement({ stepId, fence, startedAt }: Attempt, asked: Claim, leaseUntil: number): Statement {
  const { key, kind, revision, target, runId, input, lost } = asked;
  if (lost)
    return {
      sql: `UPDATE steps SET fence = ?, state = 'running', lease_until = ?, run_id = ?, ended_at = NULL, error = NULL
        WHERE id = ? AND fence = ? AND state = 'lost'`,
      params: [fence, leaseUntil, runId, stepId, lost.fence],
      rows: 1,
    };
  return {
    sql: `INSERT INTO steps (id, step_key, kind, revision, target, run_id, input, state, fence, lease_until, created_at)
      SELECT ?, ?, ?, ?, ?, ?, ?, 'running', ?, ?, ?
      WHERE NOT EXISTS (SELECT 1 FROM steps WHERE step_key = ? AND state = 'running') AND NOT EXISTS (SELECT 1 FROM results WHERE step_key = ?)`,
    params: [stepId, key, kind, revision, target, runId, JSON.stringify(input), fence, leaseUntil, startedAt, key, key],
    rows: 1,
  };
}
