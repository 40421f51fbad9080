/** What is run by itself. */
import type { Handlers, OutputOf } from "../../contract/index.ts";
import { pauseSchedule, resumeSchedule, type ScheduleStanding, scheduleNamed, schedulesOf } from "../schedules/standing.ts";
import { type Tick, ticksOf } from "../schedules/ticks.ts";
import type { Workspace } from "../workspace.ts";
import { instant, instantOrNull, pageThrough } from "./wire.ts";

type ScheduleVerbs = Pick<Handlers, "listSchedules" | "getSchedule" | "pauseSchedule" | "resumeSchedule">;
type Summary = OutputOf<"listSchedules">["items"][number];

const TICKS_MAX = 100;

export function scheduleVerbs(workspace: Workspace): ScheduleVerbs {
  return {
    async listSchedules(page) {
      const { items, next } = pageThrough(await schedulesOf(workspace), ({ name }) => name, page);
      return { items: items.map(scheduleSummary), next };
    },
    async getSchedule({ name }) {
      const standing = await scheduleNamed(workspace, name);
      return { ...scheduleSummary(standing), ticks: (await ticksOf(workspace.records, name, TICKS_MAX)).map(tickOnWire) };
    },
    pauseSchedule: async ({ name }, { actor }) => scheduleSummary(await pauseSchedule(workspace, name, actor)),
    resumeSchedule: async ({ name }) => scheduleSummary(await resumeSchedule(workspace, name)),
  };
}

export const scheduleSummary = ({ name, targets, when, paused, next, last }: ScheduleStanding): Summary => ({
  ...{ name, targets, when },
  paused: paused && { since: instant(paused.since), by: paused.by },
  next: instantOrNull(next),
  last: last && tickOnWire(last),
});

const tickOnWire = ({
  id,
  dueAt,
  claimedAt,
  endedAt,
  cause,
  state,
  tries,
  runId,
  error,
}: Tick): NonNullable<Summary["last"]> => ({
  ...{ id, cause, state, tries, error },
  ...{ dueAt: instant(dueAt), claimedAt: instant(claimedAt), endedAt: instantOrNull(endedAt) },
  run: runId,
});
