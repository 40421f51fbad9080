/**
 * The commits by which an attempt ends. Each is one transaction, and its first statement is the fence: it changes the step's row only
 * while that row still runs under the fence of this very attempt, so an attempt that was taken over can change nothing.
 */
import { canonicalJson, type Digest, errorToJson, type MillError } from "../base/index.ts";
import { pin } from "../ports/objects/index.ts";
import type { Statement } from "../ports/records/index.ts";
import type { ChildMeters, Marker, Meters, Progress } from "./attempt-folder.ts";
import { sealStatements } from "./sealed.ts";

export interface Attempt {
  readonly stepId: string;
  readonly fence: number;
  readonly key: Digest;
  readonly kind: string;
  readonly target: string;
  readonly startedAt: number;
}

export type EndState = "succeeded" | "failed" | "cancelled" | "lost";

export interface LogLine {
  readonly at: number;
  readonly text: string;
}

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
  readonly log?: readonly LogLine[];
}

/** The step has ended so; without a result unless `publishStatements` adds it. */
export function endStatements({ stepId, fence }: Attempt, state: EndState, nowMs: number, detail: EndDetail = {}): Statement[] {
  const error = json(detail.error && errorToJson(detail.error));
  return [
    {
      sql: "UPDATE steps SET state = ?, ended_at = ?, lease_until = NULL, error = ? WHERE id = ? AND fence = ? AND state = 'running'",
      params: [state, nowMs, error, stepId, fence],
      rows: 1,
    },
    {
      sql: "UPDATE attempts SET ended_at = ?, outcome = ?, meters = ?, error = ?, log = ? WHERE step_id = ? AND fence = ?",
      params: [nowMs, state, json(detail.meters), error, json(detail.log), stepId, fence],
      rows: 1,
    },
  ];
}

/** The attempt lives: its lease is longer, its progress known. */
export function heartbeatStatements(
  { stepId, fence }: Attempt,
  leaseUntil: number,
  nowMs: number,
  progress: Progress | null,
): Statement[] {
  return [
    {
      sql: "UPDATE steps SET lease_until = ? WHERE id = ? AND fence = ? AND state = 'running'",
      params: [leaseUntil, stepId, fence],
      rows: 1,
    },
    {
      sql: "UPDATE attempts SET heartbeat_at = ?, progress = ? WHERE step_id = ? AND fence = ?",
      params: [nowMs, json(progress), stepId, fence],
    },
  ];
}

export function metersOf(wallMs: number, child: ChildMeters | null, seen: Omit<ChildMeters, "objectBytes"> | null): Meters {
  return {
    wallMs: Math.round(wallMs * 10) / 10,
    cpuSeconds: child?.cpuSeconds ?? seen?.cpuSeconds ?? 0,
    peakRssBytes: child?.peakRssBytes ?? seen?.peakRssBytes ?? 0,
    objectBytes: child?.objectBytes ?? 0,
  };
}

const json = (value: unknown) => (value === undefined || value === null ? null : JSON.stringify(value));
