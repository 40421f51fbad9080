/** Models that runs log: what they are, where their files lie, how good they were. Times are milliseconds since 1970. */
import { boolean, either, fieldsOf, integer, list, number, object, oneOf, optional, orNull, text } from "../json-schema.ts";
import { browses, edits, feeds } from "./verb.ts";

const model = text({ maxLength: 64, examples: ["m-4f2c"], description: "Id of a logged model" });
const time = integer({ description: "Milliseconds since 1970" });
const key = text({ pattern: "\\S", maxLength: 250 });
const texts = fieldsOf(text());
const dataset = object({ name: text(), digest: optional(text()) });
const value = either(number(), oneOf(["NaN", "Infinity", "-Infinity"]));

const loggedModel = object({
  id: model,
  experimentId: text(),
  name: text(),
  modelType: orNull(text()),
  sourceRunId: orNull(text()),
  status: oneOf(["PENDING", "READY", "UPLOAD_FAILED"]),
  artifactUri: text(),
  createdAt: time,
  updatedAt: time,
  deletedAt: orNull(time),
  params: texts,
  tags: texts,
  metrics: list(object({ key: text(), value, timestamp: time, step: integer(), runId: text(), dataset: orNull(dataset) })),
});

export const createLoggedModel = feeds({
  about: "Begin to log a model: it is pending until its files are there.",
  example: `curl -d '{"experiment": "0"}' -H 'Content-Type: application/json' localhost:4747/v1/logged-models`,
  input: object({
    experiment: text({ maxLength: 64, description: "Id of an experiment" }),
    name: optional(text({ maxLength: 500 })),
    modelType: optional(text({ maxLength: 500 })),
    sourceRunId: optional(text({ maxLength: 256 })),
    params: optional(texts),
    tags: optional(texts),
  }),
  output: loggedModel,
  http: { method: "POST", path: "/v1/logged-models" },
});

export const getLoggedModel = browses({
  about: "Show a logged model, with the latest metrics that were logged for it.",
  example: "curl localhost:4747/v1/logged-models/m-4f2c",
  input: object({ model, deleted: optional(boolean({ description: "A deleted one too" })) }),
  output: loggedModel,
  http: { method: "GET", path: "/v1/logged-models/:model" },
});

export const finishLoggedModel = feeds({
  about: "Say that the files of a logged model are there, or could not be brought.",
  example: `curl -d '{"status": "READY"}' -H 'Content-Type: application/json' localhost:4747/v1/logged-models/m-4f2c/finish`,
  input: object({ model, status: oneOf(["PENDING", "READY", "UPLOAD_FAILED"]) }),
  output: loggedModel,
  http: { method: "POST", path: "/v1/logged-models/:model/finish" },
});

export const deleteLoggedModel = edits({
  about: "Delete a logged model; its files stay.",
  example: "curl -X POST localhost:4747/v1/logged-models/m-4f2c/delete",
  input: object({ model }),
  output: object({ model }),
  http: { method: "POST", path: "/v1/logged-models/:model/delete" },
});

export const describeLoggedModel = feeds({
  about: "Set tags of a logged model, take them away, and add parameters, which never change.",
  example: `curl -d '{"tags": {"stage": "baseline"}}' -H 'Content-Type: application/json' localhost:4747/v1/logged-models/m-4f2c/describe`,
  input: object({ model, tags: optional(texts), withoutTags: optional(list(key)), params: optional(texts) }),
  output: loggedModel,
  http: { method: "POST", path: "/v1/logged-models/:model/describe" },
});

export const searchLoggedModels = browses({
  about: "Find logged models of some experiments by attributes, tags, parameters and metrics.",
  example: `curl -d '{"experiments": ["0"], "filter": "metrics.auc > 0.9"}' -H 'Content-Type: application/json' localhost:4747/v1/logged-models/search`,
  input: object({
    experiments: list(text(), { maxItems: 1000 }),
    filter: optional(text({ maxLength: 100_000, examples: ["metrics.auc > 0.9 AND params.depth = '3'"] })),
    datasets: optional(
      list(dataset, { maxItems: 100, description: "Metrics count only where they were measured on one of these" }),
    ),
    orderBy: optional(
      list(object({ field: text(), descending: optional(boolean()), dataset: optional(dataset) }), { maxItems: 100 }),
    ),
    limit: optional(integer({ minimum: 1, maximum: 50_000 })),
    pageToken: optional(text({ maxLength: 100_000, description: "`nextPageToken` of the page before" })),
  }),
  output: object({ items: list(loggedModel), nextPageToken: orNull(text()) }),
  http: { method: "POST", path: "/v1/logged-models/search" },
});
