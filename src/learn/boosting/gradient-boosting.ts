/**
 * Histogram gradient boosting: trees grown best leaf first on binned columns, each fitted to the gradients that the trees before it left.
 * Tasks: two classes (log loss), more classes (softmax, a tree per class and round), regression (six losses), ranking (LambdaMART). Missing values have a bin of their own and
 * each split learns where they go; a split on a text learns which texts go left. Trees, bins and values do not depend on the number of threads, nor on
 * the order of the rows up to 200,000 of them (above, bin edges come from a sample drawn by the seed).
 * Numbers are used as float32.
 * Sources: Friedman 2001; LightGBM (Ke et al. 2017); scikit-learn `HistGradientBoosting`, whose parameters' meanings and defaults these are.
 */
import { didYouMean, MillError } from "../../base/index.ts";
import { withClassWeights } from "../class-weights.ts";
import { crewSize, runCrew } from "../crew/crew.ts";
import { sharedInt32 } from "../crew/shared.ts";
import { type Estimator, type FitContext, type Params, type Predictor, type TrainingData, usualTags } from "../estimator.ts";
import { outputsOf } from "../link.ts";
import { completeParams } from "../params.ts";
import { checkTrainingData } from "../training-data.ts";
import { treeFrame } from "../trees/columns.ts";
import { forestPredictor } from "../trees/predictor.ts";
import type { TrainingColumn } from "./bins.ts";
import { keptFromJson } from "./checkpoint.ts";
import type { GrowthRules } from "./grower.ts";
import { derivesInDoubles, type LossSpec, linkOfLoss } from "./losses.ts";
import { allocate } from "./memory.ts";
import { type BoostingParams, params } from "./params.ts";
import { samplesRows } from "./sampling.ts";
import type { ForestOrder } from "./train.ts";
import { binnedAs, joined, scoresOf, startModelOf } from "./warm-start.ts";

export const gradientBoosting: Estimator = {
  name: "gradient-boosting",
  revision: 2,
  about: "Boosted trees on binned columns: the best choice for most tables.",
  params,
  tags: {
    ...usualTags,
    tasks: ["binary-classification", "multiclass-classification", "regression", "ranking"],
    explains: true,
    warmStart: true,
  },
  fit,
};

async function fit(data: TrainingData, given: Params, context: FitContext): Promise<Predictor> {
  const complete = completeParams(gradientBoosting, given) as unknown as BoostingParams;
  checkTrainingData(gradientBoosting, data);
  const loss = lossOf(data, complete);
  const rules = rulesOf(data, complete);
  const link = linkOfLoss(loss.name);
  const before = context.start && startModelOf(context.start, gradientBoosting.name, data, link);
  const { task, classes } = data;
  const frame = treeFrame(data.X);
  const columns = before === undefined ? frame.columns : frame.columns.map(binnedAs(before, frame));
  const members = crewSize(data.X.rowCount, context.threads);
  const startScores = before && scoresOf(before, data);
  const order = {
    ...orderOf(data, columns, complete, loss, rules, context.seed, members, startScores),
    kept: keptFromJson(context.checkpoint?.read() ?? null),
    keeps: context.checkpoint !== undefined,
  };
  const { start, forest, levels, heldOut } = await runCrew("train-forest", order, members, context);
  if (complete.validationShare > 0 && heldOut === 0)
    context.warn({
      reason: "no-validation",
      message: "No row was held out, so all trees were grown.",
      fix: `Raise validationShare, which is ${complete.validationShare}, or train on more rows.`,
    });
  const estimator = gradientBoosting.name;
  if (before !== undefined) return forestPredictor({ ...before, forest: joined(before.forest, forest) });
  const textBins = levels.map((level) => level?.bins ?? null);
  const inputs = frame.inputs(levels);
  return forestPredictor({ estimator, task, classes, link, inputs, textBins, start, divisor: 1, forest });
}

/** Errors: `learn.bad-parameter` for a loss of another task, `learn.bad-label` for labels that the loss is not defined for. */
function lossOf({ task, classes, y }: TrainingData, { loss, quantile, power }: BoostingParams): LossSpec {
  const spec = { outputs: outputsOf(task, classes), quantile, power };
  if (task === "regression") {
    checkLabels(y, loss);
    return { ...spec, name: loss };
  }
  if (loss !== "squared")
    throw badParameter("loss", `The loss "${loss}" is for regression, and this is ${task}.`, "Leave the loss out.");
  const name = task === "ranking" ? "ranking" : task === "binary-classification" ? "log-loss" : "softmax";
  return { ...spec, name };
}

function checkLabels(y: Float64Array, loss: BoostingParams["loss"]): void {
  const isAbove = loss === "gamma";
  if (!isAbove && loss !== "poisson" && loss !== "tweedie") return;
  const row = y.findIndex((label) => (isAbove ? !(label > 0) : !(label >= 0)));
  if (row >= 0) throw badLabel(loss, `The label of row ${row} is ${y[row]}.`, `numbers ${isAbove ? "above" : "of at least"} 0`);
  if (y.every((label) => label === 0)) throw badLabel(loss, "All labels are 0.", "some label above 0");
}

const badLabel = (loss: string, message: string, expected: string) =>
  new MillError("learn.bad-label", `${message} The loss "${loss}" is of ${expected}.`, {
    expected,
    fix: "Take another loss, or leave out the rows that it cannot be of.",
  });

const badParameter = (name: string, message: string, fix: string) =>
  new MillError("learn.bad-parameter", message, { at: `${gradientBoosting.name}.${name}`, fix });

function rulesOf({ X, task }: TrainingData, params: BoostingParams): GrowthRules {
  const names = Object.keys(X.columns);
  for (const name of Object.keys(params.monotone)) {
    if (X.columns[name]?.kind === "number") continue;
    const what = X.columns[name] === undefined ? `There is no column "${name}".` : `The column "${name}" holds texts.`;
    throw badParameter("monotone", what, `Name number columns only.${didYouMean(name, names)}`);
  }
  const isMonotone = Object.values(params.monotone).some((direction) => direction !== 0);
  if (isMonotone && task === "multiclass-classification")
    throw badParameter(
      "monotone",
      "With more than two classes no column can be monotone: the classes' shares sum to 1.",
      "Leave it out.",
    );
  const { leaves, learningRate, minRowsPerLeaf, minHessianPerLeaf, l2, depthMax, minGain } = params;
  const monotone = isMonotone ? names.map((name) => params.monotone[name] ?? 0) : undefined;
  return { leaves, learningRate, minRowsPerLeaf, minHessianPerLeaf, l2, depthMax, minGain, monotone };
}

function orderOf(
  data: TrainingData,
  columns: readonly TrainingColumn[],
  params: BoostingParams,
  loss: LossSpec,
  rules: GrowthRules,
  seed: number,
  members: number,
  startScores: Float64Array | undefined,
): Omit<ForestOrder, "kept" | "keeps"> {
  const { rowCount } = data.X;
  const { rowShare, columnShare, validationShare, patience, trees, maxBins } = params;
  const sampling = { rowShare, columnShare, validationShare, seed };
  const leavesMax = Math.max(1, Math.min(rules.leaves, Math.floor(rowCount / rules.minRowsPerLeaf)));
  const weights = withClassWeights(gradientBoosting.name, data, params);
  const memory = allocate({
    ...{ rowCount, columnCount: columns.length, outputs: loss.outputs, members, leavesMax },
    hasWeights: weights !== undefined,
    hasRaw: derivesInDoubles(loss.name),
    hasKeys: samplesRows(sampling) || loss.name === "ranking",
  });
  memory.y.set(data.y);
  if (weights !== undefined) memory.weights.set(weights);
  const groups = data.groups === undefined ? undefined : sharedInt32(rowCount);
  groups?.set(data.groups!);
  const classCount = data.classes.length;
  return {
    rowCount,
    classCount,
    columns,
    groups,
    loss,
    rules,
    trees,
    binsMax: maxBins,
    leavesMax,
    sampling,
    patience,
    memory,
    startScores,
  };
}
