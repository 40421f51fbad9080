/**
 * Experiments and their runs, as Python programs log them; MLflow's clients reach them through their own protocol. Times are milliseconds since 1970, as the
 * program gave them. A run here is an attempt that somebody logs; the runs of `mill run` are other ones.
 */
import { boolean, either, fieldsOf, integer, list, number, object, oneOf, optional, orNull, text } from "../json-schema.ts";
import { administers, browses, edits, feeds, reads } from "./verb.ts";

const experiment = text({ maxLength: 64, description: "Id of an experiment" });
const run = text({ maxLength: 256, description: "Id of a run" });
const key = text({ description: "Name of a metric, parameter or tag" });
const time = integer({ description: "Milliseconds since 1970" });
const tags = fieldsOf(text());
const value = either(number(), oneOf(["NaN", "Infinity", "-Infinity"]));
const point = { value, timestamp: time, step: integer() };
const keyValues = list(object({ key, value: text() }));
const links = list(object({ modelId: text(), step: optional(integer()) }));
const view = oneOf(["active", "deleted", "all"], { description: "Which by their state; default: active" });
const dataset = { name: text(), digest: text() };
const datasets = list(
  object({ ...dataset, sourceType: text(), source: text(), schema: optional(text()), profile: optional(text()), tags }),
);

const page = {
  limit: optional(integer({ minimum: 1, maximum: 50_000, description: "Items at most; default 1000" })),
  pageToken: optional(text({ description: "`nextPageToken` of the page before" })),
};
const search = {
  filter: optional(text({ examples: ["metrics.loss < 0.1 and params.depth = '3'"], description: "Which ones" })),
  orderBy: optional(list(text({ examples: ["metrics.loss ASC"] }))),
  view: optional(view),
  ...page,
};
const status = oneOf(["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]);
const nextPageToken = orNull(text());

const experimentInfo = object({
  id: experiment,
  name: text(),
  artifactLocation: text(),
  createdAt: time,
  updatedAt: time,
  deletedAt: orNull(time),
  tags,
});

const runInfo = object({
  id: run,
  experimentId: experiment,
  name: text(),
  userId: text(),
  status,
  startedAt: time,
  endedAt: orNull(time),
  deletedAt: orNull(time),
  artifactUri: text(),
  params: fieldsOf(text()),
  tags,
  metrics: list(object({ key, ...point }), { description: "The latest value of each" }),
  datasets,
  modelInputs: links,
  modelOutputs: links,
});

export const searchExperiments = reads({
  about: "Find experiments, those made last first.",
  example: "curl 'http://127.0.0.1:4747/v1/experiments?filter=name+LIKE+%27churn%25%27'",
  input: object(search),
  output: object({ items: list(experimentInfo), nextPageToken }),
  http: { method: "GET", path: "/v1/experiments" },
});

export const getExperiment = reads({
  about: "Show an experiment, a deleted one too.",
  example: "curl http://127.0.0.1:4747/v1/experiments/0",
  input: object({ experiment }),
  output: experimentInfo,
  http: { method: "GET", path: "/v1/experiments/:experiment" },
});

export const findExperiment = reads({
  about: "Show the experiment of this name, a deleted one too.",
  example: "curl 'http://127.0.0.1:4747/v1/experiments/by-name?name=Default'",
  input: object({ name: text() }),
  output: experimentInfo,
  http: { method: "GET", path: "/v1/experiments/by-name" },
});

export const createExperiment = edits({
  about: "Make an experiment, which runs are logged into.",
  example: `curl -u mill:TOKEN -H 'content-type: application/json' -d '{"name":"churn"}' http://127.0.0.1:4747/v1/experiments`,
  input: object({ name: text(), artifactLocation: optional(text()), tags: optional(tags) }),
  output: experimentInfo,
  http: { method: "POST", path: "/v1/experiments" },
});

export const renameExperiment = edits({
  about: "Give an experiment another name.",
  example: `curl -u mill:TOKEN -H 'content-type: application/json' -d '{"name":"churn 2"}' http://127.0.0.1:4747/v1/experiments/1/rename`,
  input: object({ experiment, name: text() }),
  output: object({ experiment }),
  http: { method: "POST", path: "/v1/experiments/:experiment/rename" },
});

export const deleteExperiment = edits({
  about: "Delete an experiment with its runs, until it is restored.",
  example: "curl -u mill:TOKEN -X POST http://127.0.0.1:4747/v1/experiments/1/delete",
  input: object({ experiment }),
  output: object({ experiment }),
  http: { method: "POST", path: "/v1/experiments/:experiment/delete" },
});

export const restoreExperiment = edits({
  about: "Bring a deleted experiment back, with its runs.",
  example: "curl -u mill:TOKEN -X POST http://127.0.0.1:4747/v1/experiments/1/restore",
  input: object({ experiment }),
  output: object({ experiment }),
  http: { method: "POST", path: "/v1/experiments/:experiment/restore" },
});

export const setExperimentTag = edits({
  about: "Set a tag of an experiment.",
  example: `curl -u mill:TOKEN -H 'content-type: application/json' -d '{"key":"team","value":"a"}' http://127.0.0.1:4747/v1/experiments/1/tags`,
  input: object({ experiment, key, value: text() }),
  output: object({ experiment }),
  http: { method: "POST", path: "/v1/experiments/:experiment/tags" },
});

export const deleteExperimentTag = edits({
  about: "Take a tag of an experiment away.",
  example: `curl -u mill:TOKEN -H 'content-type: application/json' -d '{"key":"team"}' http://127.0.0.1:4747/v1/experiments/1/tags/delete`,
  input: object({ experiment, key }),
  output: object({ experiment }),
  http: { method: "POST", path: "/v1/experiments/:experiment/tags/delete" },
});

export const createTrackedRun = feeds({
  about: "Begin a run of an experiment.",
  example: `curl -u mill:TOKEN -H 'content-type: application/json' -d '{"name":"first"}' http://127.0.0.1:4747/v1/experiments/1/runs`,
  input: object({
    experiment,
    name: optional(text()),
    userId: optional(text()),
    startedAt: optional(time),
    tags: optional(tags),
  }),
  output: runInfo,
  http: { method: "POST", path: "/v1/experiments/:experiment/runs" },
});

export const getTrackedRun = browses({
  about: "Show a run of an experiment with the latest of its metrics, a deleted one too.",
  example: "curl http://127.0.0.1:4747/v1/tracking/runs/RUN",
  input: object({ run }),
  output: runInfo,
  http: { method: "GET", path: "/v1/tracking/runs/:run" },
});

export const updateTrackedRun = feeds({
  about: "Set the status, the end or the name of a run of an experiment.",
  example: `curl -u mill:TOKEN -H 'content-type: application/json' -d '{"status":"FINISHED"}' http://127.0.0.1:4747/v1/tracking/runs/RUN`,
  input: object({
    run,
    status: optional(status),
    endedAt: optional(time),
    name: optional(text()),
  }),
  output: runInfo,
  http: { method: "POST", path: "/v1/tracking/runs/:run" },
});

export const deleteTrackedRun = edits({
  about: "Delete a run of an experiment, until it is restored.",
  example: "curl -u mill:TOKEN -X POST http://127.0.0.1:4747/v1/tracking/runs/RUN/delete",
  input: object({ run }),
  output: object({ run }),
  http: { method: "POST", path: "/v1/tracking/runs/:run/delete" },
});

export const restoreTrackedRun = edits({
  about: "Bring a deleted run of an experiment back.",
  example: "curl -u mill:TOKEN -X POST http://127.0.0.1:4747/v1/tracking/runs/RUN/restore",
  input: object({ run }),
  output: object({ run }),
  http: { method: "POST", path: "/v1/tracking/runs/:run/restore" },
});

export const logToRun = feeds({
  about: "Log metrics, parameters and tags to a run, all of them or none.",
  example: `curl -u mill:TOKEN -H 'content-type: application/json' -d '{"metrics":[{"key":"loss","value":0.5,"timestamp":0,"step":1}]}' http://127.0.0.1:4747/v1/tracking/runs/RUN/log`,
  input: object({
    run,
    metrics: optional(
      list(object({ key, ...point, modelId: optional(text()), dataset: optional(object(dataset)) }), {
        maxItems: 1000,
      }),
    ),
    params: optional(keyValues),
    tags: optional(keyValues),
  }),
  output: object({ run }),
  http: { method: "POST", path: "/v1/tracking/runs/:run/log" },
});

export const deleteRunTag = feeds({
  about: "Take a tag of a run away.",
  example: `curl -u mill:TOKEN -H 'content-type: application/json' -d '{"key":"team"}' http://127.0.0.1:4747/v1/tracking/runs/RUN/tags/delete`,
  input: object({ run, key }),
  output: object({ run }),
  http: { method: "POST", path: "/v1/tracking/runs/:run/tags/delete" },
});

export const logRunInputs = feeds({
  about: "Log which data sets and models a run read.",
  example: `curl -u mill:TOKEN -H 'content-type: application/json' -d '{"models":[{"modelId":"m-0"}]}' http://127.0.0.1:4747/v1/tracking/runs/RUN/inputs`,
  input: object({ run, datasets: optional(datasets), models: optional(links) }),
  output: object({ run }),
  http: { method: "POST", path: "/v1/tracking/runs/:run/inputs" },
});

export const logRunOutputs = feeds({
  about: "Log which models a run made.",
  example: `curl -u mill:TOKEN -H 'content-type: application/json' -d '{"models":[{"modelId":"m-0"}]}' http://127.0.0.1:4747/v1/tracking/runs/RUN/outputs`,
  input: object({ run, models: links }),
  output: object({ run }),
  http: { method: "POST", path: "/v1/tracking/runs/:run/outputs" },
});

export const searchTrackedRuns = browses({
  about: "Find runs of experiments, those begun last first.",
  example: `curl -H 'content-type: application/json' -d '{"experiments":["1"],"filter":"metrics.loss < 0.1"}' http://127.0.0.1:4747/v1/tracking/runs/search`,
  input: object({ experiments: list(experiment), ...search }),
  output: object({ items: list(runInfo), nextPageToken }),
  http: { method: "POST", path: "/v1/tracking/runs/search" },
});

export const metricHistory = browses({
  about: "Show every point of a metric, by time.",
  example: "curl 'http://127.0.0.1:4747/v1/tracking/runs/RUN/history?key=loss'",
  input: object({ run, key, ...page }),
  output: object({ items: list(object(point)), nextPageToken }),
  http: { method: "GET", path: "/v1/tracking/runs/:run/history" },
});

export const metricCurve = browses({
  about: "Show the points of a metric by step, evenly picked where there are many.",
  example: "curl 'http://127.0.0.1:4747/v1/tracking/runs/RUN/curve?key=loss&points=200'",
  input: object({
    run,
    key,
    points: optional(integer({ minimum: 1, maximum: 2500, default: 320, description: "At most" })),
    from: optional(integer({ description: "The first step; default: all there are" })),
    to: optional(integer({ description: "The last step, with `from`" })),
  }),
  output: object({ points: list(object(point)) }),
  http: { method: "GET", path: "/v1/tracking/runs/:run/curve" },
});

export const compareRuns = browses({
  about: "Show the latest metrics and the parameters of up to 1,000 runs side by side.",
  example: `curl -H 'content-type: application/json' -d '{"runs":["RUN"]}' http://127.0.0.1:4747/v1/tracking/compare`,
  input: object({ runs: list(run, { maxItems: 1000 }) }),
  output: object({
    runs: list(run),
    metrics: fieldsOf(list(orNull(value))),
    params: fieldsOf(list(orNull(text()))),
  }),
  http: { method: "POST", path: "/v1/tracking/compare" },
});

export const trackedDatasets = browses({
  about: "Show the data sets that the runs of some experiments read.",
  example: "curl 'http://127.0.0.1:4747/v1/tracking/datasets?experiments=1'",
  input: object({ experiments: list(experiment, { maxItems: 20 }) }),
  output: object({
    datasets: list(object({ experimentId: experiment, ...dataset, context: orNull(text()) })),
  }),
  http: { method: "GET", path: "/v1/tracking/datasets" },
});

export const purgeTracking = administers({
  about:
    "Tell which deleted experiments, runs and logged models are old enough to go for good, with their files; or take them away.",
  example: "mill tracking purge --older-than 30d --remove",
  input: object({
    olderThan: optional(
      text({ pattern: "^[0-9.]+[smhdw]$", default: "30d", examples: ["30d"], description: "Deleted longer ago than this" }),
    ),
    remove: optional(boolean({ default: false, description: "Else it only tells what would go" })),
  }),
  output: object({
    removed: boolean(),
    before: text({ description: "What was deleted before this time, ISO 8601 in UTC" }),
    experiments: integer(),
    runs: integer(),
    models: integer({ description: "Logged models" }),
    kept: integer({ description: "That stay because registered versions name them" }),
    files: integer(),
    bytes: integer({ description: "Of the files; the next collection of the lake frees what nothing else refers to" }),
    elsewhere: integer({ description: "Runs and models whose files lie elsewhere, and stay there" }),
  }),
  http: { method: "POST", path: "/v1/tracking/purge" },
});
