/**
 * Backfills as rows. Who carries one out holds a lease on it, taken by a guarded commit: of any number of servers one does, and when its lease is over another
 * goes on. What a person wants is the state alone; who carries it out sees that when the lease is renewed.
 */
import { newId } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import type { PartitionOutcome } from "../partitions/take-in.ts";

/** `requested`: nobody has begun. `running` without an owner: it was cut off, and goes on when a server looks. */
export const BACKFILL_STATES = ["requested", "running", "paused", "succeeded", "failed", "cancelled"] as const;
export type BackfillState = (typeof BACKFILL_STATES)[number];

/** `missing`: what is not current. */
export const WHICH = ["missing", "failed", "all"] as const;
export type Which = (typeof WHICH)[number];

/** Times are milliseconds since 1970. */
export interface Backfill {
  readonly id: string;
  readonly target: string;
  readonly dataset: string;
  readonly which: Which;
  /** As it was asked for; null: from the first, to the last. */
  readonly from: string | null;
  readonly to: string | null;
  /** Partitions at one time. */
  readonly batch: number;
  readonly actor: string;
  readonly requestedAt: number;
  readonly state: BackfillState;
  readonly owner: string | null;
  readonly leaseUntil: number | null;
  /** How often it was taken up. */
  readonly tries: number;
  readonly runId: string | null;
  /** How many, and how they are; the rest waits. */
  readonly partitions: number;
  readonly running: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly absent: number;
  readonly note: string | null;
  readonly error: string | null;
  readonly endedAt: number | null;
}

export const ITEM_STATES = ["waiting", "running", "succeeded", "failed", "absent"] as const;
export type ItemState = (typeof ITEM_STATES)[number];

export interface BackfillPartition {
  readonly partition: string;
  readonly state: ItemState;
  readonly stepId: string | null;
  readonly error: string | null;
}

const ROW = `SELECT id, target, dataset, which, from_partition AS "from", to_partition AS "to", batch, actor, requested_at AS "requestedAt", state, owner, lease_until AS "leaseUntil",
  tries, run_id AS "runId", partitions, running, succeeded, failed, absent, note, error, ended_at AS "endedAt" FROM backfills`;

export type NewBackfill = Pick<Backfill, "target" | "dataset" | "which" | "from" | "to" | "batch" | "actor">;

/** Rows of partitions that one statement writes. */
const TOGETHER = 1000;

export async function addBackfill(
  records: Records,
  asked: NewBackfill,
  partitions: readonly string[],
  now: number,
): Promise<string> {
  const { target, dataset, which, from, to, batch, actor } = asked;
  const id = newId(now);
  const items: Statement[] = [];
  for (let done = 0; done < partitions.length; done += TOGETHER) {
    const some = partitions.slice(done, done + TOGETHER);
    items.push({
      sql: `INSERT INTO backfill_partitions (backfill, partition_key, state) VALUES ${some.map(() => "(?, ?, 'waiting')").join(", ")}`,
      params: some.flatMap((partition) => [id, partition]),
    });
  }
  await records.commit([
    {
      sql: `INSERT INTO backfills (id, target, dataset, which, from_partition, to_partition, batch, actor, requested_at, state, tries, partitions, running, succeeded, failed, absent)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'requested', 0, ?, 0, 0, 0, 0)`,
      params: [id, target, dataset, which, from, to, batch, actor, now, partitions.length],
    },
    ...items,
  ]);
  return id;
}

export async function backfillRow(records: Records, id: string): Promise<Backfill | null> {
  const [row] = await records.query<Backfill>(`${ROW} WHERE id = ?`, [id]);
  return row ?? null;
}

/** Newest first; `before`: the id of the last one of the page before. */
export const backfillRows = (
  records: Records,
  { limit, before }: { readonly limit: number; readonly before?: string | undefined },
) =>
  records.query<Backfill>(`${ROW} ${before === undefined ? "" : "WHERE id < ?"} ORDER BY id DESC LIMIT ?`, [
    ...(before === undefined ? [] : [before]),
    limit,
  ]);

/** Those that somebody should carry out, oldest first. */
export const openBackfills = (records: Records) =>
  records.query<Backfill>(`${ROW} WHERE state IN ('requested', 'running') ORDER BY id`);

export interface ItemPage {
  readonly states?: readonly ItemState[];
  readonly after?: string | undefined;
  readonly limit: number;
}

/** In their order. */
export const partitionsOf = (records: Records, id: string, { states, after, limit }: ItemPage) =>
  records.query<BackfillPartition>(
    `SELECT partition_key AS "partition", state, step_id AS "stepId", error FROM backfill_partitions WHERE backfill = ?
      ${states === undefined ? "" : `AND state IN (${states.map(() => "?").join(", ")})`} ${after === undefined ? "" : "AND partition_key > ?"}
      ORDER BY partition_key LIMIT ?`,
    [id, ...(states ?? []), ...(after === undefined ? [] : [after]), limit],
  );

interface Holder {
  readonly owner: string;
  readonly now: number;
  readonly leaseMs: number;
}

/** False: another server was faster, or its owner lives, or it is wanted no more. What an owner before had begun waits again. */
export async function takeUp(records: Records, { id, tries }: Backfill, { owner, now, leaseMs }: Holder): Promise<boolean> {
  const { committed } = await records.commit([
    {
      sql: `UPDATE backfills SET state = 'running', owner = ?, lease_until = ?, tries = tries + 1
        WHERE id = ? AND tries = ? AND state IN ('requested', 'running') AND (owner IS NULL OR lease_until <= ?)`,
      params: [owner, now + leaseMs, id, tries, now],
      rows: 1,
    },
    { sql: "UPDATE backfill_partitions SET state = 'waiting' WHERE backfill = ? AND state = 'running'", params: [id] },
    recount(id),
  ]);
  return committed;
}

/** The state that is wanted; null: it is another's by now. */
export async function renew(records: Records, id: string, { owner, now, leaseMs }: Holder): Promise<BackfillState | null> {
  const { committed } = await records.commit([
    { sql: "UPDATE backfills SET lease_until = ? WHERE id = ? AND owner = ?", params: [now + leaseMs, id, owner], rows: 1 },
  ]);
  return committed ? ((await backfillRow(records, id))?.state ?? null) : null;
}

export const carriedBy = (id: string, owner: string, runId: string): Statement => ({
  sql: "UPDATE backfills SET run_id = ? WHERE id = ? AND owner = ?",
  params: [runId, id, owner],
  rows: 1,
});

/** False: it is another's by now, or is to begin nothing more. */
export async function beginPartitions(
  records: Records,
  id: string,
  owner: string,
  partitions: readonly string[],
): Promise<boolean> {
  const { committed } = await records.commit([
    {
      sql: "UPDATE backfills SET state = 'running' WHERE id = ? AND owner = ? AND state IN ('requested', 'running')",
      params: [id, owner],
      rows: 1,
    },
    {
      sql: `UPDATE backfill_partitions SET state = 'running' WHERE backfill = ? AND state = 'waiting' AND partition_key IN (${partitions.map(() => "?").join(", ")})`,
      params: [id, ...partitions],
    },
    recount(id),
  ]);
  return committed;
}

/** One that was cancelled waits again. Only while it is the owner's; else nothing happens. */
export const settlePartitions = (records: Records, id: string, owner: string, outcomes: readonly PartitionOutcome[]) =>
  records.commit([
    { sql: "UPDATE backfills SET owner = ? WHERE id = ? AND owner = ?", params: [owner, id, owner], rows: 1 },
    ...outcomes.map(({ partition, state, stepId, error }) => ({
      sql: "UPDATE backfill_partitions SET state = ?, step_id = ?, error = ? WHERE backfill = ? AND partition_key = ?",
      params: [state === "cancelled" ? "waiting" : state, stepId, error?.message ?? null, id, partition],
    })),
    recount(id),
  ]);

/** For whoever takes it up next; what had begun waits again. */
export const letGo = (records: Records, id: string, owner: string) =>
  records.commit([
    { sql: "UPDATE backfills SET owner = NULL, lease_until = NULL WHERE id = ? AND owner = ?", params: [id, owner], rows: 1 },
    { sql: "UPDATE backfill_partitions SET state = 'waiting' WHERE backfill = ? AND state = 'running'", params: [id] },
    recount(id),
  ]);

export interface End {
  readonly state: "succeeded" | "failed" | "cancelled";
  readonly note?: string | null;
  readonly error?: string | null;
}

/** Only while it is the owner's and nobody has cancelled it. */
export const endBackfill = (
  records: Records,
  id: string,
  owner: string,
  { state, note = null, error = null }: End,
  now: number,
) =>
  records.commit([
    {
      sql: `UPDATE backfills SET state = ?, note = ?, error = ?, ended_at = ?, owner = NULL, lease_until = NULL
        WHERE id = ? AND owner = ? AND state IN ('requested', 'running')`,
      params: [state, note, error, now, id, owner],
      rows: 1,
    },
  ]);

/** False: it is in none of these states. */
export async function moveBackfill(
  records: Records,
  id: string,
  {
    from,
    to,
    endedAt = null,
  }: { readonly from: readonly BackfillState[]; readonly to: BackfillState; readonly endedAt?: number | null },
): Promise<boolean> {
  const { committed } = await records.commit([
    {
      sql: `UPDATE backfills SET state = ?, ended_at = ?, error = NULL, note = NULL WHERE id = ? AND state IN (${from.map(() => "?").join(", ")})`,
      params: [to, endedAt, id, ...from],
      rows: 1,
    },
  ]);
  return committed;
}

/** What failed, or had no file, waits again; false: it has not ended. */
export async function askAgain(records: Records, id: string): Promise<boolean> {
  const { committed } = await records.commit([
    {
      sql: `UPDATE backfills SET state = 'requested', ended_at = NULL, error = NULL, note = NULL WHERE id = ? AND state IN ('succeeded', 'failed', 'cancelled')`,
      params: [id],
      rows: 1,
    },
    {
      sql: "UPDATE backfill_partitions SET state = 'waiting', error = NULL WHERE backfill = ? AND state IN ('failed', 'absent')",
      params: [id],
    },
    recount(id),
  ]);
  return committed;
}

const counted = (state: ItemState) =>
  `${state} = (SELECT count(*) FROM backfill_partitions p WHERE p.backfill = backfills.id AND p.state = '${state}')`;
const recount = (id: string): Statement => ({
  sql: `UPDATE backfills SET ${(["running", "succeeded", "failed", "absent"] as const).map(counted).join(", ")} WHERE id = ?`,
  params: [id],
});
