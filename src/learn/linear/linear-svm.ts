/**
 * A linear support vector machine: the widest margin between a class and the rest. Minimises, for each class against the rest (of two, the positive),
 *
 *   sum over the rows of max(0, 1 - margin)^2 + l2 / 2 x |w|^2
 *
 * so `l2` is 1 / C of scikit-learn's `LinearSVC`, but for the bias, which is free here. The loss has slopes everywhere: L-BFGS in the primal, as for
 * logistic regression. Probabilities by Platt's sigmoid on decision values of rows that the weights did not see (`calibrationFolds` searches more, each
 * going on from the first). The likelier class is not always the one on whose side of the plane a row lies.
 */
import { fitPlatt } from "../calibration/platt.ts";
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
  ...classWeightsParams,
  calibrationFolds: {
    ...{ type: "integer", default: 5, min: 0, max: 20 },
    about:
      "parts of the rows for the probabilities' cross-validation; below 2 the training rows themselves, quicker and too sure",
  },
};

export const linearSvm: Estimator = {
  name: "linear-svm",
  revision: 2,
  about: "The plane with the widest margin between the classes: robust when columns are many.",
  params,
  tags: { ...usualTags, tasks: ["binary-classification", "multiclass-classification"], explains: true },
  fit,
};

interface Complete extends ClassWeights, LossParams {
  readonly calibrationFolds: number;
}

async function fit(data: TrainingData, given: Params, context: FitContext): Promise<Predictor> {
  const complete = completeParams(linearSvm, given) as unknown as Complete;
  const { balanced, classWeights, calibrationFolds, countMin, ...search } = complete;
  checkTrainingData(linearSvm, data, { numbersLater: true });
  const { X, y, task, classes } = data;
  const rowWeights = withClassWeights(linearSvm.name, data, { balanced, classWeights });
  const design = await createDesign(data, countMin);
  const outputs = outputsOf(task, classes);
  const folds = calibrationFolds < 2 ? 0 : Math.min(calibrationFolds, X.rowCount);
  const problem = { loss: "squared-hinge", outputs, rowWeights, l1: 0, folds, ...search } as const;
  const { weights, heldScores } = await fitLoss(data, design, problem, context);
  const decide = () => linearPredictor({ ...name, link: "identity" }, design, weights).predict(X);
  const name = { estimator: linearSvm.name, task, classes, link: outputs === 1 ? "logistic" : "logistic-shares" } as const;
  const scores = folds > 0 ? heldScores : transposed(decide(), outputs);
  for (let k = 0; k < outputs; k++) {
    const isOwn = y.map((label) => (label === (outputs === 1 ? 1 : k) ? 1 : 0));
    const { slope, offset } = fitPlatt(scores.subarray(k * X.rowCount, (k + 1) * X.rowCount), isOwn, rowWeights);
    const own = weights.subarray(k * design.weightCount, (k + 1) * design.weightCount);
    for (let at = 0; at < own.length; at++) own[at]! *= -slope;
    own[own.length - 1]! -= offset;
  }
  return linearPredictor(name, design, weights);
}

function transposed(values: Float64Array, outputs: number): Float64Array {
  const rowCount = values.length / outputs;
  return Float64Array.from(values, (_, at) => values[(at % rowCount) * outputs + Math.floor(at / rowCount)]!);
}
