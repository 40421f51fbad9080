import { MillError } from "../base/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import { openCsv } from "./csv.ts";
import { openJson } from "./json.ts";
import type { OpenedSource } from "./opened.ts";
import { openParquet } from "./parquet.ts";
import type { SourceFormat } from "./sources.ts";
import { type Encoding, openTextFile } from "./text-file.ts";

export interface SourceFile {
  readonly path: string;
  readonly name: string;
  readonly format: SourceFormat;
  readonly delimiter?: string | undefined;
  readonly encoding?: Encoding | undefined;
}

interface Opening {
  /** Of the source among those that are read together. */
  readonly index: number;
  /** Columns that are looked for; they help to find the delimiter. */
  readonly wanted: readonly string[];
  readonly sizeBytes: number;
  /** A folder for texts that have to be rewritten. */
  readonly scratch: string;
}

/** Errors: `source.unreadable`, `dataset.empty`. */
export async function openSource(file: SourceFile, opening: Opening, tables: Tables): Promise<OpenedSource> {
  const { path, name, format, delimiter, encoding } = file;
  const { index, wanted, sizeBytes, scratch } = opening;
  if (format === "parquet") return openParquet({ path, name }, tables);
  const text = await openTextFile({ path, name, encoding, scratch, index });
  if (text.head.trim() === "" && text.whole)
    throw new MillError("dataset.empty", `The file "${name}" is empty.`, {
      at: name,
      expected: "a header and rows",
      got: "nothing",
      fix: "Check what wrote it, or name another file.",
    });
  if (format === "csv") return openCsv(text, { name, index, delimiter, wanted });
  return openJson(text, format, { name, index, wanted, sizeBytes }, tables);
}
