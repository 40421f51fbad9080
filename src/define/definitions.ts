/**
 * Definitions in their normal form: what the typed words of this block produce, what `mill.ts` exports, and what every later block reads.
 * All of it is JSON but for the brand.
 */
import type { Digest, Duration, Periods } from "../base/index.ts";
import type { Requirement, Schema, Task } from "../contract/index.ts";
import type { Node } from "../express/index.ts";
import type { Columns, Gain, Params } from "../learn/index.ts";
import type { TuningDefinition } from "./tuning.ts";

export type { Gain };

/** Brand of a definition: a registered symbol, so that two copies of the package understand each other. */
export const KIND: unique symbol = Symbol.for("millwright.definition");
export type Kind = "problem" | "dataset" | "features" | "model" | "endpoint" | "schedule";

export interface ProblemDefinition {
  readonly [KIND]: "problem";
  readonly name: string;
  readonly question: string;
  readonly task: Task;
  readonly owner: string;
  readonly process?: string;
  readonly decision?: string;
  readonly currency?: string;
  readonly gain?: Gain;
  readonly constraints?: { readonly latencyP99Ms?: number; readonly monthlyCost?: number };
  readonly principles: readonly { readonly statement: string; readonly because?: string; readonly proof: Requirement }[];
  readonly risks: readonly Risk[];
}

export interface Risk {
  readonly what: string;
  readonly likelihood: "low" | "medium" | "high";
  readonly impact: "low" | "medium" | "high";
  readonly owner?: string;
  readonly mitigation?: string;
  /** The measure that watches it. */
  readonly measure?: string;
}

export interface FilesSource {
  readonly source: "files";
  /** Paths relative to the project, or `package:NAME/PATH`; `*` matches within a folder. */
  readonly paths: readonly string[];
  /** Of text files; found by looking when absent. */
  readonly delimiter?: string;
  readonly encoding?: "utf-8" | "utf-16" | "latin-1";
}

export interface Check {
  /** A boolean expression over a row (null passes), or `unique` over columns. */
  readonly holds: Node | { readonly unique: readonly string[] };
  /** The share of rows that must hold, 0 to 1. */
  readonly share: number;
  /** The check in words, as in `delay between -120 and 1440`. */
  readonly text: string;
}

/** Fractions of the rows, newest last, as in `byTime({test: 0.15, holdout: 0.15})`; the rest is trained on. */
export type Split =
  | { readonly split: "time"; readonly test: number; readonly holdout: number }
  /** By a salted hash of the entity key, or of the whole row where there is none. */
  | { readonly split: "hash"; readonly test: number; readonly holdout: number; readonly salt: string };

/** `from` and `to` as periods are named. */
export type Partitions = Periods;

export interface DatasetDefinition {
  readonly [KIND]: "dataset";
  readonly name: string;
  readonly from: FilesSource;
  /** Its files are those of periods: the paths have `{partition}`, or `{year}`, `{month}`, `{day}`, `{hour}`. */
  readonly partitions?: Partitions;
  readonly columns: Schema;
  /** Rows for which this is not true are left out before anything else (not quarantined). */
  readonly where?: Node;
  /** The column that says when a row happened. */
  readonly time?: string;
  readonly entity: readonly string[];
  /** Columns known only after the event, and the expression of the moment at which they are. */
  readonly outcomes: Readonly<Record<string, Node>>;
  readonly split?: Split;
  readonly checks: readonly Check[];
  readonly license?: string;
  readonly about?: string;
}

export interface FeaturesDefinition {
  readonly [KIND]: "features";
  readonly name: string;
  readonly from: DatasetDefinition;
  /** Expressions by feature name, in the order of the definition. */
  readonly fields: Readonly<Record<string, Node>>;
}

export interface TrainerDefinition {
  /** The estimator's name in `learn`, as in `gradient-boosting`. */
  readonly estimator: string;
  /** Its parameters, complete: defaults are filled in by `define`, so that a step key names every one of them. */
  readonly params: Params;
  /** What is made of the features before it learns, step by step; absent when it learns from them as they are. */
  readonly steps?: readonly PipelineStep[];
  /** How its probabilities are corrected by what models of the other folds said; absent when they are left as they are. */
  readonly calibration?: Calibration;
  /** How estimator and parameters are found; those above are then the first that is tried. */
  readonly tuning?: TuningDefinition;
  /** The script that trains instead of an estimator of ours; its parameters are any JSON. */
  readonly python?: PythonDefinition;
}

/** Paths are relative to the project's folder, without links and `..`. */
export interface PythonDefinition {
  readonly script: string;
  /** One by one, or the path of the file that has them. */
  readonly requirements: string | readonly string[];
  /** What lies beside the script when it runs. */
  readonly files: readonly string[];
  /** Of the model. */
  readonly license?: string;
  /** How long the script may run. */
  readonly timeout?: Duration;
}

export interface Calibration {
  readonly method: "platt" | "isotonic";
  readonly folds: number;
}

/** Transformers side by side, each on columns of its own; what none selects passes through. */
export type PipelineStep = readonly TransformerDefinition[];

export interface TransformerDefinition {
  /** The transformer's name in `learn`, as in `one-hot`. */
  readonly use: string;
  readonly columns: Columns;
  /** Complete. */
  readonly params: Params;
}

export interface ModelDefinition {
  readonly [KIND]: "model";
  readonly name: string;
  readonly solves: ProblemDefinition;
  readonly from: FeaturesDefinition;
  readonly label: Node;
  readonly threshold: number | "max-gain";
  readonly train: TrainerDefinition;
  readonly seed: number;
  /** Expressions by which the assessment is cut, by name. */
  readonly slices: Readonly<Record<string, Node>>;
  readonly accept: readonly Requirement[];
}

export interface EndpointDefinition {
  readonly [KIND]: "endpoint";
  readonly name: string;
  readonly serves: ModelDefinition;
  readonly rollout?: { readonly rollout: "canary"; readonly steps: readonly number[]; readonly hold: Duration };
  readonly retrain?: {
    readonly when: readonly RetrainTrigger[];
    readonly window?: Duration;
    /** Data time after a retraining in which no drift and no metric starts another. */
    readonly cooldown: Duration;
  };
}
/** `M`: names of measures. Spans count in data time. */
export type RetrainTrigger<M extends string = string> =
  | { readonly when: "drift"; readonly psi: number }
  | { readonly when: "every"; readonly span: Duration }
  /** Rows fed since the last training. */
  | { readonly when: "newRows"; readonly count: number }
  | MetricTrigger<M>;

export interface MetricTrigger<out M extends string> {
  readonly when: "metric";
  readonly measure: M;
  /** In the measure's unit, on the side on which it is worse. */
  readonly worseThan: number;
  /** Absent: realised where the labels have come, else estimated. */
  readonly from?: "realised" | "estimated";
}

export interface ScheduleDefinition {
  readonly [KIND]: "schedule";
  readonly name: string;
  readonly runs: readonly (DatasetDefinition | ModelDefinition | EndpointDefinition)[];
  readonly when: readonly ScheduleCondition[];
  /** Version of the definitions that its runs go by; absent: what mill.ts says when one starts. */
  readonly definitions?: string;
}

/** Spans count in wall time. */
export type ScheduleCondition =
  | { readonly when: "cron"; readonly cron: string; readonly timeZone: string; readonly catchUp: boolean }
  | { readonly when: "newSources"; readonly every: Duration }
  | { readonly when: "olderThan"; readonly span: Duration }
  | { readonly when: "published"; readonly of: DatasetDefinition | ModelDefinition };

export type Definition =
  | ProblemDefinition
  | DatasetDefinition
  | FeaturesDefinition
  | ModelDefinition
  | EndpointDefinition
  | ScheduleDefinition;

/** What a project's `mill.ts` exports and what these reach, by name. */
export interface Project {
  readonly folder: string;
  /** The content of the files that trainers name, by path: what they were when the project was loaded. */
  readonly files: ReadonlyMap<string, Digest>;
  readonly problems: ReadonlyMap<string, ProblemDefinition>;
  readonly datasets: ReadonlyMap<string, DatasetDefinition>;
  readonly features: ReadonlyMap<string, FeaturesDefinition>;
  readonly models: ReadonlyMap<string, ModelDefinition>;
  readonly endpoints: ReadonlyMap<string, EndpointDefinition>;
  readonly schedules: ReadonlyMap<string, ScheduleDefinition>;
}

/** The kinds in an order in which each refers only to those before it. */
export const PLURAL = {
  problem: "problems",
  dataset: "datasets",
  features: "features",
  model: "models",
  endpoint: "endpoints",
  schedule: "schedules",
} as const satisfies Record<Kind, Exclude<keyof Project, "folder" | "files">>;

export const isDefinition = (value: unknown): value is Definition =>
  typeof value === "object" && value !== null && Object.hasOwn(PLURAL, (value as Definition)[KIND] ?? "");
