import { MillError } from "../base/index.ts";
import type { FilesSource } from "./definitions.ts";
import { fieldsOf, list, oneOf, text, wrong } from "./options.ts";

export interface FilesOptions {
  /** Of text files: one character; found by looking when absent. */
  readonly delimiter?: string | undefined;
  /** Of text files; found by looking when absent. */
  readonly encoding?: FilesSource["encoding"] | undefined;
}

const ENCODINGS = ["utf-8", "utf-16", "latin-1"] as const;

/**
 * Rows from files: Parquet, CSV or NDJSON. Paths are relative to the project, `*` matches within a folder, and `package:NAME/PATH` is looked up in
 * the project's node_modules.
 */
export function files(paths: string | readonly string[], options: FilesOptions = {}): FilesSource {
  const named = (typeof paths === "string" ? [paths] : list("files", paths)).map((path) => readPath(path));
  if (named.length === 0) wrong("files", "at least one path", paths);
  const { delimiter, encoding } = fieldsOf("files", options, ["delimiter", "encoding"]);
  if (delimiter !== undefined && text("files: delimiter", delimiter).length !== 1)
    wrong("files: delimiter", "one character", delimiter);
  return Object.freeze({
    source: "files" as const,
    paths: named,
    ...(delimiter === undefined ? {} : { delimiter: delimiter as string }),
    ...(encoding === undefined ? {} : { encoding: oneOf("files: encoding", encoding, ENCODINGS) }),
  });
}

function readPath(given: unknown): string {
  const path = text("files", given);
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(path)) return path;
  throw new MillError("define.bad-value", `files: "${path}" is an address; no definition is followed to another machine.`, {
    at: "files",
    expected: "a path in the project, or package:NAME/PATH",
    got: `"${path}"`,
    fix: "Download the file into the project and name its path.",
  });
}

/** What `files(...)` returned, also from a plain object of the same form. */
export function readSource(at: string, given: unknown): FilesSource {
  if (typeof given === "string") return wrong(at, `files(${JSON.stringify(given)})`, given);
  const { source, paths, ...options } = fieldsOf(at, given ?? wrong(at, 'files("...")', given), [
    "source",
    "paths",
    "delimiter",
    "encoding",
  ]);
  oneOf(`${at}: source`, source, ["files"]);
  return files(paths as readonly string[], options);
}
