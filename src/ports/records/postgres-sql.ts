/** The shared SQL as PostgreSQL wants it. What differs is here and in the types of results, nowhere else. */
import type { Param, Statement } from "./records.ts";

export interface Query {
  readonly text: string;
  readonly values: readonly Param[];
}

/**
 * `?` becomes `$1::int8`, `$2::text`, ...: the type is the value's own, as in SQLite, so that `SELECT ?` gives back what came.
 * A null takes the type of its place.
 */
export function toQuery(sql: string, params: readonly Param[]): Query {
  const pieces = piecesOf(sql);
  let text = pieces[0]!;
  for (let index = 1; index < pieces.length; index++) text += `$${index}${castOf(params[index - 1])}${pieces[index]}`;
  return { text, values: params };
}

/** A guarded statement tells its rows to `require_rows`, which fails with GUARD_FAILED: the server itself ends the commit, without a round trip. */
export function guardedQuery({ sql, params = [], rows }: Statement): Query {
  const query = toQuery(sql, params);
  if (rows === undefined) return query;
  return {
    ...query,
    text: `WITH changed AS (${query.text} RETURNING 1) SELECT require_rows(count(*), ${Number(rows)}) FROM changed`,
  };
}

export const GUARD_FAILED = "MW001";

export const REQUIRE_ROWS = `CREATE OR REPLACE FUNCTION require_rows(got bigint, expected bigint) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN IF got <> expected THEN RAISE EXCEPTION USING ERRCODE = '${GUARD_FAILED}', MESSAGE = 'a guard does not hold', DETAIL = got::text; END IF; END $$`;

/** Types of the shared schema: numbers have 64 bits, texts compare by their bytes. */
export const toDdl = (sql: string): string =>
  sql
    .replace(/\bINTEGER\b/g, "BIGINT")
    .replace(/\bBLOB\b/g, "BYTEA")
    .replace(/\bTEXT\b/g, 'TEXT COLLATE "C"');

const castOf = (param: Param | undefined): string => {
  if (typeof param === "string") return "::text";
  if (typeof param === "number") return Number.isSafeInteger(param) ? "::int8" : "::float8";
  if (typeof param === "bigint") return "::int8";
  return param instanceof Uint8Array ? "::bytea" : "";
};

const PIECES_MAX = 1000;
const known = new Map<string, readonly string[]>();

/** The text between the places; a `?` inside quotes or a comment is text. */
function piecesOf(sql: string): readonly string[] {
  const found = known.get(sql);
  if (found) return found;
  const pieces = [""];
  for (const [token] of sql.matchAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--.*|\/\*[\s\S]*?\*\/|\?|[^'"?/-]+|[\s\S]/g))
    if (token === "?") pieces.push("");
    else pieces[pieces.length - 1] += token;
  if (known.size >= PIECES_MAX) known.delete(known.keys().next().value!);
  known.set(sql, pieces);
  return pieces;
}
