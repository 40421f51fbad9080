import { MillError } from "../../base/index.ts";

/** What DuckDB threw, as one of ours: memory and disk have their own codes, the rest names the place in the statement. */
export function asTablesError(thrown: unknown, sql: string, memoryMb: number): MillError {
  if (thrown instanceof MillError) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const [sentence = text] = text.split("\n\nLINE ");
  if (/No space left on device|disk full|max_temp_directory_size|disk quota/i.test(text))
    return new MillError("tables.disk-full", `The disk is full: ${sentence}`, {
      fix: "Free space in the workspace or in its temporary folder, then run again: nothing was published.",
      cause: thrown,
    });
  if (/^(Out of Memory Error|Invalid Input Error: .*out of memory)/i.test(text) || text.includes("failed to allocate"))
    return new MillError("tables.memory", `The query needs more than the ${memoryMb} MB it may use: ${sentence}`, {
      expected: `at most ${memoryMb} MB`,
      fix: "Give it more with --memory or MILL_MEMORY, or fewer threads with MILL_THREADS: each of them holds buffers.",
      cause: thrown,
    });
  return new MillError("tables.query", sentence, {
    at: placeOf(text),
    got: sql.length > 500 ? `${sql.slice(0, 500)} ...` : sql,
    cause: thrown,
  });
}

/** `line 1, column 15`, found by the caret that DuckDB draws under the statement. */
function placeOf(text: string): string | undefined {
  const match = /LINE (\d+): .*\n( *)\^/.exec(text);
  return match ? `line ${match[1]}, column ${match[2]!.length - `LINE ${match[1]}: `.length + 1}` : undefined;
}
