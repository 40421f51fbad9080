import type { OutputOf } from "../contract/index.ts";
import type { Command } from "./command.ts";
import { cell, table } from "./table.ts";

export const command: Command = async ({ operands, output, withVerbs }) => {
  const diff = await withVerbs((call) => call("diff", { a: operands[0], b: operands[1] }));
  output.result(diff, () => diffText(diff));
  return undefined;
};

function diffText({ a, b, same, differences }: OutputOf<"diff">): string {
  if (same) return `${a} and ${b} are the same\n`;
  const rows = differences.map(({ area, field, a, b }) => [area, field, cell(a), cell(b)]);
  return table(["area", "field", a, b], rows);
}
