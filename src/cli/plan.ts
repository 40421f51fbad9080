import type { OutputOf } from "../contract/index.ts";
import { type Command, textFlag } from "./command.ts";
import { forecastText, hindsightText, stepForecastText } from "./forecast.ts";
import { cell, table } from "./table.ts";

export const command: Command = async ({ operands, flags, output, effects, withVerbs }) => {
  const plan = await withVerbs((call) =>
    call("plan", { targets: operands, on: textFlag(flags, "on"), definitions: textFlag(flags, "definitions") }),
  );
  output.result(plan, () => planText(plan, effects.width));
  return undefined;
};

function planText({ steps, forecast, hindsight }: OutputOf<"plan">, columns: number | undefined): string {
  const isForetold = steps.some((step) => step.forecast !== undefined);
  const rows = steps.map((step) => [step.state, step.id, ...(isForetold ? [stepForecastText(step)] : []), cell(step.why)]);
  const told = [summary(steps), forecast && forecastText(forecast), hindsight && hindsightText(hindsight)];
  return `${table(["state", "step", ...(isForetold ? ["expected"] : []), "why"], rows, columns)}${told.flatMap((line) => (line ? [`${line}\n`] : [])).join("")}`;
}

function summary(steps: OutputOf<"plan">["steps"]): string {
  const on = steps.find((step) => step.on !== undefined)?.on;
  const count = (state: string) => steps.filter((step) => step.state === state).length;
  const parts = [
    [count("run"), on ? `to run on ${on}` : "to run"],
    [count("waiting"), "waiting for others"],
    [count("refused"), "refused"],
    [count("current"), "current"],
  ] as const;
  return parts.flatMap(([number, words]) => (number > 0 ? [`${number} ${words}`] : [])).join(", ") || "nothing is defined";
}
