import { type Command, textFlag } from "./command.ts";
import { conclude, follow } from "./run.ts";

export const command: Command = async (context) => {
  const { operands, flags, signal, withVerbs } = context;
  const input = { name: operands[0], reason: textFlag(flags, "reason") };
  const finished = await withVerbs((call) => follow(call("retrain", input, { signal }), context));
  return conclude(finished, context);
};
