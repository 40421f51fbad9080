import { formatMoment, type Json } from "../base/index.ts";
import type { Row, Schema, TypeName } from "../contract/index.ts";
import { quoteIdentifier } from "../express/index.ts";

/** What a column holds. Values are left out of a personal column's profile. */
export interface ColumnProfile {
  readonly nulls: number;
  /** HyperLogLog with 64 registers: exact for a handful, within some 10 % of large counts. */
  readonly distinct: number;
  readonly min?: Json;
  readonly max?: Json;
  /** Of numbers, and the share of true of booleans; 10 digits, because sums depend on the order in which threads add. */
  readonly mean?: number;
}

export type Profile = Readonly<Record<string, ColumnProfile>>;

/** One scan that profiles a relation: one row with `rows`, and `n0 d0 lo0 hi0 m0 n1 ...` by the columns' order. */
export function profileSql(columns: Schema, relation: string): string {
  const measured = Object.entries(columns).flatMap(([name, { type, personal }], i) => {
    const column = quoteIdentifier(name);
    return [
      `count(*) - count(${column}) AS n${i}`,
      `approx_count_distinct(${column}) AS d${i}`,
      ...(personal ? [] : [`${comparable(`min(${column})`, type)} AS lo${i}`, `${comparable(`max(${column})`, type)} AS hi${i}`]),
      ...(isMeasured(type) && !personal ? [`avg(${type === "boolean" ? `${column}::INTEGER` : column}) AS m${i}`] : []),
    ];
  });
  return `SELECT ${["count(*) AS rows", ...measured].join(", ")} FROM ${relation}`;
}

/** The profile from the row of `profileSql`. */
export function readProfile(columns: Schema, row: Row): { readonly rowCount: number; readonly profile: Profile } {
  const profile = Object.entries(columns).map(([name, { type, personal }], i): [string, ColumnProfile] => {
    const counts = { nulls: Number(row[`n${i}`]), distinct: Number(row[`d${i}`]) };
    if (personal) return [name, counts];
    const mean = row[`m${i}`];
    const ends = { min: shown(row[`lo${i}`], type), max: shown(row[`hi${i}`], type) };
    return [
      name,
      { ...counts, ...ends, ...(mean === null || mean === undefined ? {} : { mean: Number(Number(mean).toPrecision(10)) }) },
    ];
  });
  return { rowCount: Number(row.rows), profile: Object.fromEntries(profile) };
}

const isMoment = (type: TypeName) => type === "date" || type === "timestamp" || type === "instant";
const isText = (type: TypeName) => type === "string" || type === "category";
const isMeasured = (type: TypeName) => !isMoment(type) && !isText(type);

const TEXT_MAX = 80;
const comparable = (sql: string, type: TypeName) => (isText(type) ? `left(${sql}, ${TEXT_MAX})` : sql);

function shown(value: Row[string] | undefined, type: TypeName): Json {
  if (value === null || value === undefined) return null;
  if (isMoment(type)) return momentText(Number(value), type);
  return typeof value === "bigint" ? String(value) : value;
}

/** A moment as the type writes it: a date without a time, an instant with its Z. */
export function momentText(micros: number, type: TypeName): string {
  const text = formatMoment(micros);
  if (type === "date") return text.slice(0, 10);
  return type === "instant" ? `${text}Z` : text;
}
