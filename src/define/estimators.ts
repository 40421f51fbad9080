/** Written by scripts/docs.ts from the tables of learn: change it there. */

import { trainer } from "./trainers.ts";
import type { Trainer } from "./typed.ts";

export interface LogisticRegressionParams {
  /** Penalty on the squares of the weights, 1 / C of scikit-learn. A number at least 0 and at most 1000000000. Default 1. */
  readonly l2?: number | undefined;
  /** Steps of the search, at most. An integer at least 1 and at most 10000. Default 200. */
  readonly iterationsMax?: number | undefined;
  /** The search ends when no slope of the mean loss is steeper. A number above 0 and at most 1. Default 0.00001. */
  readonly tolerance?: number | undefined;
  /** Texts of a column with fewer rows share one weight. An integer at least 1 and at most 1000000. Default 10. */
  readonly countMin?: number | undefined;
}

/** A weighted sum of the columns: quick, smooth, easy to explain. */
export const logisticRegression = (
  params: LogisticRegressionParams = {},
): Trainer<"binary-classification" | "multiclass-classification"> => trainer("logistic-regression", params);

export interface GradientBoostingParams {
  /** Rounds of boosting; with more than two classes each grows a tree per class. An integer at least 1 and at most 10000. Default 100. */
  readonly trees?: number | undefined;
  /** Leaves of a tree, at most. An integer at least 2 and at most 1024. Default 31. */
  readonly leaves?: number | undefined;
  /** Share of each tree's step that is taken. A number above 0 and at most 1. Default 0.1. */
  readonly learningRate?: number | undefined;
  /** Training rows a leaf must hold. An integer at least 1 and at most 1000000. Default 20. */
  readonly minRowsPerLeaf?: number | undefined;
  /** Penalty on the squares of the leaves' values. A number at least 0 and at most 1000000. Default 0. */
  readonly l2?: number | undefined;
  /** Bins of a column, missing values not counted. An integer at least 2 and at most 255. Default 255. */
  readonly maxBins?: number | undefined;
  /** Questions on a path, 0 for no bound. An integer at least 0 and at most 1000. Default 0. */
  readonly depthMax?: number | undefined;
  /** A split must gain more, in units of the summed loss. A number at least 0 and at most 1000000000000. Default 0. */
  readonly minGain?: number | undefined;
}

/** Boosted trees on binned columns: the best choice for most tables. */
export const gradientBoosting = (
  params: GradientBoostingParams = {},
): Trainer<"binary-classification" | "multiclass-classification" | "regression"> => trainer("gradient-boosting", params);
