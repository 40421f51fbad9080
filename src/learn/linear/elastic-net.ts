/**
 * Least squares with penalties on the sizes and on the squares of the weights. Minimises, as scikit-learn's `ElasticNet`, and `Lasso` with an l1Ratio of 1:
 *
 *   mean of squared errors / 2 + alpha x l1Ratio x |w|_1 + alpha x (1 - l1Ratio) / 2 x |w|^2
 *
 * Penalties stand beside the mean, so they mean the same for any number of rows (ridge's `l2` stands beside the sum: l2 = alpha x rows). The bias is free.
 * Coordinate descent on the products of the columns, until the duality gap is small; an l1Ratio of 0 is solved in closed form.
 */
import {
  type Estimator,
  type FitContext,
  type ParamSpecs,
  type Params,
  type Predictor,
  type TrainingData,
  usualTags,
} from "../estimator.ts";
import { completeParams } from "../params.ts";
import { checkTrainingData } from "../training-data.ts";
import { countMinParam, fitLeastSquares, standardiseParam } from "./least-squares.ts";

const alpha = {
  ...({ type: "number", default: 1, min: 0, max: 1e12 } as const),
  about: "strength of the penalty beside the mean of the squared errors, as in scikit-learn; 0 is plain least squares",
};

const search: ParamSpecs = {
  standardise: standardiseParam,
  iterationsMax: { type: "integer", default: 1000, min: 1, max: 1_000_000, about: "rounds over all weights, at most" },
  tolerance: {
    ...{ type: "number", default: 1e-4, min: 0, openMin: true, max: 1 },
    about: "the search ends when its gap to the best value is below this part of the labels' sum of squares",
  },
  countMin: countMinParam,
};

const tags = { ...usualTags, tasks: ["regression"], explains: true } as const;

export const elasticNet: Estimator = {
  name: "elastic-net",
  revision: 2,
  about: "Least squares that keeps weights small and makes useless ones 0.",
  params: {
    alpha,
    l1Ratio: {
      type: "number",
      default: 0.5,
      min: 0,
      max: 1,
      about: "share of the penalty on the sizes, the rest is on the squares",
    },
    ...search,
  },
  tags,
  fit: (data, params, context) => fit(elasticNet, data, params, context),
};

export const lasso: Estimator = {
  name: "lasso",
  revision: 2,
  about: "Least squares that picks columns: useless ones get a weight of 0.",
  params: { alpha, ...search },
  tags,
  fit: (data, params, context) => fit(lasso, data, params, context),
};

interface Complete {
  readonly alpha: number;
  readonly l1Ratio?: number;
  readonly standardise: boolean;
  readonly iterationsMax: number;
  readonly tolerance: number;
  readonly countMin: number;
}

async function fit(estimator: Estimator, data: TrainingData, given: Params, context: FitContext): Promise<Predictor> {
  const { alpha, l1Ratio = 1, ...rest } = completeParams(estimator, given) as unknown as Complete;
  checkTrainingData(estimator, data, { numbersLater: true });
  const penalties = { l1: alpha * l1Ratio, l2: alpha * (1 - l1Ratio), perRow: true };
  return fitLeastSquares(data, { estimator: estimator.name, ...rest, ...penalties }, context);
}
