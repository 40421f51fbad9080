/**
 * Runs what mill.ts schedules, while the platform is up.
 *
 *     look: each condition is judged by what it saw last ──> due: the tick is claimed (one row, guarded) ──> run ──> the tick ends
 *                                                                        └── lease over: taken up again, by any server
 *
 * It wakes at the next tick of a clock, and once a second for everything else.
 */
import { asMillError, type MillError, newId } from "../../base/index.ts";
import { type Project, parseCron, type ScheduleDefinition } from "../../define/index.ts";
import { copyStanding } from "../../ports/records/index.ts";
import { resumable } from "../definitions/versions.ts";
import { createRounds } from "../rounds.ts";
import { runTargets } from "../run-targets.ts";
import type { Workspace } from "../workspace.ts";
import { type Cursor, conditionId, judge } from "./conditions.ts";
import { datasetsOf, type Looks, sightOf, targetOf } from "./sight.ts";
import {
  addSchedules,
  claimTick,
  endTick,
  letGo,
  moveCursors,
  renewLease,
  type ScheduleRow,
  scheduleRows,
  type Tick,
  takeUpTick,
  tickRuns,
} from "./ticks.ts";

export interface Scheduler {
  start(): void;
  /** One look; the runs that it starts go on beside. */
  look(): Promise<void>;
  /** Until nothing runs that a look has started. */
  settled(): Promise<void>;
  /** Cancels what runs: the next owner takes it up again. */
  close(): Promise<void>;
}

export interface SchedulerOptions {
  /** How long a tick may go without a sign of life; default 30,000. */
  readonly leaseMs?: number;
  /** Something that kept it from looking or running, of a schedule or (empty) of all. */
  onFault(schedule: string, error: MillError): void;
}

const ACTOR = "millwright";
const LOOK_EVERY_MS = 1000;
const TRIES_MAX = 3;

export function createScheduler(workspace: Workspace, { leaseMs = 30_000, onFault }: SchedulerOptions): Scheduler {
  const { records, now } = workspace;
  const owner = newId();
  const stopping = new AbortController();
  const running = new Map<string, Promise<void>>();
  const memories = new Map<string, { looks: Looks | null }>();
  /** As they could be read last: a slip in mill.ts must not stop what it scheduled before. */
  let defined: Project | null = null;

  const look = async () => {
    defined = await workspace.project().catch((thrown) => {
      onFault("", asMillError(thrown));
      return defined;
    });
    if (defined === null || defined.schedules.size === 0 || (await copyStanding(records)) !== null) return;
    let rows = await scheduleRows(records);
    const added = [...defined.schedules.keys()].filter((name) => !rows.has(name));
    if (added.length > 0) {
      await addSchedules(records, added);
      rows = await scheduleRows(records);
    }
    for (const definition of defined.schedules.values())
      if (!stopping.signal.aborted)
        await lookAt(definition, rows.get(definition.name)!).catch((thrown) => onFault(definition.name, asMillError(thrown)));
  };

  const lookAt = async (definition: ScheduleDefinition, row: ScheduleRow) => {
    if (row.tick !== null) {
      if (running.has(row.name) || (row.leaseUntil ?? 0) > now()) return;
      const tick = await takeUpTick(records, row, { owner, now: now(), leaseMs });
      if (tick !== null) begin(definition, tick);
      return;
    }
    if (row.pausedAt !== null || running.has(row.name)) return;
    const found = await judgeAll(definition, row);
    if (found.due !== null) {
      const tick = await claimTick(records, row, {
        ...found,
        cause: found.due.cause,
        dueAt: found.due.at,
        owner,
        now: now(),
        leaseMs,
      });
      if (tick !== null) begin(definition, tick);
    } else if (JSON.stringify(found.cursors) !== JSON.stringify(row.cursors))
      await moveCursors(records, row, { ...found, now: now() });
  };

  /** All conditions together: one run answers all that hold. What one cannot see keeps no other from being judged. */
  const judgeAll = async (definition: ScheduleDefinition, row: ScheduleRow) => {
    const cursors: Record<string, Cursor> = {};
    const [due, skipped]: [{ cause: string; at: number }[], string[]] = [[], []];
    for (const condition of definition.when) {
      const id = conditionId(condition);
      const seen = row.cursors[id] ?? null;
      const memory = memories.get(`${row.name} ${id}`) ?? { looks: null };
      memories.set(`${row.name} ${id}`, memory);
      const sight = await sightOf(workspace, definition, condition, memory).catch((thrown) => {
        onFault(row.name, asMillError(thrown));
        return null;
      });
      const judged = sight === null ? { cursor: seen, due: null } : judge(condition, seen, sight, now());
      if (judged.cursor !== null) cursors[id] = judged.cursor;
      if (judged.due !== null) due.push(judged.due);
      if (judged.skipped !== undefined) skipped.push(judged.skipped);
    }
    return {
      cursors,
      skipped: skipped.length === 0 ? null : skipped.join("; "),
      due:
        due.length === 0 ? null : { cause: due.map(({ cause }) => cause).join("; "), at: Math.min(...due.map(({ at }) => at)) },
    };
  };

  const begin = (definition: ScheduleDefinition, tick: Tick) => {
    const ended = runTick(definition, tick)
      .catch((thrown) => onFault(definition.name, asMillError(thrown)))
      .finally(() => running.delete(definition.name));
    running.set(definition.name, ended);
  };

  const runTick = async (definition: ScheduleDefinition, tick: Tick) => {
    if (tick.tries > TRIES_MAX) return end(tick, { state: "failed", error: `it was cut off ${TRIES_MAX} times`, now: now() });
    const fenced = new AbortController();
    const beating = setInterval(() => {
      renewLease(records, tick, owner, now() + leaseMs).then(
        (isOurs) => isOurs || fenced.abort(),
        () => undefined, // a missed beat is what the lease is for
      );
    }, leaseMs / 3);
    const signal = AbortSignal.any([stopping.signal, fenced.signal]);
    try {
      const { state, error } = await runTargets(
        workspace,
        {
          ...(await askedBy(definition, tick)),
          beside: true,
          prepare: async (runId) => void (await records.commit([tickRuns(tick, runId)])),
        },
        { actor: ACTOR, signal },
        () => {},
      );
      if (stopping.signal.aborted && state === "cancelled") await letGo(records, tick, owner);
      else {
        await seeOwn(definition);
        await end(tick, { state, error: error?.message ?? null, now: now() });
      }
    } catch (thrown) {
      await end(tick, { state: "failed", error: asMillError(thrown).message, now: now() });
      throw thrown;
    } finally {
      clearInterval(beating);
    }
  };

  /** A run that was cut off goes on with the definitions that it began with, unless the steps are not what they were: then by mill.ts, as if it were new. */
  const askedBy = async ({ name, runs, definitions }: ScheduleDefinition, { tries, runId, cause }: Tick) => {
    const reason = `schedule ${name} ${cause}${tries > 1 ? ", taken up again after it was cut off" : ""}`;
    const begun = tries > 1 && runId !== null ? await resumable(workspace, runId) : null;
    if (begun !== null) return { ...begun, reason };
    return { targets: [...new Set(runs.map(targetOf))], reason, ...(definitions !== undefined && { definitions }) };
  };

  const end = async (tick: Tick, how: Parameters<typeof endTick>[3]) => void (await endTick(records, tick, owner, how));

  /** What a run has published of that which it is made from is no news to its schedule. */
  const seeOwn = async (definition: ScheduleDefinition) => {
    const row = (await scheduleRows(records)).get(definition.name)!;
    const cursors = { ...row.cursors };
    for (const condition of definition.when)
      if (condition.when === "published" && datasetsOf(definition.runs).some((dataset) => dataset === condition.of))
        cursors[conditionId(condition)] = (await sightOf(workspace, definition, condition)).version!;
    await moveCursors(records, row, { cursors, skipped: null, now: now() });
  };

  const wakeMs = (): number => {
    const crons = [...(defined?.schedules.values() ?? [])].flatMap(({ when }) => when.filter((one) => one.when === "cron"));
    const next = crons.map(({ cron, timeZone }) => parseCron(cron, timeZone).next(now()) ?? Number.POSITIVE_INFINITY);
    return Math.max(1, Math.min(LOOK_EVERY_MS, ...next.map((at) => at - now())));
  };

  const rounds = createRounds(look, { waitMs: wakeMs, onFault: (error) => onFault("", error) });

  return {
    start: rounds.start,
    look,
    async settled() {
      while (running.size > 0) await Promise.all(running.values());
    },
    async close() {
      stopping.abort();
      await rounds.stop();
      await Promise.all(running.values());
    },
  };
}
