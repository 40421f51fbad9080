/** `mill definitions ...`: what mill.ts said when something was run. */
import { shortDigest } from "../base/index.ts";
import type { OutputOf } from "../contract/index.ts";
import type { Command } from "./command.ts";
import { moreText, pageFlags } from "./lake/page.ts";
import { cell, moment, table } from "./table.ts";

type Summary = OutputOf<"listDefinitions">["items"][number];

export const list: Command = async ({ flags, output, effects, withVerbs }) => {
  const page = await withVerbs((call) => call("listDefinitions", pageFlags(flags)));
  output.result(page, () => {
    const rows = page.items.map((one) => [
      shortDigest(one.version),
      moment(one.firstRunAt),
      cell(one.firstRunBy),
      moment(one.lastRunAt),
      noteOf(one),
    ]);
    return (
      table(["version", "first run (UTC)", "by", "last run (UTC)", ""], rows, effects.width) + moreText(page) ||
      "nothing has run yet: a version is kept with the first run that goes by it\n"
    );
  });
  return undefined;
};

export const show: Command = async ({ operands, output, withVerbs }) => {
  const found = await withVerbs((call) => call("getDefinitions", { version: operands[0] }));
  output.result(found, () => {
    const { version, firstRunAt, firstRunBy, lastRunAt, millwright, definitions } = found;
    const runs = `first run ${moment(firstRunAt)} by ${cell(firstRunBy)}, last ${moment(lastRunAt)}, with Millwright ${millwright}`;
    return `definitions ${version}: ${[runs, noteOf(found)].filter((text) => text !== "").join("; ")}\n${JSON.stringify(definitions, null, 2)}\n`;
  });
  return undefined;
};

function noteOf({ current, outdated }: Summary): string {
  const changed = outdated?.map(
    ({ kind, before, now }) => `${kind} ${now === null ? "is gone" : `is at revision ${now}, was ${before}`}`,
  );
  const told = [current ? "what mill.ts says now" : "", changed ? `cannot be carried out: ${changed.join(", ")}` : ""];
  return cell(told.filter((text) => text !== "").join("; "));
}
