import type { OutputOf } from "../contract/index.ts";
import type { Command } from "./command.ts";
import { cell, table } from "./table.ts";

export const command: Command = async ({ operands, output, withVerbs }) => {
  const diff = await withVerbs((call) => call("diff", { a: operands[0], b: operands[1] }));
  output.result(diff, () => diffText(diff));
  return undefined;
};

function diffText({ a, b, same, differences, rows }: OutputOf<"diff">): string {
  if (same) return `${a} and ${b} are the same\n`;
  const fields = differences.map(({ area, field, a, b }) => [area, field, cell(a), cell(b)]);
  return table(["area", "field", a, b], fields) + (rows ? rowsText(rows) : "");
}

function rowsText({ keyed, added, removed, changed, changedColumns, examples }: NonNullable<OutputOf<"diff">["rows"]>): string {
  const count = (value: number) => value.toLocaleString("en");
  const columns = Object.entries(changedColumns).map(([name, times]) => `${name} in ${count(times)}`);
  const shown = examples.map(({ kind, before, after }) => [kind, cell(before), cell(after)]);
  return [
    `rows: ${count(added)} added, ${count(removed)} removed, ${count(changed)} changed${columns.length > 0 ? ` (${columns.join(", ")})` : ""}\n`,
    keyed ? "" : "the data set has no key: a row that changed is one removed and one added\n",
    table(["for example", "before", "after"], shown),
  ].join("");
}
