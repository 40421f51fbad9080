import { formatBytes } from "../../base/index.ts";
import type { Report } from "../../protocols/index.ts";
import { cell, table } from "../table.ts";

const KINDS = [
  ["experiments", "experiments"],
  ["runs", "runs"],
  ["loggedModels", "logged models"],
  ["registeredModels", "registered models"],
  ["versions", "versions"],
  ["files", "files"],
] as const;

export function reportText({ counts, points, bytes, left }: Report): string {
  const number = (count: number) => count.toLocaleString("en");
  const rows = KINDS.map(([kind, name]) => {
    const { new: made, changed, same } = counts[kind];
    return [name, number(made), number(changed), number(same)];
  });
  const moved = `${number(points)} points of metrics, ${formatBytes(bytes)} of files\n`;
  const told = left.map(({ why, count, examples }) => {
    const more = count > examples.length ? `, and ${number(count - examples.length)} more` : "";
    return `  ${cell(why)}: ${cell(examples.join(", "))}${more}\n`;
  });
  return `${table(["", "new", "changed", "same"], rows)}${moved}${told.length > 0 ? `left:\n${told.join("")}` : ""}`;
}
