/** The baseline that every model must beat: the share of each class, or the mean, whatever the row says. */
import type { Json } from "../base/index.ts";
import { type GraphBuilder, tensorOf } from "../onnx/index.ts";
import { throwIfCancelled } from "./crew/crew.ts";
import { UNSEEN_TEXT } from "./edge-rows.ts";
import {
  type Estimator,
  type FitContext,
  type LearnTask,
  type Params,
  type Predictor,
  type TrainingData,
  usualTags,
} from "./estimator.ts";
import { exactMean } from "./exact-sum.ts";
import { bindColumns, type InputColumn, inputsFromJson, inputsToJson } from "./inputs.ts";
import { outputsOf } from "./link.ts";
import { badModel, pack, unpackFloat64 } from "./packed.ts";
import { completeParams } from "./params.ts";
import { checkTrainingData } from "./training-data.ts";

interface ConstantModel {
  readonly task: LearnTask;
  readonly classes: readonly string[];
  /** Kept so that the model asks for the same columns as one that uses them; texts are not looked at. */
  readonly inputs: readonly InputColumn[];
  /** One number per output. */
  readonly values: Float64Array;
}

export const constant: Estimator = {
  name: "constant",
  revision: 1,
  about: "The share of each class, or the mean: the baseline.",
  params: {},
  tags: {
    ...usualTags,
    tasks: ["binary-classification", "multiclass-classification", "regression"],
  },
  fit,
};

async function fit(data: TrainingData, params: Params, context: FitContext): Promise<Predictor> {
  completeParams(constant, params);
  checkTrainingData(constant, data);
  throwIfCancelled(context.signal);
  const { X, y, weights, task, classes } = data;
  const outputs = outputsOf(task, classes);
  const shareOf = (classIndex: number) =>
    exactMean(
      y.map((label) => (label === classIndex ? 1 : 0)),
      weights,
    );
  const values =
    outputs === 1 ? Float64Array.of(exactMean(y, weights)) : Float64Array.from({ length: outputs }, (_, index) => shareOf(index));
  context.progress(1, 1);
  const inputs = Object.entries(X.columns).map(([name, { kind }]): InputColumn => ({ name, texts: kind === "text" ? [] : null }));
  return constantPredictor({ task, classes, inputs, values });
}

function constantPredictor(model: ConstantModel): Predictor {
  const { task, classes, inputs, values } = model;
  return {
    estimator: constant.name,
    task,
    classes,
    inputs,
    outputs: values.length,
    predict: (X) => {
      bindColumns(X, inputs);
      const predictions = new Float64Array(X.rowCount * values.length);
      for (let row = 0; row < X.rowCount; row++) predictions.set(values, row * values.length);
      return predictions;
    },
    rowScorer: () => () => Float64Array.from(values),
    addTo: (graph, tensors) => addRepeated(graph, tensors[inputs[0]!.name]!, values),
    edges: () =>
      inputs.map(({ name, texts }) =>
        texts === null ? { name, numbers: [NaN, 0, 1e300] } : { name, texts: [null, UNSEEN_TEXT] },
      ),
    importance: () => Object.fromEntries(inputs.map(({ name }) => [name, 1 / inputs.length])),
    toJson: () =>
      ({ estimator: constant.name, task, classes, inputs: inputsToJson(inputs), values: pack(values) }) satisfies Json,
  };
}

/** The values, repeated as often as the column has rows. */
function addRepeated(graph: GraphBuilder, column: string, values: Float64Array): string {
  const rows = graph.add("Shape", [column], { start: { int: 0 }, end: { int: 1 } });
  const shape = graph.add("Concat", [rows, graph.constant("int64", [values.length])], { axis: { int: 0 } });
  const zeros = graph.add("ConstantOfShape", [shape], { value: { tensor: tensorOf("float64", [0]) } });
  return graph.add("Add", [zeros, graph.constant("float64", values, [1, values.length])]);
}

export function constantFromJson(json: Record<string, unknown>): Predictor {
  const [task, classes] = [json.task as LearnTask, json.classes as string[]];
  const values = unpackFloat64(json.values);
  if (values.length !== outputsOf(task, classes)) throw badModel("it has not one number for each output");
  return constantPredictor({ task, classes, inputs: inputsFromJson(json.inputs), values });
}
