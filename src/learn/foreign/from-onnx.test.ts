/** Graphs as skl2onnx, onnxmltools and LightGBM write them, made here, against ONNX Runtime. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { createRandom } from "../../base/index.ts";
import {
  type Attribute,
  createGraph,
  decodeOnnx,
  encodeOnnx,
  type OnnxModel,
  type OnnxProfile,
  tensorOf,
} from "../../onnx/index.ts";
import { readPredictor } from "../estimators.ts";
import type { Frame } from "../frame.ts";
import { predictorFromOnnx } from "./from-onnx.ts";

const COLUMNS = 3;
type Attributes = Record<string, Attribute>;

const MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT"];

/** Trees of depth 3 whose thresholds are whole numbers, which rows hit. */
function trees(
  kind: "class" | "target",
  count: number,
  targetsOf: (leaf: number) => number[],
  weight: (random: () => number) => number,
): Attributes {
  const random = createRandom(5);
  const rows = Array.from({ length: count * 15 }, (_, at) => ({ tree: Math.floor(at / 15), id: at % 15 }));
  const isLeaf = (id: number) => id >= 7;
  const leaves = rows
    .filter(({ id }) => isLeaf(id))
    .flatMap(({ tree, id }) => targetsOf(tree + id).map((target) => ({ tree, id, target })));
  const ints = (values: number[]): Attribute => ({ ints: values });
  return {
    nodes_treeids: ints(rows.map(({ tree }) => tree)),
    nodes_nodeids: ints(rows.map(({ id }) => id)),
    nodes_featureids: ints(rows.map(() => random.below(COLUMNS))),
    nodes_modes: { strings: rows.map(({ id }) => (isLeaf(id) ? "LEAF" : MODES[random.below(4)]!)) },
    nodes_values: { floats: rows.map(() => random.below(7) - 3) },
    nodes_truenodeids: ints(rows.map(({ id }) => (isLeaf(id) ? 0 : 2 * id + 1))),
    nodes_falsenodeids: ints(rows.map(({ id }) => (isLeaf(id) ? 0 : 2 * id + 2))),
    nodes_missing_value_tracks_true: ints(rows.map(() => random.below(2))),
    [`${kind}_treeids`]: ints(leaves.map(({ tree }) => tree)),
    [`${kind}_nodeids`]: ints(leaves.map(({ id }) => id)),
    [`${kind}_ids`]: ints(leaves.map(({ target }) => target)),
    [`${kind}_weights`]: { floats: leaves.map(() => weight(random.next)) },
  };
}

function graph(op: string, attributes: Attributes, outputs: number, width: number, profile: OnnxProfile = "wide"): OnnxModel {
  const g = createGraph("foreign", profile);
  const made = g.addMlMany(op, [g.input("X", "float32", ["N", COLUMNS])], outputs, attributes);
  g.output(made.at(-1)!, "scores", "float32", ["N", width]);
  return g.model();
}

const text = (string: string): Attribute => ({ string });
const signed = (random: () => number) => random() * 2 - 1;
const positive = (random: () => number) => random() / 10;
const three = { classlabels_strings: { strings: ["a", "b", "c"] } };
const two = { classlabels_int64s: { ints: [0, 1] } };
const coefficients = {
  coefficients: { floats: [0.5, -1, 2, 1, 0.25, -0.5, -1, 1, 1] },
  intercepts: { floats: [0.1, -0.2, 0.3] },
};

const models: Record<string, OnnxModel> = {
  "a sum of trees": graph(
    "TreeEnsembleRegressor",
    { ...trees("target", 20, () => [0], signed), n_targets: { int: 1 }, base_values: { floats: [7] } },
    1,
    1,
  ),
  "a mean of trees": graph(
    "TreeEnsembleRegressor",
    {
      ...trees("target", 20, () => [0], signed),
      n_targets: { int: 1 },
      base_values: { floats: [7] },
      aggregate_function: text("AVERAGE"),
    },
    1,
    1,
  ),
  "boosting of two classes": graph(
    "TreeEnsembleClassifier",
    { ...trees("class", 20, () => [0], signed), ...two, base_values: { floats: [0.3] }, post_transform: text("LOGISTIC") },
    2,
    2,
  ),
  "a forest of two classes": graph(
    "TreeEnsembleClassifier",
    { ...trees("class", 10, () => [0, 1], positive), ...two, post_transform: text("NONE") },
    2,
    2,
  ),
  "a forest of two classes that holds the second alone": graph(
    "TreeEnsembleClassifier",
    { ...trees("class", 10, () => [1], positive), ...two, post_transform: text("NONE") },
    2,
    2,
  ),
  "a forest of three classes": graph(
    "TreeEnsembleClassifier",
    { ...trees("class", 10, () => [0, 1, 2], positive), ...three, post_transform: text("NONE") },
    2,
    3,
  ),
  "boosting of three classes": graph(
    "TreeEnsembleClassifier",
    { ...trees("class", 21, (leaf) => [leaf % 3], signed), ...three, post_transform: text("SOFTMAX") },
    2,
    3,
  ),
  "least squares": graph("LinearRegressor", { coefficients: { floats: [0.5, -1, 2] }, intercepts: { floats: [3] } }, 1, 1),
  "logistic regression": graph(
    "LinearClassifier",
    {
      coefficients: { floats: [-0.5, 1, -2, 0.5, -1, 2] },
      intercepts: { floats: [-1, 1] },
      classlabels_ints: { ints: [0, 1] },
      post_transform: text("LOGISTIC"),
    },
    2,
    2,
  ),
  "softmax regression": graph("LinearClassifier", { ...coefficients, ...three, post_transform: text("SOFTMAX") }, 2, 3),
  "a TreeEnsemble": graph(
    "TreeEnsemble",
    {
      n_targets: { int: 1 },
      tree_roots: { ints: [0, 2] },
      nodes_featureids: { ints: [0, 1, 2] },
      nodes_modes: { tensor: tensorOf("uint8", [0, 1, 3]) },
      nodes_splits: { tensor: tensorOf("float32", [1, 0, -1]) },
      nodes_truenodeids: { ints: [1, 0, 3] },
      nodes_trueleafs: { ints: [0, 1, 1] },
      nodes_falsenodeids: { ints: [2, 1, 4] },
      nodes_falseleafs: { ints: [1, 1, 1] },
      nodes_missing_value_tracks_true: { ints: [0, 1, 1] },
      leaf_targetids: { ints: [0, 0, 0, 0, 0] },
      leaf_weights: { tensor: tensorOf("float32", [1, 2, 4, 8, 16]) },
    },
    1,
    1,
    "compact",
  ),
};

for (const [name, model] of Object.entries(models))
  test(`${name} scores as in ONNX Runtime, also when it was stored`, async () => {
    const isLinear = model.nodes[0]!.op.startsWith("Linear");
    const x = rows(isLinear);
    const session = await InferenceSession.create(encodeOnnx(model));
    const { scores } = await session.run({ X: new Tensor("float32", x, [x.length / COLUMNS, COLUMNS]) });
    await session.release();
    const predictor = predictorFromOnnx(decodeOnnx(encodeOnnx(model)), ["p", "q", "r"]);
    const theirs = scores!.data as Float32Array;
    const width = theirs.length / (x.length / COLUMNS);
    const read = readPredictor(JSON.parse(JSON.stringify(predictor.toJson())));
    for (const each of [predictor, read]) {
      const ours = each.predict(frame(x));
      for (let row = 0; row < x.length / COLUMNS; row++)
        for (let k = 0; k < predictor.outputs; k++) {
          const expected = theirs[row * width + (predictor.outputs < width ? 1 : k)]!;
          assert.ok(
            Math.abs(ours[row * predictor.outputs + k]! - expected) < 2e-6 * Math.max(1, Math.abs(expected)),
            `row ${row}`,
          );
        }
    }
  });

test("what is not read is refused by its name", () => {
  const refused: [OnnxModel, RegExp][] = [
    [graph("TreeEnsembleRegressor", { ...trees("target", 1, () => [0], signed), aggregate_function: text("MAX") }, 1, 1), /MAX/],
    [
      graph(
        "TreeEnsembleClassifier",
        { ...trees("class", 1, () => [0], signed), ...three, post_transform: text("PROBIT") },
        2,
        3,
      ),
      /PROBIT/,
    ],
    [graph("TreeEnsembleClassifier", { ...trees("class", 1, () => [0], signed), ...two }, 2, 2), /no probabilities/],
    [graph("SVMRegressor", {}, 1, 1), /SVMRegressor/],
    [graph("LinearClassifier", { ...coefficients, ...three, post_transform: text("LOGISTIC") }, 2, 3), /LOGISTIC/],
  ];
  for (const [model, message] of refused) assert.throws(() => predictorFromOnnx(model), { code: "onnx.unsupported", message });
  const sum = models["a sum of trees"]!;
  const broken = (name: string, value: Attribute) => ({
    ...sum,
    nodes: [{ ...sum.nodes[0]!, attributes: { ...sum.nodes[0]!.attributes, [name]: value } }],
  });
  const equal = { strings: Array.from({ length: 300 }, () => "BRANCH_EQ") };
  assert.throws(() => predictorFromOnnx(broken("nodes_modes", equal)), { code: "onnx.unsupported", message: /BRANCH_EQ/ });
  const ring = { ints: Array.from({ length: 300 }, () => 0) };
  assert.throws(() => predictorFromOnnx(broken("nodes_truenodeids", ring)), { code: "onnx.unsupported", message: /lead back/ });
  assert.throws(() => predictorFromOnnx(sum, ["a"]), { code: "onnx.unsupported", message: /names/ });
});

/** Whole numbers, their neighbours, and missing values where the model takes them. */
function rows(isLinear: boolean): Float32Array {
  const random = createRandom(9);
  return Float32Array.from({ length: 600 * COLUMNS }, () => {
    if (!isLinear && random.next() < 0.1) return NaN;
    return random.below(9) - 4 + (random.below(3) - 1) * 1e-6;
  });
}

const frame = (x: Float32Array): Frame => ({
  rowCount: x.length / COLUMNS,
  columns: Object.fromEntries(
    ["p", "q", "r"].map((name, column) => [
      name,
      { kind: "number", values: Float64Array.from({ length: x.length / COLUMNS }, (_, row) => x[row * COLUMNS + column]!) },
    ]),
  ),
});
