import type { OutputOf } from "../contract/index.ts";
import type { Command } from "./command.ts";
import { cell, table } from "./table.ts";

export const command: Command = async ({ operands, output, withVerbs }) => {
  const plan = await withVerbs((call) => call("plan", { targets: operands }));
  output.result(plan, () => planText(plan));
  return undefined;
};

function planText({ steps }: OutputOf<"plan">): string {
  const rows = steps.map(({ state, id, why }) => [state, id, cell(why)]);
  return `${table(["state", "step", "why"], rows)}${summary(steps)}\n`;
}

function summary(steps: OutputOf<"plan">["steps"]): string {
  const count = (state: string) => steps.filter((step) => step.state === state).length;
  const parts = [
    [count("run"), "to run"],
    [count("waiting"), "waiting for others"],
    [count("refused"), "refused"],
    [count("current"), "current"],
  ] as const;
  return parts.flatMap(([number, words]) => (number > 0 ? [`${number} ${words}`] : [])).join(", ") || "nothing is defined";
}
