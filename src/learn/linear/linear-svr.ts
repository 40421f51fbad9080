/**
 * Linear support vector regression: errors up to `epsilon` cost nothing. Minimises
 *
 *   sum over the rows of max(0, |error| - epsilon), or its square, + l2 / 2 x |w|^2
 *
 * so `l2` is 1 / C of scikit-learn's `LinearSVR`; the bias is free. L-BFGS in the primal; the absolute loss is bent over the first hundredth of the labels'
 * standard deviation, where it has no slope of its own. Labels are standardised for the search.
 */
import { createDesign } from "../design.ts";
import {
  type Estimator,
  type FitContext,
  type ParamSpecs,
  type Params,
  type Predictor,
  type TrainingData,
  usualTags,
} from "../estimator.ts";
import { exactMean } from "../exact-sum.ts";
import { completeParams } from "../params.ts";
import { checkTrainingData } from "../training-data.ts";
import { fitLoss, type LossParams, lossParams } from "./fit-loss.ts";
import { labelsTooLarge } from "./least-squares.ts";
import { linearPredictor } from "./predictor.ts";

const params: ParamSpecs = {
  loss: {
    ...{ type: "choice", choices: ["absolute", "squared"], default: "absolute" },
    about: "what an error beyond epsilon costs: absolute bears with outliers, squared is quicker",
  },
  epsilon: { type: "number", default: 0, min: 0, max: 1e300, about: "errors up to this cost nothing, in the label's unit" },
  ...lossParams,
};

export const linearSvr: Estimator = {
  name: "linear-svr",
  revision: 2,
  about: "A weighted sum of the columns that bears with outliers: small errors cost nothing, large ones their size.",
  params,
  tags: { ...usualTags, tasks: ["regression"], explains: true },
  fit,
};

interface Complete extends LossParams {
  readonly loss: "absolute" | "squared";
  readonly epsilon: number;
}

const BEND = 0.01;

async function fit(data: TrainingData, given: Params, context: FitContext): Promise<Predictor> {
  const { loss, epsilon, l2, countMin, ...search } = completeParams(linearSvr, given) as unknown as Complete;
  checkTrainingData(linearSvr, data, { numbersLater: true });
  const { X, weights: rowWeights, task } = data;
  const design = await createDesign(data, countMin);
  const mean = exactMean(data.y, rowWeights);
  const squares = exactMean(
    data.y.map((value) => (value - mean) ** 2),
    rowWeights,
  );
  if (!Number.isFinite(squares)) throw labelsTooLarge();
  const unit = Math.sqrt(squares) || 1;
  const y = data.y.map((value) => (value - mean) / unit);
  // The sum of absolute errors shrinks with the unit, the penalty with its square.
  const penalty = loss === "absolute" ? l2 * unit : l2;
  const tube = { loss: `${loss}-tube`, epsilon: epsilon / unit, bend: BEND } as const;
  const { weights } = await fitLoss(
    { X, y },
    design,
    { ...search, ...tube, outputs: 1, rowWeights, l1: 0, l2: penalty },
    context,
  );
  for (let at = 0; at < weights.length; at++) weights[at]! *= unit;
  weights[weights.length - 1]! += mean;
  return linearPredictor({ estimator: linearSvr.name, task, classes: [] }, design, weights);
}
