/** A trained linear model with its preprocessing. */
import type { Json } from "../../base/index.ts";
import {
  type Design,
  type LinearInput,
  type NumberInput,
  slotsByText,
  slotTable,
  standardised,
  type TextInput,
} from "../design.ts";
import { type EdgeValues, UNSEEN_TEXT } from "../edge-rows.ts";
import type { Explanation, LearnTask, Predictor } from "../estimator.ts";
import type { Frame } from "../frame.ts";
import { bindColumns, type InputColumn, numberOf } from "../inputs.ts";
import { applyLink, LINKS, type Link, linkOf, outputsOf } from "../link.ts";
import { badModel, pack, unpackFloat64, unpackInt32 } from "../packed.ts";
import { contributionsOf } from "./contributions.ts";
import { addLinear } from "./linear-graph.ts";

export interface LinearName {
  readonly estimator: string;
  readonly task: LearnTask;
  readonly classes: readonly string[];
  /** The task's own unless told. */
  readonly link?: Link;
}

export interface LinearModel extends Required<LinearName> {
  readonly inputs: readonly LinearInput[];
  /** Output-major, the bias last in each output. */
  readonly weights: Float64Array;
  /** Spread of each column's contribution to the score in training. */
  readonly spreads: readonly number[];
  /** Mean of each column's contribution in training: input x outputs + output. */
  readonly means: Float64Array;
}

/** A model of this design; `weights` are output-major, the bias last in each output. */
export function linearPredictor(name: LinearName, design: Design, weights: Float64Array): Predictor {
  const { spreads, means } = contributionsOf(design, weights, outputsOf(name.task, name.classes));
  return predictorOf({ link: linkOf(name.task), ...name, inputs: design.inputs, weights, spreads, means });
}

function predictorOf(model: LinearModel): Predictor {
  const { estimator, task, classes, link, inputs, weights, spreads, means } = model;
  const outputs = outputsOf(task, classes);
  const weightCount = weights.length / outputs;
  const columns = inputs.map((input): InputColumn => ({ name: input.name, texts: input.kind === "text" ? input.texts : null }));

  /** Column after column in both ways to predict, so that the sums are equal bit for bit. */
  const addNumber = (input: NumberInput, value: number, scores: Float64Array, first: number) => {
    const missing = Number.isNaN(value);
    const at = missing ? input.missingAt : input.at;
    if (at < 0) return;
    const x = missing ? 1 : standardised(input, value);
    for (let k = 0; k < outputs; k++) scores[first + k]! += x * weights[k * weightCount + at]!;
  };
  const addSlot = (slot: number, scores: Float64Array, first: number) => {
    if (slot >= 0) for (let k = 0; k < outputs; k++) scores[first + k]! += weights[k * weightCount + slot]!;
  };
  const addBias = (scores: Float64Array) => {
    for (let at = 0; at < scores.length; at++) scores[at] = weights[((at % outputs) + 1) * weightCount - 1]!;
  };

  /** Adds what a column contributes to each row's numbers in `to`, which are `stride` apart. */
  const addColumns = (X: Frame, to: Float64Array, stride: number, offset: number) => {
    const bound = bindColumns(X, columns);
    inputs.forEach((input, index) => {
      const column = bound[index]!;
      let first = index * offset;
      if ("values" in column) {
        for (let row = 0; row < X.rowCount; row++, first += stride)
          addNumber(input as NumberInput, column.values[row]!, to, first);
        return;
      }
      const text = input as TextInput;
      const slots = slotTable(text, (X.columns[input.name] as { texts: readonly string[] }).texts);
      for (let row = 0; row < X.rowCount; row++, first += stride) {
        const code = column.codes[row]!;
        addSlot(code < 0 ? text.missingAt : slots[code]!, to, first);
      }
    });
  };

  function scoresOf(X: Frame): Float64Array {
    const scores = new Float64Array(X.rowCount * outputs);
    addBias(scores);
    addColumns(X, scores, outputs, 0);
    return scores;
  }

  function predict(X: Frame): Float64Array {
    const scores = scoresOf(X);
    applyLink(link, scores, outputs);
    return scores;
  }

  /** Linear SHAP with independent columns: what a column adds, less its mean in training. */
  function explain(X: Frame): Explanation {
    const width = inputs.length * outputs;
    const values = new Float64Array(X.rowCount * width);
    addColumns(X, values, width, outputs);
    for (let at = 0; at < values.length; at++) values[at]! -= means[at % width]!;
    const base = new Float64Array(outputs);
    addBias(base);
    means.forEach((mean, at) => {
      base[at % outputs]! += mean;
    });
    return { base, values, scores: scoresOf(X) };
  }

  function rowScorer(): ReturnType<Predictor["rowScorer"]> {
    const slots = inputs.map((input) => (input.kind === "text" ? slotsByText(input) : null));
    return (row) => {
      const scores = new Float64Array(outputs);
      addBias(scores);
      for (let index = 0; index < inputs.length; index++) {
        const input = inputs[index]!;
        const value = row[input.name];
        if (input.kind === "number") addNumber(input, numberOf(value), scores, 0);
        else addSlot(typeof value === "string" ? (slots[index]!.get(value) ?? -1) : input.missingAt, scores, 0);
      }
      applyLink(link, scores, outputs);
      return scores;
    };
  }

  const total = spreads.reduce((a, b) => a + b, 0);
  return {
    estimator,
    task,
    classes,
    inputs: columns,
    outputs,
    predict,
    rowScorer,
    addTo: (graph, tensors) => addLinear(graph, tensors, model),
    edges: () => inputs.map(edgesOf),
    importance: () =>
      Object.fromEntries(inputs.map(({ name }, index) => [name, total > 0 ? spreads[index]! / total : 1 / inputs.length])),
    explain,
    toJson: () => linearToJson(model),
  };
}

/** A linear score has no steps: the middle, far out on both sides, missing, every text and an unknown one. */
function edgesOf(input: LinearInput): EdgeValues {
  if (input.kind === "text") return { name: input.name, texts: [null, UNSEEN_TEXT, ...input.texts] };
  const deviation = input.scale > 0 ? 1 / input.scale : 1;
  return { name: input.name, numbers: [NaN, 0, ...[-1e6, -8, -1, 0, 1, 8, 1e6].map((steps) => input.mean + steps * deviation)] };
}

function linearToJson({ estimator, task, classes, link, inputs, weights, spreads, means }: LinearModel): Json {
  return {
    estimator,
    task,
    classes,
    link,
    inputs: inputs.map((input): Json => (input.kind === "number" ? { ...input } : { ...input, at: pack(input.at) })),
    weights: pack(weights),
    spreads,
    means: pack(means),
  };
}

/** The way back from `toJson`. Error: `learn.bad-model`. */
export function linearFromJson(json: Record<string, unknown>): Predictor {
  const { inputs, spreads, link } = json;
  const estimator = json.estimator as string;
  if (!Array.isArray(inputs) || !Array.isArray(spreads) || spreads.length !== inputs.length)
    throw badModel("its columns are not listed");
  const task = json.task as LearnTask;
  const classes = json.classes as string[];
  const weights = unpackFloat64(json.weights);
  const means = unpackFloat64(json.means);
  const outputs = outputsOf(task, classes);
  const weightCount = weights.length / outputs;
  if (!LINKS.includes(link as Link)) throw badModel("its link is not known");
  if (means.length !== inputs.length * outputs) throw badModel("its means are not as many as its columns");
  if (!Number.isInteger(weightCount) || weightCount < 1) throw badModel("its weights are not as many for each class");
  return predictorOf({
    estimator,
    task,
    classes,
    link: link as Link,
    inputs: inputs.map((input) => inputFromJson(input, weightCount)),
    weights,
    spreads,
    means,
  });
}

function inputFromJson(json: Record<string, unknown>, weightCount: number): LinearInput {
  const { kind, name } = json;
  const place = (at: unknown) => Number.isInteger(at) && (at as number) >= -1 && (at as number) < weightCount - 1;
  if (typeof name !== "string" || !place(json.missingAt)) throw badModel("a column has no name or no weight");
  if (kind === "number" && typeof json.mean === "number" && typeof json.scale === "number" && place(json.at))
    return json as unknown as NumberInput;
  const at = kind === "text" ? unpackInt32(json.at) : undefined;
  if (at === undefined || !Array.isArray(json.texts) || at.length !== json.texts.length || !at.every(place))
    throw badModel(`its column "${name}" is incomplete`);
  return { ...(json as unknown as TextInput), at };
}
