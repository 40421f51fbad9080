import { MillError } from "../../base/index.ts";
import { type CommandContext, textFlag } from "../command.ts";

const JOBS = 32;
const JOBS_MAX = 256;

/** `--jobs N`. Errors: `cli.usage`. */
export function jobsFlag(flags: CommandContext["flags"]): number {
  const text = textFlag(flags, "jobs") ?? String(JOBS);
  const jobs = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (jobs >= 1 && jobs <= JOBS_MAX) return jobs;
  throw new MillError("cli.usage", "--jobs needs a number.", {
    expected: `an integer from 1 to ${JOBS_MAX}`,
    got: text,
    fix: "See the command's --help.",
  });
}

/** A folder of the lake as the beginning of its paths. */
export const prefixOf = (folder: string): string => (folder === "" || folder.endsWith("/") ? folder : `${folder}/`);
