/**
 * Histogram gradient boosting: trees grown best leaf first on binned columns, each fitted to the gradients that the trees before it left.
 * Tasks: two classes (log loss), more classes (softmax, a tree per class and round), regression (squared loss). Missing values have a bin of their own and
 * each split learns where they go; a split on a text learns which texts go left. Trees, bins and values do not depend on the number of threads, nor on
 * the order of the rows up to 200,000 of them (above, bin edges come from a sample drawn by the seed).
 * Numbers are used as float32. Memory beyond the frame: about 6 x columns + 50 bytes per row.
 * Sources: Friedman 2001; LightGBM (Ke et al. 2017); scikit-learn `HistGradientBoosting`, whose parameters' meanings and defaults these are.
 */
import { crewSize, runCrew } from "../crew/crew.ts";
import { sharedFloat32, sharedInt32 } from "../crew/shared.ts";
import {
  type Estimator,
  type FitContext,
  type LearnTask,
  type ParamSpecs,
  type Params,
  type Predictor,
  type TrainingData,
  usualTags,
} from "../estimator.ts";
import type { NumberColumn, TextColumn } from "../frame.ts";
import type { InputColumn } from "../inputs.ts";
import { outputsOf } from "../link.ts";
import { completeParams } from "../params.ts";
import { badColumn, checkTrainingData } from "../training-data.ts";
import { forestPredictor } from "../trees/predictor.ts";
import type { TrainingColumn } from "./bins.ts";
import type { GrowthRules } from "./grower.ts";
import { derivesInDoubles, type LossSpec, linkOfLoss } from "./losses.ts";
import { allocate } from "./memory.ts";
import type { ForestOrder } from "./train.ts";

const params: ParamSpecs = {
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
};

export const gradientBoosting: Estimator = {
  name: "gradient-boosting",
  revision: 2,
  about: "Boosted trees on binned columns: the best choice for most tables.",
  params,
  tags: {
    ...usualTags,
    tasks: ["binary-classification", "multiclass-classification", "regression"],
  },
  fit,
};

async function fit(data: TrainingData, given: Params, context: FitContext): Promise<Predictor> {
  const complete = completeParams(gradientBoosting, given) as Record<string, number>;
  checkTrainingData(gradientBoosting, data);
  const { task, classes } = data;
  const entries = Object.entries(data.X.columns);
  const texts = entries.map(([, column]) => (column.kind === "text" ? sortedTexts(column) : null));
  const columns = entries.map(([name, column], index) =>
    column.kind === "number" ? numberColumn(name, column) : textColumn(column, texts[index]!),
  );
  const members = crewSize(data.X.rowCount, context.threads);
  const loss = lossOf(task, classes);
  const order = orderOf(data, columns, complete, loss, context.seed, members);
  const { start, forest, levels } = await runCrew("train-forest", order, members, context);
  const inputs = entries.map(([name], index): InputColumn => {
    const level = levels[index];
    return { name, texts: level ? Array.from(level.codes, (code) => texts[index]![code]!) : null };
  });
  const textBins = levels.map((level) => level?.bins ?? null);
  return forestPredictor({
    estimator: gradientBoosting.name,
    task,
    classes,
    link: linkOfLoss(loss.name),
    inputs,
    textBins,
    start,
    divisor: 1,
    forest,
  });
}

function lossOf(task: LearnTask, classes: readonly string[]): LossSpec {
  const name = task === "binary-classification" ? "log-loss" : task === "multiclass-classification" ? "softmax" : "squared";
  return { name, outputs: outputsOf(task, classes), quantile: 0.5, power: 1.5 };
}

function orderOf(
  { X, y, weights, classes }: TrainingData,
  columns: readonly TrainingColumn[],
  params: Record<string, number>,
  loss: LossSpec,
  seed: number,
  members: number,
): ForestOrder {
  const rules: GrowthRules = {
    leaves: params.leaves!,
    learningRate: params.learningRate!,
    minRowsPerLeaf: params.minRowsPerLeaf!,
    minHessianPerLeaf: params.minHessianPerLeaf!,
    l2: params.l2!,
    depthMax: params.depthMax!,
    minGain: params.minGain!,
    monotone: undefined,
  };
  const leavesMax = Math.max(1, Math.min(rules.leaves, Math.floor(X.rowCount / rules.minRowsPerLeaf)));
  const memory = allocate({
    rowCount: X.rowCount,
    columnCount: columns.length,
    outputs: loss.outputs,
    members,
    leavesMax,
    hasWeights: weights !== undefined,
    hasRaw: derivesInDoubles(loss.name),
  });
  memory.y.set(y);
  if (weights !== undefined) memory.weights.set(weights);
  return {
    rowCount: X.rowCount,
    classCount: classes.length,
    columns,
    loss,
    rules,
    trees: params.trees!,
    binsMax: params.maxBins!,
    leavesMax,
    seed,
    memory,
  };
}

function numberColumn(name: string, { values }: NumberColumn): TrainingColumn {
  const rounded = sharedFloat32(values.length);
  for (let row = 0; row < values.length; row++) {
    const value = Math.fround(values[row]!);
    if (value === Infinity || value === -Infinity)
      throw badColumn(name, "numbers within the range of float32", `${values[row]} in row ${row}`, `Scale "${name}" down.`);
    rounded[row] = value;
  }
  return { values: rounded, levelCount: 0 };
}

/** The texts in their own order, so that nothing depends on how a frame numbers them; the empty text is missing. */
const sortedTexts = ({ texts }: TextColumn) => texts.filter((text) => text !== "").sort();

function textColumn({ codes, texts }: TextColumn, sorted: readonly string[]): TrainingColumn {
  const place = new Map(sorted.map((text, index) => [text, index] as const));
  const placeOf = Int32Array.from(texts, (text) => place.get(text) ?? -1);
  const shared = sharedInt32(codes.length);
  for (let row = 0; row < codes.length; row++) shared[row] = codes[row]! < 0 ? -1 : placeOf[codes[row]!]!;
  return { values: sharedFloat32(codes.length), codes: shared, levelCount: sorted.length };
}
