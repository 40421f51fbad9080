/**
 * The steps that wait: for a place in their pool, for the value that only one may hold, for the end of a pause, for the time of their next try.
 * Each is a row, so all servers see one queue, in the order of the steps' ids. Every look at the queue is a plan over the rows
 * (`startable`); a start is then decided by the guards of its commit (claim.ts).
 */
import type { MillError } from "../base/index.ts";
import type { Outcome } from "./attempt.ts";
import { type Asked, isLeaseOver, type Queued, start } from "./claim.ts";
import { isPassing } from "./retry.ts";
import { type Attempt, endQueuedStatement } from "./settle.ts";
import type { Surroundings } from "./surroundings.ts";
import { timeoutOf } from "./timeouts.ts";

export interface Queue {
  /** Waits until the step may start, and starts it: not before `dueAtMs` of elapsed time. An abort ends the step: failed by a timeout, else cancelled. null: it is no longer ours. */
  wait(queued: Waited, asked: Asked, signal: AbortSignal): Promise<Attempt | Outcome | null>;
  /** A place may have come free. */
  nudge(): void;
}

/** A row of a step that waits, or that holds a place in a pool or a value. */
export interface Place {
  readonly id: string;
  readonly fence: number;
  readonly state: "queued" | "running";
  readonly owner: string | null;
  readonly pool: string | null;
  readonly exclusive: string | null;
  readonly runId: string | null;
  /** Its next try need not wait any more. */
  readonly due: boolean;
  /** It has nobody who would start it. */
  readonly deserted: boolean;
  /** Somebody wants it to end, or its run. */
  readonly cancelled: number;
  readonly paused: number;
}

interface PlaceRow extends Omit<Place, "due" | "deserted"> {
  /** By the clock of its owner. */
  readonly dueAt: number | null;
  readonly leaseUntil: number | null;
}

interface Waited extends Queued {
  readonly dueAtMs: number;
}

interface Waiting {
  readonly queued: Waited;
  readonly asked: Asked;
  settle(ending: Attempt | Outcome | null): void;
  fail(error: unknown): void;
}

const LOOK_MS = 200;

/** In order; a table alias says whose row it is. */
const PLACES = `SELECT s.id AS id, s.fence AS fence, s.state AS state, s.owner AS owner, s.pool AS pool, s.exclusive_key AS exclusive,
    s.run_id AS "runId", s.due_at AS "dueAt", s.lease_until AS "leaseUntil",
    CASE WHEN s.cancel_at IS NOT NULL OR EXISTS (SELECT 1 FROM runs r WHERE r.id = s.run_id AND r.cancel_at IS NOT NULL) THEN 1 ELSE 0 END AS cancelled,
    CASE WHEN EXISTS (SELECT 1 FROM pauses p WHERE (p.what = 'pool' AND p.name = s.pool) OR (p.what = 'run' AND p.name = s.run_id)) THEN 1 ELSE 0 END AS paused
  FROM steps s WHERE s.state = 'queued' OR (s.state = 'running' AND (s.pool IS NOT NULL OR s.exclusive_key IS NOT NULL)) ORDER BY s.id`;

export function createQueue(surroundings: Surroundings): Queue {
  const { records, clock, time, leaseMs, owner, pools } = surroundings;
  const waiting = new Map<string, Waiting>();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  let wanted = false;
  let renewedAt = performance.now();

  return {
    async wait(queued, asked, signal) {
      if (waiting.size === 0) renewedAt = performance.now();
      const { promise, resolve, reject } = Promise.withResolvers<Attempt | Outcome | null>();
      const end = () => void leave(queued, signal).then(resolve, reject);
      waiting.set(queued.stepId, { queued, asked, settle: resolve, fail: reject });
      signal.addEventListener("abort", end);
      if (signal.aborted) end();
      else nudge();
      try {
        return await promise;
      } finally {
        signal.removeEventListener("abort", end);
        waiting.delete(queued.stepId);
      }
    },
    nudge,
  };

  function nudge(): void {
    if (waiting.size > 0) lookIn(0);
  }

  function lookIn(delayMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(lookOnce, delayMs);
  }

  async function lookOnce(): Promise<void> {
    if (looking) {
      wanted = true;
      return;
    }
    looking = true;
    await look();
    looking = false;
    if (waiting.size > 0) lookIn(wanted ? 0 : LOOK_MS);
    wanted = false;
  }

  async function look(): Promise<void> {
    try {
      if (performance.now() - renewedAt > leaseMs / 3) await renew();
      const asking = [...waiting]; // whoever joins while the rows are read is not among them
      const rows = await records.query<PlaceRow>(PLACES);
      const places = rows.map(placeOf);
      await Promise.all(places.filter(({ cancelled }) => cancelled).map(cancel));
      dropTaken(asking, places);
      await Promise.all(startable(places, pools).map(startOne));
    } catch (error) {
      if (isPassing(error)) return; // the next look comes soon
      for (const { fail } of waiting.values()) fail(error);
    }
  }

  /** Another's clock tells when its step is due, our own is not asked: it may have been set. */
  function placeOf({ dueAt, leaseUntil, ...row }: PlaceRow): Place {
    const dueAtMs = waiting.get(row.id)?.queued.dueAtMs;
    const due = dueAtMs === undefined ? (dueAt ?? 0) <= clock() : dueAtMs <= time.elapsedMs();
    const deserted = row.owner !== owner.name && isLeaseOver({ stepId: row.id, leaseUntil }, surroundings);
    return { ...row, due, deserted };
  }

  async function renew(): Promise<void> {
    renewedAt = performance.now();
    const renewal = "UPDATE steps SET lease_until = ? WHERE state = 'queued' AND owner = ?";
    await records.commit([{ sql: renewal, params: [clock() + leaseMs, owner.name] }], { lazy: true });
  }

  async function startOne(id: string): Promise<void> {
    const one = waiting.get(id);
    const attempt = one && (await start(surroundings, one.asked, one.queued));
    if (attempt) one.settle(attempt);
  }

  /** Also those whose owner is gone: nobody else would end them. */
  async function cancel({ id, fence, state, owner: by }: Place): Promise<void> {
    if (state !== "queued" || (by !== owner.name && by !== null && owner.alive(by))) return;
    const { committed } = await records.commit([endQueuedStatement({ stepId: id, fence }, "cancelled", clock(), null)]);
    if (committed) waiting.get(id)?.settle({ state: "cancelled" });
  }

  /** What is no longer ours in the queue: another owner took it over, or ended it. */
  function dropTaken(asking: readonly [id: string, Waiting][], places: readonly Place[]): void {
    const ours = new Set(places.filter((place) => place.state === "queued" && place.owner === owner.name).map(({ id }) => id));
    for (const [id, { settle }] of asking) if (!ours.has(id)) settle(null);
  }

  async function leave(queued: Queued, signal: AbortSignal): Promise<Outcome | null> {
    const error = timeoutOf(signal);
    const { committed } = await records.commit([endQueuedStatement(queued, error ? "failed" : "cancelled", clock(), error)]);
    return committed ? outcomeOf(queued.stepId, error) : null;
  }
}

const outcomeOf = (stepId: string, error: MillError | null): Outcome =>
  error ? { state: "failed", error, stepId } : { state: "cancelled" };

/**
 * Which steps of the queue may start now, by their ids, in order. A step that is deserted holds nobody up; nor does one that is paused, not yet due, or kept by a value that a running step holds. A pool without a limit here is another server's to count.
 */
export function startable(places: readonly Place[], pools: Readonly<Record<string, number>>): string[] {
  const free = new Map(Object.entries(pools));
  const held = new Set<string>();
  const hold = ({ pool, exclusive }: Place) => {
    if (pool !== null) free.set(pool, (free.get(pool) ?? Number.POSITIVE_INFINITY) - 1);
    if (exclusive !== null) held.add(exclusive);
  };
  for (const place of places) if (place.state === "running") hold(place);
  const ids: string[] = [];
  for (const place of places) {
    const { state, pool, exclusive, due, deserted, cancelled, paused } = place;
    if (state !== "queued" || cancelled || paused || deserted || !due) continue;
    if (exclusive !== null && held.has(exclusive)) continue;
    const full = pool !== null && (free.get(pool) ?? Number.POSITIVE_INFINITY) <= 0;
    if (full && exclusive !== null) held.add(exclusive); // its turn comes before that of those behind it
    if (full) continue;
    hold(place);
    ids.push(place.id);
  }
  return ids;
}
