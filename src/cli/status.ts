import type { OutputOf } from "../contract/index.ts";
import type { Command } from "./command.ts";
import { hindsightText } from "./forecast.ts";
import { scheduleText } from "./schedule.ts";
import { cell, table } from "./table.ts";

export const command: Command = async ({ operands, output, effects, withVerbs }) => {
  const status = await withVerbs((call) => call("status", { target: operands[0] }));
  output.result(status, () => statusText(status, effects.width));
  return undefined;
};

function statusText({ targets, running, schedules = [], hindsight }: OutputOf<"status">, columns: number | undefined): string {
  const rows = targets.map(({ target, state, version, detail }) => [target, state, cell(version), cell(detail)]);
  const runs = running.map(
    ({ id, targets, actor, startedAt }) =>
      `running: ${id} for ${actor} since ${startedAt} (${targets.join(", ") || "everything"})\n`,
  );
  return `${table(["target", "state", "version", "detail"], rows, columns) || "nothing is defined\n"}${runs.join("")}${schedules.map((one) => `${scheduleText(one)}\n`).join("")}${hindsight ? `${hindsightText(hindsight)}\n` : ""}`;
}
