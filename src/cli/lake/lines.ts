import { MillError } from "../../base/index.ts";
import type { CommandContext } from "../command.ts";

/** Reads a stream to its last line, `end`; the others are printed as JSON, or told on standard error where `tell` gives a text. */
export async function lastLine<Line extends { readonly event: string }, End extends Line["event"]>(
  lines: AsyncIterable<Line>,
  end: End,
  { output, effects, signal }: CommandContext,
  tell: (line: Exclude<Line, { readonly event: End }>) => string | null,
): Promise<Extract<Line, { readonly event: End }>> {
  let told = "";
  for await (const line of lines) {
    if (line.event === end) {
      if (effects.isTTY && told !== "") effects.stderr("\n");
      return line as Extract<Line, { readonly event: End }>;
    }
    output.line(line);
    const text = tell(line as Exclude<Line, { readonly event: End }>);
    if (text === null || !effects.isTTY) continue;
    effects.stderr(`\r${text.padEnd(told.length)}`);
    told = text;
  }
  if (signal.aborted) throw new MillError("cli.interrupted", "Interrupted.", { fix: "Run the same command again." });
  throw new MillError("cli.server-away", "The answer broke off.", {
    fix: "Look whether the server runs, and run the same command again.",
  });
}
