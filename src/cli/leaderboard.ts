/** `mill leaderboard PROBLEM`: the models that solve it, side by side. */
import { formatBytes, formatMicros, formatSpan } from "../base/index.ts";
import type { OutputOf } from "../contract/index.ts";
import { type Command, textFlag } from "./command.ts";
import { cell, table } from "./table.ts";

type Board = OutputOf<"getLeaderboard">;
type Candidate = Board["models"][number];

export const command: Command = async ({ operands, flags, output, effects, withVerbs }) => {
  const board = await withVerbs((call) => call("getLeaderboard", { name: operands[0], by: textFlag(flags, "by") }));
  output.result(board, () => boardText(board, effects.width));
  return undefined;
};

export function boardText(board: Board, columns: number | undefined): string {
  const { problem, by, better, quality, models, without, sentence } = board;
  const rows = models.map((one) => [
    one.front ? "*" : "",
    `${one.model} ${one.version}`,
    one.standing,
    valueText(one, quality.measure),
    orDash(one.trainMs, formatSpan),
    orDash(one.memoryBytes, formatBytes),
    orDash(one.sizeBytes, formatBytes),
    orDash(one.latency?.medianMicros, formatMicros),
    orDash(one.latency?.p99Micros, formatMicros),
    one.form,
    licenseText(one),
    madeText(one),
  ]);
  const heads = [
    "",
    "model",
    "",
    `${quality.measure} on test`,
    "trained",
    "memory",
    "size",
    "row",
    "p99",
    "form",
    "licence",
    "made by",
  ];
  const machines = [...new Set(models.flatMap(({ latency }) => latency?.machine ?? []))];
  return [
    `${problem.name}: ${cell(problem.question)}\nby ${by}, ${better} is better; * none is as good in quality, time, latency and size\n`,
    table(heads, rows, columns),
    machines.length > 0 ? `rows were timed on ${machines.join("; ")}\n` : "",
    without.length > 0 ? `without a version yet: ${without.join(", ")}\n` : "",
    `${cell(sentence)}\n`,
  ].join("");
}

const orDash = (value: number | null | undefined, text: (value: number) => string) =>
  value === null || value === undefined ? "-" : text(value);

function valueText({ measures, intervals }: Candidate, measure: string): string {
  const value = measures[measure];
  const interval = intervals[measure];
  if (value === null || value === undefined) return "-";
  return `${value.toPrecision(4)}${interval ? ` (${interval.map((end) => end.toPrecision(3)).join(" to ")})` : ""}`;
}

const licenseText = ({ license, licensedBy }: Candidate) => cell(licensedBy === null ? license : `${license} (${licensedBy})`);

function madeText({ framework, trainer, searched, searchMs, packages }: Candidate): string {
  const search =
    searched === null ? "" : `, the best of ${searched} trials${searchMs === null ? "" : ` in ${formatSpan(searchMs)}`}`;
  return cell(
    `${framework} ${trainer}${search}${packages.length === 0 ? "" : `, ${packages.length} ${packages.length === 1 ? "package" : "packages"}`}`,
  );
}
