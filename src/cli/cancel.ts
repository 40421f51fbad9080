import { MillError } from "../base/index.ts";
import type { Command } from "./command.ts";

/** A run and a step have ids of one form: what is no run is looked for among the steps. */
export const command: Command = async ({ operands: [id], output, withVerbs }) => {
  const ended = await withVerbs(async (call) => {
    try {
      return { what: "run", ...(await call("cancelRun", { id })) };
    } catch (error) {
      if (!(error instanceof MillError && error.code === "run.unknown")) throw error;
      return { what: "step", ...(await call("cancelStep", { id })) };
    }
  });
  output.result(
    ended,
    () => `${ended.what} ${id} ${ended.cancelled ? "is cancelled; what is done is kept" : "had ended already"}\n`,
  );
  return undefined;
};
