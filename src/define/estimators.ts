/** Written by scripts/docs.ts from the tables of learn: change it there. */
import type { Columns } from "../learn/index.ts";
import { trainer, transform } from "./trainers.ts";
import type { Trainer, Transform } from "./typed.ts";

export interface LogisticRegressionParams {
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
  /** Penalty on the sizes of the weights, which makes useless ones 0. A number at least 0 and at most 1000000000. Default 0. */
  readonly l1?: number | undefined;
  /** All classes weigh the same together, however many rows they have. Default false. */
  readonly balanced?: boolean | undefined;
  /** By class, a factor on the weights of its rows, balanced or not; 1 for classes not named. An object with, for each name, a number at least 0 and at most 1000000000. Default {}. */
  readonly classWeights?: Readonly<Record<string, number>> | undefined;
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
  /** Penalties act on the weights of standardised numbers; else on the numbers' as they come, as in scikit-learn. Default true. */
  readonly standardise?: boolean | undefined;
  /** Steps of the search, at most. An integer at least 1 and at most 10000. Default 200. */
  readonly iterationsMax?: number | undefined;
  /** The search ends when no slope of the mean loss is steeper. A number above 0 and at most 1. Default 0.00001. */
  readonly tolerance?: number | undefined;
  /** Texts of a column with fewer rows share one weight. An integer at least 1 and at most 1000000. Default 10. */
  readonly countMin?: number | undefined;
  /** All classes weigh the same together, however many rows they have. Default false. */
  readonly balanced?: boolean | undefined;
  /** By class, a factor on the weights of its rows, balanced or not; 1 for classes not named. An object with, for each name, a number at least 0 and at most 1000000000. Default {}. */
  readonly classWeights?: Readonly<Record<string, number>> | undefined;
  /** Parts of the rows for the probabilities' cross-validation; below 2 the training rows themselves, quicker and too sure. An integer at least 0 and at most 20. Default 5. */
  readonly calibrationFolds?: number | undefined;
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

export interface GaussianNaiveBayesParams {
  /** Part of the largest variance of a column that all variances get; var_smoothing of scikit-learn. A number at least 0 and at most 1. Default 1e-9. */
  readonly smoothing?: number | undefined;
  /** Start from the classes' shares of the rows; else from equal shares. Default true. */
  readonly fitPrior?: boolean | undefined;
}

/** A bell curve per class and column: learnt in one pass, good on few rows. */
export const gaussianNaiveBayes = (
  params: GaussianNaiveBayesParams = {},
): Trainer<"binary-classification" | "multiclass-classification"> => trainer("gaussian-naive-bayes", params);

export interface MultinomialNaiveBayesParams {
  /** Rows added to each count, so that nothing is impossible; alpha of scikit-learn. A number above 0 and at most 1000000. Default 1. */
  readonly smoothing?: number | undefined;
  /** Start from the classes' shares of the rows; else from equal shares. Default true. */
  readonly fitPrior?: boolean | undefined;
}

/** Shares of the columns in each class's counts, as of words in texts; its probabilities are too sure. */
export const multinomialNaiveBayes = (
  params: MultinomialNaiveBayesParams = {},
): Trainer<"binary-classification" | "multiclass-classification"> => trainer("multinomial-naive-bayes", params);

export interface BernoulliNaiveBayesParams {
  /** A number above this counts as yes. A number. Default 0. */
  readonly threshold?: number | undefined;
  /** Rows added to each count, so that nothing is impossible; alpha of scikit-learn. A number above 0 and at most 1000000. Default 1. */
  readonly smoothing?: number | undefined;
  /** Start from the classes' shares of the rows; else from equal shares. Default true. */
  readonly fitPrior?: boolean | undefined;
}

/** Shares of the rows in which each thing occurs, by class: for columns of yes and no. */
export const bernoulliNaiveBayes = (
  params: BernoulliNaiveBayesParams = {},
): Trainer<"binary-classification" | "multiclass-classification"> => trainer("bernoulli-naive-bayes", params);

export interface CategoricalNaiveBayesParams {
  /** Rows added to each count, so that nothing is impossible; alpha of scikit-learn. A number above 0 and at most 1000000. Default 1. */
  readonly smoothing?: number | undefined;
  /** Start from the classes' shares of the rows; else from equal shares. Default true. */
  readonly fitPrior?: boolean | undefined;
}

/** Shares of the texts in each class: for columns of categories. */
export const categoricalNaiveBayes = (
  params: CategoricalNaiveBayesParams = {},
): Trainer<"binary-classification" | "multiclass-classification"> => trainer("categorical-naive-bayes", params);

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
  /** What a regression is fitted by: means (squared; counts: poisson; amounts: gamma; amounts with zeros: tweedie), medians (absolute) or quantiles. Default "squared". */
  readonly loss?: "squared" | "absolute" | "quantile" | "poisson" | "gamma" | "tweedie" | undefined;
  /** Quantile that the quantile loss predicts. A number above 0 and below 1. Default 0.5. */
  readonly quantile?: number | undefined;
  /** Power of the mean that the Tweedie loss takes the variance for: near 1 counts, near 2 amounts. A number above 1 and below 2. Default 1.5. */
  readonly power?: number | undefined;
  /** All classes weigh the same together, however many rows they have. Default false. */
  readonly balanced?: boolean | undefined;
  /** By class, a factor on the weights of its rows, balanced or not; 1 for classes not named. An object with, for each name, a number at least 0 and at most 1000000000. Default {}. */
  readonly classWeights?: Readonly<Record<string, number>> | undefined;
  /** Share of the rows that each round is grown on. A number above 0 and at most 1. Default 1. */
  readonly rowShare?: number | undefined;
  /** Share of the columns that each round is grown on. A number above 0 and at most 1. Default 1. */
  readonly columnShare?: number | undefined;
  /** Number columns with which the prediction must rise (1) or fall (-1), all else equal. An object with, for each name, an integer at least -1 and at most 1. Default {}. */
  readonly monotone?: Readonly<Record<string, number>> | undefined;
  /** Share of the rows that is held out, so that the forest ends at its best round; 0 grows all trees. A number at least 0 and below 1. Default 0. */
  readonly validationShare?: number | undefined;
  /** Rounds without a lower loss of the rows held out, after which training ends. An integer at least 1 and at most 10000. Default 10. */
  readonly patience?: number | undefined;
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
  /** All classes weigh the same together, however many rows they have. Default false. */
  readonly balanced?: boolean | undefined;
  /** By class, a factor on the weights of its rows, balanced or not; 1 for classes not named. An object with, for each name, a number at least 0 and at most 1000000000. Default {}. */
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
  /** All classes weigh the same together, however many rows they have. Default false. */
  readonly balanced?: boolean | undefined;
  /** By class, a factor on the weights of its rows, balanced or not; 1 for classes not named. An object with, for each name, a number at least 0 and at most 1000000000. Default {}. */
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
  /** All classes weigh the same together, however many rows they have. Default false. */
  readonly balanced?: boolean | undefined;
  /** By class, a factor on the weights of its rows, balanced or not; 1 for classes not named. An object with, for each name, a number at least 0 and at most 1000000000. Default {}. */
  readonly classWeights?: Readonly<Record<string, number>> | undefined;
}

/** Trees with cuts that are drawn too, averaged: smoother than a random forest, and faster to grow. */
export const extraTrees = (
  params: ExtraTreesParams = {},
): Trainer<"binary-classification" | "multiclass-classification" | "regression"> => trainer("extra-trees", params);

export interface NearestNeighboursParams {
  /** Rows that decide; no more than there are. An integer at least 1 and at most 10000. Default 5. */
  readonly neighbours?: number | undefined;
  /** What a neighbour's vote weighs: the same as each other's, or 1 / its distance. Default "uniform". */
  readonly weighting?: "uniform" | "distance" | undefined;
  /** Measure numbers in standard deviations, so that all columns count alike. Default true. */
  readonly standardise?: boolean | undefined;
  /** Texts of a column with fewer rows count as one. An integer at least 1 and at most 1000000. Default 10. */
  readonly countMin?: number | undefined;
}

/** The most alike training rows decide: no training, but the model holds all its rows. */
export const nearestNeighbours = (
  params: NearestNeighboursParams = {},
): Trainer<"binary-classification" | "multiclass-classification" | "regression"> => trainer("nearest-neighbours", params);

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

export interface DatePartsParams {
  /** Whether to give the year. Default true. */
  readonly year?: boolean | undefined;
  /** Whether to give the month, 1 to 12. Default true. */
  readonly month?: boolean | undefined;
  /** Whether to give the day of the month, from 1. Default true. */
  readonly day?: boolean | undefined;
  /** Whether to give the day of the week, 0 = Monday to 6. Default true. */
  readonly weekday?: boolean | undefined;
  /** Whether to give the day of the year, from 1. Default false. */
  readonly dayOfYear?: boolean | undefined;
  /** Whether to give the hour, 0 to 23. Default true. */
  readonly hour?: boolean | undefined;
  /** Whether to give the minute, 0 to 59. Default false. */
  readonly minute?: boolean | undefined;
}

/** Year, month, day, weekday, hour ... in UTC, of milliseconds since 1970 or ISO texts. Columns: a name or names, or all of a kind. */
export const dateParts = (columns: Columns | string, params: DatePartsParams = {}): Transform =>
  transform("date-parts", columns, params);

export interface SelectParams {
  /** What a column says of the label: information shared with it, or the F statistic of numbers with it, which sees straight lines alone. Default "mutual-information". */
  readonly score?: "mutual-information" | "f-test" | undefined;
  /** Columns to keep, at most. An integer at least 1 and at most 100000. Default 50. */
  readonly columnsMax?: number | undefined;
  /** The best columns are kept until they have this share of the sum of all scores. A number above 0 and at most 1. Default 1. */
  readonly share?: number | undefined;
}

/** Keeps the columns that say most of the label, each looked at alone. Columns: a name or names, or all of a kind. */
export const select = (columns: Columns | string, params: SelectParams = {}): Transform => transform("select", columns, params);

export interface SelectVarianceParams {
  /** Columns of no larger variance are dropped. A number at least 0. Default 0. */
  readonly varianceMin?: number | undefined;
}

/** Drops numbers that hardly vary. Columns: a name or names, or all of a kind. */
export const selectVariance = (columns: Columns | string, params: SelectVarianceParams = {}): Transform =>
  transform("select-variance", columns, params);

export interface HashParams {
  /** Columns that the texts of a column share. An integer at least 1 and at most 5000. Default 16. */
  readonly columns?: number | undefined;
}

/** Texts of very many values in a fixed number of columns. Columns: a name or names, or all of a kind. */
export const hash = (columns: Columns | string, params: HashParams = {}): Transform => transform("hash", columns, params);

export interface CountWordsParams {
  /** Words of letters and digits in lower case, or what stands between spaces as it is, which ONNX can say too. Default "words". */
  readonly tokens?: "words" | "spaces" | undefined;
  /** Words in a row that count as one term, at most. An integer at least 1 and at most 4. Default 1. */
  readonly ngrams?: number | undefined;
  /** Terms with a column, at most: the most frequent; each is 8 bytes a row. An integer at least 1 and at most 5000. Default 300. */
  readonly columnsMax?: number | undefined;
  /** Terms in fewer rows have no column. An integer at least 1 and at most 1000000. Default 2. */
  readonly countMin?: number | undefined;
}

/** How often each frequent word, or row of words, is in a text. Columns: a name or names, or all of a kind. */
export const countWords = (columns: Columns | string, params: CountWordsParams = {}): Transform =>
  transform("count-words", columns, params);

export interface TfIdfParams {
  /** Words of letters and digits in lower case, or what stands between spaces as it is, which ONNX can say too. Default "words". */
  readonly tokens?: "words" | "spaces" | undefined;
  /** Words in a row that count as one term, at most. An integer at least 1 and at most 4. Default 1. */
  readonly ngrams?: number | undefined;
  /** Terms with a column, at most: the most frequent; each is 8 bytes a row. An integer at least 1 and at most 5000. Default 300. */
  readonly columnsMax?: number | undefined;
  /** Terms in fewer rows have no column. An integer at least 1 and at most 1000000. Default 2. */
  readonly countMin?: number | undefined;
  /** Whether each row is divided by its Euclidean length, so that long texts weigh no more. Default true. */
  readonly norm?: boolean | undefined;
}

/** How often each frequent word is in a text, less for words that many texts have: count x (1 + ln((1 + rows) / (1 + rows with it))). Columns: a name or names, or all of a kind. */
export const tfIdf = (columns: Columns | string, params: TfIdfParams = {}): Transform => transform("tf-idf", columns, params);

export interface HashWordsParams {
  /** Words of letters and digits in lower case, or what stands between spaces as it is, which ONNX can say too. Default "words". */
  readonly tokens?: "words" | "spaces" | undefined;
  /** Words in a row that count as one term, at most. An integer at least 1 and at most 4. Default 1. */
  readonly ngrams?: number | undefined;
  /** Columns that all words share; each is 8 bytes a row. An integer at least 1 and at most 5000. Default 256. */
  readonly columns?: number | undefined;
  /** Whether each row is divided by its Euclidean length. Default true. */
  readonly norm?: boolean | undefined;
}

/** The words of a text in a fixed number of columns, +1 or -1 each. Columns: a name or names, or all of a kind. */
export const hashWords = (columns: Columns | string, params: HashWordsParams = {}): Transform =>
  transform("hash-words", columns, params);

export interface PcaParams {
  /** How many; below 1 the share of the variance that they must have. A number above 0 and at most 100000. Default 0.95. */
  readonly components?: number | undefined;
  /** Measure numbers in standard deviations, so that all columns count alike. Default true. */
  readonly standardise?: boolean | undefined;
  /** Auto takes the covariance, a triangle where small components would be inexact, and random directions beyond 1000 dimensions. Default "auto". */
  readonly solver?: "auto" | "covariance" | "triangle" | "randomised" | undefined;
  /** Texts of a column with fewer rows count as one. An integer at least 1 and at most 1000000. Default 10. */
  readonly countMin?: number | undefined;
}

/** Few columns that hold most of what many say: principal components. Columns: a name or names, or all of a kind. */
export const pca = (columns: Columns | string, params: PcaParams = {}): Transform => transform("pca", columns, params);

export interface TruncatedSvdParams {
  /** How many; below 1 the share of the squares that they must have. A number above 0 and at most 100000. Default 2. */
  readonly components?: number | undefined;
  /** Auto takes the covariance, a triangle where small components would be inexact, and random directions beyond 1000 dimensions. Default "auto". */
  readonly solver?: "auto" | "covariance" | "triangle" | "randomised" | undefined;
  /** Texts of a column with fewer rows count as one. An integer at least 1 and at most 1000000. Default 10. */
  readonly countMin?: number | undefined;
}

/** Few columns that hold most of what counts and frequencies say: singular vectors, not centred. Columns: a name or names, or all of a kind. */
export const truncatedSvd = (columns: Columns | string, params: TruncatedSvdParams = {}): Transform =>
  transform("truncated-svd", columns, params);
