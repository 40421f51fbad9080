import { didYouMean, MillError } from "../base/index.ts";
import type { Schema } from "../contract/index.ts";
import { type Cast, castSql, MEANINGS } from "./cast.ts";
import type { OpenedSource, SourceColumn } from "./opened.ts";

/** A column of the data set, and how it is read from one source. */
export interface ReadColumn extends Cast {
  readonly name: string;
  readonly source: SourceColumn;
  /** A missing value sends the row to quarantine. */
  readonly required: boolean;
}

/** How each column of a data set is read from a source. The time column is always required. Errors: `dataset.column-missing`, `dataset.column-type`. */
export function matchColumns(source: OpenedSource, columns: Schema, time: string | null, dataset: string): ReadColumn[] {
  return Object.entries(columns).map(([name, { type, nullable, source: sourceName = name }]) => {
    const column = source.columns.find((candidate) => candidate.name === sourceName);
    if (!column) throw missing(source, name, sourceName, dataset);
    const cast = castSql(column.sql, column.type, type);
    if (cast) return { ...cast, name, source: column, required: !nullable || name === time };
    throw new MillError(
      "dataset.column-type",
      `The column "${sourceName}" of "${source.name}" is ${column.type}, which cannot be read as ${type}.`,
      {
        at: `dataset "${dataset}": columns.${name}`,
        expected: MEANINGS[type],
        got: column.type,
        fix: fixFor(column.type, type, name),
      },
    );
  });
}

function missing(source: OpenedSource, name: string, sourceName: string, dataset: string): MillError {
  const names = source.columns.map((column) => column.name);
  return new MillError(
    "dataset.column-missing",
    `"${source.name}" has no column "${sourceName}".${didYouMean(sourceName, names)}`,
    {
      at: `dataset "${dataset}": columns.${name}`,
      expected: `a column "${sourceName}"`,
      got: names.join(", "),
      fix: `Name the file's column: ${name}: { type: ..., source: "..." }, or take ${name} out of columns.`,
    },
  );
}

function fixFor(sourceType: string, type: string, name: string): string {
  if (sourceType === "TIMESTAMP WITH TIME ZONE") return `The file's moments name their zone: state ${name} as "instant".`;
  if (type === "instant" && sourceType.startsWith("TIMESTAMP"))
    return `The file's moments have no zone: state ${name} as "timestamp".`;
  return `State another type for ${name}, or convert the column in the file.`;
}
