import { MillError } from "../base/index.ts";
import { type Command, textFlag } from "./command.ts";
import { cell, table } from "./table.ts";

export const command: Command = async ({ operands, flags, output, withVerbs }) => {
  const limit = readLimit(textFlag(flags, "limit"));
  const log = await withVerbs((call) => call("log", { of: operands[0], limit }));
  output.result(
    log,
    () =>
      table(
        ["at", "what", ""],
        log.entries.map(({ at, what, text }) => [at, what, cell(text)]),
      ) || `nothing has happened to ${operands[0]}\n`,
  );
  return undefined;
};

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined || /^\d{1,9}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new MillError("cli.usage", "--limit needs a number.", {
    expected: "an integer from 1 to 1000",
    got: text,
    fix: "See mill log --help.",
  });
}
