/**
 * Rows that were logged as JSON text, as typed columns in SQL: what `readValue` makes of each, without its code, so that a replay rests on nothing
 * that served the answers.
 */
import type { Schema, TypeName } from "../contract/index.ts";
import { momentSql, quoteIdentifier as name, quoteLiteral as text } from "../express/index.ts";

/** `SELECT` items: each column of the JSON object as its type; null where it is missing or does not fit. */
export const typedColumns = (json: string, columns: Schema): string[] =>
  Object.entries(columns).map(([column, { type }]) => `${memberValue(json, column, type)} AS ${name(column)}`);

export function memberValue(json: string, column: string, type: TypeName): string {
  const { sql, value } = READINGS[type];
  return `TRY_CAST(${value(memberText(json, column))} AS ${sql})`;
}

/** Whether the JSON object is a row of these columns: all of them, no others, each of a form that its type takes. */
export function isRow(json: string, columns: Schema): string {
  const fit = Object.entries(columns).map(([column, { type, nullable }]) => {
    const kind = `json_type(${json}, ${pointer(column)})`;
    const fits = `coalesce(${READINGS[type].fits(kind, memberText(json, column))} AND ${memberValue(json, column, type)} IS NOT NULL, false)`;
    return nullable ? `(coalesce(${kind} = 'NULL', false) OR ${fits})` : fits;
  });
  const names = Object.keys(columns).map(text).join(", ");
  return [`json_type(${json}) = 'OBJECT'`, `list_has_all([${names}], json_keys(${json}))`, ...fit].join(" AND ");
}

/** A member as text; null where it is missing or null. */
export const memberText = (json: string, member: string): string => `json_extract_string(${json}, ${pointer(member)})`;

/** A member as JSON text; null where it is missing. */
export const memberJson = (json: string, member: string): string => `json_extract(${json}, ${pointer(member)})::VARCHAR`;

/** A JSON pointer to a member, whatever its name holds. */
const pointer = (member: string): string => text(`/${member.replaceAll("~", "~0").replaceAll("/", "~1")}`);

interface Reading {
  readonly sql: string;
  /** Of the member's text, in a form that the engine casts to the type. */
  readonly value: (member: string) => string;
  /** Whether the member's kind of JSON, and its text, are of the type's form. */
  readonly fits: (kind: string, member: string) => string;
}

const asItIs = (member: string) => member;

const whole = (sql: string): Reading => ({ sql, value: asItIs, fits: (kind) => `${kind} IN ('UBIGINT', 'BIGINT')` });

/** A JSON number holds a whole number up to 2^53; beyond, it is decimal text. */
const isDecimal = (member: string) => `regexp_full_match(${member}, '-?\\d{1,19}')`;
const isSafe = (kind: string, member: string) =>
  `${kind} IN ('UBIGINT', 'BIGINT') AND abs(TRY_CAST(${member} AS HUGEINT)) <= ${Number.MAX_SAFE_INTEGER}`;

const real = (sql: string): Reading => ({
  sql,
  value: (member) => `TRY_CAST(${member} AS DOUBLE)`,
  fits: (kind) => `${kind} IN ('UBIGINT', 'BIGINT', 'DOUBLE')`,
});

const words: Reading = { sql: "VARCHAR", value: asItIs, fits: (kind) => `${kind} = 'VARCHAR'` };

const moment = (sql: string, type: "date" | "timestamp" | "instant"): Reading => ({
  sql,
  value: (member) => momentSql(member, type),
  fits: (kind) => `${kind} = 'VARCHAR'`,
});

const READINGS: Readonly<Record<TypeName, Reading>> = {
  int8: whole("TINYINT"),
  int16: whole("SMALLINT"),
  int32: whole("INTEGER"),
  int64: {
    ...whole("BIGINT"),
    fits: (kind, member) => `CASE ${kind} WHEN 'VARCHAR' THEN ${isDecimal(member)} ELSE ${isSafe(kind, member)} END`,
  },
  uint8: whole("UTINYINT"),
  uint16: whole("USMALLINT"),
  uint32: whole("UINTEGER"),
  float32: real("FLOAT"),
  float64: real("DOUBLE"),
  boolean: { sql: "BOOLEAN", value: asItIs, fits: (kind) => `${kind} = 'BOOLEAN'` },
  string: words,
  category: words,
  date: moment("DATE", "date"),
  timestamp: moment("TIMESTAMP", "timestamp"),
  instant: moment("TIMESTAMP WITH TIME ZONE", "instant"),
};
