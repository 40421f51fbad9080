import type { Command } from "./command.ts";

export const command: Command = async ({ output, withVerbs }) => {
  const done = await withVerbs((call) => call("takeOver", {}));
  output.result(done, () =>
    done.changed
      ? "taken over: notices go out, schedules and backfills go on\n"
      : "this workspace is no copy, or has taken over already\n",
  );
  return undefined;
};
