import { parseMoment } from "../base/index.ts";
import type { Schema, TypeName } from "../contract/index.ts";
import { quoteIdentifier, quoteLiteral } from "../express/index.ts";

/** Where a generation of a data set is cut, frozen at first use. */
export type Boundary = (
  | /** Moments as text, of the time column's type; a row belongs to the last part whose first moment it has reached; null: that part has no rows. */
  { readonly testFrom: string | null; readonly holdoutFrom: string | null }
  /** Shares of the 2^32 values of a salted hash. */
  | { readonly salt: string; readonly test: number; readonly holdout: number }
) & {
  /** From generation 2 on: rows before this moment are in no part; null: there are none such. */
  readonly trainFrom?: string | null;
};

export interface Partitioned {
  readonly time: string | null;
  readonly entity: readonly string[];
  readonly columns: Schema;
}

/** `'train'`, `'test'`, `'holdout'` or NULL (in no part) for a row, as SQL over the data set's columns. */
export function partitionSql(boundary: Boundary, dataset: Partitioned): string {
  const { test, holdout } = "salt" in boundary ? byHash(boundary, dataset) : byTime(boundary, dataset);
  const older = boundary.trainFrom == null ? "" : `WHEN ${beforeSql(boundary.trainFrom, dataset)} THEN NULL`;
  return `(CASE ${older} WHEN ${holdout} THEN 'holdout' WHEN ${test} THEN 'test' ELSE 'train' END)`;
}

/** Whether a row is older than a moment, or than the moment by more than a span, as SQL. */
export function beforeSql(moment: string, { time, columns }: Pick<Partitioned, "time" | "columns">, spanMicros = 0): string {
  return spanMicros === 0
    ? `${quoteIdentifier(time!)} < ${momentLiteral(moment, columns[time!]!.type)}`
    : `epoch_us(${quoteIdentifier(time!)}) < ${parseMoment(moment)!.micros - spanMicros}`;
}

function byTime({ testFrom, holdoutFrom }: Extract<Boundary, { testFrom: unknown }>, { time, columns }: Partitioned) {
  const reached = (from: string | null) =>
    from === null ? "false" : `${quoteIdentifier(time!)} >= ${momentLiteral(from, columns[time!]!.type)}`;
  return { test: reached(testFrom), holdout: reached(holdoutFrom) };
}

/** A moment's text as a literal of the column's type; reading it first keeps anything else out of the SQL. */
export function momentLiteral(text: string, type: TypeName): string {
  const micros = parseMoment(text)!.micros;
  if (type === "date") return `make_date((${micros / 86_400_000_000})::INTEGER)`;
  return type === "instant" ? `make_timestamptz(${micros})` : `make_timestamp(${micros})`;
}

/**
 * The first 32 bits of MD5 over the salt and the key's texts, as 8 hexadecimal digits: the same in every version of every engine, and compared as text.
 * Rows that are equal in the key (or, without an entity, in every column) always share a part.
 */
function byHash({ salt, test, holdout }: Extract<Boundary, { salt: string }>, { entity, columns }: Partitioned) {
  const keys = entity.length > 0 ? entity : Object.keys(columns).sort();
  const texts = keys.map((key) => `coalesce(${keyText(quoteIdentifier(key), columns[key]!.type)}, chr(30))`);
  const hash = `left(md5(concat_ws(chr(31), ${[quoteLiteral(salt), ...texts].join(", ")})), 8)`;
  return { test: `${hash} >= '${hashDigits(1 - test - holdout)}'`, holdout: `${hash} >= '${hashDigits(1 - holdout)}'` };
}

function keyText(column: string, type: TypeName): string {
  return type === "date" || type === "timestamp" || type === "instant" ? `epoch_us(${column})::VARCHAR` : `${column}::VARCHAR`;
}

/** The share as 8 hexadecimal digits; the whole is above them all. */
function hashDigits(share: number): string {
  const value = Math.round(share * 2 ** 32);
  return value >= 2 ** 32 ? "g" : value.toString(16).padStart(8, "0");
}
