import type { Json, MillError } from "../base/index.ts";
import type { Task } from "../contract/index.ts";
import type { OnnxModel } from "../onnx/index.ts";
import type { Frame } from "./frame.ts";

/** A parameter, declared once: its check, message, documentation and form come from this. */
export interface ParamSpec {
  readonly type: "integer" | "number" | "boolean";
  readonly default: number | boolean;
  /** Closed interval of numbers; an open end excludes the bound. */
  readonly min?: number;
  readonly max?: number;
  readonly openMin?: boolean;
  readonly about: string;
}

export type ParamSpecs = Readonly<Record<string, ParamSpec>>;
export type Params = Readonly<Record<string, number | string | boolean>>;

/** What an estimator can do; shared code asks the tags, never the name. */
export interface Tags {
  readonly tasks: readonly Task[];
  /** Accepts missing values itself. */
  readonly missing: boolean;
  /** Accepts text columns itself. */
  readonly text: boolean;
  readonly weights: boolean;
  /** The same model bit for bit at any thread count. */
  readonly deterministic: boolean;
}

export interface TrainingData {
  readonly X: Frame;
  /** One per row: a class index (0 or 1 for binary, 1 = positive) or the number to predict. Never NaN. */
  readonly y: Float64Array;
  readonly task: Task;
  /** Names of the classes in index order; for binary `["false", "true"]`; empty for regression. */
  readonly classes: readonly string[];
  /** One per row, >= 0; all 1 when absent. */
  readonly weights?: Float64Array;
}

export interface FitContext {
  readonly threads: number;
  readonly seed: number;
  progress(done: number, total: number, note?: string): void;
  readonly signal: AbortSignal;
}

/**
 * An algorithm. Errors of `fit`: `learn.empty`, `learn.one-class`, `learn.bad-parameter`, `learn.bad-column` (infinite values, no usable column),
 * `learn.cancelled`.
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
  readonly task: Task;
  readonly classes: readonly string[];
  /** Columns of a prediction: 1 for binary (probability of the positive) and regression (the value), else one per class. */
  readonly outputs: number;
  /** Row-major, rowCount x outputs. Unseen texts and missing values are legal. */
  predict(X: Frame): Float64Array;
  /** A function for one row of feature values (numbers, booleans as 0/1, texts, null), in microseconds; the same numbers as `predict`, bit for bit. */
  rowScorer(): (row: Readonly<Record<string, number | string | null>>) => Float64Array;
  /** One graph with the preprocessing in it: an input per column (name, [N, 1], double or string), output `probabilities` or `value` [N, outputs]. */
  toOnnx(): OnnxModel;
  /** Rows that sit on every decision edge of the model (each threshold, one float32 step either side, missing, unseen texts): at most `limit`. */
  edgeRows(limit: number): Frame;
  /** Share of the model's total gain or absolute weight per column, summing to 1. */
  importance(): Readonly<Record<string, number>>;
  /** Everything `readPredictor` needs. */
  toJson(): Json;
}

export type ParamCheck = { readonly ok: true; readonly params: Params } | { readonly ok: false; readonly error: MillError };
