import { MillError } from "../../base/index.ts";
import { type Predictor, predictorFromOnnx } from "../../learn/index.ts";
import type { OnnxModel, OnnxNode } from "../../onnx/index.ts";
import { type Asked, type Converted, outputsOf } from "./wrap-graph.ts";

/** A graph of one tree or linear model over numbers as one of ours, which is answered without a runtime; null: it is none. */
export function inlinePredictor(model: OnnxModel, converted: Converted, asked: Asked): Predictor | null {
  const { columns, texts, output, places } = converted;
  if (columns.some((name) => texts.includes(name)) || output === "logits" || places !== null) return null;
  try {
    const predictor = predictorFromOnnx({ ...model, nodes: model.nodes.map((node) => named(node, asked.classes)) }, columns);
    return predictor.task === asked.task && predictor.outputs === outputsOf(asked) ? predictor : null;
  } catch (error) {
    if (error instanceof MillError && error.code === "onnx.unsupported") return null;
    throw error;
  }
}

const LABELS = /^classlabels_/;

/** With the job's names of the classes instead of the numbers that the framework knew. */
function named(node: OnnxNode, classes: readonly string[]): OnnxNode {
  if (!Object.keys(node.attributes).some((name) => LABELS.test(name))) return node;
  const others = Object.entries(node.attributes).filter(([name]) => !LABELS.test(name));
  return { ...node, attributes: { ...Object.fromEntries(others), classlabels_strings: { strings: classes } } };
}
