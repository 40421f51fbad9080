/**
 * What was predicted, with the labels that have come: SQL over the sealed journals. Rows stay in the engine; what leaves it are counts, and typed
 * arrays of one day.
 *
 *     predictions  0 1 2 3 | 4 5 ...      rows in the order in which they were logged; those behind the last place looked at are new
 *     feedback     0 1 | 2 3 ...          the same: a new label touches the day of its prediction, however old
 */
import { DAY_MICROS } from "../base/index.ts";
import type { Task } from "../contract/index.ts";
import { quoteIdentifier as name, quoteLiteral as text } from "../express/index.ts";
import type { Lake } from "../lake/index.ts";
import type { Frame } from "../learn/index.ts";
import type { Tables } from "../ports/tables/index.ts";
import { feedbackOf, predictionsOf } from "../serve/index.ts";
import { type Bins, type Counted, countBins } from "./bins.ts";
import { labelsTold, lastLabels } from "./labels.ts";
import { memberText } from "./parity-rows.ts";

export interface Log {
  /** Rows of each journal. */
  readonly predictions: number;
  readonly labels: number;
  /** Data time of the first prediction, in microseconds; null when there is none. */
  readonly from: number | null;
  /** Rows of each day that has a prediction or a label behind these places; days count from 1970. */
  touchedSince(places: { readonly predictions: number; readonly labels: number }): Promise<number[]>;
  rowsOf(days: readonly number[]): Promise<Map<number, number>>;
  /** Rows within a span of data time, in microseconds; `to` is no part of it. */
  rowsBetween(from: number, to: number): Promise<number>;
  /** By version (`MODEL@VERSION`), the commonest first. */
  versionsOf(day: number): Promise<{ model: string; version: number; rows: number }[]>;
  /** Rows of some versions within a span of data time, by bin and by day. */
  count(asked: Asked): Promise<Map<number, Record<string, Counted>>>;
  /** Puts the rows of some days at hand, with their labels. */
  gather(days: readonly number[], columns: Gathered): Promise<void>;
  /**
   * One gathered day, in the order of data time: `version` (text), `label` (a class index, or the number; NaN while it has not come), by task
   * `stated` and `decided` | the classes' probabilities `k0`... and `decided` (a class index) | `stated`; and the groups as `group0`...
   */
  day(day: number): Promise<Frame>;
  counts(): Promise<FeedbackCounts>;
}

/** How labels fared; `labels` is the sum of the others. */
export interface FeedbackCounts {
  readonly labels: number;
  /** Predictions that have a label. */
  readonly matched: number;
  /** Ids that are no prediction on record. */
  readonly waiting: number;
  readonly corrected: number;
  readonly repeated: number;
}

export interface Asked {
  readonly model: string;
  readonly versions: readonly number[];
  /** Microseconds; `to` is no part of it. */
  readonly from: number;
  readonly to: number;
  readonly features: Readonly<Record<string, Bins>>;
  /** Of the probability, the likeliest class, or the value. */
  readonly prediction: Bins;
}

export interface Gathered {
  readonly task: Task;
  readonly classes: readonly string[];
  /** Text features that rows are grouped by. */
  readonly groups: readonly string[];
}

/** The name under which `count` tells of the predictions: no feature is named so. */
export const PREDICTION = "__prediction";

/** Reads what is sealed; null when nothing is. */
export async function openLog(lake: Lake, endpoint: string, tables: Tables): Promise<Log | null> {
  const predictions = await lake.read(predictionsOf(endpoint));
  if (predictions.relation === null) return null;
  const feedback = (await lake.read(feedbackOf(endpoint))).relation;
  const known = new Set((await tables.describe(`SELECT * FROM ${predictions.relation}`)).map(({ name }) => name));
  const column = (column: string, type: string) => (known.has(column) ? `TRY_CAST(${name(column)} AS ${type})` : `NULL::${type}`);
  // Rows of an older log have no data time: the wall clock stands in, as it does where a data set has none.
  const time = `coalesce(${column("time", "DOUBLE")}, ${column("at", "DOUBLE")} * 1000)`;
  await tables.run(
    `CREATE TEMP VIEW logged AS SELECT id, ${time} AS "time", floor(${time} / ${DAY_MICROS}) AS day, model, ${column("version", "INTEGER")} AS version,
      features, ${column("probability", "DOUBLE")} AS probability, ${column("decision", "BOOLEAN")} AS decision, ${column("label", "VARCHAR")} AS label,
      ${column("probabilities", "VARCHAR")} AS probabilities, ${column("value", "DOUBLE")} AS "value"
      FROM ${predictions.relation}`,
  );
  await tables.run(
    `CREATE TEMP VIEW told AS ${feedback === null ? "SELECT NULL::VARCHAR AS id, NULL::VARCHAR AS label, 0 AS place WHERE false" : labelsTold(feedback)}`,
  );
  const [sizes] = await tables.rows(
    `SELECT count(*) AS predictions, min("time") AS "from", (SELECT count(*) FROM told) AS labels FROM logged`,
  );

  return {
    predictions: Number(sizes!.predictions),
    labels: Number(sizes!.labels),
    from: sizes!.from === null ? null : Number(sizes!.from),

    async touchedSince(places) {
      const rows = await tables.rows(`
        SELECT day FROM (SELECT day, row_number() OVER () - 1 AS place FROM logged) WHERE place >= ${places.predictions} AND day IS NOT NULL GROUP BY 1
        UNION SELECT day FROM logged WHERE day IS NOT NULL AND id IN (SELECT id FROM told WHERE place >= ${places.labels}) GROUP BY 1`);
      return rows.map(({ day }) => Number(day));
    },

    async rowsOf(days) {
      if (days.length === 0) return new Map();
      const rows = await tables.rows(`SELECT day, count(*) AS n FROM logged WHERE ${among(days)} GROUP BY 1`);
      return new Map(rows.map(({ day, n }) => [Number(day), Number(n)]));
    },

    async rowsBetween(from, to) {
      const [row] = await tables.rows(`SELECT count(*) AS n FROM logged WHERE "time" >= ${from} AND "time" < ${to}`);
      return Number(row!.n);
    },

    async versionsOf(day) {
      const rows = await tables.rows(
        `SELECT model, version, count(*) AS n FROM logged WHERE ${among([day])} GROUP BY 1, 2 ORDER BY n DESC, version DESC, model`,
      );
      return rows.map(({ model, version, n }) => ({ model: String(model), version: Number(version), rows: Number(n) }));
    },

    count: ({ model, versions, from, to, features, prediction }) =>
      countBins({
        tables,
        relation: `(SELECT day AS __day, stated AS ${name(PREDICTION)}, read.* FROM (SELECT day, ${statedAs(prediction)} AS stated, ${readFeatures(features)} AS read FROM logged
          WHERE "time" >= ${from} AND "time" < ${to} AND model = ${text(model)} AND version IN (${versions.join(", ")})))`,
        chunk: "__day",
        columns: { ...features, [PREDICTION]: prediction },
      }),

    async gather(days, columns) {
      const groups = columns.groups.map((group, at) => `${memberText("features", group)} AS group${at}`);
      await tables.run(`CREATE OR REPLACE TEMP TABLE chosen AS
        SELECT id, day, "time", model || '@' || version AS version, ${[...outputs(columns), ...groups].join(", ")} FROM logged WHERE ${among(days)}`);
      await tables.run(`CREATE OR REPLACE TEMP TABLE gathered AS
        SELECT chosen.*, ${labelAs(columns)} AS label FROM chosen
        LEFT JOIN (${lastLabels("told", "id IN (SELECT id FROM chosen)")}) USING (id)`);
      await tables.run("DROP TABLE chosen");
    },

    day: (day) => tables.frame(`SELECT * EXCLUDE (id, day, "time") FROM gathered WHERE day = ${day} ORDER BY "time", id`),

    async counts() {
      const [row] = await tables.rows(`
        WITH ids AS (SELECT id, count(*) AS n FROM told GROUP BY id),
          again AS (SELECT label = lag(label) OVER (PARTITION BY id ORDER BY place) AS same FROM told WHERE id IN (SELECT id FROM ids WHERE n > 1))
        SELECT (SELECT count(*) FROM told) AS labels, (SELECT count(*) FROM ids) AS ids,
          (SELECT count(*) FROM ids WHERE id IN (SELECT id FROM logged)) AS matched,
          (SELECT count(*) FROM again WHERE same) AS repeated, (SELECT count(*) FROM again WHERE NOT same) AS corrected`);
      const [labels, ids, matched, repeated, corrected] = [
        row!.labels,
        row!.ids,
        row!.matched,
        row!.repeated,
        row!.corrected,
      ].map(Number);
      return { labels: labels!, matched: matched!, waiting: ids! - matched!, corrected: corrected!, repeated: repeated! };
    },
  };
}

/** By time, which the files' own statistics know. */
function among(days: readonly number[]): string {
  const [first, last] = [Math.min(...days), Math.max(...days)];
  return `"time" >= ${first * DAY_MICROS} AND "time" < ${(last + 1) * DAY_MICROS} AND day IN (${days.join(", ")})`;
}

const statedAs = ({ kind }: Bins) => (kind === "text" ? "label" : 'coalesce(probability, "value")');

/** Each feature as a double or a text, null where the row has none; one parse of each text. */
function readFeatures(features: Readonly<Record<string, Bins>>): string {
  const types = Object.entries(features).map(([feature, { kind }]) => [feature, kind === "number" ? "DOUBLE" : "VARCHAR"]);
  return `json_transform(features, ${text(JSON.stringify(Object.fromEntries(types)))})`;
}

function outputs({ task, classes }: Gathered): string[] {
  if (task === "regression") return ['"value" AS stated'];
  if (task === "binary-classification") return ["probability AS stated", "decision::INTEGER AS decided"];
  const each = classes.map((label, k) => `TRY_CAST(${memberText("probabilities", label)} AS DOUBLE) AS k${k}`);
  return [...each, `${indexOf("label", classes)} AS decided`];
}

/** A label that is none of the classes counts as one beyond them: whatever was predicted, it was wrong. */
function labelAs({ task, classes }: Gathered): string {
  if (task === "binary-classification") return "CASE last WHEN 'true' THEN 1 WHEN 'false' THEN 0 END";
  if (task === "regression") return "TRY_CAST(last AS DOUBLE)";
  return `CASE WHEN last IS NOT NULL THEN coalesce(${indexOf("json_extract_string(last, '$')", classes)}, ${classes.length}) END`;
}

const indexOf = (label: string, classes: readonly string[]) => `list_position([${classes.map(text).join(", ")}], ${label}) - 1`;
