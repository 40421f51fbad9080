/**
 * A look at a file whose columns nobody has stated yet: for each column the type that its values fit, told by the casts that ingest holds them to, so that
 * what is found is what will be accepted. Nothing is kept.
 */
import { stat } from "node:fs/promises";
import { formatMoment, type Json, MillError } from "../base/index.ts";
import type { TypeName, Value } from "../contract/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import { castSql, MISSING_WORDS } from "./cast.ts";
import { type FoundType, typesOf } from "./find-type.ts";
import { openSource } from "./open-source.ts";
import type { OpenedSource } from "./opened.ts";
import { formatOf } from "./sources.ts";

export interface FoundColumn {
  /** Its name in the file. */
  readonly source: string;
  /** null: the file's type can be read as none of ours. */
  readonly type: TypeName | null;
  /** Rows with a value of the type, and rows whose value does not fit; the other rows have none. */
  readonly values: number;
  readonly misfits: number;
  /** Texts that are read as missing, and texts that do not fit; most frequent first, at most 3 each. */
  readonly missingWords: readonly Counted[];
  readonly misfitWords: readonly Counted[];
  /** Different values: exact for a handful, within some 10 % of large counts. */
  readonly distinct: number;
  /** No value comes twice. */
  readonly unique: boolean;
  /** Whole numbers, each once and without a gap: rows were numbered. */
  readonly numbered: boolean;
}

export interface Counted {
  readonly value: Value;
  readonly count: number;
}

export interface Look {
  /** What was found by looking: format, encoding, delimiter. */
  readonly found: Readonly<Record<string, Json>>;
  readonly rowCount: number;
  /** Lines that could not be taken apart. */
  readonly rejected: number;
  readonly columns: readonly FoundColumn[];
  /** The first row with the fewest missing values, as a request would carry it. */
  readonly example: Readonly<Record<string, Json>>;
  /** The values of a column, most frequent first, at most `limit`. */
  values(source: string, type: TypeName, limit: number): Promise<Counted[]>;
  /** How many different values of a column there are in the oldest rows, and in those from each share of the rows on, in the order of a time column. */
  distinctOverTime(source: string, time: string, shares: readonly number[]): Promise<number[]>;
}

/** Errors: `source.missing`, `source.format`, `source.unreadable`, `dataset.empty`. The answers need `tables` to stay open. */
export async function lookAt({ path, scratch }: { path: string; scratch: string }, tables: Tables): Promise<Look> {
  const source = await open(path, scratch, tables);
  await readAll(source, tables).catch((cause: MillError) => {
    throw cause.code === "tables.query" ? unreadable(path, cause) : cause;
  });
  const [rows] = await tables.rows("SELECT count(*) AS n FROM raw");
  const [rejects] = source.rejects ? await tables.rows(`SELECT count(*) AS n FROM (${source.rejects})`) : [];
  const rowCount = Number(rows!.n);
  if (rowCount === 0 || source.columns.length === 0)
    throw new MillError("dataset.empty", `The file ${path} has no rows.`, {
      at: path,
      expected: "a header and rows",
      got: "a header alone",
      fix: "Give a file with rows.",
    });

  const types = await typesOf(source.columns, rowCount, tables);
  const typed = types.map(({ type }, at) => (type === null ? "NULL" : castOf(source, at, type).value));
  await tables.run(`CREATE TEMP VIEW typed AS SELECT ${typed.map((sql, at) => `${sql} AS c${at}`).join(", ")} FROM raw`);
  const spread = await spreadOf(types, tables);
  const columns: FoundColumn[] = [];
  for (const [at, { name }] of source.columns.entries())
    columns.push({ source: name, ...types[at]!, ...spread[at]!, ...(await wordsOf(source, at, types[at]!, tables)) });

  const indexOf = (name: string) => source.columns.findIndex((column) => column.name === name);
  return {
    found: source.found,
    rowCount,
    rejected: Number(rejects?.n ?? 0),
    columns: columns.map((column) =>
      column.type === "string" && column.distinct <= CATEGORY_MAX ? { ...column, type: "category" } : column,
    ),
    example: await exampleOf(columns, tables),
    async values(name, type, limit) {
      const { value } = castOf(source, indexOf(name), type);
      const sql = `SELECT ${value} AS value, count(*) AS n FROM raw WHERE ${value} IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1 LIMIT ${limit}`;
      return (await tables.rows(sql)).map(({ value, n }) => ({ value: value!, count: Number(n) }));
    },
    async distinctOverTime(name, time, shares) {
      const [label, moment] = [`c${indexOf(name)}`, `c${indexOf(time)}`];
      const cuts = `SELECT quantile_disc(${moment}, [${shares.join(", ")}]) AS cuts FROM typed`;
      const parts = `SELECT ${label} AS label, len(list_filter(cuts, lambda cut: ${moment} >= cut)) AS part FROM typed, (${cuts})`;
      const found = await tables.rows(`SELECT part, count(DISTINCT label) AS n FROM (${parts}) GROUP BY part`);
      return [0, ...shares].map((_, part) => Number(found.find((row) => row.part === part)?.n ?? 0));
    },
  };
}

/** Texts of a column with no more different values than this are classes, rather than free text. */
const CATEGORY_MAX = 1000;
const WORDS_SHOWN = 3;

async function open(path: string, scratch: string, tables: Tables): Promise<OpenedSource> {
  const info = await stat(path).catch((cause) => {
    throw new MillError("source.missing", `There is no file ${path}.`, { at: path, fix: "Correct the path.", cause });
  });
  return openSource(
    { path, name: path, format: formatOf(path) },
    { index: 0, wanted: [], sizeBytes: info.size, scratch },
    tables,
  );
}

const unreadable = (path: string, cause: MillError) =>
  new MillError("source.unreadable", `The file ${path} cannot be read: ${cause.message}`, {
    at: path,
    fix: "Check that the file is whole, or write it again.",
    cause,
  });

/** `raw`: the file's columns as `c0`, `c1`, ..., texts read once. */
async function readAll(source: OpenedSource, tables: Tables): Promise<void> {
  const columns = source.columns.map(({ sql }, at) => `${sql} AS c${at}`).join(", ");
  const kept = [source.blank, source.broken?.condition].flatMap((fault) => (fault ? [`(${fault}) IS NOT TRUE`] : []));
  const where = kept.length > 0 ? `WHERE ${kept.join(" AND ")}` : "";
  const kind = source.text === null && source.rejects === null ? "VIEW" : "TABLE";
  await tables.run(`CREATE TEMP ${kind} raw AS SELECT ${columns || "1 AS none"} FROM ${source.relation("first")} ${where}`);
}

const castOf = ({ columns }: OpenedSource, at: number, type: TypeName) => castSql(`c${at}`, columns[at]!.type, type)!;

const isWhole = (type: TypeName | null) => type === "int32" || type === "int64";

/** How different the values are. Exactly counted only where they may all be. */
async function spreadOf(types: readonly FoundType[], tables: Tables) {
  const about = types.flatMap(({ type }, at) => [
    `approx_count_distinct(c${at}) AS d${at}`,
    ...(isWhole(type) ? [`max(c${at})::HUGEINT - min(c${at})::HUGEINT + 1 AS span${at}`] : []),
  ]);
  const [row] = await tables.rows(`SELECT ${about.join(", ")} FROM typed`);
  const nearly = types.flatMap(({ values }, at) => (values > 1 && Number(row![`d${at}`]) > 0.8 * values ? [at] : []));
  const exact = nearly.map((at) => `count(DISTINCT c${at}) AS d${at}`);
  const [counted = {}] = exact.length > 0 ? await tables.rows(`SELECT ${exact.join(", ")} FROM typed`) : [];
  return types.map(({ values }, at) => {
    const distinct = Number(counted[`d${at}`] ?? row![`d${at}`]);
    const unique = values > 1 && distinct === values;
    return { distinct, unique, numbered: unique && Number(row![`span${at}`] ?? 0) === values };
  });
}

async function wordsOf({ columns }: OpenedSource, at: number, { type, misfits }: FoundType, tables: Tables) {
  const isText = columns[at]!.type === "VARCHAR";
  const read = type === null ? null : castSql(`c${at}`, columns[at]!.type, type);
  const counted = async (condition: string): Promise<Counted[]> => {
    const sql = `SELECT c${at}::VARCHAR AS value, count(*) AS n FROM raw WHERE ${condition} GROUP BY 1 ORDER BY n DESC, 1 LIMIT ${WORDS_SHOWN}`;
    return (await tables.rows(sql)).map(({ value, n }) => ({ value: value!, count: Number(n) }));
  };
  const missing = `lower(trim(c${at}::VARCHAR)) IN (${MISSING_WORDS.map((word) => `'${word}'`).join(", ")})`;
  return {
    missingWords: isText && type !== "string" && type !== null ? await counted(missing) : [],
    misfitWords: read !== null && misfits > 0 ? await counted(read.misfit) : [],
  };
}

async function exampleOf(columns: readonly FoundColumn[], tables: Tables): Promise<Record<string, Json>> {
  const missing = columns.map((_, at) => `(c${at} IS NULL)::INTEGER`).join(" + ");
  const [row] = await tables.rows(`SELECT * FROM typed ORDER BY ${missing} LIMIT 1`);
  return Object.fromEntries(columns.map(({ source, type }, at) => [source, asRequested(row![`c${at}`] ?? null, type)]));
}

function asRequested(value: Value, type: TypeName | null): Json {
  if (value === null) return null;
  if (type === "date") return formatMoment(Number(value)).slice(0, 10);
  if (type === "timestamp") return formatMoment(Number(value));
  if (type === "instant") return `${formatMoment(Number(value))}Z`;
  return typeof value === "bigint" ? String(value) : value;
}
