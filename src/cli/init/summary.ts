/** What `mill init` says it decided, for people, for programs and for the project's README. */
import type { Json } from "../../base/index.ts";
import type { Look } from "../../ingest/index.ts";
import { cell } from "../table.ts";
import { notesOn, type Proposal } from "./project-text.ts";

/** What to type next: train, then ask for a prediction with a row of the file. */
export function nextCommands({ name, features }: Proposal, example: Readonly<Record<string, Json>>, folder: string): string[] {
  const row = Object.fromEntries(features.map(({ column }) => [column.name, example[column.source]!]));
  return commandsFor(name, row, folder);
}

export function commandsFor(name: string, row: Readonly<Record<string, Json>>, folder: string): string[] {
  const project = folder === "" ? "" : ` --project ${shellWord(folder)}`;
  return [`mill run${project}`, `mill predict ${name}${project} --row ${shellWord(JSON.stringify(row))}`, `mill up${project}`];
}

const shellWord = (text: string) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** The result as JSON. */
export const summary = (
  { name, path, rowCount, label, question, time, split, features, leftOut, columns }: Proposal,
  folder: string,
  written: readonly string[],
  next: readonly string[],
) => ({
  folder,
  written,
  name,
  data: path,
  rows: rowCount,
  label: label.source,
  task: question.task,
  positive: question.positive,
  time: time?.source ?? null,
  split: split.by,
  features: features.map((feature) => feature.name),
  leftOut: leftOut.map(({ column, why }) => ({ column: column.source, why })),
  notes: columns.flatMap((column) => notesOn(column).map((note) => ({ column: column.source, note }))),
  next,
});

export function summaryText(
  { rowCount, path, label, question, columns, split, features, leftOut }: Proposal,
  look: Look,
  folder: string,
  written: readonly string[],
  next: readonly string[],
): string {
  const { format, encoding, delimiter } = look.found;
  const read = [format, encoding, delimiter]
    .filter((word) => word !== undefined)
    .map((word) => cell(word))
    .join(", ");
  const answer = question.positive === null ? "" : `, yes is ${JSON.stringify(question.positive)}`;
  const lines = [
    `wrote     ${written.join(", ")} in ${folder}`,
    `rows      ${rowCount.toLocaleString("en")} of ${path} (${read})${look.rejected > 0 ? `; lines that cannot be read: ${look.rejected}` : ""}`,
    `label     ${label.source}: ${question.task}${answer}; --label COLUMN names another one`,
    ...(label.missing > 0 ? [`note      ${label.missing} rows have no ${label.source}: they are not learnt from`] : []),
    `split     ${split.why}`,
    `features  ${features.map((feature) => feature.name).join(", ")}`,
    ...leftOut.map(({ column, why }) => `left out  ${column.source}: ${why}`),
    ...columns.flatMap((column) => notesOn(column).map((note) => `note      ${column.source}: ${note}`)),
    ...next.slice(0, 2).map((line, index) => `${index === 0 ? "next" : "then"}      ${line}`),
  ];
  return `${lines.map(cell).join("\n")}\n`;
}

export function readmeText({ name, path, rowCount, label, question }: Proposal, [run, predict, up]: readonly string[]): string {
  return `# ${name}

Predicts \`${label.source}\` (${question.task}) from \`${path}\`, ${rowCount.toLocaleString("en")} rows. The definitions are in [mill.ts](mill.ts): the data set with its columns and split, the
features, the model with what must hold before it serves, and the endpoint. State is in \`.mill/\`.

    ${run}
    ${predict}
    ${up}

\`mill plan\` says what a change would run and why; \`mill check\` shows rows that were put aside.
`;
}
