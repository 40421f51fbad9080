/** `mill schedule ...`: what is run by itself. */
import type { OutputOf } from "../contract/index.ts";
import type { Command } from "./command.ts";
import { cell, table } from "./table.ts";

type Summary = OutputOf<"listSchedules">["items"][number];
type Tick = NonNullable<Summary["last"]>;

export const list: Command = async ({ output, effects, withVerbs }) => {
  const schedules = await withVerbs((call) => call("listSchedules", {}));
  output.result(schedules, () => {
    const rows = schedules.items.map((one) => [
      one.name,
      one.targets.join(", "),
      cell(one.when.join("; ")),
      nextText(one),
      lastText(one),
    ]);
    return (
      table(["schedule", "runs", "when", "next (UTC)", "last"], rows, effects.width) ||
      "nothing is scheduled: see `schedule` in mill.ts\n"
    );
  });
  return undefined;
};

export const show: Command = async ({ operands, output, effects, withVerbs }) => {
  const schedule = await withVerbs((call) => call("getSchedule", { name: operands[0] }));
  output.result(schedule, () => {
    const rows = schedule.ticks.map((tick) => [moment(tick.dueAt), tick.state, tick.run ?? "-", cell(tick.error ?? tick.cause)]);
    return `${scheduleText(schedule)}\n${table(["due (UTC)", "state", "run", ""], rows, effects.width)}`;
  });
  return undefined;
};

export const pause: Command = async ({ operands, output, withVerbs }) => {
  const schedule = await withVerbs((call) => call("pauseSchedule", { name: operands[0] }));
  output.result(schedule, () => `${scheduleText(schedule)}\n`);
  return undefined;
};

export const resume: Command = async ({ operands, output, withVerbs }) => {
  const schedule = await withVerbs((call) => call("resumeSchedule", { name: operands[0] }));
  output.result(schedule, () => `${scheduleText(schedule)}\n`);
  return undefined;
};

/** One line: what runs when, and how it went. */
export const scheduleText = (one: Summary): string =>
  `schedule ${one.name}: ${one.targets.join(", ")} ${cell(one.when.join("; "))}; next: ${nextText(one)}; last: ${lastText(one)}`;

const moment = (instant: string) => cell(instant.slice(0, 16).replace("T", " "));

function nextText({ paused, next }: Summary): string {
  if (paused !== null) return `paused by ${cell(paused.by)}`;
  return next === null ? "when it comes" : moment(next);
}

const lastText = ({ last }: Summary) => (last === null ? "never" : `${last.state} ${tickText(last)}`);

const tickText = ({ cause, error }: Tick) => cell(error === null ? cause : `${cause}: ${error}`);
