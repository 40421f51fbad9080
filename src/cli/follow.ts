import { MillError } from "../base/index.ts";
import type { CommandContext } from "./command.ts";
import { createProgress, type StepLine } from "./progress.ts";

/** Follows what runs steps, showing each on standard error; `end` is the event of the last line, which is the answer. */
export async function follow<Line extends StepLine, End extends Line["event"]>(
  lines: AsyncIterable<Line>,
  end: End,
  { effects, output, signal }: CommandContext,
): Promise<Extract<Line, { readonly event: End }>> {
  const progress = createProgress(effects);
  try {
    for await (const line of lines) {
      if (line.event === end) return line as Extract<Line, { readonly event: End }>;
      output.line(line);
      progress.show(line);
    }
  } finally {
    progress.close();
  }
  if (signal.aborted)
    throw new MillError("cli.interrupted", "Interrupted; what is done is kept.", { fix: "Run the same command again to go on." });
  throw new MillError("cli.server-away", "The answer broke off.", {
    fix: "`mill status` says what was done; run the same command again to go on.",
  });
}
