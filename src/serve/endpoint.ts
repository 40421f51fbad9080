/**
 * One endpoint in memory: reads request rows, computes features (windows from what it was fed), scores in microseconds, decides.
 * Pure but for its windows; durability and the prediction log are `serving.ts`.
 */
import { didYouMean, type Json, MillError } from "../base/index.ts";
import type { Column, Row, Task, Value } from "../contract/index.ts";
import { compileRow, onlineFields, readValue, requestColumns } from "../express/index.ts";
import { windowSpans } from "../features/index.ts";
import type { Predictor } from "../learn/index.ts";
import type { BundleManifest } from "../registry/index.ts";
import type { Beside } from "./beside.ts";

export type Prediction =
  | { readonly probability: number; readonly decision: boolean }
  | { readonly label: string; readonly probabilities: Readonly<Record<string, number>> }
  | { readonly value: number };

export interface Answer {
  readonly prediction: Prediction;
  /** The feature values the score rests on, as JSON: logged, so that the offline path can be held against them. */
  readonly features: Readonly<Record<string, Json>>;
  /** The moment that the windows were asked as of: the row's own time, or the clock's. */
  readonly asOfMicros: number;
}

export interface Endpoint {
  readonly manifest: BundleManifest;
  /** What answers beside the event loop; null: a predictor of ours, in this process. */
  readonly beside: Beside | null;
  /** Columns a request row carries; a nullable one may be null but not left out. */
  readonly request: Readonly<Record<string, Column>>;
  /** The column among them that may be left out: the row's time, when only windows need it (the clock stands in). */
  readonly optional: string | null;
  /** How far back the widest window looks; 0 without windows. */
  readonly spanMicros: number;
  /**
   * All rows or none; `nowMicros` is the moment of a row without a time of its own. Features are those of this moment, also where the model answers later.
   * Errors: `request.row` naming row and field; `express.forgotten` for a moment that the windows do not reach back to; later `endpoint.no-answer`, and as `Beside`.
   */
  predict(rows: readonly unknown[], nowMicros: number): Answer[] | Promise<Answer[]>;
  /** A row of the data set, complete, that would not be put in quarantine. Errors: `request.row`. */
  readEvent(row: unknown, index: number): Row;
  feed(row: Row): void;
  /** Says that the windows know nothing of before: from now on such moments are refused. */
  forget(beforeMicros: number): void;
  /** Time of the newest row that was fed, in microseconds. */
  newestFed(): number | null;
}

export function createEndpoint(manifest: BundleManifest, scorer: Predictor | Beside): Endpoint {
  const { columns, time, outcomes } = manifest.dataset;
  const shape = { columns, outcomes, ...(time ? { time } : {}) };
  const online = onlineFields(manifest.fields, shape);
  const beside = "rowScorer" in scorer ? null : scorer;
  const scoreRow = "rowScorer" in scorer ? scorer.rowScorer() : null;
  const { request, optional } = requestSchema(manifest);
  const decide = decision(manifest.task, manifest.classes, manifest.threshold);
  const checks = manifest.dataset.checks.map(({ holds, text }) => ({ text, holds: compileRow(holds, columns) }));
  let newest: number | null = null;

  return {
    manifest,
    beside,
    request,
    optional,
    spanMicros: Math.max(0, ...Object.values(manifest.fields).flatMap(windowSpans)),
    readEvent(given, index) {
      const row = readRow(given, columns, null, index);
      const failed = checks.find(({ holds }) => holds(row) === false);
      if (failed) throw quarantined(index, failed.text);
      return row;
    },
    feed(row) {
      online.feed(row);
      if (time !== null && (newest === null || Number(row[time]) > newest)) newest = Number(row[time]);
    },
    forget: (beforeMicros) => online.forget(beforeMicros),
    newestFed: () => newest,
    predict(rows, nowMicros) {
      const known = rows.map((row, index) => readRow(row, request, optional, index));
      const asked = known.map((row) => {
        const asOf = time !== null && typeof row[time] === "number" ? row[time] : nowMicros;
        return { asOf, features: online.values(row, asOf) };
      });
      const answer = ({ features, asOf }: (typeof asked)[number], scores: Float64Array): Answer => ({
        prediction: decide(scores),
        features: shown(features),
        asOfMicros: asOf,
      });
      if (scoreRow !== null) return asked.map((one) => answer(one, scoreRow(scoreable(one.features))));
      const { score, outputs } = beside!;
      return score(asked.map(({ features }) => scoreable(features))).then((scores) => {
        requireNumbers(scores, outputs);
        return asked.map((one, row) => answer(one, scores.subarray(row * outputs, (row + 1) * outputs)));
      });
    },
  };
}

/** A model of another framework may refuse missing values by answering with none. */
function requireNumbers(scores: Float64Array, outputs: number): void {
  const at = scores.findIndex((score) => !Number.isFinite(score));
  if (at < 0) return;
  const row = Math.floor(at / outputs);
  throw new MillError("endpoint.no-answer", `Row ${row}: the model's answer is no number.`, {
    at: `/rows/${row}`,
    expected: "a row that the model can answer",
    got: String(scores[at]),
    fix: "Send the values that are missing; or let the script fill them in, as with an imputer before the model.",
  });
}

/** What a request carries: the columns that the features read, and the row's time, which windows are asked as of. */
function requestSchema({ fields, dataset }: BundleManifest): { request: Record<string, Column>; optional: string | null } {
  const { columns, outcomes, time } = dataset;
  const needed = new Set(requestColumns(fields, { columns, outcomes, ...(time ? { time } : {}) }));
  const request = Object.fromEntries(Object.entries(columns).filter(([name]) => needed.has(name) || name === time));
  return { request, optional: time !== null && !needed.has(time) ? time : null };
}

function readRow(row: unknown, columns: Readonly<Record<string, Column>>, optional: string | null, index: number): Row {
  if (typeof row !== "object" || row === null || Array.isArray(row)) throw badRow(index, "", "an object", row);
  const given = row as Record<string, unknown>;
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(columns, name)) {
      throw new MillError(
        "request.row",
        `Row ${index} has a field "${name}" that this endpoint does not take.${didYouMean(name, Object.keys(columns))}`,
        {
          at: `/rows/${index}/${name}`,
          expected: Object.keys(columns).join(", "),
          got: name,
          fix: "Leave the field out, or correct its name.",
        },
      );
    }
  }
  const values: Record<string, Value> = {};
  for (const [name, column] of Object.entries(columns)) {
    if (!Object.hasOwn(given, name) && name === optional) continue;
    if (!Object.hasOwn(given, name)) throw badRow(index, name, `the field "${name}" (${described(column)})`, undefined);
    const read = readValue(column, given[name]);
    if (!read.ok) throw badRow(index, name, read.expected, given[name]);
    values[name] = read.value;
  }
  return values;
}

const described = (column: Column) => (column.nullable ? `${column.type} or null` : column.type);

function badRow(index: number, field: string, expected: string, got: unknown): MillError {
  const shownGot =
    got === undefined
      ? "nothing"
      : JSON.stringify(got, (_, value) => (typeof value === "bigint" ? String(value) : value))?.slice(0, 80);
  return new MillError(
    "request.row",
    `Row ${index}${field ? `, field "${field}"` : ""}: expected ${expected}, got ${shownGot}.`,
    {
      at: `/rows/${index}${field ? `/${field}` : ""}`,
      expected,
      got: shownGot,
      fix: "Send the row as the endpoint's schema in /openapi.json and GET /v1/endpoints/NAME says.",
    },
  );
}

const quarantined = (index: number, check: string) =>
  new MillError("request.row", `Row ${index} does not pass the data set's check "${check}": it would be put in quarantine.`, {
    at: `/rows/${index}`,
    expected: check,
    fix: "Correct the row and send it again; rows in quarantine feed nothing.",
  });

function decision(task: Task, classes: readonly string[], threshold: number | null): (scores: Float64Array) => Prediction {
  if (task === "regression") return (scores) => ({ value: scores[0]! });
  if (task === "binary-classification") return (scores) => ({ probability: scores[0]!, decision: scores[0]! >= threshold! });
  return (scores) => {
    const best = scores.indexOf(Math.max(...scores));
    return { label: classes[best]!, probabilities: Object.fromEntries(classes.map((label, index) => [label, scores[index]!])) };
  };
}

/** Feature values as a scorer reads them: booleans as 0 and 1, int64 as numbers, as training does. */
function scoreable(features: Row): Record<string, number | string | null> {
  const values: Record<string, number | string | null> = {};
  for (const name in features) {
    const value = features[name]!;
    values[name] = typeof value === "boolean" || typeof value === "bigint" ? Number(value) : value;
  }
  return values;
}

const shown = (features: Row): Record<string, Json> =>
  Object.fromEntries(
    Object.entries(features).map(([name, value]) => [name, typeof value === "bigint" ? value.toString() : value]),
  );
