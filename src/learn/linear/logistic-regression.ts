/**
 * Logistic regression, and softmax regression for more than two classes, with penalties on the sizes and the squares of the weights. Minimises
 *
 *   sum of weighted log losses + l1 x |w|_1 + l2 / 2 x |w|^2
 *
 * so `l2` is 1 / C of scikit-learn; its elastic net with `l1_ratio` r is l1 = r / C and l2 = (1 - r) / C. The bias is not penalised. Numbers are standardised
 * and missing ones filled with the mean (`design.ts`), so the penalty treats all columns alike. All in double; L-BFGS from the optimum of a part of the rows, along
 * coordinates in which the loss is white there (`lead.ts`), with `l1` OWL-QN; the weights do not depend on the number of threads.
 * Memory beyond the frame: 1 to 8 bytes per row and number column, 16 where a crew works; 4 per row and text column.
 */

import { type ClassWeights, classWeightsParams, withClassWeights } from "../class-weights.ts";
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
import { outputsOf } from "../link.ts";
import { completeParams } from "../params.ts";
import { checkTrainingData } from "../training-data.ts";
import { fitLoss, type LossParams, lossParams } from "./fit-loss.ts";
import { linearPredictor } from "./predictor.ts";

const params: ParamSpecs = {
  ...lossParams,
  l1: { type: "number", default: 0, min: 0, max: 1e9, about: "penalty on the sizes of the weights, which makes useless ones 0" },
  ...classWeightsParams,
};

export const logisticRegression: Estimator = {
  name: "logistic-regression",
  revision: 3,
  about: "A weighted sum of the columns: quick, smooth, easy to explain.",
  params,
  tags: { ...usualTags, tasks: ["binary-classification", "multiclass-classification"], explains: true },
  fit,
};

interface Complete extends ClassWeights, LossParams {
  readonly l1: number;
}

async function fit(data: TrainingData, given: Params, context: FitContext): Promise<Predictor> {
  const { balanced, classWeights, countMin, ...search } = completeParams(logisticRegression, given) as unknown as Complete;
  checkTrainingData(logisticRegression, data, { numbersLater: true });
  const rowWeights = withClassWeights(logisticRegression.name, data, { balanced, classWeights });
  const design = await createDesign(data, countMin);
  const outputs = outputsOf(data.task, data.classes);
  const loss = outputs === 1 ? "log" : "softmax";
  const { weights } = await fitLoss(data, design, { loss, outputs, rowWeights, ...search }, context);
  return linearPredictor({ estimator: logisticRegression.name, task: data.task, classes: data.classes }, design, weights);
}
