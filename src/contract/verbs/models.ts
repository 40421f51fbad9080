/** Model versions: measures, gate, lineage, card. */
import { anything, boolean, fieldsOf, integer, list, number, object, oneOf, optional, orNull, text } from "../json-schema.ts";
import { digest, instant, measures, name, page, pageOf, problemRef, TASKS, verdict, version, versionOrAlias } from "./nouns.ts";
import { reads } from "./verb.ts";

const steps = optional(
  list(list(object({ use: text(), columns: anything(), params: fieldsOf(anything()) })), {
    description: "What is made of the features before the estimator learns: transformers side by side, step by step",
  }),
);

const calibration = optional(
  object({ method: text(), folds: integer() }, { description: "How the probabilities are corrected" }),
);

const modelSummary = {
  name,
  problem: name,
  task: oneOf(TASKS),
  features: name,
  estimator: text(),
  versions: integer({ description: "How many there are" }),
  champion: orNull(version),
};

/** How long one row takes, measured. */
export const rowTimes = object({
  medianMicros: number({ description: "To score one row" }),
  p99Micros: number(),
  rows: integer({ description: "Rows that were timed" }),
  machine: text({ description: "Where, as in `AMD EPYC 7B13, 2 cores, linux x64`" }),
});

export const listModels = reads({
  about: "List the models that the project defines.",
  example: "curl localhost:4747/v1/models",
  input: object(page),
  output: pageOf(object(modelSummary)),
  http: { method: "GET", path: "/v1/models" },
});

export const getModel = reads({
  about: "Show a model: what it solves, its parameters, its aliases.",
  example: "curl localhost:4747/v1/models/late-arrival",
  input: object({ name }),
  output: object({
    ...modelSummary,
    params: fieldsOf(anything()),
    steps,
    calibration,
    seed: integer(),
    aliases: fieldsOf(version, { description: "Version by alias" }),
    history: list(
      object({
        alias: text(),
        version,
        held: boolean({ description: "false: the alias was taken from the version" }),
        at: instant,
        actor: text(),
        why: text(),
      }),
    ),
  }),
  http: { method: "GET", path: "/v1/models/:name" },
});

const versionSummary = {
  name,
  version,
  passed: boolean({ description: "false: a gate refused it" }),
  aliases: list(text()),
  createdAt: instant,
  bundle: digest,
};

export const listModelVersions = reads({
  about: "List the versions of a model, newest first.",
  example: "curl localhost:4747/v1/models/late-arrival/versions",
  input: object({ name, ...page }),
  output: pageOf(object({ ...versionSummary, holdout: measures })),
  http: { method: "GET", path: "/v1/models/:name/versions" },
});

const slice = object({ value: text(), rows: integer(), measures });

/** Measures of one part of the data, with the curves that show them. */
export const partReport = object({
  rows: integer(),
  measures,
  notes: fieldsOf(text(), { description: "Why a measure is null" }),
  intervals: fieldsOf(list(number(), { minItems: 2, maxItems: 2 }), {
    description: "95 % interval, lowest and highest, of the measures that have one",
  }),
  constant: measures,
  confusion: orNull(list(list(integer()), { description: "Rows by true class, columns by predicted class" })),
  calibration: list(object({ stated: number(), observed: number(), count: integer() })),
  roc: list(object({ falsePositiveRate: number(), truePositiveRate: number() })),
  slices: fieldsOf(list(slice)),
});

export const getModelVersion = reads({
  about: "Show a version of a model: measures by part and slice, the gate's chain, lineage.",
  example: "curl localhost:4747/v1/models/late-arrival/versions/champion",
  input: object({ name, version: versionOrAlias }),
  output: object({
    ...versionSummary,
    task: oneOf(TASKS),
    problem: problemRef,
    estimator: text(),
    params: fieldsOf(anything()),
    steps,
    calibration,
    seed: integer(),
    classes: list(text()),
    threshold: orNull(number()),
    thresholdFrom: text(),
    features: list(text()),
    importance: fieldsOf(number(), { description: "Share by feature; empty of a model of another framework" }),
    python: optional(
      object(
        {
          script: text(),
          framework: text(),
          form: oneOf(["inline", "onnx", "python"], {
            description: "How it answers: in this process, as an ONNX graph, or in Python",
          }),
          why: orNull(text({ description: "Why it answers in Python" })),
          license: orNull(text()),
          packages: list(object({ name: text(), version: text(), license: orNull(text()) })),
        },
        { description: "Of a model that a Python script trained" },
      ),
    ),
    verdict,
    report: object({ test: partReport, holdout: partReport }),
    proof: object({
      proven: boolean({ description: "The ONNX graph was run beside the trained model" }),
      rows: optional(integer()),
      largest: optional(number({ description: "Largest difference of a score" })),
      flips: optional(integer({ description: "Decisions that differ" })),
      why: optional(text({ description: "Why it could not be proven" })),
      took: optional(orNull(rowTimes)),
    }),
    holdoutReadings: integer({ description: "Times the holdout of the data set has been read" }),
    lineage: object({
      dataset: object({ name, version }),
      steps: list(
        object({ kind: text(), key: digest, step: orNull(text()), wallMs: orNull(number()), endedAt: orNull(instant) }),
      ),
      environment: fieldsOf(anything()),
    }),
  }),
  http: { method: "GET", path: "/v1/models/:name/versions/:version" },
});

export const card = reads({
  about: "Read a version's model card, as Markdown.",
  example: "curl localhost:4747/v1/models/late-arrival/versions/champion/card",
  input: object({ name, version: versionOrAlias }),
  output: object({ name, version, markdown: text() }),
  http: { method: "GET", path: "/v1/models/:name/versions/:version/card" },
});
