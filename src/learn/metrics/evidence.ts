import { MillError } from "../../base/index.ts";
import type { Task } from "../../contract/index.ts";
import { type Confusion, confusionOf, decide, likeliest } from "./decisions.ts";
import type { Gain } from "./gain.ts";
import { type RankedScores, rankScores } from "./ranked-scores.ts";

/** What a model said of some rows, and what was true. */
export interface Evidence {
  /** As `Predictor.predict` gives them: rows x outputs, row-major. */
  readonly predictions: Float64Array;
  /** One per row: a class index, or the true number. */
  readonly y: Float64Array;
  /** Names of the classes in index order; none for regression. */
  readonly classes: readonly string[];
  /** What was decided at the time, a class index per row; when absent the threshold, or the likeliest class, decides. */
  readonly decisions?: Float64Array;
  /** Binary only: a yes is a probability of at least this; 0.5 when absent. */
  readonly threshold?: number;
  /** Binary only: without it there is no `gain` among the measures. */
  readonly gain?: Gain;
}

/** One prediction per row, or one per class for several classes; else `internal.unexpected`. */
export function checkLengths(task: Task, { predictions, y, classes }: Evidence): void {
  const outputs = task === "multiclass-classification" ? classes.length : 1;
  if (predictions.length === y.length * outputs) return;
  throw new MillError("internal.unexpected", "Predictions and rows do not belong together.", {
    expected: `${y.length} x ${outputs} predictions`,
    got: String(predictions.length),
  });
}

/** The first prediction that is NaN or infinite, in words; null when all are numbers. */
export function brokenPrediction({ predictions }: Evidence): string | null {
  const at = predictions.findIndex((value) => !Number.isFinite(value));
  return at < 0 ? null : `prediction ${at} is ${predictions[at]}`;
}

export function decisionsOf(task: Exclude<Task, "regression">, evidence: Evidence): Float64Array {
  const { predictions, classes, threshold = 0.5, decisions } = evidence;
  if (decisions !== undefined) return decisions;
  return task === "binary-classification" ? decide(predictions, threshold) : likeliest(predictions, classes.length);
}

export const binaryConfusion = (evidence: Evidence): Confusion =>
  confusionOf(decisionsOf("binary-classification", evidence), evidence.y, 2);

export const multiclassConfusion = (evidence: Evidence): Confusion =>
  confusionOf(decisionsOf("multiclass-classification", evidence), evidence.y, evidence.classes.length);

/** The probability of the likeliest class, and whether it was right: what the calibration of several classes is measured on. */
export function rankTopClass({ predictions, y, classes }: Evidence): RankedScores {
  const decided = likeliest(predictions, classes.length);
  const stated = decided.map((k, row) => predictions[row * classes.length + k]!);
  return rankScores(
    stated,
    decided.map((k, row) => (k === y[row] ? 1 : 0)),
  );
}
