/**
 * Parity of serving and training: what an endpoint logged as the features of a request is computed again, later, the way training sets are.
 *
 *     predictions of a span of data time --hash of the id--> a sample of requests          (they ask, and feed no window)
 *     data set + events that came since  ------------------> rows that the windows reach    (they feed)
 *                       featureQuery over both  ==  the features that were logged, bit for bit
 *
 * All of it is SQL in the engine: the process that answers requests meanwhile only waits.
 *
 * A request is *late* when a row came too late for its answer: the event lies in one of its windows (same keys, within the span, known before the
 * request's time) but arrived after the request, by the clock of the server. It says nothing about parity and is not compared. An event is fed only
 * once it is on disk: where one came within `UNDER_WAY_MS` before the request, the request counts as late if its features differ.
 */
import { formatMoment, type Json } from "../base/index.ts";
import type { Schema, Value } from "../contract/index.ts";
import {
  checkFeature,
  columnsRead,
  compileSql,
  featureQuery,
  quoteIdentifier as name,
  quoteLiteral as text,
} from "../express/index.ts";
import { windowSpans } from "../features/index.ts";
import type { DatasetVersion, Lake } from "../lake/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import type { BundleManifest, ModelVersion, Registry } from "../registry/index.ts";
import { eventsOf, predictionsOf } from "../serve/index.ts";
import type { Finding } from "./finding.ts";
import { lateRequests } from "./parity-late.ts";
import { isRow, memberJson, memberText, memberValue, typedColumns } from "./parity-rows.ts";

export interface ParitySpan {
  /** Data time in microseconds, from inclusive, to exclusive. */
  readonly from: number;
  readonly to: number;
  /** Requests at most, evenly over the span. */
  readonly sample?: number;
}

export interface ParityReport {
  readonly from: number;
  readonly to: number;
  /** Requests that were computed again. */
  readonly replayed: number;
  /** Of these, those that a row came too late for: not compared. */
  readonly late: number;
  /** Requests with another value than was logged, by feature; only features that have one. */
  readonly mismatches: Readonly<Record<string, number>>;
  /** Five at most, of different features first. */
  readonly examples: readonly Mismatch[];
  /** The data set's columns that each feature with a mismatch reads. */
  readonly reads: Readonly<Record<string, readonly string[]>>;
}

export interface Mismatch {
  readonly id: string;
  readonly feature: string;
  /** What was logged. */
  readonly served: Json;
  /** What the lake says. */
  readonly meant: Json;
}

export interface Parity {
  /** Errors: `registry.unknown-version` for a prediction whose model is gone, and the engine's (`tables.*`). */
  replay(endpoint: { readonly name: string }, span: ParitySpan): Promise<ParityReport>;
  /** One for each feature that differs. */
  findingsOf(report: ParityReport): Finding[];
}

export interface ParityResources {
  readonly lake: Lake;
  readonly registry: Registry;
  /** A fresh engine; closed after use. */
  tables(): Tables;
}

const SAMPLE = 2000;
const EXAMPLES_MAX = 5;
const UNDER_WAY_MS = 1000;
/** Versions of the data set that may explain an answer, beside the one that the model was made from. */
const DATA_VERSIONS_MAX = 4;

export function createParity({ lake, registry, tables }: ParityResources): Parity {
  return {
    async replay({ name: endpoint }, { from, to, sample = SAMPLE }) {
      // In this order: whatever was fed before a prediction is among the events.
      const predictions = await readJournal(lake, predictionsOf(endpoint), PREDICTION);
      const events = await readJournal(lake, eventsOf(endpoint), EVENT);
      const engine = tables();
      try {
        await engine.run(`CREATE TEMP TABLE asked AS
          SELECT id AS __id, "at" AS __at, "time"::BIGINT AS __time, model AS __model, version::BIGINT AS __version,
            TRY_CAST(request AS JSON) AS __request, TRY_CAST(features AS JSON) AS __features
          FROM (${predictions}) WHERE "time" >= ${from} AND "time" < ${to} ORDER BY md5(id), id LIMIT ${sample}`);
        const versions = await engine.rows(
          "SELECT __model AS model, __version AS version, count(*) AS n FROM asked GROUP BY ALL ORDER BY ALL",
        );
        const parts: Replayed[] = [];
        for (const { model, version, n } of versions) {
          const found = await registry.version(String(model), Number(version));
          const manifest = await registry.manifest(found);
          parts.push({
            count: Number(n),
            ...(await replayVersion({ endpoint, version: found, manifest, events, lake, engine })),
          });
        }
        return { from, to, ...together(parts) };
      } finally {
        engine.close();
      }
    },
    findingsOf,
  };
}

// What was logged

const PREDICTION = {
  id: "VARCHAR",
  at: "DOUBLE",
  time: "DOUBLE",
  model: "VARCHAR",
  version: "DOUBLE",
  request: "VARCHAR",
  features: "VARCHAR",
};
const EVENT = { id: "VARCHAR", at: "DOUBLE", time: "DOUBLE", row: "VARCHAR" };

/**
 * A query over everything that was logged so far, with `__position`, each row's place from 0 on. A column that no row has is null; without a journal
 * there are no rows.
 */
async function readJournal(lake: Lake, dataset: string, columns: Readonly<Record<string, string>>): Promise<string> {
  const none = Object.entries(columns).map(([column, type]) => `NULL::${type} AS ${name(column)}`);
  const nothing = `SELECT ${none.join(", ")}, 0::BIGINT AS __position WHERE false`;
  if (!(await lake.names()).includes(dataset)) return nothing;
  await lake.seal(dataset);
  const head = await lake.head(dataset);
  if (head === null) return nothing;
  const [{ parts }, { paths }] = [await lake.manifest(head), await lake.read(dataset, head.version)];
  let before = 0;
  const files = paths.map((path, index) => {
    const place = `file_row_number + ${before} AS __position`;
    before += parts[index]!.rowCount!;
    return `SELECT * EXCLUDE (file_row_number), ${place} FROM read_parquet(${text(path)}, file_row_number = true)`;
  });
  const wanted = [...Object.keys(columns).map(name), "__position"].join(", ");
  return `SELECT ${wanted} FROM (${[nothing, ...files].join(" UNION ALL BY NAME ")})`;
}

// One version of the model

interface Replay {
  readonly endpoint: string;
  readonly version: ModelVersion;
  readonly manifest: BundleManifest;
  /** The query of `readJournal`. */
  readonly events: string;
  readonly lake: Lake;
  readonly engine: Tables;
}

interface Replayed extends Pick<ParityReport, "late" | "mismatches" | "examples" | "reads"> {
  readonly count: number;
}

/**
 * Windows start from the version of the data set that was the newest when the endpoint was loaded, which is on no record: any from the model's own on.
 * What one of them explains is as it should be; all hold the rows of the events that they name, so that each event counts once.
 */
async function replayVersion(replay: Replay): Promise<Omit<Replayed, "count">> {
  const { engine, manifest } = replay;
  const reach = await readRequests(replay);
  if (reach !== null) await readEvents(replay, reach);
  await engine.run(`CREATE OR REPLACE TEMP TABLE late AS ${reach === null ? NOBODY : lateRequests(manifest, UNDER_WAY_MS)}`);
  await engine.run(`CREATE OR REPLACE TEMP TABLE differing AS
    SELECT __id, NULL::VARCHAR AS feature FROM requests WHERE __id NOT IN (SELECT __id FROM late WHERE surely)`);
  for (const data of reach === null ? [null] : await dataVersions(replay, reach)) {
    await engine.run(`CREATE OR REPLACE TEMP TABLE replayed AS ${replayedRows(manifest, data)}`);
    await engine.run(`CREATE OR REPLACE TEMP TABLE meant AS ${meantFeatures(manifest)}`);
    await engine.run(`CREATE OR REPLACE TEMP TABLE differing AS ${differences(manifest)}`);
    if (Number((await engine.rows("SELECT count(*) AS n FROM differing"))[0]!.n) === 0) break;
  }
  return await describe(replay);
}

const NOBODY = "SELECT NULL::VARCHAR AS __id, false AS surely WHERE false";

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

/** Columns that the features rest on: their own, the outcomes' moments, and the time. */
function columnsNeeded({ fields, dataset }: BundleManifest): Schema {
  const read = [...Object.values(fields), ...Object.values(dataset.outcomes)].flatMap((node) => [...columnsRead(node)]);
  const needed = new Set([...read, ...(dataset.time === null ? [] : [dataset.time])]);
  return Object.fromEntries(Object.entries(dataset.columns).filter(([column]) => needed.has(column)));
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
  const asking = `SELECT ${["__id", "false AS __feeds", ...needed].join(", ")} FROM requests WHERE __id IN (SELECT __id FROM differing)`;
  const feeding = (from: string, where: string) =>
    `SELECT ${["NULL AS __id", "true AS __feeds", ...needed].join(", ")} FROM ${from} WHERE ${where}`;
  const rows = [
    asking,
    ...(data === null ? [] : [feeding("events", `__position >= ${data.eventsFrom}`)]),
    ...(data === null || data.relation === null ? [] : [feeding(data.relation, data.reached)]),
  ];
  return `SELECT *, row_number() OVER () AS __row FROM (${rows.join(" UNION ALL ")})`;
}

const shapeOf = ({ dataset: { columns, outcomes, time } }: BundleManifest) => ({
  columns,
  outcomes,
  ...(time === null ? {} : { time }),
});

function meantFeatures(manifest: BundleManifest): string {
  const query = featureQuery({
    ...{ shape: shapeOf(manifest), relation: "replayed", fields: manifest.fields },
    ...{ rowId: "__row", keep: ["__id"], feeds: "__feeds" },
  });
  return `SELECT * FROM (${query}) WHERE __id IS NOT NULL`;
}

/** A row for each request and feature whose values are not the same. */
function differences(manifest: BundleManifest): string {
  const each = Object.entries(manifest.fields).map(([feature, node]) => {
    const [served, meant] = [memberText("requests.__features", feature), `meant.${name(feature)}`];
    return `SELECT requests.__id, ${text(feature)} AS feature, ${memberJson("requests.__features", feature)} AS served, to_json(${meant})::VARCHAR AS meant
      FROM meant JOIN requests ON requests.__id = meant.__id WHERE NOT (${isSame(served, meant, checkFeature(node, shapeOf(manifest)))})`;
  });
  return each.join(" UNION ALL ");
}

/** JSON writes a double so that it is read back as it was, but for the sign of 0. */
function isSame(served: string, meant: string, { type, integer }: ReturnType<typeof checkFeature>): string {
  if (type !== "number") return `${served} IS NOT DISTINCT FROM ${meant}::VARCHAR`;
  const as = (sql: string) => `TRY_CAST(${served} AS ${sql}) IS NOT DISTINCT FROM TRY_CAST(${meant} AS ${sql})`;
  const both = `(${served} IS NULL) = (${meant} IS NULL) AND ${as("DOUBLE")}`;
  return integer ? `${both} AND ${as("HUGEINT")}` : both;
}

// What came of it

async function describe({ engine, manifest }: Replay): Promise<Omit<Replayed, "count">> {
  const excused = "SELECT __id FROM late WHERE surely OR __id IN (SELECT __id FROM differing)";
  const wrong = `FROM differing WHERE __id NOT IN (${excused})`;
  const [late] = await engine.rows(`SELECT count(*) AS n FROM (${excused})`);
  const counted = await engine.rows(`SELECT feature, count(*) AS n ${wrong} GROUP BY ALL ORDER BY feature`);
  const examples = await engine.rows(`SELECT __id AS id, feature, served, meant,
    row_number() OVER (PARTITION BY feature ORDER BY __id) AS nth ${wrong} ORDER BY nth, feature LIMIT ${EXAMPLES_MAX}`);
  const mismatches = counted.map(({ feature, n }): [string, number] => [String(feature), Number(n)]);
  return {
    late: Number(late!.n),
    mismatches: Object.fromEntries(mismatches),
    examples: examples.map(({ id, feature, served, meant }) => ({
      ...{ id: String(id), feature: String(feature) },
      ...{ served: fromJson(served!), meant: fromJson(meant!) },
    })),
    reads: Object.fromEntries(mismatches.map(([feature]) => [feature, columnsBehind(feature, manifest)])),
  };
}

const fromJson = (json: Value): Json => (json === null ? null : JSON.parse(String(json)));

function columnsBehind(feature: string, { fields, dataset }: BundleManifest): string[] {
  const windowed = windowSpans(fields[feature]!).length > 0;
  return [...columnsRead(fields[feature]!), ...(windowed ? [dataset.time!] : [])].filter(
    (column, at, all) => all.indexOf(column) === at,
  );
}

function together(parts: readonly Replayed[]): Omit<ParityReport, "from" | "to"> {
  const mismatches = new Map<string, number>();
  for (const part of parts)
    for (const [feature, count] of Object.entries(part.mismatches))
      mismatches.set(feature, (mismatches.get(feature) ?? 0) + count);
  return {
    replayed: parts.reduce((sum, { count }) => sum + count, 0),
    late: parts.reduce((sum, { late }) => sum + late, 0),
    mismatches: Object.fromEntries(mismatches),
    examples: parts.flatMap(({ examples }) => examples).slice(0, EXAMPLES_MAX),
    reads: Object.assign({}, ...parts.map(({ reads }) => reads)),
  };
}

function findingsOf({ from, to, replayed, late, mismatches, examples, reads }: ParityReport): Finding[] {
  const compared = replayed - late;
  return Object.entries(mismatches).map(([feature, count]) => {
    const example = examples.find((one) => one.feature === feature);
    const shown =
      example &&
      `; ${example.id} was served ${JSON.stringify(example.served)} and should have got ${JSON.stringify(example.meant)}`;
    return {
      cause: `parity/${feature}`,
      kind: "parity",
      severity: count / compared,
      columns: reads[feature] ?? [],
      sentence: `${feature} was not what the lake says in ${count} of ${compared} requests from ${formatMoment(from)} to ${formatMoment(to)}${shown ?? ""}.`,
      detail: { feature, requests: count, compared, ...(example ? { example: { ...example } } : {}) },
    };
  });
}
