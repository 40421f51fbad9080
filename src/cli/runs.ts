import { formatSpan, shortDigest } from "../base/index.ts";
import type { OutputOf } from "../contract/index.ts";
import type { Command } from "./command.ts";
import { moreText, pageFlags } from "./lake/page.ts";
import { cell, table } from "./table.ts";

type Run = OutputOf<"listRuns">["items"][number];

export const command: Command = async ({ flags, output, effects, withVerbs }) => {
  const page = await withVerbs((call) => call("listRuns", pageFlags(flags)));
  output.result(page, () => {
    const heads = ["run", "started (UTC)", "state", "took", "definitions", "for"];
    return table(heads, page.items.map(runRow), effects.width) + moreText(page) || "nothing has run yet\n";
  });
  return undefined;
};

const runRow = ({ id, startedAt, endedAt, state, definitions, targets, actor, reason, error }: Run) => [
  id,
  cell(startedAt.slice(0, 19).replace("T", " ")),
  state,
  endedAt === null ? "-" : formatSpan(Date.parse(endedAt) - Date.parse(startedAt)),
  definitions === undefined ? "-" : shortDigest(definitions),
  cell(`${targets.join(", ") || "everything"} (${actor}: ${reason})${error ? `: ${error.message}` : ""}`),
];
