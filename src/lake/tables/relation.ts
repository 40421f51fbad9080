/**
 * Sides of a comparison as SQL with the same columns `c0`, `c1`, ..., so that no name of a user's column meets one of ours:
 * what a side does not have is null there, and a column of which the sides have different types is compared as text, unless all are numbers.
 */
import { type Digest, MillError } from "../../base/index.ts";
import { quoteIdentifier, quoteLiteral } from "../../express/index.ts";
import type { Objects } from "../../ports/objects/index.ts";
import type { Tables } from "../../ports/tables/index.ts";
import type { TableFile } from "./table.ts";

/** One side: the local Parquet files to be read, and the engine's type of each of their columns. */
export interface Side {
  readonly files: readonly TableFile[];
  readonly paths: readonly string[];
  readonly types: ReadonlyMap<string, string>;
}

export interface AlignedColumn {
  readonly name: string;
  /** What it is compared as; null: as it is. */
  readonly cast: string | null;
}

export async function readSide(
  files: readonly TableFile[],
  { tables, objects }: { readonly tables: Tables; readonly objects: Objects },
): Promise<Side> {
  const paths = await Promise.all(files.map(({ digest }) => objects.pathOf(digest)));
  const columns = paths.length === 0 ? [] : await tables.describe(`SELECT * FROM ${parquet(paths)}`);
  return { files, paths, types: new Map(columns.map(({ name, type }) => [name, type])) };
}

/** The files of each side without those that every side has: their rows are the same on all. */
export function unshared(sides: readonly (readonly TableFile[])[]): (readonly TableFile[])[] {
  const counts = sides.map(countOf);
  const shared = [...counts[0]!.keys()].map((digest): [Digest, number] => [
    digest,
    Math.min(...counts.map((count) => count.get(digest) ?? 0)),
  ]);
  return sides.map((files) => {
    const left = new Map(shared);
    return files.filter(({ digest }) => {
      const count = left.get(digest) ?? 0;
      left.set(digest, count - 1);
      return count <= 0;
    });
  });
}

function countOf(files: readonly TableFile[]): Map<Digest, number> {
  const counts = new Map<Digest, number>();
  for (const { digest } of files) counts.set(digest, (counts.get(digest) ?? 0) + 1);
  return counts;
}

/** The columns of all sides, in the order in which they are first met. */
export function align(sides: readonly Side[]): AlignedColumn[] {
  const names = [...new Set(sides.flatMap(({ types }) => [...types.keys()]))];
  return names.map((name) => {
    const types = [...new Set(sides.flatMap(({ types }) => types.get(name) ?? []))];
    return { name, cast: types.length === 1 || types.every((type) => NUMBER.test(type)) ? null : "VARCHAR" };
  });
}

const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)$/;

/** Rows of a side as `c0`, `c1`, ...; `located` adds `home` (the local path) and `nth` (the row's place in it, from 0). */
export function rowsOf(side: Side, columns: readonly AlignedColumn[], types: readonly string[], located = false): string {
  const projected = columns.map(({ name, cast }, index) => {
    const value = side.types.has(name) ? quoteIdentifier(name) : `NULL::${types[index]}`;
    return `${cast === null ? value : `CAST(${value} AS ${cast})`} AS c${index}`;
  });
  const place = located ? ["mill_home AS home", "file_row_number AS nth"] : [];
  if (side.paths.length > 0)
    return `(SELECT ${[...projected, ...place].join(", ")} FROM ${parquet(side.paths, located ? ", filename = 'mill_home', file_row_number = true" : "")})`;
  return `(SELECT ${[...projected, ...(located ? ["''::VARCHAR AS home", "0::BIGINT AS nth"] : [])].join(", ")} WHERE false)`;
}

/** The type that `c0`, `c1`, ... have where no side says more. */
export const typesOf = (columns: readonly AlignedColumn[], sides: readonly Side[]): string[] =>
  columns.map(({ name, cast }) => cast ?? sides.map(({ types }) => types.get(name)).find((type) => type !== undefined)!);

export const parquet = (paths: readonly string[], options = ""): string =>
  `read_parquet([${paths.map(quoteLiteral).join(", ")}], union_by_name = true${options})`;

/** Where the key stands among the columns. Errors: `table.key-missing`. */
export function keyIndexes(key: readonly string[], columns: readonly AlignedColumn[], sides: readonly Side[]): number[] {
  return key.map((name) => {
    const missing = sides.find(({ types, paths }) => paths.length > 0 && !types.has(name));
    if (missing === undefined) return columns.findIndex((column) => column.name === name);
    throw new MillError("table.key-missing", `The table's key has the column "${name}", and its files do not.`, {
      at: missing.files.map(({ path }) => path).join(", "),
      expected: `a column "${name}" in every file`,
      fix: "Add the column to the files, or take it out of the key.",
    });
  });
}

/** Errors: `table.duplicate-key` when two rows of a side have the same key. */
export async function requireUnique(
  relation: string,
  keys: readonly number[],
  columns: readonly AlignedColumn[],
  side: Side,
  tables: Tables,
): Promise<void> {
  if (side.paths.length === 0) return;
  const places = keys.map((index) => `c${index}`).join(", ");
  const [twice] = await tables.rows(
    `SELECT ${keyText(keys)} AS id, count(*) AS n FROM ${relation} GROUP BY ${places} HAVING count(*) > 1 ORDER BY ${places} LIMIT 1`,
  );
  if (twice !== undefined) throw duplicateKey(String(twice.id), Number(twice.n), keys, columns, side);
}

export function duplicateKey(
  id: string,
  count: number,
  keys: readonly number[],
  columns: readonly AlignedColumn[],
  { files }: Pick<Side, "files">,
): MillError {
  const names = keys.map((index) => columns[index]!.name);
  return new MillError("table.duplicate-key", `${count} rows have the key ${id}.`, {
    at: files.map(({ path }) => path).join(", "),
    expected: `one row for each ${names.join(", ")}`,
    got: id,
    fix: "Remove the rows that are twice, or describe the table with a key that tells its rows apart.",
  });
}

/** A key as the JSON text of its values as texts: `["AA","3"]`; the key's columns begin with `prefix`. */
export const keyText = (keys: readonly number[], prefix = "c"): string =>
  `CAST(to_json([${keys.map((index) => `${prefix}${index}::VARCHAR`).join(", ")}]) AS VARCHAR)`;

export const sameKey = (keys: readonly number[], left: string, right: string): string =>
  keys.map((index) => `${left}.c${index} IS NOT DISTINCT FROM ${right}.c${index}`).join(" AND ");
