/**
 * Least squares with a penalty on the squares of the weights: minimises sum of squared errors + l2 x |w|^2, so `l2` is scikit-learn's `alpha` of `Ridge`. The
 * bias is free. Solved in closed form, as linear regression is.
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

const params: ParamSpecs = {
  l2: {
    ...{ type: "number", default: 1, min: 0, max: 1e12 },
    about: "penalty on the squares of the weights, beside the sum of squared errors; alpha of scikit-learn's Ridge",
  },
  standardise: standardiseParam,
  countMin: countMinParam,
};

export const ridge: Estimator = {
  name: "ridge",
  revision: 2,
  about: "Least squares with weights held small: steady when columns resemble each other.",
  params,
  tags: { ...usualTags, tasks: ["regression"], explains: true },
  fit,
};

async function fit(data: TrainingData, given: Params, context: FitContext): Promise<Predictor> {
  const complete = completeParams(ridge, given) as { l2: number; standardise: boolean; countMin: number };
  checkTrainingData(ridge, data, { numbersLater: true });
  const exact = { l1: 0, perRow: false, iterationsMax: 1, tolerance: 0 };
  return fitLeastSquares(data, { estimator: ridge.name, ...complete, ...exact }, context);
}
