/** Problems, data sets and features: what a project states, and the versions of its data. */
import { anything, boolean, fieldsOf, integer, list, number, object, oneOf, optional, orNull, text } from "../json-schema.ts";
import { column, digest, instant, name, page, pageOf, requirement, TASKS, verdict, version } from "./nouns.ts";
import { reads } from "./verb.ts";

const problemSummary = { name, question: text(), task: oneOf(TASKS), owner: text() };

export const listProblems = reads({
  about: "List the problems that the project states.",
  example: "curl localhost:4747/v1/problems",
  input: object(page),
  output: pageOf(object(problemSummary)),
  http: { method: "GET", path: "/v1/problems" },
});

const level = oneOf(["low", "medium", "high"]);

export const getProblem = reads({
  about: "Show a problem: question, money, principles, risks, and the models that solve it.",
  example: "curl localhost:4747/v1/problems/late-arrival",
  input: object({ name }),
  output: object({
    ...problemSummary,
    process: optional(text()),
    decision: optional(text()),
    currency: optional(text()),
    gain: optional(
      object({
        truePositive: number(),
        falsePositive: number(),
        falseNegative: optional(number()),
        trueNegative: optional(number()),
      }),
    ),
    constraints: optional(object({ latencyP99Ms: optional(number()), monthlyCost: optional(number()) })),
    principles: list(object({ statement: text(), because: optional(text()), proof: requirement })),
    risks: list(
      object({
        what: text(),
        likelihood: level,
        impact: level,
        owner: optional(text()),
        mitigation: optional(text()),
        measure: optional(text()),
      }),
    ),
    models: list(name),
  }),
  http: { method: "GET", path: "/v1/problems/:name" },
});

const datasetSummary = {
  name,
  about: orNull(text()),
  version: orNull(version),
  rowCount: orNull(integer()),
  changedAt: orNull(instant),
};

export const listDatasets = reads({
  about: "List data sets, those of predictions and events among them.",
  example: "curl localhost:4747/v1/datasets",
  input: object(page),
  output: pageOf(object(datasetSummary)),
  http: { method: "GET", path: "/v1/datasets" },
});

export const getDataset = reads({
  about: "Show a data set: columns, split, newest version.",
  example: "curl localhost:4747/v1/datasets/flights",
  input: object({ name }),
  output: object({
    ...datasetSummary,
    columns: list(column),
    time: orNull(text()),
    license: orNull(text()),
    split: orNull(
      object({
        rule: anything({ description: "The split as it is defined" }),
        boundary: orNull(anything({ description: "Where it was frozen; null before the first use" })),
        frozenAt: orNull(instant),
      }),
    ),
  }),
  http: { method: "GET", path: "/v1/datasets/:name" },
});

const datasetVersion = {
  name,
  version,
  parent: orNull(version),
  rowCount: integer(),
  createdAt: instant,
  madeBy: text({ description: "The step or journal that made it" }),
};

export const listDatasetVersions = reads({
  about: "List the versions of a data set, newest first.",
  example: "curl localhost:4747/v1/datasets/flights/versions",
  input: object({ name, ...page }),
  output: pageOf(object(datasetVersion)),
  http: { method: "GET", path: "/v1/datasets/:name/versions" },
});

export const getDatasetVersion = reads({
  about: "Show a version of a data set: parts, counts, profile.",
  example: "curl localhost:4747/v1/datasets/flights/versions/1",
  input: object({ name, version }),
  output: object({
    ...datasetVersion,
    parts: list(object({ digest, rowCount: orNull(integer()) })),
    quarantined: orNull(integer()),
    leftOut: orNull(integer()),
    from: orNull(text({ description: "Time of the oldest row" })),
    to: orNull(text({ description: "Time of the newest row" })),
    profile: fieldsOf(anything(), { description: "By column: missing, least, greatest, mean, distinct" }),
  }),
  http: { method: "GET", path: "/v1/datasets/:name/versions/:version" },
});

export const check = reads({
  about: "Tell which checks a data set's newest version passed, and what was put in quarantine.",
  example: "mill check flights",
  input: object({ name }),
  output: object({
    name,
    version: orNull(version),
    rowCount: orNull(integer()),
    quarantined: orNull(integer()),
    leftOut: orNull(integer()),
    verdict: orNull(verdict),
    checks: list(
      object({
        text: text({ description: "The check in words" }),
        share: orNull(number({ description: "Share of rows that hold" })),
        atLeast: number({ description: "Share that must hold" }),
        failed: orNull(integer({ description: "Rows that do not hold" })),
        passed: orNull(boolean()),
      }),
    ),
    quarantine: list(
      object({
        reason: text(),
        column: orNull(text()),
        count: integer(),
        example: orNull(anything({ description: "One such row" })),
      }),
      { description: "Reasons, the most frequent first; at most 20" },
    ),
  }),
  http: { method: "GET", path: "/v1/datasets/:name/checks" },
});

const featuresSummary = { name, dataset: name, fields: list(text()) };

export const listFeatures = reads({
  about: "List the feature sets that the project defines.",
  example: "curl localhost:4747/v1/features",
  input: object(page),
  output: pageOf(object(featuresSummary)),
  http: { method: "GET", path: "/v1/features" },
});

export const getFeatures = reads({
  about: "Show a feature set: each field's type and expression.",
  example: "curl localhost:4747/v1/features/departures",
  input: object({ name }),
  output: object({
    name,
    dataset: name,
    fields: list(object({ name: text(), type: text(), expression: anything({ description: "The expression tree" }) })),
    models: list(name),
  }),
  http: { method: "GET", path: "/v1/features/:name" },
});
