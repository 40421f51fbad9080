import { MillError } from "../base/index.ts";
import { quoteIdentifier, quoteLiteral } from "../express/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import type { OpenedSource } from "./opened.ts";

/** A Parquet file, with its own types. Errors: `source.unreadable`. */
export async function openParquet({ path, name }: { path: string; name: string }, tables: Tables): Promise<OpenedSource> {
  const columns = await tables.describe(`SELECT * FROM read_parquet(${quoteLiteral(path)})`).catch((cause: MillError) => {
    throw new MillError("source.unreadable", `The file "${name}" cannot be read as Parquet: ${cause.message}`, {
      at: name,
      expected: "a whole Parquet file",
      fix: "Check that the file was written to its end, or write it again.",
      cause,
    });
  });
  return {
    name,
    found: { format: "parquet" },
    columns: columns.map((column) => ({ name: column.name, sql: quoteIdentifier(column.name), type: column.type })),
    relation: () => `read_parquet(${quoteLiteral(path)}, file_row_number = true)`,
    ordinal: "file_row_number",
    text: null,
    blank: null,
    broken: null,
    rejects: null,
    lines: null,
  };
}
