/** What monitoring found of an endpoint: days, alerts, the rollout under way, and what happened when. */
import {
  anything,
  boolean,
  fieldsOf,
  integer,
  list,
  number,
  object,
  oneOf,
  optional,
  orNull,
  text,
  type ValueOf,
} from "../json-schema.ts";
import { id, instant, name, page, pageOf, version } from "./nouns.ts";
import { operates, reads, streamed } from "./verb.ts";
import { runEvent } from "./work.ts";

/** Of the data's own clock, as in `2001-06-01T10:00:00`: no zone. */
const dataTime = text({ description: "Data time, ISO 8601 without a zone" });
const day = text({ pattern: "^-?\\d{4,6}-\\d\\d-\\d\\d$", description: "A day of data time" });

/** What is wrong, in the order of what to look at first: what stands further left suppresses what it explains. */
export const ALERT_KINDS = ["loss", "feed", "parity", "quality", "drift"] as const;

export const alert = object({
  id,
  endpoint: name,
  kind: oneOf(ALERT_KINDS),
  cause: text({ description: "Stable name of what is wrong, as in feed/nulls/origin: one open alert a cause" }),
  severity: number({ description: "0 to 1: importance x size; the first of its kind has the greatest" }),
  sentence: text(),
  detail: fieldsOf(anything()),
  openedAt: instant,
  openedAsOf: orNull(dataTime),
  seenAsOf: orNull(dataTime),
  closedAt: orNull(instant),
  closedAsOf: orNull(dataTime),
});
export type Alert = ValueOf<typeof alert>;

const measured = object({
  value: orNull(number()),
  interval: optional(list(number(), { minItems: 2, maxItems: 2, description: "95 %" })),
});
const drifted = object({
  psi: number({ description: "Population stability index against the reference" }),
  bound: number({ description: "Above it the day is unlike every day of the reference" }),
});

export const dayReport = object({
  day,
  rows: integer({ description: "Predictions" }),
  versions: list(object({ version, rows: integer() })),
  labelled: integer({ description: "Predictions whose label has come" }),
  drift: fieldsOf(drifted, { description: "By feature" }),
  predictionDrift: orNull(drifted),
  estimated: orNull(
    fieldsOf(measured, { description: "Quality expected of the day's predictions before labels come, by measure" }),
  ),
  realised: orNull(fieldsOf(measured, { description: "Quality of the labelled predictions, by measure" })),
  gain: orNull(
    object({
      value: number({ description: "Money earned by the decisions of the day" }),
      estimated: boolean({ description: "true until the labels have come" }),
      interval: optional(list(number(), { minItems: 2, maxItems: 2, description: "95 %" })),
    }),
  ),
  parity: orNull(
    object({
      replayed: integer({ description: "Requests that were computed again from the lake" }),
      late: integer({ description: "Of these, asked before an event came that the windows should have known: not compared" }),
      mismatches: fieldsOf(integer(), { description: "Requests with another value, by feature" }),
    }),
  ),
  findings: integer({ description: "Things found wrong" }),
});
export type DayReport = ValueOf<typeof dayReport>;

const arm = object({
  version,
  requests: integer(),
  rows: integer(),
  errors: integer(),
  p99Ms: orNull(number({ description: "99th percentile of the time to compute an answer" })),
});

export const rolloutState = object({
  model: name,
  version,
  base: version,
  step: integer({ description: "From 0" }),
  steps: list(number(), { description: "Shares of the requests" }),
  share: number(),
  sinceAsOf: orNull(dataTime),
  candidate: arm,
  champion: arm,
});

export const getMonitor = reads({
  about: "Tell how an endpoint does: health, drift, estimated and realised quality and gain by day, alerts, what happened when.",
  example: "curl localhost:4747/v1/endpoints/late-arrival/monitor",
  input: object({
    name,
    days: optional(integer({ minimum: 1, maximum: 1000, default: 60, description: "The newest days at most" })),
  }),
  output: object({
    name,
    health: object({ state: oneOf(["healthy", "alerted", "broken", "unknown"]), sentence: text() }),
    dataTime: orNull(dataTime),
    currency: optional(text()),
    /** The measure that is drawn first, and the band it had over the days of the reference. */
    measure: orNull(object({ name: text(), low: orNull(number()), high: orNull(number()) })),
    days: list(dayReport, { description: "Oldest first" }),
    feedback: object({
      labels: integer(),
      matched: integer(),
      waiting: integer({ description: "Labels whose prediction is not known" }),
      corrected: integer(),
      repeated: integer(),
    }),
    lost: integer({ description: "Predictions answered since the start that could not be logged" }),
    rollout: orNull(rolloutState),
    alerts: list(alert, { description: "Open ones, what to look at first comes first" }),
    happenings: list(object({ at: instant, asOf: orNull(dataTime), what: text(), text: text() }), {
      description: "Oldest first",
    }),
  }),
  http: { method: "GET", path: "/v1/endpoints/:name/monitor" },
});

export const listAlerts = reads({
  about: "List alerts, newest first.",
  example: "curl localhost:4747/v1/alerts?state=open",
  input: object({ ...page, endpoint: optional(name), state: optional(oneOf(["open", "closed"])) }),
  output: pageOf(alert),
  http: { method: "GET", path: "/v1/alerts" },
});

export const getNotices = reads({
  about: "Say whether the webhook has taken what it was to be told.",
  example: "curl localhost:4747/v1/notices",
  input: object({}),
  output: object({
    waiting: integer({ description: "Not delivered yet" }),
    givenUp: integer({ description: "Tried for a day, or refused for good" }),
    error: orNull(text({ description: "Why the last try that failed did; null when nothing waits and nothing was given up" })),
  }),
  http: { method: "GET", path: "/v1/notices" },
});

export const retrain = streamed(
  operates({
    about: "Train an endpoint's model again on what has come since; it serves only if it passes its gate.",
    example: "mill retrain late-arrival",
    input: object({ name, reason: optional(text({ maxLength: 200, description: "Why, for the record" })) }),
    output: runEvent,
    http: { method: "POST", path: "/v1/endpoints/:name/retrain" },
  }),
);
