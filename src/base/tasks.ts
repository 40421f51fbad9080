/** The tasks of learning, and what is measured of each: a table of its own here, so that the algorithms need nothing else of the contract. */

/** Higher or lower is better: what `beatsChampion` compares by. */
export type Direction = "higher" | "lower";

export type Task = "binary-classification" | "multiclass-classification" | "regression";

export interface MeasureInfo {
  readonly better: Direction;
  readonly about: string;
  /** Where its values lie when not in 0 to 1. */
  readonly range?: readonly [least: number, greatest: number];
}

const CALIBRATION = "expected calibration error: mean distance of stated probability and observed share over 15 equal-count bins";

const NOT_NEGATIVE = [0, Number.POSITIVE_INFINITY] as const;

/** The measures of each task, with the direction in which they are better. */
export const MEASURES = {
  "binary-classification": {
    auc: { better: "higher", about: "area under the ROC curve" },
    logLoss: { better: "lower", about: "mean negative log likelihood, natural logarithm", range: NOT_NEGATIVE },
    brier: { better: "lower", about: "mean squared error of the probability" },
    accuracy: { better: "higher", about: "share of right decisions" },
    precision: { better: "higher", about: "share of positive decisions that are right" },
    recall: { better: "higher", about: "share of positives that are found" },
    f1: { better: "higher", about: "harmonic mean of precision and recall" },
    calibrationError: { better: "lower", about: CALIBRATION },
    gain: { better: "higher", about: "money per 1,000 decisions", range: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] },
  },
  "multiclass-classification": {
    logLoss: { better: "lower", about: "mean negative log likelihood, natural logarithm", range: NOT_NEGATIVE },
    accuracy: { better: "higher", about: "share of right decisions" },
    macroF1: { better: "higher", about: "mean over the classes of F1" },
    macroPrecision: { better: "higher", about: "mean over the classes of precision" },
    macroRecall: { better: "higher", about: "mean over the classes of recall" },
    auc: { better: "higher", about: "mean over the classes of one-against-rest area under the ROC curve" },
    calibrationError: { better: "lower", about: `${CALIBRATION}, of the likeliest class` },
  },
  regression: {
    rmse: { better: "lower", about: "root of the mean squared error", range: NOT_NEGATIVE },
    mae: { better: "lower", about: "mean absolute error", range: NOT_NEGATIVE },
    r2: { better: "higher", about: "share of variance explained", range: [Number.NEGATIVE_INFINITY, 1] },
  },
} as const satisfies Record<Task, Record<string, MeasureInfo>>;

export type MeasureName<T extends Task> = keyof (typeof MEASURES)[T] & string;
