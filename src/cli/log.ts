import { MillError } from "../base/index.ts";
import type { OutputOf } from "../contract/index.ts";
import { type Command, textFlag } from "./command.ts";
import { cell, table } from "./table.ts";

export const command: Command = async ({ operands, flags, output, effects, withVerbs }) => {
  const limit = readLimit(textFlag(flags, "limit"));
  const log = await withVerbs((call) => call("log", { of: operands[0], limit }));
  output.result(log, () => storyText(log, effects.width) || `nothing has happened to ${operands[0]}\n`);
  return undefined;
};

/** Data time first, where anything has one: it is what the story happened in. */
function storyText({ entries }: OutputOf<"log">, columns: number | undefined): string {
  const live = entries.some(({ asOf }) => asOf !== undefined);
  return table(
    [...(live ? ["data time"] : []), "wall time (UTC)", "what", ""],
    entries.map(({ at, asOf, what, text }) => [
      ...(live ? [asOf === undefined ? "-" : timeText(asOf, 16)] : []),
      timeText(at, 19),
      cell(what),
      cell(text),
    ]),
    columns,
  );
}

const timeText = (time: string, length: number) => cell(time.slice(0, length).replace("T", " "));

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined || /^\d{1,9}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new MillError("cli.usage", "--limit needs a number.", {
    expected: "an integer from 1 to 1000",
    got: text,
    fix: "See mill log --help.",
  });
}
