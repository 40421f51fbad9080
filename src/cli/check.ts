import { EXIT, type OutputOf } from "../contract/index.ts";
import type { BoundCall } from "../guard/index.ts";
import type { Command } from "./command.ts";
import { cell, table } from "./table.ts";

type Checked = OutputOf<"check">;

/** Exits with "refused" when a data set does not pass. */
export const command: Command = async ({ operands, output, withVerbs }) => {
  const checked = await withVerbs(async (call) =>
    Promise.all((operands[0] ? [operands[0]] : await everyName(call)).map((name) => call("check", { name }))),
  );
  output.result(operands[0] ? checked[0] : checked, () => checked.map(checkText).join("\n"));
  return checked.some(({ verdict }) => verdict?.passed === false) ? EXIT.refused : EXIT.done;
};

/** Data sets that the project defines: those of predictions and events have no checks. */
async function everyName(call: BoundCall): Promise<string[]> {
  const { targets } = await call("status", {});
  return targets.flatMap(({ target }) => (target.startsWith(DATASET) ? [target.slice(DATASET.length)] : []));
}

const DATASET = "dataset/";

function checkText({ name, version, rowCount, quarantined, verdict, checks, quarantine }: Checked): string {
  if (version === null) return `dataset/${name}: no version yet; \`mill run dataset/${name}\` makes one\n`;
  const said = verdict === null ? "not judged" : verdict.passed ? "passed" : "FAILED";
  const rows = checks.map((check) => [
    word(check.passed),
    check.text,
    share(check.share),
    `>= ${share(check.atLeast)}`,
    cell(check.failed),
  ]);
  const reasons = quarantine.map(({ reason, column, count, example }) => [
    cell(count),
    cell(column),
    ...exampleCells(example as Example | null),
    cell(reason),
  ]);
  return [
    `dataset/${name} version ${version}: ${said}; ${cell(rowCount)} rows, ${cell(quarantined)} in quarantine\n`,
    table(["", "check", "holds", "must", "failed"], rows),
    reasons.length > 0 ? `\nquarantine\n${table(["rows", "column", "such as", "in", "reason"], reasons)}` : "",
  ].join("");
}

/** What the platform writes beside a row that it puts aside. */
type Example = Readonly<Record<"__value" | "__text" | "__source" | "__line" | "__row", string | number | null>>;

function exampleCells(row: Example | null): string[] {
  const value = cell(row?.__value ?? row?.__text);
  const place = [row?.__source, row?.__line ?? row?.__row].filter((part) => part !== null && part !== undefined);
  return [value.length > 24 ? `${value.slice(0, 23)}…` : value, place.join(":") || "-"];
}

const word = (passed: boolean | null) => (passed === null ? "-" : passed ? "passed" : "FAILED");
const share = (value: number | null) => (value === null ? "-" : `${Number((value * 100).toFixed(3))} %`);
