/**
 * A version from the registry into memory, warmed: its windows know the newest rows of the data set, and the events that are no rows of it yet.
 *
 *     data set   ............|=========|          rows of the last three spans
 *     events           ......|=|=====|====|       likewise, but for those that the data set holds already (its version's facts say which)
 *                            ^ clock - 3 spans    answers from clock - 2 spans on, as before a restart
 *
 * Everything is fed in pages and unhurried, so that requests are answered in between.
 */
import { type Digest, digestOfJson, MillError, parseMoment } from "../base/index.ts";
import type { Row, Schema } from "../contract/index.ts";
import { quoteIdentifier } from "../express/index.ts";
import type { DatasetRows, Lake } from "../lake/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Environments } from "../ports/python/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import type { ModelVersion, Registry } from "../registry/index.ts";
import { type ForeignModel, openTrained } from "../train/index.ts";
import { openBeside } from "./beside.ts";
import { createDataClock, createWallClock, type DataClock, ROWS_TO_MOVE } from "./data-clock.ts";
import { createEndpoint, type Endpoint } from "./endpoint.ts";
import { IDS_KEPT } from "./event-ids.ts";
import { eventsOf, predictionsOf } from "./logs.ts";
import { unhurried } from "./unhurried.ts";

/** A version in memory. */
export interface Loaded {
  readonly version: ModelVersion;
  readonly endpoint: Endpoint;
  /** The newest row of its data set. */
  readonly newest: Row | null;
  /** Events on record that its data set holds as rows. */
  readonly held: HeldEvents;
  /** Equal for versions that read an event alike. */
  readonly eventForm: Digest;
  eventsSkipped: number;
}

export interface Loader {
  /** With nothing in its windows. What it starts beside the event loop is the caller's to close. */
  open(endpoint: string, model: string, version: number): Promise<Loaded & { readonly relation: string | null }>;
  /** Where the data's time stands, by the data set and the logs of an endpoint. */
  clock(endpoint: string, opened: Opened): Promise<DataClock>;
  /** Feeds the newest rows of the data set. */
  warm(opened: Opened, clock: DataClock): Promise<void>;
  /** Feeds the events on record. No event may be taken meanwhile. One that cannot be read must not keep the endpoint from answering: it is counted. */
  feedEvents(endpoint: string, loaded: Loaded, clock: DataClock): Promise<void>;
  /** The newest ids of events, oldest first. */
  eventIds(endpoint: string): Promise<string[]>;
}

type Opened = Awaited<ReturnType<Loader["open"]>>;

export interface LoaderResources {
  readonly objects: Objects;
  readonly lake: Lake;
  readonly registry: Registry;
  readonly environments: Environments;
  tables(): Tables;
  readonly now: () => number;
}

/** What a model that answers in a process of its own may use. */
const BESIDE = { threads: 1, memoryMb: 4096 };

/** Requests come late: as of moments so many spans before the clock they are answered. The oldest of these look back one span more. */
export const SPANS_ANSWERED = 2;
const SPANS_READ = SPANS_ANSWERED + 1;
/** Rows that are taken from the engine at once. */
const PAGE_ROWS = 1000;
/** Of each log, to find out where the data's time stood. */
const ROWS_LOOKED_BACK = 10_000;

export function createLoader({ objects, lake, registry, environments, tables, now }: LoaderResources): Loader {
  const asking = async <T>(work: (engine: Tables) => Promise<T>): Promise<T> => {
    const engine = tables();
    return work(engine).finally(() => engine.close());
  };

  /** What answers rows: a predictor of ours, or what runs beside the event loop, started. */
  const scorerOf = async (digest: Digest) => {
    const signal = new AbortController().signal;
    const trained = await openTrained(digest, { objects, environments, signal, log: () => undefined, ...BESIDE });
    return trained.predictor ?? openBeside(trained as typeof trained & { foreign: ForeignModel }, { now });
  };

  /** The newest rows of the data set; those that the model was made from when its columns are other ones by now. */
  const sourceOf = async (endpoint: string, { dataset }: Endpoint["manifest"], { lineage }: ModelVersion) => {
    const head = await lake.head(dataset.name);
    if (head === null) return { relation: null, held: NONE_HELD };
    const columns = ((await lake.manifest(head)).columns ?? {}) as Partial<Schema>;
    const fits = Object.entries(dataset.columns).every(([column, { type }]) => columns[column]?.type === type);
    const version = fits ? head : await lake.version(dataset.name, lineage.dataset.version);
    const held = heldEvents(((await lake.manifest(version)).facts ?? {}) as GrownFacts, eventsOf(endpoint));
    return { relation: (await lake.read(dataset.name, version.version)).relation, held };
  };

  /** A log: its columns so far, and the rows of the sealed ones. */
  const readLog = async (name: string): Promise<Log> => {
    const { relation, tail, version } = await lake.read(name);
    if (relation === null || version === null) return { relation: null, tail, sealedCount: 0, hasTime: false };
    const sealed = await lake.version(name, version);
    const columns = (await lake.manifest(sealed)).columns ?? {};
    return { relation, tail, sealedCount: sealed.rowCount, hasTime: Object.hasOwn(columns, "time") };
  };

  /** The times that the last rows of a log stated, with when they came. */
  const lastTimes = async (name: string): Promise<Moment[]> => {
    const { relation, tail, hasTime, sealedCount } = await readLog(name);
    const last = tail.slice(-ROWS_LOOKED_BACK);
    const sealed = ROWS_LOOKED_BACK - last.length;
    const rows =
      relation === null || !hasTime || sealed === 0
        ? []
        : await asking((engine) =>
            engine.rows(`SELECT "at", "time" FROM ${relation} OFFSET ${Math.max(0, sealedCount - sealed)}`),
          );
    return [...rows, ...last].flatMap(({ at, time }) =>
      typeof time === "number" && typeof at === "number" && time !== at * 1000 ? [{ at, time }] : [],
    );
  };

  return {
    async open(name, model, number) {
      const version = await registry.version(model, number);
      const manifest = await registry.manifest(version);
      const { relation, held } = await sourceOf(name, manifest, version);
      const { columns, checks, time } = manifest.dataset;
      const newest = relation === null ? null : await asking((engine) => newestRow(engine, relation, columns, time));
      const eventForm = digestOfJson({ columns, checks, time });
      const endpoint = createEndpoint(manifest, await scorerOf(manifest.trained));
      return { version, endpoint, newest, held, eventForm, eventsSkipped: 0, relation };
    },

    async clock(name, { endpoint, relation }) {
      const { time } = endpoint.manifest.dataset;
      if (time === null) return createWallClock(now);
      const column = `epoch_us(${quoteIdentifier(time)})`;
      const rows =
        relation === null
          ? []
          : await asking((engine) =>
              engine.rows(`SELECT ${column} AS "time" FROM ${relation} ORDER BY 1 DESC LIMIT ${ROWS_TO_MOVE}`),
            );
      const seen = [...(await lastTimes(predictionsOf(name))), ...(await lastTimes(eventsOf(name)))];
      seen.sort((a, b) => a.at - b.at);
      return createDataClock(
        rows.length === 0 ? null : Number(rows.at(-1)!.time),
        seen.map((row) => row.time),
        now,
      );
    },

    async warm({ endpoint, relation }, clock) {
      const { columns, time } = endpoint.manifest.dataset;
      const asOf = clock.time();
      if (relation === null || time === null || asOf === null || endpoint.spanMicros === 0) return;
      const column = quoteIdentifier(time);
      const names = Object.keys(columns).map(quoteIdentifier).join(", ");
      const recent = `SELECT ${names} FROM ${relation} WHERE epoch_us(${column}) >= ${asOf - SPANS_READ * endpoint.spanMicros} ORDER BY ${column}`;
      await asking((engine) => inPages(engine, recent, (row) => endpoint.feed(row)));
      endpoint.forget(asOf - SPANS_ANSWERED * endpoint.spanMicros);
    },

    async feedEvents(name, loaded, clock) {
      const { endpoint, held } = loaded;
      if (endpoint.spanMicros === 0) return;
      const since = (clock.time() ?? Number.NEGATIVE_INFINITY) - SPANS_READ * endpoint.spanMicros;
      const feed = ({ row }: { readonly row?: unknown }) => {
        try {
          endpoint.feed(endpoint.readEvent(JSON.parse(String(row)), 0));
        } catch (error) {
          if (!(error instanceof MillError || error instanceof SyntaxError)) throw error;
          loaded.eventsSkipped++;
        }
      };
      const { relation, tail, sealedCount, hasTime } = await readLog(eventsOf(name));
      if (relation !== null) {
        const recent = hasTime && Number.isFinite(since) ? `WHERE "time" IS NULL OR "time" >= ${since}` : "";
        await asking((engine) => inPages(engine, `SELECT "row" FROM (${unheldSql(relation, held)}) ${recent}`, feed));
      }
      await unhurried(tail.entries(), ([index, event]) => {
        const micros = typeof event.time === "number" ? event.time : Number.NaN;
        const isHeld = sealedCount + index < held.rowCount && !(held.untilMicros !== null && micros > held.untilMicros);
        if (!isHeld && !(micros < since)) feed(event);
      });
    },

    async eventIds(name) {
      const { relation, tail, sealedCount, hasTime } = await readLog(eventsOf(name));
      const recent = tail.flatMap(({ id }) => (typeof id === "string" ? [id] : []));
      if (relation === null || !hasTime) return recent;
      const from = Math.max(0, sealedCount - 2 * IDS_KEPT);
      const rows = await asking((engine) => engine.rows(`SELECT id FROM ${relation} OFFSET ${from}`));
      return [...rows.flatMap(({ id }) => (typeof id === "string" ? [id] : [])), ...recent];
    },
  };
}

/** Of the first `rowCount` events those up to a moment; null: all of them. */
interface HeldEvents {
  readonly rowCount: number;
  readonly untilMicros: number | null;
}

const NONE_HELD: HeldEvents = { rowCount: 0, untilMicros: null };

/** What a version's facts say of it: rows of journals are among its own, but for those that were ahead of `until`. */
interface GrownFacts {
  readonly journals?: readonly { readonly dataset: string; readonly rowCount: number }[];
  readonly until?: string | null;
}

function heldEvents({ journals = [], until }: GrownFacts, log: string): HeldEvents {
  const held = journals.find(({ dataset }) => dataset === log);
  return held ? { rowCount: held.rowCount, untilMicros: until ? parseMoment(until)!.micros : null } : NONE_HELD;
}

interface Moment {
  /** Milliseconds of the wall clock. */
  readonly at: number;
  /** Microseconds of the data's. */
  readonly time: number;
}

interface Log extends Pick<DatasetRows, "relation" | "tail"> {
  readonly sealedCount: number;
  /** Logs of an older Millwright have no data time and no ids of events. */
  readonly hasTime: boolean;
}

/** The sealed events that the data set does not hold. */
function unheldSql(relation: string, { rowCount, untilMicros }: HeldEvents): string {
  if (rowCount === 0) return `SELECT * FROM ${relation}`;
  const later = `SELECT * FROM ${relation} OFFSET ${rowCount}`;
  if (untilMicros === null) return later;
  return `(${later}) UNION ALL SELECT * FROM (SELECT * FROM ${relation} LIMIT ${rowCount}) WHERE "time" > ${untilMicros}`;
}

async function newestRow(engine: Tables, relation: string, columns: Schema, time: string | null): Promise<Row | null> {
  const names = Object.keys(columns).map(quoteIdentifier).join(", ");
  const order = time === null ? "" : ` ORDER BY ${quoteIdentifier(time)} DESC`;
  const [newest] = await engine.rows(`SELECT ${names} FROM ${relation}${order} LIMIT 1`);
  return newest ?? null;
}

async function inPages(engine: Tables, query: string, use: (row: Row) => void): Promise<void> {
  await engine.run(`CREATE TEMP TABLE paged AS ${query}`);
  for (let from = 0; ; from += PAGE_ROWS) {
    const page = await engine.rows(`SELECT * FROM paged WHERE rowid >= ${from} AND rowid < ${from + PAGE_ROWS} ORDER BY rowid`);
    if (page.length === 0) return;
    await unhurried(page, use);
  }
}
