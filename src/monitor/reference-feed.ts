/** What the columns of a request looked like in the reference: the ground the watch on the live feed stands on. All by SQL, in bounded memory. */
import { HOUR_MICROS } from "../base/index.ts";
import type { Schema } from "../contract/index.ts";
import { quoteIdentifier as name } from "../express/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import type { FeedColumn, Reference } from "./reference.ts";

const HOUR_ROWS_MIN = 20;
/** Stands for an hour where rows have no time. */
const BLOCK_ROWS = 100;
const TEXTS_MAX = 1000;
const NUMBERS_MAX = 2000;

export interface Feed {
  readonly tables: Tables;
  /** A FROM item with the data set's columns and `__row`, its place in the data set. */
  readonly relation: string;
  readonly time: string | null;
  /** Of the requests, the time column not among them. */
  readonly columns: Schema;
}

/** Columns of the requests, and rows by hour of the day. Makes the table `feed`. */
export async function describeFeed({ tables, relation, time, columns }: Feed): Promise<Pick<Reference, "columns" | "rate">> {
  const micros = time === null ? "NULL::BIGINT" : `epoch_us(${name(time)})`;
  const values = Object.entries(columns).map(([column, { type }], index) => `${read(name(column), type)} AS c${index}`);
  // A stable order: rows of one moment stay as they stand in the data set.
  await tables.run(
    `CREATE OR REPLACE TEMP TABLE feed AS SELECT ${[`${micros} AS __time`, ...values].join(", ")}, row_number() OVER (ORDER BY ${micros}, __row) - 1 AS place FROM ${relation}`,
  );
  const hour = time === null ? `place // ${BLOCK_ROWS}` : `__time // ${HOUR_MICROS}`;
  const described: Record<string, FeedColumn> = {};
  for (const [index, [column, { type }]] of Object.entries(columns).entries())
    described[column] = await describeColumn(tables, `c${index}`, kindOf(type), hour);
  return { columns: described, rate: time === null ? [] : await ratesOf(tables) };
}

type Kind = "number" | "text" | "other";
const kindOf = (type: string): Kind => (type === "string" ? "text" : /^(int|float)/.test(type) ? "number" : "other");
const read = (column: string, type: string) =>
  kindOf(type) === "number" ? `CASE WHEN NOT isnan(${column}::DOUBLE) THEN ${column}::DOUBLE END` : column;

async function describeColumn(tables: Tables, column: string, kind: Kind, hour: string): Promise<FeedColumn> {
  const one = async (sql: string) => Number((await tables.rows(sql))[0]?.value ?? 0);
  const share = (of: string) => `coalesce(${of}, 0)::DOUBLE / greatest(1, (SELECT count(*) FROM feed)) AS value`;
  const nulls = await one(`SELECT ${share(`count(*) - count(${column})`)} FROM feed`);
  const worstHour = await one(
    `SELECT max(share) AS value FROM (SELECT 1 - count(${column}) / count(*) AS share FROM feed GROUP BY ${hour} HAVING count(*) >= ${HOUR_ROWS_MIN})`,
  );
  return {
    nulls,
    nullsHigh: Math.max(nulls, worstHour),
    top: await one(
      `SELECT ${share("max(n)")} FROM (SELECT count(*) AS n FROM feed WHERE ${column} IS NOT NULL GROUP BY ${column})`,
    ),
    longestRun: await one(longestRun(column)),
    range: kind === "number" ? await rangeOf(tables, column) : null,
    values: kind === "text" ? ((await listed(tables, column, TEXTS_MAX))?.map(String) ?? null) : null,
    numbers: kind === "number" ? ((await listed(tables, column, NUMBERS_MAX))?.map(Number) ?? null) : null,
    fresh: await one(freshShare(column)),
  };
}

/** Islands: in a run of one value, the place among all rows and the place among the rows of that value rise together. */
const longestRun = (column: string) => `
  SELECT max(n) AS value FROM (SELECT count(*) AS n FROM
    (SELECT ${column} AS v, place - row_number() OVER (PARTITION BY ${column} ORDER BY place) AS island FROM feed)
    WHERE v IS NOT NULL GROUP BY v, island)`;

const freshShare = (column: string) => `
  WITH first AS (SELECT ${column} AS v, min(place) AS since FROM feed WHERE ${column} IS NOT NULL GROUP BY 1), half AS (SELECT count(*) / 2 AS middle FROM feed)
  SELECT avg(CASE WHEN since >= middle THEN 1 ELSE 0 END) AS value FROM feed JOIN first ON ${column} = v, half WHERE place >= middle`;

async function rangeOf(tables: Tables, column: string): Promise<FeedColumn["range"]> {
  const [row] = await tables.rows(
    `SELECT min(${column}) AS least, max(${column}) AS greatest, quantile_disc(${column}, 0.001) AS low, quantile_disc(${column}, 0.999) AS high FROM feed`,
  );
  const { least, greatest, low, high } = row!;
  return least === null ? null : { min: Number(least), max: Number(greatest), low: Number(low), high: Number(high) };
}

async function listed(tables: Tables, column: string, most: number) {
  const rows = await tables.rows(
    `SELECT ${column} AS value FROM feed WHERE ${column} IS NOT NULL GROUP BY 1 ORDER BY 1 LIMIT ${most + 1}`,
  );
  return rows.length > most ? null : rows.map(({ value }) => value!);
}

/** Over the hours between the first and the last, which are cut; an hour without a row counts as one. Empty when no hour is whole. */
async function ratesOf(tables: Tables): Promise<Reference["rate"]> {
  const rows = await tables.rows(`
    WITH hours AS (SELECT __time // ${HOUR_MICROS} AS h, count(*) AS n FROM feed WHERE __time IS NOT NULL GROUP BY 1),
      grid AS (SELECT unnest(range((SELECT min(h) FROM hours) + 1, (SELECT max(h) FROM hours))) AS h)
    SELECT ((grid.h % 24) + 24) % 24 AS clock, avg(coalesce(n, 0)) AS mean, min(coalesce(n, 0)) AS low, max(coalesce(n, 0)) AS high
    FROM grid LEFT JOIN hours USING (h) GROUP BY 1 ORDER BY 1`);
  if (rows.length < 24) return [];
  return rows.map(({ mean, low, high }) => ({ mean: Number(mean), low: Number(low), high: Number(high) }));
}
