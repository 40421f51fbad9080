import type { Json, MillError } from "../base/index.ts";
import type { Task } from "../contract/index.ts";
import type { GraphBuilder, OnnxProfile } from "../onnx/index.ts";
import type { EdgeValues } from "./edge-rows.ts";
import type { Frame } from "./frame.ts";
import type { FeatureRow, InputColumn } from "./inputs.ts";

/** What an estimator can learn. The platform's tasks, and those that are for use from code. */
export type LearnTask = Task | "ranking" | "clustering" | "outlier-detection";

export const isClassification = (task: LearnTask) => task === "binary-classification" || task === "multiclass-classification";

/** A parameter, declared once: its check, message, documentation, type and form come from this. */
export type ParamSpec = { readonly about: string } & (
  | NumberParam
  | { readonly type: "boolean"; readonly default: boolean }
  | { readonly type: "choice"; readonly choices: readonly string[]; readonly default: string }
  /** A number for some names, such as columns or classes; none unless given. */
  | {
      readonly type: "by-name";
      readonly each: NumberRange & { readonly type: "integer" | "number" };
      readonly default: NumbersByName;
    }
);

export interface NumberParam extends NumberRange {
  readonly type: "integer" | "number";
  readonly default: number;
}

/** A closed interval; an open end excludes its bound. */
export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
  readonly openMin?: boolean;
  readonly openMax?: boolean;
}

export type NumbersByName = Readonly<Record<string, number>>;
export type ParamValue = number | string | boolean | NumbersByName;
export type ParamSpecs = Readonly<Record<string, ParamSpec>>;
export type Params = Readonly<Record<string, ParamValue>>;

/** What an estimator can do; shared code asks the tags, never the name. */
export interface Tags {
  readonly tasks: readonly LearnTask[];
  /** Accepts missing values itself; else a column with one is `learn.bad-column`. */
  readonly missing: boolean;
  /** Accepts text columns itself; else one is `learn.bad-column`. */
  readonly text: boolean;
  /** Accepts number columns. */
  readonly numbers: boolean;
  /** Accepts numbers below 0; counts and frequencies have none. */
  readonly negative: boolean;
  readonly weights: boolean;
  /** The same model bit for bit at any thread count. */
  readonly deterministic: boolean;
  /** Its predictors have `explain`. */
  readonly explains: boolean;
  /** Goes on from `context.start`, a predictor of its own. */
  readonly warmStart: boolean;
  /** Adds the rows to what `context.start`, a predictor of its own, has learnt: parts one after the other, as they come. */
  readonly partialFit: boolean;
}

/** What most estimators say of themselves; each states what differs. */
export const usualTags = {
  missing: true,
  text: true,
  numbers: true,
  negative: true,
  weights: true,
  deterministic: true,
  explains: false,
  warmStart: false,
  partialFit: false,
} as const satisfies Omit<Tags, "tasks">;

export interface TrainingData {
  readonly X: Frame;
  /**
   * One per row, never NaN: a class index (0 or 1 for binary, 1 = positive), the number to predict, or a whole-numbered grade of at least 0 for ranking.
   * Empty for clustering and outlier detection.
   */
  readonly y: Float64Array;
  readonly task: LearnTask;
  /** Names of the classes in index order; for binary `["false", "true"]`; empty for all but classification. */
  readonly classes: readonly string[];
  /** One per row, >= 0; all 1 when absent. */
  readonly weights?: Float64Array;
  /** For ranking, one per row: rows of one list have one number and stand together. */
  readonly groups?: Int32Array;
}

export interface FitContext {
  readonly threads: number;
  readonly seed: number;
  progress(done: number, total: number, note?: string): void;
  /** What the user should know of a model that was made all the same, such as a search that did not converge. */
  warn(warning: FitWarning): void;
  readonly signal: AbortSignal;
  /** Where a long fit keeps what it has, some times a minute; the same fit, asked again, goes on from there and ends in the same model bit for bit. */
  readonly checkpoint?: { read(): Json | null; keep(state: Json): void };
  /**
   * A predictor of the same estimator, task, classes and columns to go on from, for those with the tag `warmStart` (the search begins at it, and learns these
   * rows) or `partialFit` (these rows are learnt besides those that it knows). Error: `learn.bad-start`.
   */
  readonly start?: Predictor;
}

export interface FitWarning {
  /** `not-converged`, `constant-column`, ... */
  readonly reason: string;
  readonly message: string;
  /** What to do, with the parameter's name. */
  readonly fix: string;
}

/**
 * An algorithm. Errors of `fit`: `learn.empty`, `learn.one-class`, `learn.bad-parameter`, `learn.bad-column` (infinite values, no usable column, texts or
 * missing values where the tags say no), `learn.bad-label`, `learn.bad-weight`, `learn.task`, `learn.bad-start`, `learn.too-large`, `learn.cancelled`, `learn.worker-lost`.
 */
export interface Estimator {
  readonly name: string;
  /** Raised when the output of `fit` changes for the same input; a golden test forces it. */
  readonly revision: number;
  readonly about: string;
  readonly params: ParamSpecs;
  readonly tags: Tags;
  fit(data: TrainingData, params: Params, context: FitContext): Promise<Predictor>;
}

/** A trained model, preprocessing included: it reads the columns it was fitted on, by name. */
export interface Predictor {
  readonly estimator: string;
  readonly task: LearnTask;
  readonly classes: readonly string[];
  readonly inputs: readonly InputColumn[];
  /**
   * Columns of a prediction. 1 for binary classification (probability of the positive), regression (the value), ranking (a score), outlier detection (a score,
   * higher = further out) and clustering (the cluster's index); else one per class, the class's probability.
   */
  readonly outputs: number;
  /** Row-major, rowCount x outputs. Unseen texts and missing values are legal wherever the tags allow them. */
  predict(X: Frame): Float64Array;
  /** A function for one row of feature values (numbers, booleans as 0/1, texts, null), in microseconds; the same numbers as `predict`, bit for bit. */
  rowScorer(): (row: FeatureRow) => Float64Array;
  /** Adds the model to a graph: `tensors` are its inputs by name, [N, 1] of doubles or strings; returns the double tensor [N, outputs] of predictions. */
  addTo(graph: GraphBuilder, tensors: Readonly<Record<string, string>>, profile: OnnxProfile): string;
  /** For each input the values on the model's decision edges: each threshold, one float32 step either side, missing, unseen texts. */
  edges(): readonly EdgeValues[];
  /** Share of the model's total gain or absolute weight per column, summing to 1. */
  importance(): Readonly<Record<string, number>>;
  /** With the tag `explains`: what each column adds to the score of a row. */
  explain?(X: Frame): Explanation;
  /** Everything `readPredictor` needs. */
  toJson(): Json;
}

/** Scores before the link (log odds, logarithms of rates, or the values themselves), cut into shares: base + sum of the columns' values = score. */
export interface Explanation {
  /** One per output. */
  readonly base: Float64Array;
  /** Row-major, rowCount x columns x outputs, columns in the order of the predictor's inputs. */
  readonly values: Float64Array;
  /** Row-major, rowCount x outputs. */
  readonly scores: Float64Array;
}

export type ParamCheck = { readonly ok: true; readonly params: Params } | { readonly ok: false; readonly error: MillError };
