/** A trained pipeline: raw columns through the steps to the model, and what the model says of its columns back to the raw ones. */
import type { Json } from "../../base/index.ts";
import { type EdgeValues, UNSEEN_TEXT } from "../edge-rows.ts";
import type { Explanation, Predictor } from "../estimator.ts";
import type { Frame } from "../frame.ts";
import { bindColumns, type InputColumn, inputsFromJson, inputsToJson } from "../inputs.ts";
import { badModel } from "../packed.ts";
import { readTransform } from "../preprocessing/transformers.ts";
import { applyStep, type FittedStep, framePart, rowStep } from "./steps.ts";

export const PIPELINE = "pipeline";

/** `inputs` are the raw columns, `steps` lead from them to the columns of `model`. */
export function pipelinePredictor(inputs: readonly InputColumn[], steps: readonly FittedStep[], model: Predictor): Predictor {
  const { task, classes, outputs } = model;
  const names = inputs.map(({ name }) => name);

  function prepare(X: Frame): Frame {
    bindColumns(X, inputs);
    return steps.reduce((made, step) => applyStep(step, made), framePart(X, names));
  }

  const explain = (X: Frame) => explanationBack(model.explain!(prepare(X)), model, steps, names, X.rowCount);

  return {
    estimator: PIPELINE,
    task,
    classes,
    inputs,
    outputs,
    predict: (X) => model.predict(prepare(X)),
    rowScorer() {
      const writers = steps.map(rowStep);
      const score = model.rowScorer();
      return (row) => score(writers.reduce((made, write) => write(made), row));
    },
    addTo(graph, tensors, profile) {
      const through = (given: Readonly<Record<string, string>>, { transforms, rest }: FittedStep) => ({
        ...Object.fromEntries(rest.map((name) => [name, given[name]!])),
        ...Object.assign({}, ...transforms.map((transform) => transform.addTo(graph, given, profile))),
      });
      return model.addTo(graph, steps.reduce(through, tensors), profile);
    },
    edges: () => edgesBack(model.edges(), inputs, steps),
    importance() {
      const shares = sharesBack(model.importance(), steps);
      return Object.fromEntries(names.map((name) => [name, shares[name] ?? 0]));
    },
    ...(model.explain === undefined ? {} : { explain }),
    toJson: () => ({
      estimator: PIPELINE,
      task,
      classes,
      inputs: inputsToJson(inputs),
      steps: steps.map(({ transforms, rest }): Json => ({ transforms: transforms.map((each) => each.toJson()), rest })),
      model: model.toJson(),
    }),
  };
}

/** A raw column's own edges, and what becomes the edges of the columns that are made of it. */
function edgesBack(edges: readonly EdgeValues[], inputs: readonly InputColumn[], steps: readonly FittedStep[]): EdgeValues[] {
  let next = edges;
  for (const { transforms, rest } of steps.toReversed()) {
    const later = next;
    next = [...transforms.flatMap((each) => each.edges(later)), ...later.filter(({ name }) => rest.includes(name))];
  }
  return inputs.map(({ name, texts }) => {
    const found = next.find((edge) => edge.name === name);
    return found ?? (texts === null ? { name, numbers: [NaN, 0] } : { name, texts: [null, UNSEEN_TEXT] });
  });
}

/** Amounts of the model's columns as amounts of the raw ones; a column that is made of several is cut evenly. */
function sharesBack(amounts: Readonly<Record<string, number>>, steps: readonly FittedStep[]): Record<string, number> {
  let later: Readonly<Record<string, number>> = amounts;
  for (const { transforms, rest } of steps.toReversed()) {
    const earlier: Record<string, number> = {};
    const add = (name: string, amount: number) => {
      earlier[name] = (earlier[name] ?? 0) + amount;
    };
    for (const { outputs } of transforms)
      for (const { name, of } of outputs) for (const input of of) add(input, (later[name] ?? 0) / of.length);
    for (const name of rest) add(name, later[name] ?? 0);
    later = earlier;
  }
  return { ...later };
}

function explanationBack(
  { base, values, scores }: Explanation,
  model: Predictor,
  steps: readonly FittedStep[],
  names: readonly string[],
  rowCount: number,
): Explanation {
  const shares = model.inputs.map(({ name }) => {
    const back = sharesBack({ [name]: 1 }, steps);
    return names.flatMap((raw, at) => (back[raw] ? [{ at, share: back[raw] }] : []));
  });
  const { outputs } = model;
  const summed = new Float64Array(rowCount * names.length * outputs);
  for (let row = 0; row < rowCount; row++)
    shares.forEach((targets, column) => {
      for (const { at, share } of targets)
        for (let k = 0; k < outputs; k++)
          summed[(row * names.length + at) * outputs + k]! += share * values[(row * shares.length + column) * outputs + k]!;
    });
  return { base, values: summed, scores };
}

/** The way back from `toJson`. Error: `learn.bad-model`. */
export function pipelineFromJson(json: Readonly<Record<string, unknown>>, readPredictor: (json: Json) => Predictor): Predictor {
  const inputs = inputsFromJson(json.inputs);
  if (!Array.isArray(json.steps)) throw badModel("its steps are not listed");
  const steps = json.steps.map(stepFromJson);
  const model = readPredictor((json.model ?? null) as Json);
  const ofModel = (json.classes as unknown[] | undefined)?.length === model.classes.length;
  if (json.task !== model.task || !ofModel || !model.classes.every((name, at) => (json.classes as unknown[])[at] === name))
    throw badModel("its task or classes are not those of the model in it");
  checkChain(inputs, steps, model);
  return pipelinePredictor(inputs, steps, model);
}

function stepFromJson(json: unknown): FittedStep {
  const { transforms, rest } = (json ?? {}) as Record<string, unknown>;
  if (!Array.isArray(transforms) || !Array.isArray(rest) || !rest.every((name) => typeof name === "string"))
    throw badModel("a step is incomplete");
  return { transforms: transforms.map(readTransform), rest };
}

/** Each step must find its columns in what the steps before it give. */
function checkChain(inputs: readonly InputColumn[], steps: readonly FittedStep[], model: Predictor): void {
  const kindOf = ({ texts }: InputColumn) => (texts === null ? "number" : "text");
  let given = new Map<string, string>(inputs.map((input) => [input.name, kindOf(input)]));
  const find = (reader: { readonly inputs: readonly InputColumn[] }) => {
    for (const input of reader.inputs)
      if (given.get(input.name) !== kindOf(input)) throw badModel(`no step gives its column "${input.name}"`);
  };
  for (const { transforms, rest } of steps) {
    for (const transform of transforms) find(transform);
    if (!rest.every((name) => given.has(name))) throw badModel("a column that passes through a step is not there");
    const made = transforms.flatMap(({ outputs }) => outputs.map(({ name, kind }) => [name, kind] as const));
    given = new Map<string, string>([...made, ...rest.map((name) => [name, given.get(name)!] as const)]);
  }
  find(model);
}
