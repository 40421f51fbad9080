import { didYouMean, type Json, MillError } from "../base/index.ts";
import { bernoulliNaiveBayes, categoricalNaiveBayes, multinomialNaiveBayes } from "./bayes/discrete.ts";
import { gaussianNaiveBayes } from "./bayes/gaussian.ts";
import { bayesFromJson } from "./bayes/predictor.ts";
import { gradientBoosting } from "./boosting/gradient-boosting.ts";
import { CALIBRATED, calibratedFromJson } from "./calibration/predictor.ts";
import { kMeans } from "./cluster/k-means.ts";
import { miniBatchKMeans } from "./cluster/mini-batch-k-means.ts";
import { centresFromJson } from "./cluster/predictor.ts";
import { constant, constantFromJson } from "./constant.ts";
import type { Estimator, Predictor } from "./estimator.ts";
import { IMPORTED_LINEAR, IMPORTED_TREES } from "./foreign/from-onnx.ts";
import { decisionTree, extraTrees, randomForest } from "./forests/forests.ts";
import { isolationForest } from "./forests/isolation-forest.ts";
import { elasticNet, lasso } from "./linear/elastic-net.ts";
import { linearRegression } from "./linear/linear-regression.ts";
import { linearSvm } from "./linear/linear-svm.ts";
import { linearSvr } from "./linear/linear-svr.ts";
import { logisticRegression } from "./linear/logistic-regression.ts";
import { linearFromJson } from "./linear/predictor.ts";
import { ridge } from "./linear/ridge.ts";
import { nearestNeighbours } from "./neighbors/nearest-neighbours.ts";
import { neighboursFromJson } from "./neighbors/predictor.ts";
import { badModel } from "./packed.ts";
import { PIPELINE, pipelineFromJson } from "./pipeline/predictor.ts";
import { forestFromJson } from "./trees/predictor.ts";

/** Every estimator, the baseline first. */
export const estimators: readonly Estimator[] = [
  constant,
  logisticRegression,
  linearRegression,
  ridge,
  lasso,
  elasticNet,
  linearSvm,
  linearSvr,
  gaussianNaiveBayes,
  multinomialNaiveBayes,
  bernoulliNaiveBayes,
  categoricalNaiveBayes,
  gradientBoosting,
  decisionTree,
  randomForest,
  extraTrees,
  isolationForest,
  kMeans,
  nearestNeighbours,
  miniBatchKMeans,
];

const readers: Readonly<Record<string, (json: Record<string, unknown>) => Predictor>> = {
  [constant.name]: constantFromJson,
  [logisticRegression.name]: linearFromJson,
  [linearRegression.name]: linearFromJson,
  [ridge.name]: linearFromJson,
  [lasso.name]: linearFromJson,
  [elasticNet.name]: linearFromJson,
  [linearSvm.name]: linearFromJson,
  [linearSvr.name]: linearFromJson,
  [gaussianNaiveBayes.name]: bayesFromJson,
  [multinomialNaiveBayes.name]: bayesFromJson,
  [bernoulliNaiveBayes.name]: bayesFromJson,
  [categoricalNaiveBayes.name]: bayesFromJson,
  [gradientBoosting.name]: forestFromJson,
  [decisionTree.name]: forestFromJson,
  [randomForest.name]: forestFromJson,
  [extraTrees.name]: forestFromJson,
  [isolationForest.name]: forestFromJson,
  [kMeans.name]: centresFromJson,
  [nearestNeighbours.name]: neighboursFromJson,
  [miniBatchKMeans.name]: centresFromJson,
};

/** Error: `learn.unknown-estimator`. */
export function estimatorNamed(name: string): Estimator {
  const found = estimators.find((estimator) => estimator.name === name);
  if (found !== undefined) return found;
  const known = estimators.map((estimator) => estimator.name);
  throw new MillError("learn.unknown-estimator", `There is no estimator "${name}".${didYouMean(name, known)}`, {
    expected: known.join(", "),
    got: name,
    fix: "Use one of the estimators listed.",
  });
}

/** A predictor from what its `toJson` gave. Error: `learn.bad-model`. */
export function readPredictor(json: Json): Predictor {
  if (json === null || typeof json !== "object" || Array.isArray(json)) throw badModel("it is no JSON object");
  const { estimator, task, classes } = json as Record<string, Json>;
  if (estimator === PIPELINE) return pipelineFromJson(json as Record<string, unknown>, readPredictor);
  if (estimator === CALIBRATED) return calibratedFromJson(json as Record<string, unknown>, readPredictor);
  if (estimator === IMPORTED_TREES) return forestFromJson(json as Record<string, unknown>);
  if (estimator === IMPORTED_LINEAR) return linearFromJson(json as Record<string, unknown>);
  const read = typeof estimator === "string" && Object.hasOwn(readers, estimator) ? readers[estimator] : undefined;
  if (read === undefined) throw badModel(`its estimator is ${JSON.stringify(estimator) ?? "not named"}`);
  const tasks: readonly string[] = estimatorNamed(estimator as string).tags.tasks;
  if (typeof task !== "string" || !tasks.includes(task)) throw badModel(`its task is ${JSON.stringify(task) ?? "not named"}`);
  if (!Array.isArray(classes) || !classes.every((name) => typeof name === "string")) throw badModel("its classes are not named");
  return read(json as Record<string, unknown>);
}
