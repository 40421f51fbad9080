/** A model whose probabilities are calibrated. */
import type { Json } from "../../base/index.ts";
import type { Predictor } from "../estimator.ts";
import { badModel } from "../packed.ts";
import { addMaps, applyMaps, type CalibrationMap, mapFromJson, mapToJson } from "./calibration-map.ts";

export const CALIBRATED = "calibrated";

/** One map for each output of `base`, a classifier. */
export function calibratedPredictor(base: Predictor, maps: readonly CalibrationMap[]): Predictor {
  const { task, classes, inputs, outputs } = base;
  const calibrate = (predictions: Float64Array) => {
    applyMaps(maps, predictions);
    return predictions;
  };
  return {
    estimator: CALIBRATED,
    task,
    classes,
    inputs,
    outputs,
    predict: (X) => calibrate(base.predict(X)),
    rowScorer: () => {
      const score = base.rowScorer();
      return (row) => calibrate(Float64Array.from(score(row)));
    },
    addTo: (graph, tensors, profile) => addMaps(graph, maps, base.addTo(graph, tensors, profile)),
    edges: () => base.edges(),
    importance: () => base.importance(),
    toJson: () => ({ estimator: CALIBRATED, task, classes, base: base.toJson(), maps: maps.map(mapToJson) }),
  };
}

/** The way back from `toJson`; `read` reads the model within. Error: `learn.bad-model`. */
export function calibratedFromJson(json: Record<string, unknown>, read: (json: Json) => Predictor): Predictor {
  const base = read(json.base as Json);
  const { task, classes, maps } = json;
  if (base.task !== task || JSON.stringify(base.classes) !== JSON.stringify(classes) || base.classes.length === 0)
    throw badModel("the calibrated model is of another task");
  if (!Array.isArray(maps) || maps.length !== base.outputs) throw badModel("it has not one calibration for each output");
  return calibratedPredictor(base, maps.map(mapFromJson));
}
