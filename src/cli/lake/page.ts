import { MillError } from "../../base/index.ts";
import { type CommandContext, textFlag } from "../command.ts";

/** `--limit` and `--cursor`. Errors: `cli.usage`. */
export function pageFlags(flags: CommandContext["flags"]): { readonly limit?: number; readonly cursor?: string } {
  const [limit, cursor] = [textFlag(flags, "limit"), textFlag(flags, "cursor")];
  if (limit !== undefined && !/^\d{1,9}$/.test(limit))
    throw new MillError("cli.usage", "--limit needs a number.", {
      expected: "an integer from 1 to 1000",
      got: limit,
      fix: "See the command's --help.",
    });
  return { ...(limit !== undefined && { limit: Number(limit) }), ...(cursor !== undefined && { cursor }) };
}

/** Says how to go on, where more follows. */
export const moreText = ({ next }: { readonly next: string | null }) => (next === null ? "" : `more: --cursor ${next}\n`);
