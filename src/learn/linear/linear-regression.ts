/**
 * Ordinary least squares: the weights that make the sum of squared errors least. Products of columns are summed in one pass over the rows and solved by
 * Cholesky's decomposition; when columns nearly make each other up, by Householder reflections of the rows, and of many solutions the shortest is taken.
 * Nine digits on NIST's Longley and Norris. One reading of the numbers on the calling thread; where columns are many, a crew on a shared copy of them.
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
import { countMinParam, fitLeastSquares } from "./least-squares.ts";

const params: ParamSpecs = { countMin: countMinParam };

export const linearRegression: Estimator = {
  name: "linear-regression",
  revision: 2,
  about: "A weighted sum of the columns with the least squared error: no penalty, no search.",
  params,
  tags: { ...usualTags, tasks: ["regression"], explains: true },
  fit,
};

async function fit(data: TrainingData, given: Params, context: FitContext): Promise<Predictor> {
  const { countMin } = completeParams(linearRegression, given) as { countMin: number };
  checkTrainingData(linearRegression, data, { numbersLater: true });
  const none = { l1: 0, l2: 0, perRow: false, standardise: true, iterationsMax: 1, tolerance: 0 };
  return fitLeastSquares(data, { estimator: linearRegression.name, countMin, ...none }, context);
}
