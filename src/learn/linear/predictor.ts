/** A trained linear classifier with its preprocessing. */
import type { Json } from "../../base/index.ts";
import { type LinearInput, type NumberInput, slotsByText, slotTable, standardised, type TextInput } from "../design.ts";
import { type EdgeValues, UNSEEN_TEXT } from "../edge-rows.ts";
import type { LearnTask, Predictor } from "../estimator.ts";
import type { Frame } from "../frame.ts";
import { bindColumns, type InputColumn, numberOf } from "../inputs.ts";
import { applyLink, linkOf, outputsOf } from "../link.ts";
import { badModel, pack, unpackFloat64, unpackInt32 } from "../packed.ts";
import { addLinear } from "./linear-graph.ts";

export interface LinearModel {
  readonly estimator: string;
  readonly task: LearnTask;
  readonly classes: readonly string[];
  readonly inputs: readonly LinearInput[];
  /** Output-major, the bias last in each output. */
  readonly weights: Float64Array;
  /** Spread of each column's contribution to the score in training. */
  readonly spreads: readonly number[];
}

export function linearPredictor(model: LinearModel): Predictor {
  const { estimator, task, classes, inputs, weights, spreads } = model;
  const outputs = outputsOf(task, classes);
  const link = linkOf(task);
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

  function predict(X: Frame): Float64Array {
    const bound = bindColumns(X, columns);
    const scores = new Float64Array(X.rowCount * outputs);
    addBias(scores);
    inputs.forEach((input, index) => {
      const column = bound[index]!;
      if ("values" in column) {
        for (let row = 0; row < X.rowCount; row++) addNumber(input as NumberInput, column.values[row]!, scores, row * outputs);
        return;
      }
      const text = input as TextInput;
      const slots = slotTable(text, (X.columns[input.name] as { texts: readonly string[] }).texts);
      for (let row = 0; row < X.rowCount; row++) {
        const code = column.codes[row]!;
        addSlot(code < 0 ? text.missingAt : slots[code]!, scores, row * outputs);
      }
    });
    applyLink(link, scores, outputs);
    return scores;
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
    toJson: () => linearToJson(model),
  };
}

/** A linear score has no steps: the middle, far out on both sides, missing, every text and an unknown one. */
function edgesOf(input: LinearInput): EdgeValues {
  if (input.kind === "text") return { name: input.name, texts: [null, UNSEEN_TEXT, ...input.texts] };
  const deviation = input.scale > 0 ? 1 / input.scale : 1;
  return { name: input.name, numbers: [NaN, 0, ...[-1e6, -8, -1, 0, 1, 8, 1e6].map((steps) => input.mean + steps * deviation)] };
}

function linearToJson({ estimator, task, classes, inputs, weights, spreads }: LinearModel): Json {
  return {
    estimator,
    task,
    classes,
    inputs: inputs.map((input): Json => (input.kind === "number" ? { ...input } : { ...input, at: pack(input.at) })),
    weights: pack(weights),
    spreads,
  };
}

/** The way back from `toJson`. Error: `learn.bad-model`. */
export function linearFromJson(json: Record<string, unknown>): Predictor {
  const { inputs, spreads } = json;
  const estimator = json.estimator as string;
  if (!Array.isArray(inputs) || !Array.isArray(spreads) || spreads.length !== inputs.length)
    throw badModel("its columns are not listed");
  const task = json.task as LearnTask;
  const classes = json.classes as string[];
  const weights = unpackFloat64(json.weights);
  const weightCount = weights.length / outputsOf(task, classes);
  if (!Number.isInteger(weightCount) || weightCount < 1) throw badModel("its weights are not as many for each class");
  return linearPredictor({
    estimator,
    task,
    classes,
    inputs: inputs.map((input) => inputFromJson(input, weightCount)),
    weights,
    spreads,
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
