import { formatSpan } from "../base/index.ts";
import { EXIT, type OutputOf } from "../contract/index.ts";
import type { Command } from "./command.ts";
import { follow } from "./follow.ts";
import { cell, table } from "./table.ts";

type Reproduced = Extract<OutputOf<"reproduce">, { readonly event: "reproduced" }>;

export const command: Command = async (context) => {
  const { operands, output, signal, withVerbs } = context;
  const found = await withVerbs((call) => follow(call("reproduce", { id: operands[0] }, { signal }), "reproduced", context));
  output.result(found, () => reproducedText(found));
  return found.same ? EXIT.done : EXIT.refused;
};

function reproducedText({ run, same, steps }: Reproduced): string {
  const rows = steps.map(({ target, kind, same, differs, varied, changed, wallMs }) => [
    varied !== undefined ? "within" : same ? "same" : "OTHER",
    `${target}:${kind}`,
    formatSpan(wallMs),
    cell([differs.join(", "), varied ?? "", changed ?? ""].filter((text) => text !== "").join("; ")),
  ]);
  const others = steps.filter((step) => !step.same).length;
  const end = same
    ? `all ${steps.length} steps left the same again`
    : `${others} of ${steps.length} steps did not leave the same`;
  return `${table(["result", "step", "took", "what differs"], rows)}${run}: ${end}\n`;
}
