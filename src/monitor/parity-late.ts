/**
 * Requests that differ because rows came too late for them, not because features are computed in another way.
 *
 *     event arrives ---- being written ---- fed            a request in between knows nothing of it, though it arrived before
 *
 * What was fed is always the beginning of the log. So where a request differs, and events of its windows had just arrived, its features are computed
 * once more for each of the last places at which the log may have ended for it: a world of its own each, without the events from there on. If one of
 * them has every feature as it was served, that is why.
 */
import { columnsRead, compileSql, type Node, quoteIdentifier as name, type WindowNode } from "../express/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import type { BundleManifest } from "../registry/index.ts";
import { agreeing, columnsNeeded, featuresByWorld } from "./parity-features.ts";

/** An event is fed when it is on disk: so long after its arrival at most. */
const WRITTEN_MS_MAX = 2000;
/** Places at which the log may have ended: before the last events, and before the last requests that brought events. */
const ENDS_MAX = 8;
/** What is looked into: requests, and rows of their worlds. The rest is not compared. */
const EXAMINED_MAX = 200;
const WORLD_ROWS_MAX = 400_000;

/**
 * A query over `requests` and `events` for the requests (`__id`) that have an event in one of their windows which arrived after them. A request is
 * answered at the moment it arrives, so none of these fed it.
 */
export const lateRequests = (manifest: BundleManifest): string =>
  `SELECT DISTINCT __id FROM (${inWindows("requests.__id", "events", manifest, "events.__at > requests.__at")})`;

/** Moves what is explained by events that were being written from `differing` to `late`. */
export async function excuse(manifest: BundleManifest, engine: Tables): Promise<void> {
  const arriving = `requests.__id IN (SELECT __id FROM differing) AND events.__at BETWEEN requests.__at - ${WRITTEN_MS_MAX} AND requests.__at`;
  await engine.run(`CREATE OR REPLACE TEMP TABLE arriving AS
    SELECT DISTINCT * FROM (${inWindows("requests.__id, events.__at, events.__position", "events", manifest, arriving)})`);
  await engine.run(`CREATE OR REPLACE TEMP TABLE worlds AS
    SELECT row_number() OVER () AS __world, __id, __position AS ends FROM (
      SELECT *, row_number() OVER newest AS nth, dense_rank() OVER (PARTITION BY __id ORDER BY __at DESC) AS batch,
        min(__position) OVER (PARTITION BY __id, __at) AS first
      FROM arriving WINDOW newest AS (PARTITION BY __id ORDER BY __position DESC))
    WHERE nth <= ${ENDS_MAX} OR (batch <= ${ENDS_MAX} AND __position = first)`);
  const chosen = `requests.__id IN (SELECT __id FROM (SELECT DISTINCT __id FROM worlds) ORDER BY md5(__id) LIMIT ${EXAMINED_MAX})`;
  await engine.run(`CREATE OR REPLACE TEMP TABLE reached AS
    SELECT DISTINCT * FROM (${inWindows("requests.__id, replayed.__row", "replayed", manifest, `replayed.__feeds AND ${chosen}`)})`);
  await engine.run(`CREATE OR REPLACE TEMP TABLE examined AS SELECT __id FROM (
    SELECT __id, sum(n) OVER (ORDER BY md5(__id) ROWS UNBOUNDED PRECEDING) AS total
    FROM (SELECT __id, count(*) AS n FROM worlds JOIN reached USING (__id) GROUP BY __id)) WHERE total <= ${WORLD_ROWS_MAX}`);
  await engine.run(`CREATE OR REPLACE TEMP TABLE imagined AS ${imaginedRows(manifest)}`);
  await engine.run(`INSERT INTO late SELECT DISTINCT __id FROM arriving WHERE __id NOT IN (FROM examined)
    UNION (${agreeing(`(${featuresByWorld("imagined", manifest)})`, manifest)})`);
}

function imaginedRows(manifest: BundleManifest): string {
  const needed = Object.keys(columnsNeeded(manifest)).map(name);
  const of = (table: string) => needed.map((column) => `${table}.${column}`);
  const asking = ["__world", "worlds.__id", "false AS __feeds", ...of("requests")];
  const feeding = ["__world", "NULL AS __id", "true AS __feeds", ...of("replayed")];
  return `SELECT *, row_number() OVER () AS __row FROM (
    SELECT ${asking.join(", ")} FROM worlds JOIN examined USING (__id) JOIN requests ON requests.__id = worlds.__id
    UNION ALL SELECT ${feeding.join(", ")} FROM worlds JOIN examined USING (__id) JOIN reached ON reached.__id = worlds.__id
      JOIN replayed ON replayed.__row = reached.__row WHERE replayed.__position IS NULL OR replayed.__position < worlds.ends)`;
}

/** A query for each request and row of a table that is in one of its windows; a row more for each further such window. */
function inWindows(select: string, rows: string, { fields, dataset }: BundleManifest, where: string): string {
  const { columns, time, outcomes } = dataset;
  const of = (table: string, node: Node) => compileSql(node, columns, { columnRef: (column) => `${table}.${name(column)}` });
  const moment = (table: string, node: Node) => `epoch_us(${of(table, node)})`;
  const [happened, asked] = [rows, "requests"].map((table) => moment(table, { op: "column", name: time! }));
  const each = distinctPasses(fields, outcomes).map(({ by, spanMicros, read }) => {
    const known = [happened, ...read.map((outcome) => moment(rows, outcomes[outcome]!))].map((micros) => `${micros} < ${asked}`);
    const keys = by.map((key) => `${of(rows, key)} = ${of("requests", key)}`);
    const met = [...keys, `${happened} >= ${asked} - ${spanMicros}`, ...known].join(" AND ");
    return `SELECT ${select} FROM requests JOIN ${rows} ON ${met} WHERE ${where}`;
  });
  return each.join(" UNION ALL ");
}

interface Pass extends Pick<WindowNode, "by" | "spanMicros"> {
  /** The outcomes that must be known. */
  readonly read: readonly string[];
}

/** The windows of all fields, those that look at the same rows once. */
function distinctPasses(fields: BundleManifest["fields"], outcomes: BundleManifest["dataset"]["outcomes"]): Pass[] {
  const passes = Object.values(fields)
    .flatMap(windowsIn)
    .map(({ by, spanMicros, value }) => {
      const columns = value === null ? new Set<string>() : columnsRead(value);
      return { by, spanMicros, read: Object.keys(outcomes).filter((outcome) => columns.has(outcome)) };
    });
  return [...new Map(passes.map((pass) => [JSON.stringify(pass), pass])).values()];
}

function windowsIn(node: Node): WindowNode[] {
  if (node.op === "window") return [node];
  return "args" in node ? node.args.flatMap(windowsIn) : [];
}
