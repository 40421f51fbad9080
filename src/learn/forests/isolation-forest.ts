/**
 * Isolation forest: trees with random questions, each on a small sample of the rows. What lies apart is alone after few questions. A row's score is
 * 2^(-E / c), E being the mean number of questions to its leaf (plus those that the leaf's other rows would have needed) and c what is usual for the sample:
 * near 1 for outliers, near 0.5 for rows like the others.
 * A cut of a number is drawn evenly between the least and the greatest value of the node's rows; of a text each value's side is drawn. Missing values go to one
 * side together, which is drawn too.
 * Source: Liu, Ting, Zhou 2008.
 */
import { createRandom } from "../../base/index.ts";
import { runCrew } from "../crew/crew.ts";
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
import { checkFloat32, treeFrame } from "../trees/columns.ts";
import { forestPredictor } from "../trees/predictor.ts";
import { usualDepth } from "./isolation.ts";

const params: ParamSpecs = {
  trees: { type: "integer", default: 100, min: 1, max: 10_000, about: "trees, whose depths are averaged" },
  sampleRows: {
    type: "integer",
    default: 256,
    min: 2,
    max: 65_536,
    about: "rows that each tree is grown on, drawn without putting back",
  },
};

export const isolationForest: Estimator = {
  name: "isolation-forest",
  revision: 1,
  about: "Finds rows that lie apart from the others, without labels.",
  params,
  tags: { ...usualTags, tasks: ["outlier-detection"], weights: false, explains: true },
  fit,
};

async function fit(data: TrainingData, given: Params, context: FitContext): Promise<Predictor> {
  const { trees, sampleRows } = completeParams(isolationForest, given) as Record<string, number>;
  checkTrainingData(isolationForest, data);
  checkFloat32(data.X);
  const frame = treeFrame(data.X);
  const random = createRandom(context.seed);
  const order = {
    rowCount: data.X.rowCount,
    columns: frame.columns,
    sampleRows: Math.min(sampleRows!, data.X.rowCount),
    seeds: Int32Array.from({ length: trees! }, () => random.below(2 ** 32) | 0),
  };
  const { forest, levels } = await runCrew("isolate", order, 1, context);
  return forestPredictor({
    estimator: isolationForest.name,
    task: data.task,
    classes: [],
    // 2^(-E / c) is e^(sum of negative depths / divisor)
    link: "exp",
    inputs: frame.inputs(levels),
    textBins: levels.map((level) => level?.bins ?? null),
    start: new Float64Array(1),
    divisor: (trees! * Math.max(1, usualDepth(order.sampleRows))) / Math.LN2,
    forest,
  });
}
