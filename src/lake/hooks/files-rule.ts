import { matchesPattern } from "../patterns.ts";
import type { PathDifference } from "../repositories/repository.ts";
import { type FilesRule, failed, type Outcome, passed } from "./hook.ts";

/** Judges the paths that a change puts and removes; stops at the first that is refused. */
export async function judgeFiles(
  { allow, sizeBytesMax = Number.POSITIVE_INFINITY, keep = [] }: FilesRule,
  changed: AsyncIterable<readonly PathDifference[]>,
): Promise<Outcome> {
  const fits = (patterns: readonly string[], path: string) => patterns.some((pattern) => matchesPattern(pattern, path));
  let count = 0;
  for await (const batch of changed)
    for (const { path, after } of batch) {
      count++;
      if (after === null && fits(keep, path)) return failed(`"${path}" must not be removed`);
      if (after === null) continue;
      if (allow && !fits(allow, path)) return failed(`"${path}" fits none of ${allow.join(", ")}`);
      if (after.sizeBytes > sizeBytesMax)
        return failed(`"${path}" has ${after.sizeBytes} bytes, more than the ${sizeBytesMax} that are allowed`);
    }
  return passed(`${count} ${count === 1 ? "path" : "paths"}`);
}
