/** What an assessment found, as the JSON object that the page, the model card and the gates read. */
import type { Task } from "../contract/index.ts";

export type Measures = Readonly<Record<string, number | null>>;

export interface AssessmentReport {
  readonly task: Task;
  readonly classes: readonly string[];
  readonly threshold: number | null;
  readonly holdout: PartReport;
  readonly test: PartReport;
}

export interface PartReport {
  readonly rows: number;
  readonly measures: Measures;
  /** Why a measure is null. */
  readonly notes: Readonly<Record<string, string>>;
  /** 95 % intervals, for the measures that have one. */
  readonly intervals: Readonly<Record<string, readonly [low: number, high: number]>>;
  /** The same rows predicted by a constant: the training classes' shares, or mean. */
  readonly constant: Measures;
  /** Rows by true class and by predicted class, in the order of `classes`; null for regression. */
  readonly confusion: readonly (readonly number[])[] | null;
  /** Mean stated probability and observed share per bin of equal count. */
  readonly calibration: readonly { readonly stated: number; readonly observed: number; readonly count: number }[];
  /** Thinned points of the ROC curve; binary only. */
  readonly roc: readonly { readonly falsePositiveRate: number; readonly truePositiveRate: number }[];
  readonly slices: Readonly<Record<string, readonly SliceReport[]>>;
}

export interface SliceReport {
  readonly value: string;
  readonly rows: number;
  readonly measures: Measures;
}
