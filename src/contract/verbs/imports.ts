/**
 * What other MLflow servers keep, taken over as it is there: ids, times and states too. Of each thing what its source said is remembered by digest, so that taking
 * it again changes only what changed there; what was changed here meanwhile is left, and told. Times are milliseconds since 1970.
 */
import { boolean, either, fieldsOf, integer, list, number, object, oneOf, optional, orNull, text } from "../json-schema.ts";
import { edits, feeds, takesBytes } from "./verb.ts";

const source = text({
  pattern: "\\S",
  maxLength: 1000,
  examples: ["http://mlflow:5000", "/data/mlruns"],
  description: "What is taken from, by the name under which that is remembered",
});
const dryRun = optional(boolean({ description: "Only say what would be done" }));
const id = text({ maxLength: 256 });
const time = integer({ description: "Milliseconds since 1970" });
const texts = list(object({ key: text(), value: text() }));
const links = list(object({ modelId: text(), step: optional(integer()) }));
const value = either(number(), oneOf(["NaN", "Infinity", "-Infinity"]));

const outcome = oneOf(["new", "changed", "same"]);
const left = list(object({ what: text(), why: text() }), { description: "What was not taken over" });

export const beginImport = edits({
  about: "Begin to take over what another MLflow server keeps: what is imported belongs to a source that was begun.",
  example: `curl -d '{"source": "http://mlflow:5000"}' -H 'Content-Type: application/json' localhost:4747/v1/imports`,
  input: object({ source }),
  output: object({ source }),
  http: { method: "POST", path: "/v1/imports" },
});

export const importExperiment = edits({
  about: "Take an experiment over: under its id where that is free, as the one of its name where there is one.",
  example: `curl -d @experiment.json -H 'Content-Type: application/json' localhost:4747/v1/imports/experiments`,
  input: object({
    source,
    dryRun,
    experiment: object({ id, name: text(), createdAt: time, updatedAt: time, deleted: boolean(), tags: texts }),
  }),
  output: object({ experiment: orNull(text({ description: "Its id here; null: it would be new" })), outcome, left }),
  http: { method: "POST", path: "/v1/imports/experiments" },
});

export const importRuns = feeds({
  about: "Take runs over, with all but their points and files.",
  example: `curl -d @runs.json -H 'Content-Type: application/json' localhost:4747/v1/imports/runs`,
  input: object({
    source,
    dryRun,
    experiment: orNull(text({ maxLength: 64, description: "Where new ones go; null: into one that would be new" })),
    runs: list(
      object({
        id,
        name: text(),
        userId: text(),
        status: oneOf(["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]),
        startedAt: time,
        endedAt: orNull(time),
        deleted: boolean(),
        deletedAt: optional(time),
        params: texts,
        tags: texts,
        datasets: list(
          object({
            ...{ name: text(), digest: text(), sourceType: text(), source: text() },
            ...{ schema: optional(text()), profile: optional(text()), tags: fieldsOf(text()) },
          }),
        ),
        modelInputs: links,
        modelOutputs: links,
        histories: list(object({ key: text(), digest: text() }), { description: "Of its metrics, by key" }),
      }),
      { maxItems: 200 },
    ),
  }),
  output: object({
    runs: list(
      object({
        id,
        root: orNull(text({ description: "Where its files lie, below the root of artifacts; null: elsewhere" })),
        outcome,
        wanted: list(text(), { description: "Metrics whose points are not all here" }),
        left,
      }),
    ),
  }),
  http: { method: "POST", path: "/v1/imports/runs" },
});

export const importPoints = feeds({
  about: "Take points of metrics over.",
  example: `curl -d @points.json -H 'Content-Type: application/json' localhost:4747/v1/imports/points`,
  input: object({
    source,
    histories: list(
      object({
        run: id,
        key: text(),
        points: list(object({ value, timestamp: integer(), step: integer() })),
        digest: optional(text({ description: "Of the whole history, with its last points" })),
      }),
      { maxItems: 20_000 },
    ),
  }),
  output: object({ left: list(object({ run: id, what: text(), why: text() })) }),
  http: { method: "POST", path: "/v1/imports/points" },
});

export const importLoggedModels = feeds({
  about: "Take logged models over, with all but their files.",
  example: `curl -d @models.json -H 'Content-Type: application/json' localhost:4747/v1/imports/logged-models`,
  input: object({
    source,
    dryRun,
    experiment: orNull(text({ maxLength: 64 })),
    models: list(
      object({
        id: text({ pattern: "^m-[0-9a-f]{32}$" }),
        name: text(),
        modelType: orNull(text()),
        sourceRunId: orNull(id),
        status: oneOf(["PENDING", "READY", "UPLOAD_FAILED"]),
        createdAt: time,
        updatedAt: time,
        params: texts,
        tags: texts,
        metrics: list(
          object({
            ...{ key: text(), value, timestamp: integer(), step: integer(), runId: text() },
            dataset: optional(object({ name: text(), digest: text() })),
          }),
        ),
      }),
      { maxItems: 200 },
    ),
  }),
  output: object({ models: list(object({ id: text(), root: orNull(text()), outcome, left })) }),
  http: { method: "POST", path: "/v1/imports/logged-models" },
});

export const importRegisteredModel = edits({
  about: "Take a registered model over, with versions under their numbers and with its aliases.",
  example: `curl -d @model.json -H 'Content-Type: application/json' localhost:4747/v1/imports/registered-models`,
  input: object({
    source,
    dryRun,
    model: object({ name: text(), description: orNull(text()), createdAt: time, updatedAt: time, tags: texts }),
    versions: list(
      object({
        version: integer({ minimum: 1, maximum: 2 ** 31 - 1 }),
        source: text({ maxLength: 5000 }),
        runId: orNull(id),
        runLink: orNull(text()),
        modelId: orNull(text()),
        description: orNull(text()),
        stage: text(),
        createdAt: time,
        updatedAt: time,
        tags: texts,
      }),
      { maxItems: 200 },
    ),
    aliases: optional(
      list(object({ alias: text(), version: integer() }), { description: "All of them, with its last versions" }),
    ),
  }),
  output: object({
    outcome,
    left,
    versions: list(object({ version: integer(), outcome, left })),
  }),
  http: { method: "POST", path: "/v1/imports/registered-models" },
});

const path = text({ maxLength: 3000, description: "Path below the root of artifacts" });
const stamp = text({ maxLength: 200, description: "Another one where the file changed at its source" });

export const compareArtifacts = feeds({
  about: "Say which files of a source are not here as they are there.",
  example: `curl -d @files.json -H 'Content-Type: application/json' localhost:4747/v1/imports/artifacts/compare`,
  input: object({ source, files: list(object({ path, stamp, sizeBytes: integer({ minimum: 0 }) }), { maxItems: 1000 }) }),
  output: object({ wanted: list(path), left: list(object({ what: text(), why: text() })) }),
  http: { method: "POST", path: "/v1/imports/artifacts/compare" },
});

export const importArtifact = takesBytes(
  feeds({
    about: "Take a file over.",
    example:
      "curl --data-binary @model.pkl -H 'Content-Type: application/octet-stream' 'localhost:4747/v1/imports/artifacts?source=lab&stamp=5&path=1/4f2c/artifacts/model.pkl'",
    input: object({ source, path, stamp }),
    output: object({ path, sizeBytes: integer() }),
    http: { method: "POST", path: "/v1/imports/artifacts" },
  }),
);
