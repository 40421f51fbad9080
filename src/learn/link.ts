/** From scores to predictions, and the same in a graph. */
import type { GraphBuilder } from "../onnx/index.ts";
import type { LearnTask } from "./estimator.ts";

export const LINKS = ["identity", "logistic", "softmax", "exp", "logistic-shares"] as const;

/**
 * logistic: 1 / (1 + e^-s); softmax over the outputs of a row; exp: e^s, for rates and amounts above 0; logistic-shares: logistic,
 * divided by the row's sum, for classes that were each told from the rest.
 */
export type Link = (typeof LINKS)[number];

/** The link of scores that are log odds, or the values themselves. */
export const linkOf = (task: LearnTask): Link =>
  task === "binary-classification" ? "logistic" : task === "multiclass-classification" ? "softmax" : "identity";

/** Turns the scores (rowCount x outputs) into predictions, in place. */
export function applyLink(link: Link, scores: Float64Array, outputs: number): void {
  if (link === "logistic") for (let at = 0; at < scores.length; at++) scores[at] = 1 / (1 + Math.exp(-scores[at]!));
  else if (link === "exp") for (let at = 0; at < scores.length; at++) scores[at] = Math.exp(scores[at]!);
  else if (link === "logistic-shares") {
    for (let at = 0; at < scores.length; at++) scores[at] = 1 / (1 + Math.exp(-scores[at]!)) + TINY;
    for (let first = 0; first < scores.length; first += outputs) shares(scores, first, outputs);
  } else if (link === "softmax") for (let first = 0; first < scores.length; first += outputs) softmax(scores, first, outputs);
}

function softmax(scores: Float64Array, first: number, outputs: number): void {
  let largest = -Infinity;
  for (let k = first; k < first + outputs; k++) largest = Math.max(largest, scores[k]!);
  let sum = 0;
  for (let k = first; k < first + outputs; k++) sum += scores[k] = Math.exp(scores[k]! - largest);
  for (let k = first; k < first + outputs; k++) scores[k]! /= sum;
}

/** Where all classes are as unlikely as a double can say, they are alike. */
const TINY = 1e-300;

function shares(values: Float64Array, first: number, outputs: number): void {
  let sum = 0;
  for (let k = first; k < first + outputs; k++) sum += values[k]!;
  for (let k = first; k < first + outputs; k++) values[k]! /= sum;
}

const OPS = { identity: "Identity", logistic: "Sigmoid", softmax: "Softmax", exp: "Exp" } as const;

/** The predictions of the double scores [N, outputs]. */
export function addLink(graph: GraphBuilder, link: Link, scores: string): string {
  if (link !== "logistic-shares") return graph.add(OPS[link], [scores], link === "softmax" ? { axis: { int: 1 } } : {});
  const values = graph.add("Add", [graph.add("Sigmoid", [scores]), graph.constant("float64", [TINY], [])]);
  return graph.add("Div", [values, graph.add("ReduceSum", [values, graph.constant("int64", [1])])]);
}

/** Columns of a prediction, as `Predictor.outputs` says. */
export const outputsOf = (task: LearnTask, classes: readonly string[]) =>
  task === "multiclass-classification" ? classes.length : 1;
