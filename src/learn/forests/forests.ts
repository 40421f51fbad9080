/**
 * A decision tree, and forests of trees that are grown apart from each other and averaged. Splits are searched on binned columns (at most 255 bins); a split
 * sends missing values, which have a bin of their own, to the better side; texts are put in the order of their mean label once, before the first tree, and
 * split like numbers then (Wright and König 2019: as good in forests as trying sets in each node). Splits minimise Gini's impurity, or the squared distance from the mean; leaves
 * hold the shares of the classes, or the mean. Trees do not depend on the number of threads.
 * Sources: Breiman 2001; Geurts, Ernst, Wehenkel 2006; scikit-learn, whose parameters' meanings and defaults these are.
 * Memory beyond the frame: about 5 x columns + 20 bytes per row, and 130 per row and thread.
 */
import { createRandom } from "../../base/index.ts";
import { type ClassWeights, classWeightsParams, withClassWeights } from "../class-weights.ts";
import { crewSize, runCrew } from "../crew/crew.ts";
import {
  type Estimator,
  type FitContext,
  type ParamSpec,
  type ParamSpecs,
  type Params,
  type Predictor,
  type TrainingData,
  usualTags,
} from "../estimator.ts";
import { outputsOf } from "../link.ts";
import { completeParams } from "../params.ts";
import { checkTrainingData } from "../training-data.ts";
import { checkFloat32, treeFrame } from "../trees/columns.ts";
import { forestPredictor } from "../trees/predictor.ts";
import { allocate } from "./memory.ts";
import { integerTargets } from "./targets.ts";
import type { GrownForest, GrowOrder, GrowthRules } from "./train.ts";

const depthMax: ParamSpec = { type: "integer", default: 0, min: 0, max: 1000, about: "questions on a path, 0 for no bound" };
const minRowsPerLeaf: ParamSpec = {
  type: "integer",
  default: 1,
  min: 1,
  max: 1_000_000,
  about: "training rows a leaf must hold",
};
const maxBins: ParamSpec = {
  type: "integer",
  default: 255,
  min: 2,
  max: 255,
  about: "bins of a column, missing values not counted",
};

const treeParams = { depthMax, minRowsPerLeaf, maxBins, ...classWeightsParams } satisfies ParamSpecs;

const forestParams = (bootstrap: boolean): ParamSpecs => ({
  trees: { type: "integer", default: 100, min: 1, max: 10_000, about: "trees, whose predictions are averaged" },
  columnShare: {
    type: "number",
    default: 0,
    min: 0,
    max: 1,
    about: "share of the columns that each split chooses from; 0 for their square root in classification, and all in regression",
  },
  bootstrap: {
    type: "boolean",
    default: bootstrap,
    about: "whether each tree learns from as many rows drawn with replacement, or from all rows",
  },
  ...treeParams,
});

const tags = {
  ...usualTags,
  tasks: ["binary-classification", "multiclass-classification", "regression"],
  explains: true,
} as const;

export const decisionTree: Estimator = {
  name: "decision-tree",
  revision: 1,
  about: "One tree of questions, which can be read and followed by hand.",
  params: treeParams,
  tags,
  fit: (data, params, context) => fit(decisionTree, data, params, context),
};

export const randomForest: Estimator = {
  name: "random-forest",
  revision: 1,
  about: "Trees on drawn rows and columns, averaged: good without any tuning.",
  params: forestParams(true),
  tags,
  fit: (data, params, context) => fit(randomForest, data, params, context),
};

export const extraTrees: Estimator = {
  name: "extra-trees",
  revision: 1,
  about: "Trees with cuts that are drawn too, averaged: smoother than a random forest, and faster to grow.",
  params: forestParams(false),
  tags,
  fit: (data, params, context) => fit(extraTrees, data, params, context),
};

async function fit(estimator: Estimator, given: TrainingData, params: Params, context: FitContext): Promise<Predictor> {
  const complete = completeParams(estimator, params);
  checkTrainingData(estimator, given);
  const weights = withClassWeights(estimator.name, given, complete as unknown as ClassWeights);
  checkFloat32(given.X);
  const frame = treeFrame(given.X);
  const trees = typeof complete.trees === "number" ? complete.trees : 1;
  const members = Math.min(trees, crewSize(given.X.rowCount * trees, context.threads));
  const rules = rulesOf(estimator, complete, given, frame.columns.length);
  const order = orderOf(given, weights, frame.columns, rules, complete.maxBins as number, trees, members, context.seed);
  const { forest, levels } = (await runCrew("grow-forest", order, members, context)) as GrownForest;
  const { task, classes } = given;
  return forestPredictor({
    estimator: estimator.name,
    task,
    classes,
    link: "identity",
    inputs: frame.inputs(levels),
    textBins: levels.map((level) => level?.bins ?? null),
    start: new Float64Array(outputsOf(task, classes)),
    divisor: trees,
    forest,
  });
}

function rulesOf(estimator: Estimator, params: Params, { task }: TrainingData, columnCount: number): GrowthRules {
  const { columnShare = 1, minRowsPerLeaf, depthMax, bootstrap = false } = params as Record<string, number> & Params;
  const usual = task === "regression" ? columnCount : Math.sqrt(columnCount);
  return {
    columnsTried: Math.max(1, Math.floor(columnShare === 0 ? usual : columnShare * columnCount)),
    minRowsPerLeaf: minRowsPerLeaf!,
    depthMax: depthMax!,
    isRandomCut: estimator === extraTrees,
    bootstrap: bootstrap as unknown as boolean,
  };
}

function orderOf(
  { X, y, task, classes }: TrainingData,
  weights: Float64Array | undefined,
  columns: GrowOrder["columns"],
  rules: GrowthRules,
  binsMax: number,
  trees: number,
  members: number,
  seed: number,
): GrowOrder {
  const { targets, targetScale, units, unitScale } = integerTargets(y, task === "regression", weights);
  const shape = { rowCount: X.rowCount, columnCount: columns.length, trees, members, hasWeights: weights !== undefined };
  const leavesMax = Math.max(1, Math.floor(X.rowCount / rules.minRowsPerLeaf));
  const memory = allocate({
    ...shape,
    classCount: classes.length > 2 ? classes.length : 0,
    leavesMax: rules.depthMax === 0 ? leavesMax : Math.min(leavesMax, 2 ** rules.depthMax),
  });
  memory.targets.set(targets);
  memory.labels.set(y);
  if (weights !== undefined && units !== null) {
    memory.weights.set(weights);
    memory.units.set(units);
  }
  const random = createRandom(seed);
  return {
    rowCount: X.rowCount,
    columns,
    classCount: classes.length,
    rules,
    seeds: Int32Array.from({ length: trees }, () => random.below(2 ** 32) | 0),
    binsMax,
    seed,
    gainScale: 1 / (targetScale * targetScale * unitScale),
    memory,
  };
}
