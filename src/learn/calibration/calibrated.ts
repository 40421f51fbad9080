/**
 * Calibration around any classifier: the model is trained on all rows, and what it says is corrected by what models trained on the other folds said of each
 * row, so that no row is judged by a model that has seen it. As scikit-learn's CalibratedClassifierCV without an ensemble.
 */
import { MillError } from "../../base/index.ts";
import { runCrew, throwIfCancelled } from "../crew/crew.ts";
import { sharedCopy } from "../crew/shared.ts";
import {
  type Estimator,
  type FitContext,
  isClassification,
  type ParamSpecs,
  type Params,
  type Predictor,
  type TrainingData,
} from "../estimator.ts";
import { pickRows } from "../model-selection/rows.ts";
import { badSplit, type Fold, stratifiedKFold } from "../model-selection/splitters.ts";
import { stagesOf } from "../model-selection/stages.ts";
import { completeParams } from "../params.ts";
import { checkTrainingData } from "../training-data.ts";
import type { CalibrationMap, CalibrationMethod } from "./calibration-map.ts";
import { CALIBRATED, calibratedPredictor } from "./predictor.ts";

/** Raised when calibrations change. */
const REVISION = 1;

const PARAMS = {
  calibration: {
    type: "choice",
    choices: ["platt", "isotonic"],
    default: "platt",
    about: "a curve of two numbers, for few rows; or any rising one, for a thousand rows and more",
  },
  calibrationFolds: {
    type: "integer",
    min: 2,
    max: 100,
    default: 5,
    about: "parts of the rows; a model trained on the others says the probabilities that are compared with what happened",
  },
} as const satisfies ParamSpecs;

/** The estimator, calibrated; its own parameters stay, under their names. Error: `learn.task` when it is no classifier. */
export function calibrated(base: Estimator): Estimator {
  const tasks = base.tags.tasks.filter(isClassification);
  if (tasks.length === 0)
    throw new MillError("learn.task", `${base.name} gives no probabilities to calibrate.`, {
      expected: "an estimator that learns classification",
      got: base.tags.tasks.join(", "),
      fix: "Calibrate a classifier.",
    });
  const estimator: Estimator = {
    name: CALIBRATED,
    revision: base.revision + REVISION,
    about: `${base.about} Its probabilities are calibrated.`,
    params: { ...base.params, ...PARAMS },
    tags: { ...base.tags, tasks, explains: false, warmStart: false, partialFit: false },
    fit: (data, params, context) => fit(estimator, base, data, params, context),
  };
  return estimator;
}

/** A trained classifier, calibrated on labelled rows that it was not trained on. Errors: `learn.task`, and those of `fit`. */
export async function calibrate(
  predictor: Predictor,
  data: TrainingData,
  method: CalibrationMethod,
  context: FitContext,
): Promise<Predictor> {
  if (!isClassification(predictor.task) || data.task !== predictor.task)
    throw new MillError("learn.task", `A model of ${predictor.task} cannot be calibrated on labels of ${data.task}.`, {
      fix: "Calibrate a classifier, on labels of its own task.",
    });
  const maps = await mapsOf(predictor.predict(data.X), predictor.outputs, data, method, context);
  return calibratedPredictor(predictor, maps);
}

async function fit(
  estimator: Estimator,
  base: Estimator,
  data: TrainingData,
  params: Params,
  context: FitContext,
): Promise<Predictor> {
  const { calibration, calibrationFolds, ...rest } = completeParams(estimator, params);
  const own = "calibrationFolds" in base.params ? { ...rest, calibrationFolds: 0 } : rest; // what calibrates itself need not: it is corrected here
  checkTrainingData(estimator, data);
  const folds = foldsOf(data, calibrationFolds as number, context.seed);
  const stages = stagesOf(context, folds.length + 1);
  let said = new Float64Array();
  for (const [index, { train, test }] of folds.entries()) {
    const stage = stages(index, `calibration fold ${index + 1} of ${folds.length}`);
    const model = await base.fit(pickRows(data, train), own, stage);
    const { outputs } = model;
    if (index === 0) said = new Float64Array(data.X.rowCount * outputs);
    const predictions = model.predict(pickRows(data, test).X);
    test.forEach((row, at) => {
      said.set(predictions.subarray(at * outputs, (at + 1) * outputs), row * outputs);
    });
    stage.progress(1, 1);
  }
  const last = stages(folds.length, "all rows");
  const model = await base.fit(data, own, last);
  const maps = await mapsOf(said, model.outputs, data, calibration as CalibrationMethod, context);
  last.progress(1, 1);
  return calibratedPredictor(model, maps);
}

/** Fewer folds where even the largest class has fewer rows. */
function foldsOf(data: TrainingData, folds: number, seed: number): readonly Fold[] {
  const counts = data.classes.map((_, k) => data.y.reduce((count, label) => count + (label === k ? 1 : 0), 0));
  const rare = counts.indexOf(1);
  if (rare >= 0 && data.task === "binary-classification")
    throw badSplit(
      `Only one row is labelled "${data.classes[rare]}": a model that has not seen it cannot be trained.`,
      "two rows of each class",
      "Give more rows, or train without calibration.",
    );
  return stratifiedKFold({ folds: Math.min(folds, Math.max(2, ...counts)), seed }).split(data);
}

async function mapsOf(
  probabilities: Float64Array,
  outputs: number,
  { y, weights }: TrainingData,
  method: CalibrationMethod,
  context: FitContext,
): Promise<readonly CalibrationMap[]> {
  throwIfCancelled(context.signal);
  const order = {
    probabilities: sharedCopy(probabilities),
    y: sharedCopy(y),
    weights: weights && sharedCopy(weights),
    outputs,
    method,
  };
  const { maps, converged } = await runCrew("fit-calibration", order, 1, { signal: context.signal, progress: () => {} });
  if (!converged)
    context.warn({
      reason: "not-converged",
      message: "Platt's scaling did not come to rest.",
      fix: 'Set calibration to "isotonic", or look at the model\'s probabilities: they hardly follow the labels.',
    });
  return maps;
}
