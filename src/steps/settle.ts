/**
 * The commits by which an attempt ends. Each is one transaction, and its first statement is the fence: it changes the step's row only
 * while that row still runs under the fence of this very attempt and in its owner's care, so an attempt that was taken over can change nothing.
 */
import { canonicalJson, type Digest, errorToJson, type MillError } from "../base/index.ts";
import { jobName } from "../ports/engines/index.ts";
import { pin } from "../ports/objects/index.ts";
import type { Statement } from "../ports/records/index.ts";
import { type ChildMeters, type Marker, type Meters, NO_METERS, type Progress } from "./attempt-folder.ts";
import { sealStatements } from "./sealed.ts";

export interface Attempt {
  readonly stepId: string;
  readonly fence: number;
  readonly key: Digest;
  readonly kind: string;
  readonly target: string;
  readonly startedAt: number;
  /** Who looks after it. */
  readonly owner: string;
}

export type EndState = "succeeded" | "failed" | "cancelled" | "lost";

export interface LogLine {
  readonly at: number;
  readonly text: string;
}

const UNDER_FENCE = "id = ? AND fence = ? AND state = 'running' AND COALESCE(owner, '') = ?";

export const pinHolder = (key: Digest) => `result:${key}`;

/** The step has a result: its row, the attempt, the result of its key, and the pins of all that the manifest names. */
export function publishStatements(attempt: Attempt, marker: Marker, nowMs: number, detail: EndDetail): Statement[] {
  const { key, kind, target, stepId } = attempt;
  return [
    ...endStatements(attempt, "succeeded", nowMs, detail),
    {
      sql: "INSERT INTO results (step_key, kind, target, step_id, manifest, published_at) VALUES (?, ?, ?, ?, ?, ?)",
      params: [key, kind, target, stepId, canonicalJson(marker.manifest), nowMs],
      rows: 1,
    },
    ...sealStatements(marker.manifest.objects),
    ...pin(pinHolder(key), Object.values(marker.manifest.objects)),
  ];
}

export interface EndDetail {
  readonly meters?: Meters;
  readonly error?: MillError;
  /** The last lines. */
  readonly log?: readonly LogLine[];
  /** The whole log, where it is longer than these. */
  readonly logObject?: Digest | null;
}

/** The step has ended so; without a result unless `publishStatements` adds it. */
export function endStatements(attempt: Attempt, state: EndState, nowMs: number, detail: EndDetail = {}): Statement[] {
  const { stepId, fence, owner } = attempt;
  return [
    {
      sql: `UPDATE steps SET state = ?, ended_at = ?, lease_until = NULL, owner = NULL, error = ? WHERE ${UNDER_FENCE}`,
      params: [state, nowMs, errorJson(detail), stepId, fence, owner],
      rows: 1,
    },
    attemptEnd(attempt, state, nowMs, detail),
    ...logPins(attempt, detail),
  ];
}

/** The attempt has failed, and its step is queued for the next one, not before `dueAt`; the owner still looks after it. */
export function tryAgainStatements(
  attempt: Attempt,
  { dueAt, leaseUntil }: { readonly dueAt: number; readonly leaseUntil: number },
  nowMs: number,
  detail: EndDetail,
): Statement[] {
  const { stepId, fence, owner } = attempt;
  return [
    {
      sql: `UPDATE steps SET state = 'queued', due_at = ?, lease_until = ?, error = ? WHERE ${UNDER_FENCE}`,
      params: [dueAt, leaseUntil, errorJson(detail), stepId, fence, owner],
      rows: 1,
    },
    attemptEnd(attempt, "failed", nowMs, detail),
    ...logPins(attempt, detail),
  ];
}

/** The attempt lives: its lease is longer, its progress known. Unguarded: what changes nothing is found by looking (pulse.ts). */
export function heartbeatStatements(
  { stepId, fence, owner }: Attempt,
  leaseUntil: number,
  nowMs: number,
  progress: Progress | null,
): Statement[] {
  return [
    { sql: `UPDATE steps SET lease_until = ? WHERE ${UNDER_FENCE}`, params: [leaseUntil, stepId, fence, owner] },
    {
      sql: "UPDATE attempts SET heartbeat_at = ?, progress = ? WHERE step_id = ? AND fence = ? AND owner = ?",
      params: [nowMs, json(progress), stepId, fence, owner],
    },
  ];
}

/** A step in the queue ends without an attempt, whoever looks after it. */
export const endQueuedStatement = (
  { stepId, fence }: Pick<Attempt, "stepId" | "fence">,
  state: "failed" | "cancelled",
  nowMs: number,
  error: MillError | null,
): Statement => ({
  sql: `UPDATE steps SET state = ?, ended_at = ?, lease_until = NULL, owner = NULL, due_at = NULL, error = ? WHERE id = ? AND fence = ? AND state = 'queued'`,
  params: [state, nowMs, errorJson(error ? { error } : {}), stepId, fence],
  rows: 1,
});

function attemptEnd({ stepId, fence }: Attempt, state: EndState, nowMs: number, detail: EndDetail): Statement {
  const { meters, log, logObject = null } = detail;
  return {
    sql: "UPDATE attempts SET ended_at = ?, outcome = ?, meters = ?, error = ?, log = ?, log_object = ? WHERE step_id = ? AND fence = ?",
    params: [nowMs, state, json(meters), errorJson(detail), json(log), logObject, stepId, fence],
    rows: 1,
  };
}

const logPins = (attempt: Attempt, { logObject }: EndDetail) => (logObject ? pin(`log:${jobName(attempt)}`, [logObject]) : []);

/** What the step itself measured, else what its engine saw. */
export function metersOf(wallMs: number, child: ChildMeters | null, seen: Partial<ChildMeters> | null): Meters {
  return { ...NO_METERS, ...(child ?? seen), wallMs: Math.round(wallMs * 10) / 10 };
}

const errorJson = ({ error }: EndDetail) => json(error && errorToJson(error));
const json = (value: unknown) => (value === undefined || value === null ? null : JSON.stringify(value));
