import { type Command, textFlag } from "./command.ts";
import { follow } from "./follow.ts";
import { conclude } from "./run.ts";

export const command: Command = async (context) => {
  const { operands, flags, signal, withVerbs } = context;
  const input = { name: operands[0], reason: textFlag(flags, "reason") };
  const finished = await withVerbs((call) => follow(call("retrain", input, { signal }), "run-finished", context));
  return conclude(finished, context);
};
