/** Rows of tables as lines of JSON, and back. What JSON cannot say stands in an object: `{"i": "9007199254740993"}`, `{"b": "base64"}`, `{"n": "Infinity"}`. */
import type { Param, Records, Snapshot, SnapshotTable, Statement } from "../ports/records/index.ts";
import { damaged, type TablePart } from "./manifest.ts";
import { readLines, writePart } from "./parts.ts";

export async function writeTable(
  folder: string,
  snapshot: Snapshot,
  table: SnapshotTable,
  progress: (rows: number) => void,
): Promise<TablePart> {
  let rowCount = 0;
  const lines = async function* () {
    for await (const page of snapshot.rows(table)) {
      rowCount += page.length;
      yield page.map((row) => `${JSON.stringify(row.map(said))}\n`).join("");
      progress(page.length);
    }
  };
  const part = await writePart(folder, `${table.name}.ndjson.gz`, lines());
  return { ...part, name: table.name, columns: table.columns, rowCount };
}

/** What one statement may bind is bounded by SQLite (32,766) and PostgreSQL (65,535). */
const PLACES_MAX = 10_000;
const COMMIT_ROWS = 2000;

/** Puts the rows into the table of that name, instead of what a migration may have put there. Errors: `backup.damaged`. */
export async function loadTable(
  folder: string,
  part: TablePart,
  records: Records,
  progress: (rows: number) => void,
): Promise<void> {
  const { name, columns, rowCount } = part;
  await records.commit([{ sql: `DELETE FROM "${name}"` }]);
  let loaded = 0;
  let waiting: Param[][] = [];
  const flush = async () => {
    await records.commit(inserts(name, columns, waiting));
    progress(waiting.length);
    waiting = [];
  };
  for await (const lines of readLines(folder, part)) {
    for (const line of lines) {
      waiting.push(rowOf(line, columns.length, `${folder}/${part.file}, line ${++loaded}`));
      if (waiting.length >= COMMIT_ROWS) await flush();
    }
  }
  if (waiting.length > 0) await flush();
  if (loaded !== rowCount) throw damaged(`${folder}/${part.file}`, `${rowCount} rows`, `${loaded} rows`);
}

function inserts(name: string, columns: readonly string[], rows: readonly Param[][]): Statement[] {
  const together = Math.max(1, Math.floor(PLACES_MAX / columns.length));
  const places = `(${columns.map(() => "?").join(", ")})`;
  const into = `INSERT INTO "${name}" (${columns.map((column) => `"${column}"`).join(", ")}) VALUES`;
  const statements: Statement[] = [];
  for (let start = 0; start < rows.length; start += together) {
    const some = rows.slice(start, start + together);
    statements.push({ sql: `${into} ${some.map(() => places).join(", ")}`, params: some.flat() });
  }
  return statements;
}

function rowOf(line: string, width: number, at: string): Param[] {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (cause) {
    throw damaged(at, "a JSON array", line.slice(0, 60), cause);
  }
  if (!Array.isArray(row) || row.length !== width) throw damaged(at, `${width} values`, line.slice(0, 60));
  return row.map(meant);
}

type Said = null | number | string | { readonly i: string } | { readonly b: string } | { readonly n: string };

function said(value: Param): Said {
  if (typeof value === "bigint") return { i: value.toString() };
  if (value instanceof Uint8Array) return { b: Buffer.from(value).toString("base64") };
  return typeof value === "number" && !Number.isFinite(value) ? { n: String(value) } : value;
}

function meant(value: Said): Param {
  if (value === null || typeof value !== "object") return value;
  if ("i" in value) return BigInt(value.i);
  return "b" in value ? new Uint8Array(Buffer.from(value.b, "base64")) : Number(value.n);
}
