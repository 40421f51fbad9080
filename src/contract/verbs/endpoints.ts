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
import { approves, feeds, predicts, reads } from "./verb.ts";

/** Rows in one request at most. */
export const ROWS_MAX = 10_000;

const endpointState = {
  name,
  model: name,
  version: orNull(version),
  previous: orNull(version),
  ready: boolean(),
  changedAt: orNull(instant),
  answers: optional(
    object(
      {
        form: oneOf(["inline", "onnx", "python"], {
          description:
            "inline: in the server's process; onnx: ONNX Runtime on a thread; python: its framework in a process of its own",
        }),
        down: orNull(object({ since: instant, why: text() }, { description: "It does not answer, and is being started again" })),
        outages: integer({ description: "How often that was so since it was loaded" }),
      },
      { description: "How its version answers, once it is loaded" },
    ),
  ),
  rollout: optional(
    object({ version, share: number() }, { description: "A version that answers a share of the requests beside this one" }),
  ),
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
    logged: optional(
      boolean({ description: "false: the answer could not be written down, as when the disk is full; no feedback will find it" }),
    ),
  }),
  http: { method: "POST", path: "/v1/endpoints/:name/predict" },
});

const refused = list(object({ index: integer(), reason: text() }));

export const events = feeds({
  about: "Feed rows of the endpoint's data set to its windows.",
  example:
    'curl -H "Authorization: Bearer $(cat .mill/token)" -H "content-type: application/json" -d @rows.json localhost:4747/v1/endpoints/late-arrival/events',
  input: object({
    name,
    rows: list(row, { minItems: 1, maxItems: ROWS_MAX }),
    ids: optional(
      list(text({ pattern: "^\\P{Cs}{1,80}$", description: "1 to 80 whole characters" }), {
        maxItems: ROWS_MAX,
        description: "Your own id of each row: a row whose id was taken already is not fed again",
      }),
    ),
  }),
  output: object({
    accepted: integer(),
    refused,
    repeated: integer({ description: "Rows whose id was taken already" }),
  }),
  http: { method: "POST", path: "/v1/endpoints/:name/events" },
});

export const feedback = feeds({
  about: "Tell what really happened to what was predicted. The label that came last counts; all are kept.",
  example:
    'curl -H "Authorization: Bearer $(cat .mill/token)" -H "content-type: application/json" -d \'{"labels":[{"id":"ID OF THE PREDICTION","label":true}]}\' localhost:4747/v1/endpoints/late-arrival/feedback',
  input: object({
    name,
    labels: list(
      object({
        id: anything({ description: "Id of the prediction, as in its reply; one that is not known yet is taken too" }),
        label: anything({ description: "true or false, the class as text, or a number: by the task of the model" }),
        at: optional(
          anything({
            description:
              "Data time at which the label became known, as the time column is written; the newest data time when left out",
          }),
        ),
      }),
      { minItems: 1, maxItems: ROWS_MAX },
    ),
  }),
  output: object({ accepted: integer(), refused }),
  http: { method: "POST", path: "/v1/endpoints/:name/feedback" },
});

export const rollback = approves({
  about: "Go back to the version that the endpoint answered with before; a rollout that is under way ends instead.",
  example: 'curl -X POST -H "Authorization: Bearer $(cat .mill/token)" localhost:4747/v1/endpoints/late-arrival/rollback',
  input: object({ name }),
  output: object(endpointState),
  http: { method: "POST", path: "/v1/endpoints/:name/rollback" },
});
