import { MillError } from "../base/index.ts";
import type { Command } from "./command.ts";

/** A run and a step have ids of one form: what is no run is looked for among the steps. */
export const command: Command = async ({ operands: [id], output, withVerbs }) => {
  const ended = await withVerbs(async (call) => {
    try {
      const run = await call("cancelRun", { id });
      return { what: "run", ...run, ...(!run.cancelled && { state: (await call("getRun", { id })).run.state }) };
    } catch (error) {
      if (!(error instanceof MillError && error.code === "run.unknown")) throw error;
      const step = await call("cancelStep", { id });
      return { what: "step", ...step, ...(!step.cancelled && { state: (await call("getStep", { id })).state }) };
    }
  });
  output.result(
    ended,
    () => `${ended.what} ${id} ${ended.state ? hadEnded(ended.state) : "is cancelled; what is done is kept"}\n`,
  );
  return undefined;
};

const hadEnded = (state: string) =>
  `had ended already: ${state}${state === "lost" ? " with the server that looked after it" : ""}`;
