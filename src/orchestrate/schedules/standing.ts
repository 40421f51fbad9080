/** How schedules stand, and pausing them. */
import { didYouMean, MillError } from "../../base/index.ts";
import { parseCron, type ScheduleDefinition } from "../../define/index.ts";
import type { Records } from "../../ports/records/index.ts";
import type { Workspace } from "../workspace.ts";
import { conditionText } from "./conditions.ts";
import { targetOf } from "./sight.ts";
import { addSchedules, pause, resume, type ScheduleRow, scheduleRows, type Tick, ticksOf } from "./ticks.ts";

export interface ScheduleStanding {
  readonly name: string;
  readonly targets: readonly string[];
  readonly when: readonly string[];
  readonly paused: { readonly since: number; readonly by: string } | null;
  /** Of its clocks; null: it has none, or is paused. */
  readonly next: number | null;
  readonly last: Tick | null;
}

/** Those that mill.ts exports, in its order. */
export async function schedulesOf({ project, records, now }: Workspace): Promise<ScheduleStanding[]> {
  const { schedules } = await project();
  if (schedules.size === 0) return [];
  const rows = await scheduleRows(records);
  return Promise.all([...schedules.values()].map((one) => standingOf(records, one, rows.get(one.name) ?? null, now())));
}

async function standingOf(
  records: Records,
  { name, runs, when }: ScheduleDefinition,
  row: ScheduleRow | null,
  now: number,
): Promise<ScheduleStanding> {
  const pausedAt = row?.pausedAt ?? null;
  const next = when.flatMap((one) => (one.when === "cron" ? (parseCron(one.cron, one.timeZone).next(now) ?? []) : []));
  const [last = null] = await ticksOf(records, name, 1);
  return {
    ...{ name, targets: [...new Set(runs.map(targetOf))], when: when.map(conditionText), last },
    paused: pausedAt === null ? null : { since: pausedAt, by: row!.pausedBy! },
    next: pausedAt !== null || next.length === 0 ? null : Math.min(...next),
  };
}

/** Errors: `schedule.unknown`. */
export async function scheduleNamed(workspace: Workspace, name: string): Promise<ScheduleStanding> {
  const all = await schedulesOf(workspace);
  const found = all.find((one) => one.name === name);
  if (found) return found;
  const names = all.map((one) => one.name);
  throw new MillError("schedule.unknown", `There is no schedule "${name}".${didYouMean(name, names)}`, {
    expected: names.join(", ") || "a schedule in mill.ts",
    got: name,
    fix: "Name a schedule that mill.ts exports.",
  });
}

/** Again is well. Errors: `schedule.unknown`. */
export async function pauseSchedule(workspace: Workspace, name: string, actor: string): Promise<ScheduleStanding> {
  await scheduleNamed(workspace, name);
  await addSchedules(workspace.records, [name]);
  await pause(workspace.records, name, { actor, now: workspace.now() });
  return scheduleNamed(workspace, name);
}

/** Again is well. Errors: `schedule.unknown`. */
export async function resumeSchedule(workspace: Workspace, name: string): Promise<ScheduleStanding> {
  await scheduleNamed(workspace, name);
  await resume(workspace.records, name);
  return scheduleNamed(workspace, name);
}
