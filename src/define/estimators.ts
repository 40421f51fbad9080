/** Written by scripts/docs.ts from the tables of learn: change it there. */
import type { Columns } from "../learn/index.ts";
import { trainer, transform } from "./trainers.ts";
import type { Trainer, Transform } from "./typed.ts";

export interface LogisticRegressionParams {
  /** Penalty on the squares of the weights, 1 / C of scikit-learn. A number at least 0 and at most 1000000000. Default 1. */
  readonly l2?: number | undefined;
  /** Penalty on the sizes of the weights, which makes useless ones 0. A number at least 0 and at most 1000000000. Default 0. */
  readonly l1?: number | undefined;
  /** What the rows of a class count, by its name; 1 unless given. An object with, for each name, a number at least 0 and at most 1000000000. Default {}. */
  readonly classWeights?: Readonly<Record<string, number>> | undefined;
  /** Penalties act on the weights of standardised numbers; else on the numbers' as they come, as in scikit-learn. Default true. */
  readonly standardise?: boolean | undefined;
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

export interface LinearRegressionParams {
  /** Texts of a column with fewer rows share one weight. An integer at least 1 and at most 1000000. Default 10. */
  readonly countMin?: number | undefined;
}

/** A weighted sum of the columns with the least squared error: no penalty, no search. */
export const linearRegression = (params: LinearRegressionParams = {}): Trainer<"regression"> =>
  trainer("linear-regression", params);

export interface RidgeParams {
  /** Penalty on the squares of the weights, beside the sum of squared errors; alpha of scikit-learn's Ridge. A number at least 0 and at most 1000000000000. Default 1. */
  readonly l2?: number | undefined;
  /** Penalties act on the weights of standardised numbers; else on the numbers' as they come, as in scikit-learn. Default true. */
  readonly standardise?: boolean | undefined;
  /** Texts of a column with fewer rows share one weight. An integer at least 1 and at most 1000000. Default 10. */
  readonly countMin?: number | undefined;
}

/** Least squares with weights held small: steady when columns resemble each other. */
export const ridge = (params: RidgeParams = {}): Trainer<"regression"> => trainer("ridge", params);

export interface LassoParams {
  /** Strength of the penalty beside the mean of the squared errors, as in scikit-learn; 0 is plain least squares. A number at least 0 and at most 1000000000000. Default 1. */
  readonly alpha?: number | undefined;
  /** Penalties act on the weights of standardised numbers; else on the numbers' as they come, as in scikit-learn. Default true. */
  readonly standardise?: boolean | undefined;
  /** Rounds over all weights, at most. An integer at least 1 and at most 1000000. Default 1000. */
  readonly iterationsMax?: number | undefined;
  /** The search ends when its gap to the best value is below this part of the labels' sum of squares. A number above 0 and at most 1. Default 0.0001. */
  readonly tolerance?: number | undefined;
  /** Texts of a column with fewer rows share one weight. An integer at least 1 and at most 1000000. Default 10. */
  readonly countMin?: number | undefined;
}

/** Least squares that picks columns: useless ones get a weight of 0. */
export const lasso = (params: LassoParams = {}): Trainer<"regression"> => trainer("lasso", params);

export interface ElasticNetParams {
  /** Strength of the penalty beside the mean of the squared errors, as in scikit-learn; 0 is plain least squares. A number at least 0 and at most 1000000000000. Default 1. */
  readonly alpha?: number | undefined;
  /** Share of the penalty on the sizes, the rest is on the squares. A number at least 0 and at most 1. Default 0.5. */
  readonly l1Ratio?: number | undefined;
  /** Penalties act on the weights of standardised numbers; else on the numbers' as they come, as in scikit-learn. Default true. */
  readonly standardise?: boolean | undefined;
  /** Rounds over all weights, at most. An integer at least 1 and at most 1000000. Default 1000. */
  readonly iterationsMax?: number | undefined;
  /** The search ends when its gap to the best value is below this part of the labels' sum of squares. A number above 0 and at most 1. Default 0.0001. */
  readonly tolerance?: number | undefined;
  /** Texts of a column with fewer rows share one weight. An integer at least 1 and at most 1000000. Default 10. */
  readonly countMin?: number | undefined;
}

/** Least squares that keeps weights small and makes useless ones 0. */
export const elasticNet = (params: ElasticNetParams = {}): Trainer<"regression"> => trainer("elastic-net", params);

export interface LinearSvmParams {
  /** Penalty on the squares of the weights, 1 / C of scikit-learn. A number at least 0 and at most 1000000000. Default 1. */
  readonly l2?: number | undefined;
  /** What the rows of a class count, by its name; 1 unless given. An object with, for each name, a number at least 0 and at most 1000000000. Default {}. */
  readonly classWeights?: Readonly<Record<string, number>> | undefined;
  /** Parts of the rows for the probabilities' cross-validation; below 2 the training rows themselves, quicker and too sure. An integer at least 0 and at most 20. Default 5. */
  readonly calibrationFolds?: number | undefined;
  /** Penalties act on the weights of standardised numbers; else on the numbers' as they come, as in scikit-learn. Default true. */
  readonly standardise?: boolean | undefined;
  /** Steps of the search, at most. An integer at least 1 and at most 10000. Default 200. */
  readonly iterationsMax?: number | undefined;
  /** The search ends when no slope of the mean loss is steeper. A number above 0 and at most 1. Default 0.00001. */
  readonly tolerance?: number | undefined;
  /** Texts of a column with fewer rows share one weight. An integer at least 1 and at most 1000000. Default 10. */
  readonly countMin?: number | undefined;
}

/** The plane with the widest margin between the classes: robust when columns are many. */
export const linearSvm = (params: LinearSvmParams = {}): Trainer<"binary-classification" | "multiclass-classification"> =>
  trainer("linear-svm", params);

export interface LinearSvrParams {
  /** What an error beyond epsilon costs: absolute bears with outliers, squared is quicker. Default "absolute". */
  readonly loss?: "absolute" | "squared" | undefined;
  /** Errors up to this cost nothing, in the label's unit. A number at least 0 and at most 1e+300. Default 0. */
  readonly epsilon?: number | undefined;
  /** Penalty on the squares of the weights, 1 / C of scikit-learn. A number at least 0 and at most 1000000000. Default 1. */
  readonly l2?: number | undefined;
  /** Penalties act on the weights of standardised numbers; else on the numbers' as they come, as in scikit-learn. Default true. */
  readonly standardise?: boolean | undefined;
  /** Steps of the search, at most. An integer at least 1 and at most 10000. Default 200. */
  readonly iterationsMax?: number | undefined;
  /** The search ends when no slope of the mean loss is steeper. A number above 0 and at most 1. Default 0.00001. */
  readonly tolerance?: number | undefined;
  /** Texts of a column with fewer rows share one weight. An integer at least 1 and at most 1000000. Default 10. */
  readonly countMin?: number | undefined;
}

/** A weighted sum of the columns that bears with outliers: small errors cost nothing, large ones their size. */
export const linearSvr = (params: LinearSvrParams = {}): Trainer<"regression"> => trainer("linear-svr", params);

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
  /** Sum of second derivatives a leaf must hold; below it its value would be noise. A number at least 0 and at most 1000000000000. Default 0.001. */
  readonly minHessianPerLeaf?: number | undefined;
  /** A split must gain more, in units of the summed loss. A number at least 0 and at most 1000000000000. Default 0. */
  readonly minGain?: number | undefined;
}

/** Boosted trees on binned columns: the best choice for most tables. */
export const gradientBoosting = (
  params: GradientBoostingParams = {},
): Trainer<"binary-classification" | "multiclass-classification" | "regression"> => trainer("gradient-boosting", params);

export interface DecisionTreeParams {
  /** Questions on a path, 0 for no bound. An integer at least 0 and at most 1000. Default 0. */
  readonly depthMax?: number | undefined;
  /** Training rows a leaf must hold. An integer at least 1 and at most 1000000. Default 1. */
  readonly minRowsPerLeaf?: number | undefined;
  /** Bins of a column, missing values not counted. An integer at least 2 and at most 255. Default 255. */
  readonly maxBins?: number | undefined;
  /** By class, a factor on the weights of its rows; 1 for classes not named. An object with, for each name, a number above 0 and at most 1000000000. Default {}. */
  readonly classWeights?: Readonly<Record<string, number>> | undefined;
}

/** One tree of questions, which can be read and followed by hand. */
export const decisionTree = (
  params: DecisionTreeParams = {},
): Trainer<"binary-classification" | "multiclass-classification" | "regression"> => trainer("decision-tree", params);

export interface RandomForestParams {
  /** Trees, whose predictions are averaged. An integer at least 1 and at most 10000. Default 100. */
  readonly trees?: number | undefined;
  /** Share of the columns that each split chooses from; 0 for their square root in classification, and all in regression. A number at least 0 and at most 1. Default 0. */
  readonly columnShare?: number | undefined;
  /** Whether each tree learns from as many rows drawn with replacement, or from all rows. Default true. */
  readonly bootstrap?: boolean | undefined;
  /** Questions on a path, 0 for no bound. An integer at least 0 and at most 1000. Default 0. */
  readonly depthMax?: number | undefined;
  /** Training rows a leaf must hold. An integer at least 1 and at most 1000000. Default 1. */
  readonly minRowsPerLeaf?: number | undefined;
  /** Bins of a column, missing values not counted. An integer at least 2 and at most 255. Default 255. */
  readonly maxBins?: number | undefined;
  /** By class, a factor on the weights of its rows; 1 for classes not named. An object with, for each name, a number above 0 and at most 1000000000. Default {}. */
  readonly classWeights?: Readonly<Record<string, number>> | undefined;
}

/** Trees on drawn rows and columns, averaged: good without any tuning. */
export const randomForest = (
  params: RandomForestParams = {},
): Trainer<"binary-classification" | "multiclass-classification" | "regression"> => trainer("random-forest", params);

export interface ExtraTreesParams {
  /** Trees, whose predictions are averaged. An integer at least 1 and at most 10000. Default 100. */
  readonly trees?: number | undefined;
  /** Share of the columns that each split chooses from; 0 for their square root in classification, and all in regression. A number at least 0 and at most 1. Default 0. */
  readonly columnShare?: number | undefined;
  /** Whether each tree learns from as many rows drawn with replacement, or from all rows. Default false. */
  readonly bootstrap?: boolean | undefined;
  /** Questions on a path, 0 for no bound. An integer at least 0 and at most 1000. Default 0. */
  readonly depthMax?: number | undefined;
  /** Training rows a leaf must hold. An integer at least 1 and at most 1000000. Default 1. */
  readonly minRowsPerLeaf?: number | undefined;
  /** Bins of a column, missing values not counted. An integer at least 2 and at most 255. Default 255. */
  readonly maxBins?: number | undefined;
  /** By class, a factor on the weights of its rows; 1 for classes not named. An object with, for each name, a number above 0 and at most 1000000000. Default {}. */
  readonly classWeights?: Readonly<Record<string, number>> | undefined;
}

/** Trees with cuts that are drawn too, averaged: smoother than a random forest, and faster to grow. */
export const extraTrees = (
  params: ExtraTreesParams = {},
): Trainer<"binary-classification" | "multiclass-classification" | "regression"> => trainer("extra-trees", params);

export interface ImputeParams {
  /** What a missing number becomes. Default "mean". */
  readonly numbers?: "mean" | "median" | "most-frequent" | "constant" | undefined;
  /** What a missing text becomes; constant is "missing". Default "most-frequent". */
  readonly texts?: "most-frequent" | "constant" | undefined;
  /** The number of the choice constant. A number. Default 0. */
  readonly constant?: number | undefined;
  /** Whether a column that has missing values in training gets another of 1 where it was filled. Default false. */
  readonly mark?: boolean | undefined;
}

/** Fills missing values; a column of its own can say where. Columns: a name or names, or all of a kind. */
export const impute = (columns: Columns | string, params: ImputeParams = {}): Transform => transform("impute", columns, params);

export interface StandardScaleParams {
  /** Whether to subtract the mean. Default true. */
  readonly centre?: boolean | undefined;
  /** Whether to divide by the standard deviation. Default true. */
  readonly scale?: boolean | undefined;
}

/** Each number less the mean, divided by the standard deviation. Columns: a name or names, or all of a kind. */
export const standardScale = (columns: Columns | string, params: StandardScaleParams = {}): Transform =>
  transform("standard-scale", columns, params);

export interface MinMaxScaleParams {
  /** Whether numbers beyond the range of training are put on its ends. Default false. */
  readonly clip?: boolean | undefined;
}

/** Each number less the least of training, divided by the range: 0 to 1. Columns: a name or names, or all of a kind. */
export const minMaxScale = (columns: Columns | string, params: MinMaxScaleParams = {}): Transform =>
  transform("min-max-scale", columns, params);

export interface RobustScaleParams {
  /** Whether to subtract the median. Default true. */
  readonly centre?: boolean | undefined;
  /** Whether to divide by the distance of the quantiles. Default true. */
  readonly scale?: boolean | undefined;
  /** Share of rows below the lower quantile. A number at least 0 and below 1. Default 0.25. */
  readonly quantileLow?: number | undefined;
  /** Share of rows below the upper quantile. A number above 0 and at most 1. Default 0.75. */
  readonly quantileHigh?: number | undefined;
}

/** Each number less the median, divided by the distance of two quantiles: outliers do not count. Columns: a name or names, or all of a kind. */
export const robustScale = (columns: Columns | string, params: RobustScaleParams = {}): Transform =>
  transform("robust-scale", columns, params);

export interface OneHotParams {
  /** Texts of a column with fewer rows share one column. An integer at least 1 and at most 1000000. Default 10. */
  readonly countMin?: number | undefined;
  /** Texts with a column of their own, at most: the most frequent. An integer at least 1 and at most 10000. Default 200. */
  readonly columnsMax?: number | undefined;
  /** A text that training did not have: 0 in every column, or 1 in that of rare texts, which is there for certain then. Default "zeros". */
  readonly unseen?: "zeros" | "rare" | undefined;
}

/** A column of 0 and 1 for each text. Columns: a name or names, or all of a kind. */
export const oneHot = (columns: Columns | string, params: OneHotParams = {}): Transform => transform("one-hot", columns, params);

export interface OrdinalParams {
  /** A text that training did not have: missing, or the place after the last. Default "missing". */
  readonly unseen?: "missing" | "own" | undefined;
}

/** The place of each text in the order of the texts, from 0; missing stays missing. Columns: a name or names, or all of a kind. */
export const ordinal = (columns: Columns | string, params: OrdinalParams = {}): Transform =>
  transform("ordinal", columns, params);

export interface TargetEncodeParams {
  /** Rows of the overall mean that each text's rows are mixed with. A number at least 0 and at most 1000000000. Default 10. */
  readonly smoothing?: number | undefined;
  /** Parts that the training rows are cut into, each encoded by the others. An integer at least 2 and at most 100. Default 5. */
  readonly folds?: number | undefined;
}

/** The mean label of each text's rows, smoothed; training rows get it from other rows. Columns: a name or names, or all of a kind. */
export const targetEncode = (columns: Columns | string, params: TargetEncodeParams = {}): Transform =>
  transform("target-encode", columns, params);

export interface BinParams {
  /** Bins, at most: quantiles that are alike make fewer. An integer at least 2 and at most 1000. Default 5. */
  readonly bins?: number | undefined;
  /** Bins of as many training rows each, or of the same width. Default "quantile". */
  readonly cut?: "quantile" | "uniform" | undefined;
  /** The bin's index, or a column of 0 and 1 for each bin. Default "index". */
  readonly encode?: "index" | "one-hot" | undefined;
}

/** The bin of each number. Columns: a name or names, or all of a kind. */
export const bin = (columns: Columns | string, params: BinParams = {}): Transform => transform("bin", columns, params);

export interface PolynomialParams {
  /** Columns in a product, at most. An integer at least 2 and at most 5. Default 2. */
  readonly degree?: number | undefined;
  /** Whether products have each column once: no squares. Default false. */
  readonly interactionOnly?: boolean | undefined;
}

/** The columns, their squares and their products. Columns: a name or names, or all of a kind. */
export const polynomial = (columns: Columns | string, params: PolynomialParams = {}): Transform =>
  transform("polynomial", columns, params);
