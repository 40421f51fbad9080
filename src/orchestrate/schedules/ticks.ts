/**
 * Schedules and their ticks as rows. A tick is claimed by one guarded commit: the schedule's cursors move, the tick is written and opened, under the epoch
 * that was read; of any number of servers one wins. While a tick is open no other is claimed. Whoever runs it renews its lease; when the lease is over another
 * server takes it up again, so that it is neither lost nor run by two.
 */
import { newId } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import type { Cursor } from "./conditions.ts";

export interface ScheduleRow {
  readonly name: string;
  readonly cursors: Readonly<Record<string, Cursor>>;
  readonly epoch: number;
  /** The tick that is open. */
  readonly tick: string | null;
  readonly owner: string | null;
  readonly leaseUntil: number | null;
  readonly pausedAt: number | null;
  readonly pausedBy: string | null;
}

/** `skipped`: passed without a run. `failed`: the run did, or it was cut off too often. */
export type TickState = "running" | "succeeded" | "refused" | "failed" | "cancelled" | "skipped";

export interface Tick {
  readonly id: string;
  readonly schedule: string;
  readonly dueAt: number;
  readonly claimedAt: number;
  readonly cause: string;
  readonly state: TickState;
  /** How often it was begun. */
  readonly tries: number;
  readonly runId: string | null;
  readonly error: string | null;
  readonly endedAt: number | null;
}

const ROW = `SELECT name, cursors, epoch, tick, owner, lease_until AS "leaseUntil", paused_at AS "pausedAt", paused_by AS "pausedBy" FROM schedules`;
const TICK = `SELECT id, schedule, due_at AS "dueAt", claimed_at AS "claimedAt", cause, state, tries, run_id AS "runId", error, ended_at AS "endedAt" FROM ticks`;

export async function scheduleRows(records: Records): Promise<Map<string, ScheduleRow>> {
  const rows = await records.query<Omit<ScheduleRow, "cursors"> & { cursors: string }>(ROW);
  return new Map(rows.map((row) => [row.name, { ...row, cursors: JSON.parse(row.cursors) }]));
}

/** Those that are new get a row; nothing happens to the others. */
export const addSchedules = (records: Records, names: readonly string[]) =>
  records.commit(
    names.map((name) => ({
      sql: "INSERT INTO schedules (name, cursors, epoch) VALUES (?, '{}', 0) ON CONFLICT (name) DO NOTHING",
      params: [name],
    })),
  );

export const ticksOf = (records: Records, schedule: string, limit: number): Promise<Tick[]> =>
  records.query<Tick>(`${TICK} WHERE schedule = ? ORDER BY id DESC LIMIT ?`, [schedule, limit]);

export async function tickOf(records: Records, id: string): Promise<Tick | null> {
  const [tick] = await records.query<Tick>(`${TICK} WHERE id = ?`, [id]);
  return tick ?? null;
}

interface Claim {
  readonly cursors: Readonly<Record<string, Cursor>>;
  readonly cause: string;
  readonly dueAt: number;
  readonly owner: string;
  readonly now: number;
  readonly leaseMs: number;
}

/** null: another server was faster, or it was paused meanwhile. */
export async function claimTick(records: Records, row: ScheduleRow, claim: Claim): Promise<Tick | null> {
  const { cursors, cause, dueAt, owner, now, leaseMs } = claim;
  const id = newId(now);
  const { committed } = await records.commit([
    {
      sql: `UPDATE schedules SET cursors = ?, epoch = epoch + 1, tick = ?, owner = ?, lease_until = ?
        WHERE name = ? AND epoch = ? AND tick IS NULL AND paused_at IS NULL`,
      params: [JSON.stringify(cursors), id, owner, now + leaseMs, row.name, row.epoch],
      rows: 1,
    },
    tickStatement({ id, schedule: row.name, dueAt, claimedAt: now, cause, state: "running" }),
  ]);
  if (!committed) return null;
  return {
    id,
    schedule: row.name,
    dueAt,
    claimedAt: now,
    cause,
    state: "running",
    tries: 1,
    runId: null,
    error: null,
    endedAt: null,
  };
}

type NewTick = Pick<Tick, "id" | "schedule" | "dueAt" | "claimedAt" | "cause" | "state">;

const tickStatement = ({ id, schedule, dueAt, claimedAt, cause, state }: NewTick): Statement => ({
  sql: "INSERT INTO ticks (id, schedule, due_at, claimed_at, cause, state, tries, ended_at) VALUES (?, ?, ?, ?, ?, ?, 1, ?)",
  params: [id, schedule, dueAt, claimedAt, cause, state, state === "running" ? null : claimedAt],
  rows: 1,
});

/** What was seen without a run being due; `skipped`: a tick that passed, in words. */
export async function moveCursors(
  records: Records,
  row: ScheduleRow,
  { cursors, skipped, now }: { readonly cursors: ScheduleRow["cursors"]; readonly skipped: string | null; readonly now: number },
): Promise<void> {
  await records.commit([
    {
      sql: "UPDATE schedules SET cursors = ?, epoch = epoch + 1 WHERE name = ? AND epoch = ?",
      params: [JSON.stringify(cursors), row.name, row.epoch],
      rows: 1,
    },
    ...(skipped === null
      ? []
      : [tickStatement({ id: newId(now), schedule: row.name, dueAt: now, claimedAt: now, cause: skipped, state: "skipped" })]),
  ]);
}

/** Takes up a tick whose owner has let its lease run out. null: another server was faster, or its owner lives. */
export async function takeUpTick(
  records: Records,
  { name, tick, leaseUntil }: ScheduleRow,
  { owner, now, leaseMs }: Pick<Claim, "owner" | "now" | "leaseMs">,
): Promise<Tick | null> {
  const { committed } = await records.commit([
    {
      sql: "UPDATE schedules SET owner = ?, lease_until = ?, epoch = epoch + 1 WHERE name = ? AND tick = ? AND lease_until = ? AND lease_until <= ?",
      params: [owner, now + leaseMs, name, tick, leaseUntil, now],
      rows: 1,
    },
    { sql: "UPDATE ticks SET tries = tries + 1 WHERE id = ?", params: [tick], rows: 1 },
  ]);
  return committed ? tickOf(records, tick!) : null;
}

/** False: it is another's by now. */
export async function renewLease(records: Records, tick: Tick, owner: string, until: number): Promise<boolean> {
  const { committed } = await records.commit([
    {
      sql: "UPDATE schedules SET lease_until = ? WHERE name = ? AND tick = ? AND owner = ?",
      params: [until, tick.schedule, tick.id, owner],
      rows: 1,
    },
  ]);
  return committed;
}

/** For whoever takes it up next: the lease is over now. */
export const letGo = (records: Records, tick: Tick, owner: string) => renewLease(records, tick, owner, 0);

export const tickRuns = (tick: Tick, runId: string): Statement => ({
  sql: "UPDATE ticks SET run_id = ? WHERE id = ? AND state = 'running'",
  params: [runId, tick.id],
  rows: 1,
});

/** Only while it is the owner's; else nothing happens. */
export const endTick = (
  records: Records,
  tick: Tick,
  owner: string,
  { state, error, now }: { readonly state: TickState; readonly error: string | null; readonly now: number },
) =>
  records.commit([
    {
      sql: "UPDATE schedules SET tick = NULL, owner = NULL, lease_until = NULL, epoch = epoch + 1 WHERE name = ? AND tick = ? AND owner = ?",
      params: [tick.schedule, tick.id, owner],
      rows: 1,
    },
    { sql: "UPDATE ticks SET state = ?, error = ?, ended_at = ? WHERE id = ?", params: [state, error, now, tick.id], rows: 1 },
  ]);

export const pause = (records: Records, name: string, { actor, now }: { readonly actor: string; readonly now: number }) =>
  records.commit([
    {
      sql: "UPDATE schedules SET paused_at = ?, paused_by = ?, epoch = epoch + 1 WHERE name = ? AND paused_at IS NULL",
      params: [now, actor, name],
    },
  ]);

/** What clocks saw is forgotten, so that ticks of the pause are not missed; what others saw is kept. */
export async function resume(records: Records, name: string): Promise<void> {
  for (;;) {
    const row = (await scheduleRows(records)).get(name);
    if (row === undefined || row.pausedAt === null) return;
    const cursors = Object.fromEntries(Object.entries(row.cursors).filter(([id]) => !id.startsWith("cron ")));
    const { committed } = await records.commit([
      {
        sql: "UPDATE schedules SET paused_at = NULL, paused_by = NULL, cursors = ?, epoch = epoch + 1 WHERE name = ? AND epoch = ?",
        params: [JSON.stringify(cursors), name, row.epoch],
        rows: 1,
      },
    ]);
    if (committed) return;
  }
}
