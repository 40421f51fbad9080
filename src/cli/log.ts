import { isId, MillError } from "../base/index.ts";
import type { OutputOf } from "../contract/index.ts";
import { type Command, textFlag } from "./command.ts";
import { showStepLog } from "./step-log.ts";
import { cell, table } from "./table.ts";

export const command: Command = async (context) => {
  const { flags, output, effects, withVerbs } = context;
  const of = context.operands[0]!;
  const limit = readLimit(textFlag(flags, "limit"));
  const follow = flags.follow === true;
  await withVerbs(async (call) => {
    const log = follow ? null : await call("log", { of, limit }).catch(unlessStep(of));
    if (log === null) return showStepLog(call, of, { follow }, context);
    output.result(log, () => storyText(log, effects.width) || `nothing has happened to ${of}\n`);
  });
  return undefined;
};

/** null: an id that is no run's may be a step's. */
const unlessStep = (of: string) => (error: unknown) => {
  if (isId(of) && error instanceof MillError && error.code === "run.unknown") return null;
  throw error;
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
