/**
 * The requests that one version of a model answered, computed again. In the engine, for one version at a time:
 *
 *     asked      the sample, as logged                    replayed   rows that ask and rows that feed, by one version of the data set
 *     requests   those of the version, typed              meant      what the features should have been
 *     events     rows that were fed, typed, in reach      differing  requests and features that were something else
 *     late       requests that are not compared
 */
import type { Json } from "../base/index.ts";
import type { Schema, Value } from "../contract/index.ts";
import { compileSql, quoteIdentifier as name, quoteLiteral as text } from "../express/index.ts";
import { windowSpans } from "../features/index.ts";
import type { DatasetVersion, Lake } from "../lake/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import type { BundleManifest, ModelVersion } from "../registry/index.ts";
import { eventsOf } from "../serve/index.ts";
import { columnsBehind, columnsNeeded, differences, featuresOver } from "./parity-features.ts";
import { excuse, lateRequests } from "./parity-late.ts";
import { isRow, memberValue, typedColumns } from "./parity-rows.ts";

export interface Replay {
  readonly endpoint: string;
  readonly version: ModelVersion;
  readonly manifest: BundleManifest;
  /** The query of `readJournal`. */
  readonly events: string;
  readonly lake: Lake;
  readonly engine: Tables;
}

export interface Mismatch {
  readonly id: string;
  readonly feature: string;
  /** What was logged. */
  readonly served: Json;
  /** What the lake says. */
  readonly meant: Json;
}

export interface Replayed {
  readonly late: number;
  readonly mismatches: Readonly<Record<string, number>>;
  readonly examples: readonly Mismatch[];
  readonly reads: Readonly<Record<string, readonly string[]>>;
}

export const EXAMPLES_MAX = 5;
/** Versions of the data set that may explain an answer, beside the one that the model was made from. */
const DATA_VERSIONS_MAX = 4;

/**
 * Windows start from the version of the data set that was the newest when the endpoint was loaded, which is on no record: any from the model's own on.
 * What one of them explains is as it should be; all hold the rows of the events that they name, so that each event counts once.
 */
export async function replayVersion(replay: Replay): Promise<Replayed> {
  const { engine, manifest } = replay;
  const reach = await readRequests(replay);
  if (reach !== null) await readEvents(replay, reach);
  await engine.run(`CREATE OR REPLACE TEMP TABLE late AS ${reach === null ? NOBODY : lateRequests(manifest)}`);
  await engine.run("CREATE OR REPLACE TEMP TABLE differing AS SELECT __id FROM requests WHERE __id NOT IN (FROM late)");
  for (const data of reach === null ? [null] : await dataVersions(replay, reach)) {
    await engine.run(`CREATE OR REPLACE TEMP TABLE replayed AS ${replayedRows(manifest, data)}`);
    await engine.run(`CREATE OR REPLACE TEMP TABLE meant AS ${featuresOver("replayed", manifest)}`);
    await engine.run(`CREATE OR REPLACE TEMP TABLE differing AS ${differences("meant", manifest)}`);
    if ((await count("differing", engine)) === 0) break;
  }
  if (reach !== null && (await count("differing", engine)) > 0) await excuse(manifest, engine);
  return await describe(replay);
}

const NOBODY = "SELECT NULL::VARCHAR AS __id WHERE false";

const count = async (table: string, engine: Tables) => Number((await engine.rows(`SELECT count(*) AS n FROM ${table}`))[0]!.n);

/** Moments in microseconds: what the windows of the requests look at. */
interface Reach {
  readonly from: number;
  readonly to: number;
}

/** Fills `requests`; null: no window looks back. */
async function readRequests({ version, manifest, engine }: Replay): Promise<Reach | null> {
  const { time, columns } = manifest.dataset;
  const values = Object.entries(columnsNeeded(manifest)).map(([column, { type }]) => {
    const value = memberValue("__request", column, type);
    // A request may leave its time out, and the clock stands in; no date holds that.
    return `${column === time ? `coalesce(${value}, ${momentOf("__time", columns, time)})` : value} AS ${name(column)}`;
  });
  await engine.run(`CREATE OR REPLACE TEMP TABLE requests AS SELECT ${["__id", "__at", "__time", "__features", ...values].join(", ")}
    FROM asked WHERE __model = ${text(version.model)} AND __version = ${version.version}`);
  const spans = Object.values(manifest.fields).flatMap(windowSpans);
  if (time === null || spans.length === 0) return null;
  const asked = `epoch_us(${name(time)})`;
  const [ends] = await engine.rows(`SELECT min(${asked}) AS oldest, max(${asked}) AS newest FROM requests`);
  return { from: Number(ends!.oldest) - Math.max(...spans), to: Number(ends!.newest) };
}

const momentOf = (micros: string | number, columns: Schema, time: string): string =>
  `${columns[time]!.type === "instant" ? "make_timestamptz" : "make_timestamp"}(${micros})`;

/** Fills `events`: those that the windows may reach, as this version of the model reads them. */
async function readEvents({ manifest: { dataset, ...manifest }, events, engine }: Replay, { from, to }: Reach): Promise<void> {
  const { columns, checks } = dataset;
  const time = name(dataset.time!);
  const needed = Object.keys(columnsNeeded({ ...manifest, dataset })).map(name);
  const passes = checks.map(({ holds }) => `(${compileSql(holds, columns)}) IS NOT FALSE`);
  // What came twice under one id is one row, the first: as for a training set.
  await engine.run(`CREATE OR REPLACE TEMP TABLE events AS
    WITH logged AS (SELECT __position, "at" AS __at, TRY_CAST("row" AS JSON) AS __row FROM (${events})
      WHERE "time" IS NULL OR "time" BETWEEN ${from} AND ${to}
      QUALIFY row_number() OVER (PARTITION BY coalesce(id, '#' || __position) ORDER BY __position) = 1),
    read AS (SELECT __position, __at, ${typedColumns("__row", columns).join(", ")} FROM logged WHERE ${isRow("__row", columns)})
    SELECT ${["__position", "__at", ...needed].join(", ")} FROM read
    WHERE ${[`epoch_us(${time}) BETWEEN ${from} AND ${to}`, ...passes].join(" AND ")}`);
}

interface Data {
  /** A FROM item with the data set's columns; null: it has no rows. */
  readonly relation: string | null;
  /** As SQL: whether a row is one that windows reach. */
  readonly reached: string;
  /** Events before this position are rows of the relation. */
  readonly eventsFrom: number;
}

const NO_DATA: Data = { relation: null, reached: "false", eventsFrom: 0 };

/** Newest first. */
async function dataVersions({ endpoint, version, manifest, lake }: Replay, reach: Reach): Promise<Data[]> {
  const { name: dataset, columns, time } = manifest.dataset;
  const newest = await lake.versions(dataset, { limit: DATA_VERSIONS_MAX });
  const own = version.lineage.dataset.version;
  const candidates = newest.filter((one) => one.version > own);
  if (newest.length > 0) candidates.push(newest.find((one) => one.version === own) ?? (await lake.version(dataset, own)));
  const found: Data[] = [];
  for (const candidate of candidates) {
    const data = await dataOf(lake, candidate, endpoint, columns);
    const [from, to] = [momentOf(reach.from, columns, time!), momentOf(reach.to, columns, time!)];
    if (data !== null) found.push({ ...data, reached: `${name(time!)} BETWEEN ${from} AND ${to}` });
  }
  return found.length > 0 ? found : [NO_DATA];
}

/** null: its columns are not those of the model. */
async function dataOf(
  lake: Lake,
  version: DatasetVersion,
  endpoint: string,
  columns: Schema,
): Promise<Omit<Data, "reached"> | null> {
  const { columns: has, facts } = await lake.manifest(version);
  if (!Object.entries(columns).every(([column, { type }]) => has?.[column]?.type === type)) return null;
  const journals = (facts?.journals ?? []) as { dataset: string; rowCount: number }[];
  const { relation } = await lake.read(version.dataset, version.version);
  return { relation, eventsFrom: journals.find(({ dataset }) => dataset === eventsOf(endpoint))?.rowCount ?? 0 };
}

// Computing again

/** The rows of a replay, numbered: requests that still differ, which ask, and rows that feed; null: no window asks for them. */
function replayedRows(manifest: BundleManifest, data: Data | null): string {
  const needed = Object.keys(columnsNeeded(manifest)).map(name);
  const asking = `SELECT ${["__id", "false AS __feeds", "NULL AS __position", ...needed].join(", ")} FROM requests WHERE __id IN (SELECT __id FROM differing)`;
  const feeding = (from: string, position: string, where: string) =>
    `SELECT ${["NULL AS __id", "true AS __feeds", `${position} AS __position`, ...needed].join(", ")} FROM ${from} WHERE ${where}`;
  const rows = [
    asking,
    ...(data === null ? [] : [feeding("events", "__position", `__position >= ${data.eventsFrom}`)]),
    ...(data === null || data.relation === null ? [] : [feeding(data.relation, "NULL", data.reached)]),
  ];
  return `SELECT *, row_number() OVER () AS __row FROM (${rows.join(" UNION ALL ")})`;
}

// What came of it

async function describe({ engine, manifest }: Replay): Promise<Replayed> {
  const wrong = "FROM differing WHERE __id NOT IN (FROM late)";
  const counted = await engine.rows(`SELECT feature, count(*) AS n ${wrong} GROUP BY ALL ORDER BY feature`);
  const examples = await engine.rows(`SELECT __id AS id, feature, served, meant,
    row_number() OVER (PARTITION BY feature ORDER BY __id) AS nth ${wrong} ORDER BY nth, feature LIMIT ${EXAMPLES_MAX}`);
  const mismatches = counted.map(({ feature, n }): [string, number] => [String(feature), Number(n)]);
  return {
    late: await count("late", engine),
    mismatches: Object.fromEntries(mismatches),
    examples: examples.map(({ id, feature, served, meant }) => ({
      ...{ id: String(id), feature: String(feature) },
      ...{ served: fromJson(served!), meant: fromJson(meant!) },
    })),
    reads: Object.fromEntries(mismatches.map(([feature]) => [feature, columnsBehind(feature, manifest)])),
  };
}

const fromJson = (json: Value): Json => (json === null ? null : JSON.parse(String(json)));
