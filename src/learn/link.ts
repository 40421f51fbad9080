/** From scores to predictions: sigmoid for two classes, softmax for more, the score itself for regression. */
import type { Task } from "../contract/index.ts";
import type { GraphBuilder, OnnxModel } from "../onnx/index.ts";

/** Turns the scores (rowCount x outputs) into predictions, in place. */
export function link(task: Task, scores: Float64Array, outputs: number): void {
  if (task === "binary-classification") {
    for (let row = 0; row < scores.length; row++) scores[row] = 1 / (1 + Math.exp(-scores[row]!));
  } else if (task === "multiclass-classification") {
    for (let first = 0; first < scores.length; first += outputs) softmax(scores, first, outputs);
  }
}

function softmax(scores: Float64Array, first: number, outputs: number): void {
  let largest = -Infinity;
  for (let k = first; k < first + outputs; k++) largest = Math.max(largest, scores[k]!);
  let sum = 0;
  for (let k = first; k < first + outputs; k++) sum += scores[k] = Math.exp(scores[k]! - largest);
  for (let k = first; k < first + outputs; k++) scores[k]! /= sum;
}

/** Columns of a prediction, as `Predictor.outputs` says. */
export const outputsOf = (task: Task, classes: readonly string[]) => (task === "multiclass-classification" ? classes.length : 1);

/** Ends a graph: the double scores [N, outputs] become `probabilities`, or `value` for regression. */
export function finishGraph(
  graph: GraphBuilder,
  scores: string,
  task: Task,
  classes: readonly string[],
  estimator: string,
): OnnxModel {
  const outputs = outputsOf(task, classes);
  const ends = { "binary-classification": "Sigmoid", "multiclass-classification": "Softmax", regression: "Identity" } as const;
  const value = graph.add(ends[task], [scores], task === "multiclass-classification" ? { axis: { int: 1 } } : {});
  graph.output(value, task === "regression" ? "value" : "probabilities", "float64", ["N", outputs]);
  return graph.model({ estimator, task, classes: JSON.stringify(classes) });
}
