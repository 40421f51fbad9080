/**
 * One reading of each source: every record, typed, with what is wrong with it, into a Parquet file in the scratch folder, in file order.
 *
 *     record -> cast -> fault? -> row checks -> | columns ... | __fault | __holds0 | __holds1 ... |
 *
 * Everything behind it (counts, repeated rows, the sorted part, the quarantine) reads that file, so a big source is parsed once.
 */

import type { Schema } from "../contract/index.ts";
import { columnsRead, compileSql, type Node, quoteIdentifier, quoteLiteral } from "../express/index.ts";
import { momentLiteral } from "./boundary.ts";
import type { ReadColumn } from "./columns.ts";
import type { OpenedSource } from "./opened.ts";

/** A row check as the step reads it: the share that must hold is judged later, and is no part of it. */
export interface RowCheck {
  readonly holds: Node | { readonly unique: readonly string[] };
  readonly text: string;
  readonly index: number;
}

/** Faults of a record; column `i` has `misfit(i)` and `absent(i)`. */
export const FAULT = {
  none: 0,
  leftOut: -1,
  blank: -2,
  broken: -3,
  ahead: -4,
  misfit: (i: number) => 2 * i + 1,
  absent: (i: number) => 2 * i + 2,
} as const;

export const isRowCheck = (check: RowCheck): check is RowCheck & { readonly holds: Node } => !("unique" in check.holds);
export const holdsColumn = (check: RowCheck) => `__holds${check.index}`;

export interface Staging {
  readonly columns: Schema;
  readonly where: Node | null;
  readonly checks: readonly RowCheck[];
  /** Rows of a journal that are later than `until` are ahead of the data's clock; they count for a later generation. */
  readonly until?: { readonly time: string; readonly moment: string } | null;
}

/** The statement that stages one source into `path`. */
export function stageSql(
  source: OpenedSource,
  read: readonly ReadColumn[],
  { columns, where, checks, until = null }: Staging,
  path: string,
): string {
  const names = read.map(({ name }) => quoteIdentifier(name));
  const cast = read.flatMap(({ value, misfit }, i) => [`${value} AS ${names[i]}`, `${misfit} AS __misfit${i}`]);
  const holds = checks
    .filter(isRowCheck)
    .map((check) => `CASE WHEN __fault = 0 THEN ${compileSql(check.holds, columns)} END AS ${holdsColumn(check)}`);
  return `COPY (
    SELECT ${[...names, "__fault", ...holds].join(", ")}
    FROM (SELECT *, ${faultSql(read, where, until, columns)} AS __fault
      FROM (SELECT ${cast.join(", ")}, ${source.blank ?? "false"} AS __blank, ${source.broken?.condition ?? "false"} AS __broken
        FROM ${source.relation("first")}))
  ) TO ${quoteLiteral(path)} (FORMAT parquet)`;
}

/** A column that `where` or `until` reads comes first: a row whose value does not fit can be neither kept nor left out. */
function faultSql(read: readonly ReadColumn[], where: Node | null, until: Staging["until"], columns: Schema): string {
  const faults = read.map(({ name, required }, i) => ({
    name,
    sql: `WHEN __misfit${i} THEN ${FAULT.misfit(i)}${required ? ` WHEN ${quoteIdentifier(name)} IS NULL THEN ${FAULT.absent(i)}` : ""}`,
  }));
  const filtered = new Set([...(where === null ? [] : columnsRead(where)), ...(until ? [until.time] : [])]);
  const ahead = until && `${quoteIdentifier(until.time)} > ${momentLiteral(until.moment, columns[until.time]!.type)}`;
  return `(CASE WHEN __blank THEN ${FAULT.blank} WHEN __broken THEN ${FAULT.broken}
    ${faults.map(({ name, sql }) => (filtered.has(name) ? sql : "")).join(" ")}
    ${where === null ? "" : `WHEN (${compileSql(where, columns)}) IS NOT TRUE THEN ${FAULT.leftOut}`}
    ${ahead ? `WHEN ${ahead} THEN ${FAULT.ahead}` : ""}
    ${faults.map(({ name, sql }) => (filtered.has(name) ? "" : sql)).join(" ")}
    ELSE 0 END)::SMALLINT`;
}

/** The staged files as one relation, in the order of the sources: `__source` and `__ordinal` say where a row comes from. */
export function stagedSql(paths: readonly string[]): string {
  const each = paths.map(
    (path, index) =>
      `SELECT ${index} AS __source, file_row_number AS __ordinal, * EXCLUDE (file_row_number) FROM read_parquet(${quoteLiteral(path)}, file_row_number = true)`,
  );
  return `(${each.join(" UNION ALL ")})`;
}

/** Whether a staged row is good as far as it can be told by itself. */
export const passesSql = (checks: readonly RowCheck[]) =>
  ["__fault = 0", ...checks.filter(isRowCheck).map((check) => `${holdsColumn(check)} IS NOT FALSE`)].join(" AND ");
