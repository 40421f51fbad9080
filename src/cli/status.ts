import { type OutputOf, placeText } from "../contract/index.ts";
import type { Command } from "./command.ts";
import { COPY_TEXT } from "./copy-text.ts";
import { hindsightText } from "./forecast.ts";
import { pauseText } from "./pause.ts";
import { scheduleText } from "./schedule.ts";
import { cell, table } from "./table.ts";

export const command: Command = async ({ operands, output, effects, withVerbs }) => {
  const status = await withVerbs((call) => call("status", { target: operands[0] }));
  output.result(status, () => statusText(status, effects.width));
  return undefined;
};

function statusText(status: OutputOf<"status">, columns: number | undefined): string {
  const { targets, running, steps, pools, pauses, copy, schedules = [], hindsight } = status;
  const rows = targets.map(({ target, state, version, detail }) => [target, state, cell(version), cell(detail)]);
  const runs = running.map(
    ({ id, targets, actor, startedAt }) =>
      `running: ${id} for ${actor} since ${startedAt} (${targets.join(", ") || "everything"})\n`,
  );
  const parts = [
    table(["target", "state", "version", "detail"], rows, columns) || "nothing is defined\n",
    ...runs,
    ...steps.map(
      (step) => `${step.state === "queued" ? "waits" : "runs"}:   ${step.id} ${step.kind} of ${step.target}${placeText(step)}\n`,
    ),
    ...pools.map(({ name, places }) => `pool ${name}: ${places} at a time\n`),
    ...pauses.map(pauseText),
    copy ? `held: of a backup of ${copy.takenAt}; ${COPY_TEXT}\n` : "",
    ...schedules.map((one) => `${scheduleText(one)}\n`),
    hindsight ? `${hindsightText(hindsight)}\n` : "",
  ];
  return parts.join("");
}
