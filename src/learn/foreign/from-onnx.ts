/**
 * Foreign tree and linear models, as skl2onnx, onnxmltools and LightGBM write them: one tensor of float32 columns, one `TreeEnsembleClassifier`,
 * `TreeEnsembleRegressor`, `TreeEnsemble`, `LinearClassifier` or `LinearRegressor`, and around it nothing but casts. They become forests and linear models of
 * our own form, and score as ONNX Runtime does (which sums in float32: to about 1e-6).
 */
import { MillError } from "../../base/index.ts";
import type { OnnxModel, OnnxNode } from "../../onnx/index.ts";
import type { Predictor } from "../estimator.ts";
import type { Link } from "../link.ts";
import { forestPredictor } from "../trees/predictor.ts";
import { texts } from "./attributes.ts";
import { linearFromOnnx } from "./linear.ts";
import { forestOf, rawTrees } from "./trees.ts";

export const IMPORTED_TREES = "imported-trees";
export const IMPORTED_LINEAR = "imported-linear";

/**
 * The model as a predictor of `names`, one per column, or of `INPUT_0`, `INPUT_1` and so on. Two classes give the probability of the second.
 * Error: `onnx.unsupported`, which names what is not read.
 */
export function predictorFromOnnx(model: OnnxModel, names?: readonly string[]): Predictor {
  const node = modelNode(model);
  const { input, width } = inputOf(model, node);
  if (node.op.startsWith("Linear")) return linearFromOnnx(node, columnNames(input, names, width ?? names?.length ?? 0));
  const { trees, start, divisor, classes, link, outputs } = rawTrees(node);
  const asked = trees.flat().reduce((most, { column }) => Math.max(most, column + 1), 1);
  const known = columnNames(input, names, width ?? names?.length ?? asked);
  if (asked > known.length) throw unsupported(`a question about column ${asked - 1} of ${known.length}`);
  return forestPredictor({
    estimator: IMPORTED_TREES,
    task: classes.length === 0 ? "regression" : classes.length === 2 ? "binary-classification" : "multiclass-classification",
    classes,
    link,
    inputs: known.map((name) => ({ name, texts: null })),
    textBins: known.map(() => null),
    start,
    divisor,
    forest: forestOf(trees, outputs),
  });
}

/** What a foreign ensemble says of itself; scores are of our outputs: one for two classes. */
export interface RawEnsemble {
  /** A tree's nodes, its root first. */
  readonly trees: readonly (readonly RawNode[])[];
  readonly start: Float64Array;
  readonly divisor: number;
  readonly classes: readonly string[];
  readonly link: Link;
  readonly outputs: number;
}

export interface RawNode {
  /** -1 for a leaf. */
  readonly column: number;
  readonly mode: string;
  readonly threshold: number;
  /** Places in the tree. */
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly missingTrue: boolean;
  /** Of a leaf, per output. */
  readonly values: Float64Array;
}

const MODELS = ["TreeEnsembleClassifier", "TreeEnsembleRegressor", "TreeEnsemble", "LinearClassifier", "LinearRegressor"];
const AROUND = ["Cast", "Identity", "Normalizer"];

function modelNode({ nodes, initializers }: OnnxModel): OnnxNode {
  const found = nodes.filter(({ op }) => MODELS.includes(op));
  // LightGBM's converter multiplies its probabilities by 1
  const ones = new Set(initializers.filter(({ data }) => [...data].every((one) => one === 1)).map(({ name }) => name));
  const isHarmless = ({ op, inputs }: OnnxNode) => AROUND.includes(op) || (op === "Mul" && inputs.some((name) => ones.has(name)));
  const other = nodes.find((node) => !MODELS.includes(node.op) && !isHarmless(node));
  if (other !== undefined) throw unsupported(`the operator ${other.op}`);
  // probabilities that sum to 1 stay what they are
  const norm = nodes.find(({ op }) => op === "Normalizer");
  if (norm !== undefined && texts(norm, "norm")[0] !== "L1")
    throw unsupported("the operator Normalizer with another norm than L1");
  if (found.length !== 1) throw unsupported(`${found.length} models`, "one tree or linear model");
  return found[0]!;
}

/** The graph's one input, which must come to the model as float32: that is what our trees compare. */
function inputOf({ inputs, nodes }: OnnxModel, model: OnnxNode): { input: string; width: number | undefined } {
  const input = inputs[0];
  if (inputs.length !== 1 || input === undefined) throw unsupported(`${inputs.length} inputs`, "one tensor of all columns");
  let type: string = input.type;
  for (let value = model.inputs[0]!; value !== input.name; ) {
    const before = nodes.find(({ outputs }) => outputs.includes(value));
    if (before === undefined) throw unsupported("a model that does not read the input");
    const to = before.attributes.to;
    if (before.op === "Cast" && type === input.type)
      type = to !== undefined && "int" in to && to.int === 1 ? "float32" : "another type";
    value = before.inputs[0]!;
  }
  if (type !== "float32") throw unsupported(`a model of ${type} columns`, "float32");
  const width = input.shape[1];
  return { input: input.name, width: typeof width === "number" ? width : undefined };
}

function columnNames(input: string, names: readonly string[] | undefined, width: number): readonly string[] {
  if (names === undefined) return Array.from({ length: width }, (_, column) => `${input}_${column}`);
  if (names.length === width) return names;
  throw unsupported(`${width} columns, and ${names.length} names are given`);
}

export const unsupported = (what: string, expected?: string) =>
  new MillError("onnx.unsupported", `The ONNX model has ${what}, which cannot be imported.`, {
    expected: expected ?? "one tree or linear model with casts around it, from one tensor of float32 columns",
    got: what,
    fix: "Export the model alone, without preprocessing and without ZipMap, or serve its ONNX file as it is.",
  });
