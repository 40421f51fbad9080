/**
 * From what a source holds to the type a column states, strictly: a value either is of the type, or the row goes to quarantine.
 * Nothing is rounded, wrapped or guessed; what is accepted stands in the README of this block.
 */
import type { TypeName } from "../contract/index.ts";
import { momentSql } from "../express/index.ts";

export interface Cast {
  /** The value as SQL: null when it is missing or does not fit. */
  readonly value: string;
  /** Whether there is a value that does not fit, as SQL. */
  readonly misfit: string;
}

export const SQL_TYPES: Readonly<Record<TypeName, string>> = {
  int8: "TINYINT",
  int16: "SMALLINT",
  int32: "INTEGER",
  int64: "BIGINT",
  uint8: "UTINYINT",
  uint16: "USMALLINT",
  uint32: "UINTEGER",
  float32: "FLOAT",
  float64: "DOUBLE",
  boolean: "BOOLEAN",
  string: "VARCHAR",
  category: "VARCHAR",
  date: "DATE",
  timestamp: "TIMESTAMP",
  instant: "TIMESTAMP WITH TIME ZONE",
};

/** What a value of the type is, for a person whose value is not one. */
export const MEANINGS: Readonly<Record<TypeName, string>> = {
  int8: "a whole number from -128 to 127",
  int16: "a whole number from -32768 to 32767",
  int32: "a whole number from -2147483648 to 2147483647",
  int64: "a whole number from -9223372036854775808 to 9223372036854775807",
  uint8: "a whole number from 0 to 255",
  uint16: "a whole number from 0 to 65535",
  uint32: "a whole number from 0 to 4294967295",
  float32: "a finite number within float32, with a point for decimals",
  float64: "a finite number, with a point for decimals",
  boolean: "true or false (or t, f, yes, no, y, n, 1, 0)",
  string: "a text",
  category: "a text",
  date: "a date such as 2001-06-01, with no time of day",
  timestamp: "a moment without an offset, such as 2001-06-01T10:00:00",
  instant: "a moment with an offset, such as 2001-06-01T10:00:00Z",
};

/** Texts that say "no value" in a column that is not of texts; compared without case. */
export const MISSING_WORDS = ["", "na", "n/a", "nan", "null", "none"] as const;

type Family = "text" | "whole" | "real" | "decimal" | "boolean" | "date" | "timestamp" | "instant" | "other";

/** null: no value of the source's type can ever be of the column's. */
export function castSql(sql: string, sourceType: string, type: TypeName): Cast | null {
  const from = familyOf(sourceType);
  if (from === "text") return fromText(sql, type);
  const value = fromNative(sql, from, sourceType, type);
  if (value === null) return null;
  const missing = sourceType === "FLOAT" || sourceType === "DOUBLE" ? `(${sql} IS NULL OR isnan(${sql}))` : `${sql} IS NULL`;
  return { value: `(CASE WHEN NOT ${missing} THEN ${value} END)`, misfit: `(${value} IS NULL AND NOT ${missing})` };
}

function familyOf(sourceType: string): Family {
  if (/^(VARCHAR|ENUM.*)$/.test(sourceType)) return "text";
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(sourceType)) return "whole";
  if (/^(FLOAT|DOUBLE)$/.test(sourceType)) return "real";
  if (sourceType.startsWith("DECIMAL")) return "decimal";
  if (sourceType === "BOOLEAN") return "boolean";
  if (sourceType === "DATE") return "date";
  if (/^TIMESTAMP(_S|_MS|_NS)?$/.test(sourceType)) return "timestamp";
  return /^(TIMESTAMP WITH TIME ZONE|TIMESTAMPTZ)$/.test(sourceType) ? "instant" : "other";
}

const isWhole = (type: TypeName) => /^u?int/.test(type);
const isReal = (type: TypeName) => type === "float32" || type === "float64";

function fromText(sql: string, type: TypeName): Cast {
  const text = `${sql}::VARCHAR`;
  if (type === "string" || type === "category") return { value: text, misfit: "false" };
  const words = MISSING_WORDS.map((word) => `'${word}'`).join(", ");
  const value = textValue(text, type);
  return { value, misfit: `(${value} IS NULL AND ${text} IS NOT NULL AND lower(trim(${text})) NOT IN (${words}))` };
}

const NUMBER = String.raw`\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*`;
const WHOLE = String.raw`\s*[+-]?\d+(\.0*)?\s*`;
const DATE = String.raw`\s*\d{4}-\d{2}-\d{2}([T ]00:00(:00(\.0*)?)?)?\s*`;

/** The engine's own casts round, and take `1_000`, `inf` and moments of the other kind: each is held to the forms above. */
function textValue(text: string, type: TypeName): string {
  const cast = `TRY_CAST(${text} AS ${SQL_TYPES[type]})`;
  const like = (pattern: string) => `regexp_full_match(${text}, '${pattern}')`;
  if (isWhole(type)) {
    const number = `TRY_CAST(${text} AS DOUBLE)`;
    return `(CASE WHEN ${cast}::VARCHAR = ${text} OR ${like(WHOLE)} THEN ${cast}
      WHEN ${like(NUMBER)} AND ${number} = trunc(${number}) AND abs(${number}) <= 9007199254740992 THEN TRY_CAST(${number} AS ${SQL_TYPES[type]}) END)`;
  }
  if (isReal(type)) return `(CASE WHEN isfinite(${cast}) AND ${like(NUMBER)} THEN ${cast} END)`;
  if (type === "boolean")
    return `(CASE WHEN lower(trim(${text})) IN ('true', 't', 'yes', 'y', '1') THEN true WHEN lower(trim(${text})) IN ('false', 'f', 'no', 'n', '0') THEN false END)`;
  if (type === "date") return `(CASE WHEN ${like(DATE)} THEN TRY_CAST(left(trim(${text}), 10) AS DATE) END)`;
  return momentSql(`trim(${text})`, type as "timestamp" | "instant");
}

/** null: not convertible. */
function fromNative(sql: string, from: Family, sourceType: string, type: TypeName): string | null {
  const target = SQL_TYPES[type];
  if (from === "other") return (type === "string" || type === "category") && sourceType === "UUID" ? `${sql}::VARCHAR` : null;
  if (type === "string" || type === "category") return `${sql}::VARCHAR`;
  const cast = sourceType === target ? sql : `TRY_CAST(${sql} AS ${target})`;
  if (isWhole(type)) {
    if (from === "whole" || from === "boolean") return cast;
    return from === "real" || from === "decimal" ? `(CASE WHEN ${sql} = trunc(${sql}) THEN ${cast} END)` : null;
  }
  if (isReal(type))
    return ["whole", "real", "decimal", "boolean"].includes(from) ? `(CASE WHEN isfinite(${cast}) THEN ${cast} END)` : null;
  if (type === "boolean")
    return from === "boolean" ? sql : from === "whole" ? `(CASE WHEN ${sql} IN (0, 1) THEN ${sql} = 1 END)` : null;
  if (type === "instant") return from === "instant" ? finite(sql) : null;
  if (from !== "date" && from !== "timestamp") return null;
  if (type === "date" && from === "timestamp")
    return `(CASE WHEN isfinite(${sql}) AND ${sql} = date_trunc('day', ${sql}) THEN ${cast} END)`;
  return `(CASE WHEN isfinite(${sql}) THEN ${cast} END)`;
}

const finite = (sql: string) => `(CASE WHEN isfinite(${sql}) THEN ${sql} END)`;
