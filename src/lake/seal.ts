/**
 * From journal to lake: the closed segments of a data set become one Parquet part of one new version.
 *
 *     | part 1M | part 40k | part 8k |  + 10k sealed rows   ->   | part 1M | part 58k |
 *
 * Parts no larger than what is being added are merged into it, so that a log of n rows has about log n parts and a row is rewritten log n times.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { newId } from "../base/index.ts";
import type { Column, Schema } from "../contract/index.ts";
import { quoteIdentifier, quoteLiteral } from "../express/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import type { Segment } from "./journal.ts";
import type { VersionManifest } from "./versions.ts";

const PART_ROWS_MAX = 2_000_000;

export interface SealedPart {
  readonly manifest: VersionManifest;
  readonly rowCount: number;
}

/** The content of the version that follows `head` by the rows of `segments`. Stores the part; commits nothing. */
export async function sealSegments(
  segments: readonly Segment[],
  head: VersionManifest | null,
  { objects, tables, folder }: { readonly objects: Objects; readonly tables: Tables; readonly folder: string },
): Promise<SealedPart> {
  const files = `[${segments.map(({ path }) => quoteLiteral(path)).join(", ")}]`;
  const columns = { ...head?.columns, ...(await findColumns(files, head?.columns ?? {}, tables)) };
  const [counted] = await tables.rows(
    `SELECT count(*) AS n FROM read_json_objects(${files}, format = 'newline_delimited', ${LIMITS})`,
  );
  const { kept, merged, rowCount } = chooseMerged(head?.parts ?? [], Number(counted!.n));
  const path = join(folder, `seal-${newId()}.parquet`);
  try {
    await tables.run(
      `COPY (${await sealedSql(files, columns, merged, objects)}) TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    const digest = await objects.putFile(path, { consume: true });
    const parts = [...kept, { digest, rowCount }];
    return {
      manifest: { parts, columns, facts: { journal: true } },
      rowCount: parts.reduce((sum, part) => sum + (part.rowCount ?? 0), 0),
    };
  } finally {
    await rm(path, { force: true });
  }
}

/** A row comes in a request body, of at most 10 MiB; the engine holds two buffers of this size for each thread. */
const LIMITS = `maximum_object_size = ${16 << 20}`;

type Part = VersionManifest["parts"][number];

function chooseMerged(
  parts: readonly Part[],
  added: number,
): { kept: readonly Part[]; merged: readonly Part[]; rowCount: number } {
  let [first, rowCount] = [parts.length, added];
  while (first > 0) {
    const size = parts[first - 1]!.rowCount ?? PART_ROWS_MAX;
    if (size > rowCount || size + rowCount > PART_ROWS_MAX) break;
    rowCount += size;
    first--;
  }
  return { kept: parts.slice(0, first), merged: parts.slice(first), rowCount };
}

async function sealedSql(files: string, columns: Schema, merged: readonly Part[], objects: Objects): Promise<string> {
  const types = Object.entries(columns).map(
    ([name, { type }]) => `${quoteIdentifier(name)}: '${ENGINE_TYPES[type as JournalType]}'`,
  );
  const added = `SELECT * FROM read_json(${files}, format = 'newline_delimited', columns = {${types.join(", ")}}, ${LIMITS})`;
  if (merged.length === 0) return added;
  const paths = await Promise.all(merged.map(({ digest }) => objects.pathOf(digest)));
  return `SELECT * FROM read_parquet([${paths.map(quoteLiteral).join(", ")}], union_by_name = true) UNION ALL BY NAME ${added}`;
}

type JournalType = "float64" | "boolean" | "string";
const ENGINE_TYPES: Readonly<Record<JournalType, string>> = { float64: "DOUBLE", boolean: "BOOLEAN", string: "VARCHAR" };

/**
 * Types of the columns in new rows: numbers, booleans, or else texts (of an object or list, its JSON). A column that only ever was null has none yet;
 * one that comes with values of another type than before is text from then on, and readers see it as text throughout.
 */
async function findColumns(files: string, known: Schema, tables: Tables): Promise<Schema> {
  const rows = await tables.rows(`
    SELECT key, bool_and(kind IN ('UBIGINT', 'BIGINT', 'DOUBLE', 'HUGEINT', 'UHUGEINT')) AS numbers, bool_and(kind = 'BOOLEAN') AS booleans
    FROM (SELECT key, json_type(json, '/' || replace(replace(key, '~', '~0'), '/', '~1')) AS kind
      FROM (SELECT json, unnest(json_keys(json)) AS key FROM read_json_objects(${files}, format = 'newline_delimited', ${LIMITS})))
    WHERE kind <> 'NULL' GROUP BY key ORDER BY key`);
  const found = rows.map(({ key, numbers, booleans }): [string, Column] => {
    const type: JournalType = numbers ? "float64" : booleans ? "boolean" : "string";
    const before = known[String(key)]?.type;
    return [String(key), { type: before === undefined || before === type ? type : "string", nullable: true }];
  });
  return Object.fromEntries(found);
}
