/** The parameters of gradient boosting: scikit-learn's meanings and defaults where it has them. */
import { type ClassWeights, classWeightsParams } from "../class-weights.ts";
import type { NumbersByName, ParamSpecs } from "../estimator.ts";
import type { SplitRules } from "./split-search.ts";

const REGRESSION_LOSSES = ["squared", "absolute", "quantile", "poisson", "gamma", "tweedie"] as const;

export const params: ParamSpecs = {
  trees: {
    type: "integer",
    default: 100,
    min: 1,
    max: 10_000,
    about: "rounds of boosting; with more than two classes each grows a tree per class",
  },
  leaves: { type: "integer", default: 31, min: 2, max: 1024, about: "leaves of a tree, at most" },
  learningRate: { type: "number", default: 0.1, min: 0, openMin: true, max: 1, about: "share of each tree's step that is taken" },
  minRowsPerLeaf: { type: "integer", default: 20, min: 1, max: 1_000_000, about: "training rows a leaf must hold" },
  l2: { type: "number", default: 0, min: 0, max: 1e6, about: "penalty on the squares of the leaves' values" },
  maxBins: { type: "integer", default: 255, min: 2, max: 255, about: "bins of a column, missing values not counted" },
  depthMax: { type: "integer", default: 0, min: 0, max: 1000, about: "questions on a path, 0 for no bound" },
  minHessianPerLeaf: {
    type: "number",
    default: 1e-3,
    min: 0,
    max: 1e12,
    about: "sum of second derivatives a leaf must hold; below it its value would be noise",
  },
  minGain: { type: "number", default: 0, min: 0, max: 1e12, about: "a split must gain more, in units of the summed loss" },
  loss: {
    type: "choice",
    choices: REGRESSION_LOSSES,
    default: "squared",
    about:
      "what a regression is fitted by: means (squared; counts: poisson; amounts: gamma; amounts with zeros: tweedie), medians (absolute) or quantiles",
  },
  quantile: {
    type: "number",
    default: 0.5,
    min: 0,
    max: 1,
    openMin: true,
    openMax: true,
    about: "quantile that the quantile loss predicts",
  },
  power: {
    type: "number",
    default: 1.5,
    min: 1,
    max: 2,
    openMin: true,
    openMax: true,
    about: "power of the mean that the Tweedie loss takes the variance for: near 1 counts, near 2 amounts",
  },
  ...classWeightsParams,
  rowShare: { type: "number", default: 1, min: 0, max: 1, openMin: true, about: "share of the rows that each round is grown on" },
  columnShare: {
    type: "number",
    default: 1,
    min: 0,
    max: 1,
    openMin: true,
    about: "share of the columns that each round is grown on",
  },
  monotone: {
    type: "by-name",
    each: { type: "integer", min: -1, max: 1 },
    default: {},
    about: "number columns with which the prediction must rise (1) or fall (-1), all else equal",
  },
  validationShare: {
    type: "number",
    default: 0,
    min: 0,
    max: 1,
    openMax: true,
    about: "share of the rows that is held out, so that the forest ends at its best round; 0 grows all trees",
  },
  patience: {
    type: "integer",
    default: 10,
    min: 1,
    max: 10_000,
    about: "rounds without a lower loss of the rows held out, after which training ends",
  },
};

/** As `completeParams` gives them. */
export interface BoostingParams extends SplitRules, ClassWeights {
  readonly trees: number;
  readonly leaves: number;
  readonly learningRate: number;
  readonly maxBins: number;
  readonly depthMax: number;
  readonly loss: (typeof REGRESSION_LOSSES)[number];
  readonly quantile: number;
  readonly power: number;
  readonly rowShare: number;
  readonly columnShare: number;
  readonly monotone: NumbersByName;
  readonly validationShare: number;
  readonly patience: number;
}
