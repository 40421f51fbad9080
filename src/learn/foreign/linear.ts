/** `LinearClassifier` and `LinearRegressor` as our linear model. A missing value counts as 0, where the file's own runtime answers NaN. */
import type { OnnxNode } from "../../onnx/index.ts";
import type { Predictor } from "../estimator.ts";
import { linearFromJson } from "../linear/predictor.ts";
import { pack } from "../packed.ts";
import { classesOf, numbers, texts } from "./attributes.ts";
import { IMPORTED_LINEAR, unsupported } from "./from-onnx.ts";

export function linearFromOnnx(node: OnnxNode, columns: readonly string[]): Predictor {
  const width = columns.length;
  const coefficients = numbers(node, "coefficients");
  const intercepts = numbers(node, "intercepts");
  const classes = node.op === "LinearClassifier" ? classesOf(node) : [];
  const rows = Math.max(1, classes.length);
  const post = texts(node, "post_transform")[0] ?? "NONE";
  if (node.op === "LinearRegressor" && ((numbers(node, "targets")[0] ?? 1) !== 1 || post !== "NONE"))
    throw unsupported("a LinearRegressor of more than one target, or with a post_transform");
  if (coefficients.length !== rows * width)
    throw unsupported(`${coefficients.length} coefficients for ${rows} x ${width}`, "one per class and column");
  const row = (k: number) => [...coefficients.slice(k * width, (k + 1) * width), intercepts[k] ?? 0];
  const binary = classes.length === 2;
  if (classes.length > 0 && !(post === "SOFTMAX" || (post === "LOGISTIC" && binary)))
    throw unsupported(`a LinearClassifier with the post_transform ${post}`, "SOFTMAX, or LOGISTIC for two classes");
  const difference = () => row(1).map((weight, index) => weight - row(0)[index]!);
  const weights = Float64Array.from(
    binary ? (post === "SOFTMAX" ? difference() : row(1)) : Array.from({ length: rows }, (_, k) => row(k)).flat(),
  );
  const outputs = binary ? 1 : rows;
  const spreadOf = (column: number) =>
    Array.from({ length: outputs }, (_, k) => Math.abs(weights[k * (width + 1) + column]!)).reduce((a, b) => a + b);
  return linearFromJson({
    estimator: IMPORTED_LINEAR,
    task: classes.length === 0 ? "regression" : binary ? "binary-classification" : "multiclass-classification",
    classes,
    link: classes.length === 0 ? "identity" : binary ? "logistic" : "softmax",
    inputs: columns.map((name, at) => ({ kind: "number", name, mean: 0, scale: 1, at, missingAt: -1 })),
    weights: pack(weights),
    spreads: columns.map((_, column) => spreadOf(column)),
    means: pack(new Float64Array(width * outputs)),
  });
}
