/**
 * Logistic regression, and softmax regression for more than two classes, with an L2 penalty. Minimises over weights w
 *
 *   sum of weighted log losses + l2 / 2 x |w|^2
 *
 * so `l2` is 1 / C of scikit-learn. The bias is not penalised. Numbers are standardised and missing ones filled with the mean (`design.ts`), so the penalty
 * treats all columns alike. All in double; L-BFGS; the weights do not depend on the number of threads.
 * Memory beyond the frame: 8 bytes per row and number column, 4 per row and text column.
 */
import { crewSize, runCrew } from "../crew/crew.ts";
import { sharedCopy, sharedFloat64, sharedInt32 } from "../crew/shared.ts";
import { createDesign, type Design, type LinearInput } from "../design.ts";
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
import { linearPredictor } from "./predictor.ts";
import type { LossOrder } from "./train.ts";

const params: ParamSpecs = {
  l2: { type: "number", default: 1, min: 0, max: 1e9, about: "penalty on the squares of the weights, 1 / C of scikit-learn" },
  iterationsMax: { type: "integer", default: 200, min: 1, max: 10_000, about: "steps of the search, at most" },
  tolerance: {
    type: "number",
    default: 1e-5,
    min: 0,
    openMin: true,
    max: 1,
    about: "the search ends when no slope of the mean loss is steeper",
  },
  countMin: { type: "integer", default: 10, min: 1, max: 1_000_000, about: "texts of a column with fewer rows share one weight" },
};

export const logisticRegression: Estimator = {
  name: "logistic-regression",
  revision: 1,
  about: "A weighted sum of the columns: quick, smooth, easy to explain.",
  params,
  tags: {
    ...usualTags,
    tasks: ["binary-classification", "multiclass-classification"],
  },
  fit,
};

/** Gradients kept at once: bounds the number of chunks when there are very many weights. */
const PARTIALS_MAX = 4_000_000;

async function fit(data: TrainingData, given: Params, context: FitContext): Promise<Predictor> {
  const complete = completeParams(logisticRegression, given) as Record<string, number>;
  checkTrainingData(logisticRegression, data);
  const design = createDesign(data, complete.countMin!);
  const outputs = outputsOf(data.task, data.classes);
  const members = crewSize(data.X.rowCount, context.threads);
  const trained = await runCrew("minimise-loss", orderOf(data, design, outputs, complete), members, context);
  const weights = trained!.weights;
  const spreads = design.inputs.map((input) => spreadOf(input, design, weights, outputs));
  return linearPredictor({
    estimator: logisticRegression.name,
    task: data.task,
    classes: data.classes,
    inputs: design.inputs,
    weights,
    spreads,
  });
}

function orderOf({ X, y, weights }: TrainingData, design: Design, outputs: number, params: Record<string, number>): LossOrder {
  const { denseCount, weightCount, dense, slots, squares } = design;
  const size = outputs * weightCount;
  const chunks = Math.max(1, Math.min(64, Math.ceil(X.rowCount / 1024), Math.max(4, Math.floor(PARTIALS_MAX / size))));
  return {
    rows: { denseCount, weightCount, dense, slots, outputs, y: sharedCopy(y), rowWeights: weights && sharedCopy(weights) },
    rowCount: X.rowCount,
    total: weights === undefined ? X.rowCount : weights.reduce((a, b) => a + b, 0),
    l2: params.l2!,
    iterationsMax: params.iterationsMax!,
    tolerance: params.tolerance!,
    start: new Float64Array(size),
    squares,
    memory: {
      weights: sharedFloat64(size),
      partials: sharedFloat64(chunks * size),
      losses: sharedFloat64(chunks),
      ended: sharedInt32(1),
    },
  };
}

/** Standard deviation over the training rows of what a column adds to the score, mean over the outputs. */
function spreadOf(input: LinearInput, { shares, weightCount }: Design, weights: Float64Array, outputs: number): number {
  const spread = (first: number) => {
    const marked = [...new Set(input.kind === "number" ? [input.missingAt] : [...input.at, input.missingAt])].filter(
      (at) => at >= 0,
    );
    const mean = marked.reduce((sum, at) => sum + shares[at]! * weights[first + at]!, 0);
    const square = marked.reduce((sum, at) => sum + shares[at]! * weights[first + at]! ** 2, 0);
    const own = input.kind === "number" && input.scale > 0 ? weights[first + input.at]! ** 2 : 0;
    return Math.sqrt(Math.max(0, own + square - mean * mean));
  };
  let sum = 0;
  for (let output = 0; output < outputs; output++) sum += spread(output * weightCount);
  return sum / outputs;
}
