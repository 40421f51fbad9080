import { formatSpan } from "../base/index.ts";
import { EXIT, type OutputOf } from "../contract/index.ts";
import type { Command } from "./command.ts";
import { cell, table } from "./table.ts";

export const command: Command = async ({ operands, output, signal, withVerbs }) => {
  const found = await withVerbs((call) => call("reproduce", { id: operands[0] }, { signal }));
  output.result(found, () => reproducedText(found));
  return found.same ? EXIT.done : EXIT.refused;
};

function reproducedText({ run, same, steps }: OutputOf<"reproduce">): string {
  const rows = steps.map(({ target, kind, same, differs, changed, wallMs }) => [
    same ? "same" : "OTHER",
    `${target}:${kind}`,
    formatSpan(wallMs),
    cell([differs.join(", "), changed ?? ""].filter((text) => text !== "").join("; ")),
  ]);
  const others = steps.filter((step) => !step.same).length;
  const end = same
    ? `all ${steps.length} steps left the same again`
    : `${others} of ${steps.length} steps did not leave the same`;
  return `${table(["result", "step", "took", "what differs"], rows)}${run}: ${end}\n`;
}
