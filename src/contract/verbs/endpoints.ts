/** Endpoints: predictions, the events that feed their windows, and the way back. */
import {
  anything,
  boolean,
  either,
  fieldsOf,
  integer,
  list,
  number,
  object,
  oneOf,
  optional,
  orNull,
  text,
} from "../json-schema.ts";
import { column, instant, name, page, pageOf, TASKS, version } from "./nouns.ts";
import { feeds, operates, predicts, reads } from "./verb.ts";

/** Rows in one request at most. */
export const ROWS_MAX = 10_000;

const endpointState = {
  name,
  model: name,
  version: orNull(version),
  previous: orNull(version),
  ready: boolean(),
  changedAt: orNull(instant),
};

export const listEndpoints = reads({
  about: "List endpoints and the version each answers with.",
  example: "curl localhost:4747/v1/endpoints",
  input: object(page),
  output: pageOf(object(endpointState)),
  http: { method: "GET", path: "/v1/endpoints" },
});

export const getEndpoint = reads({
  about: "Show an endpoint: what it answers with, the columns of a request, an example.",
  example: "curl localhost:4747/v1/endpoints/late-arrival",
  input: object({ name }),
  output: object({
    ...endpointState,
    task: oneOf(TASKS),
    classes: list(text()),
    threshold: orNull(number()),
    request: list(column, { description: "Columns of a row" }),
    exampleRow: orNull(fieldsOf(anything())),
    windowsWarmedTo: orNull(text({ description: "Data time of the newest row in the windows" })),
    eventsSkipped: optional(integer({ description: "Events on record that this version cannot read; they feed nothing" })),
    predictions: integer({ description: "Predictions answered since the start" }),
    history: list(object({ model: name, version, at: instant, actor: text(), why: text() })),
  }),
  http: { method: "GET", path: "/v1/endpoints/:name" },
});

/** The endpoint checks the fields of each row by its own columns. */
const row = fieldsOf(anything(), { description: "Value by column" });

export const predict = predicts({
  about: "Predict rows.",
  example: `mill predict late-arrival --row '{"date":"2001-06-01T10:00:00","distance":954,"origin":"SEA","destination":"LAX"}'`,
  input: object({ name, rows: list(row, { minItems: 1, maxItems: ROWS_MAX }) }),
  output: object({
    id: text(),
    model: name,
    version,
    predictions: list(
      either(
        object({ id: text(), probability: number(), decision: boolean() }),
        object({ id: text(), label: text(), probabilities: fieldsOf(number()) }),
        object({ id: text(), value: number() }),
      ),
    ),
  }),
  http: { method: "POST", path: "/v1/endpoints/:name/predict" },
});

export const events = feeds({
  about: "Feed rows of the endpoint's data set to its windows.",
  example:
    'curl -H "Authorization: Bearer $(cat .mill/token)" -H "content-type: application/json" -d @rows.json localhost:4747/v1/endpoints/late-arrival/events',
  input: object({ name, rows: list(row, { minItems: 1, maxItems: ROWS_MAX }) }),
  output: object({
    accepted: integer(),
    refused: list(object({ index: integer(), reason: text() })),
  }),
  http: { method: "POST", path: "/v1/endpoints/:name/events" },
});

export const rollback = operates({
  about: "Go back to the version that the endpoint answered with before.",
  example: 'curl -X POST -H "Authorization: Bearer $(cat .mill/token)" localhost:4747/v1/endpoints/late-arrival/rollback',
  input: object({ name }),
  output: object(endpointState),
  http: { method: "POST", path: "/v1/endpoints/:name/rollback" },
});
