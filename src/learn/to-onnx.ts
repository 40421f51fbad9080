/** A model as one graph from raw columns: an input per column ([N, 1], double or string), and what `finish` names. */
import { createGraph, type GraphBuilder, type OnnxModel, type OnnxProfile } from "../onnx/index.ts";
import type { Predictor } from "./estimator.ts";
import { declareInputs } from "./inputs.ts";

/**
 * Outputs: `probabilities` [N, outputs] and `label` [N] (the text of the likeliest class; for two classes the positive from 0.5) for classification, `label` [N]
 * (the index) for clustering, `score` [N, 1] for ranking and outlier detection, `value` [N, 1] for regression. Scores are doubles.
 * `wide` is read by most runtimes (opset 17, ml 3, IR 9); `compact` is smaller and needs ml 5.
 */
export function onnxOf(predictor: Predictor, profile: OnnxProfile = "wide"): OnnxModel {
  const { estimator, task, classes, inputs } = predictor;
  const graph = createGraph(estimator, profile);
  const names = declareInputs(graph, inputs);
  const tensors = Object.fromEntries(inputs.map(({ name }, index) => [name, names[index]!]));
  finish(graph, predictor.addTo(graph, tensors, profile), predictor);
  return graph.model({ estimator, task, classes: JSON.stringify(classes) });
}

function finish(graph: GraphBuilder, predictions: string, { task, classes, outputs }: Predictor): void {
  const shape = ["N", outputs];
  if (task === "regression") graph.output(predictions, "value", "float64", shape);
  else if (task === "ranking" || task === "outlier-detection") graph.output(predictions, "score", "float64", shape);
  else if (task === "clustering") {
    const label = graph.add("Cast", [graph.add("Squeeze", [predictions, graph.constant("int64", [1])])], { to: { int: 7 } });
    graph.output(label, "label", "int64", ["N"]);
  } else {
    graph.output(predictions, "probabilities", "float64", shape);
    const positive = () => graph.add("GreaterOrEqual", [predictions, graph.constant("float64", [0.5], [])]);
    const index =
      outputs > 1
        ? graph.add("ArgMax", [predictions], { axis: { int: 1 }, keepdims: { int: 0 } })
        : graph.add("Squeeze", [graph.add("Cast", [positive()], { to: { int: 7 } }), graph.constant("int64", [1])]);
    graph.output(graph.add("Gather", [graph.constant("string", classes), index]), "label", "string", ["N"]);
  }
}
