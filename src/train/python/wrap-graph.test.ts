/** Graphs as converters write them, wrapped, against ONNX Runtime. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame } from "../../learn/index.ts";
import { createGraph, decodeOnnx, encodeOnnx, type OnnxModel } from "../../onnx/index.ts";
import { createOnnxruntimeScoring } from "../../ports/scoring/index.ts";
import { type Asked, type Converted, wrapGraph } from "./wrap-graph.ts";

const TWO: Asked = { task: "binary-classification", classes: ["false", "true"] };
const THREE: Asked = { task: "multiclass-classification", classes: ["a", "b", "c"] };
const VALUE: Asked = { task: "regression", classes: [] };
const numbers: Converted = { columns: ["x", "probabilities", "z"], texts: [], output: "probabilities", places: null };

/** Lists of numbers, or of texts with null for missing. */
function frame(columns: Readonly<Record<string, readonly (number | string | null)[]>>): Frame {
  const entries = Object.entries(columns).map(([name, list]): [string, Frame["columns"][string]] => {
    if (list.every((value) => typeof value === "number")) return [name, { kind: "number", values: Float64Array.from(list) }];
    const texts = list.filter((value) => typeof value === "string");
    return [name, { kind: "text", codes: Int32Array.from(list, (value) => texts.indexOf(value as string)), texts }];
  });
  return { rowCount: Object.values(columns)[0]!.length, columns: Object.fromEntries(entries) };
}

async function score(model: OnnxModel, converted: Converted, asked: Asked, rows: Parameters<typeof frame>[0]) {
  const session = await createOnnxruntimeScoring().open(encodeOnnx(wrapGraph(decodeOnnx(encodeOnnx(model)), converted, asked)));
  const { values, width } = await session.score(frame(rows));
  await session.close();
  return { values: [...values].map((value) => Math.round(value * 1e6) / 1e6), width };
}

/** A matrix of float32 columns times `weights`, a row of them for each column. */
function product(weights: readonly (readonly number[])[], shape: (number | string)[] = ["", weights.length]): OnnxModel {
  const g = createGraph("product");
  const flat = g.add("Reshape", [g.input("X", "float32", shape), g.constant("int64", [-1, weights.length])]);
  const made = g.add("MatMul", [flat, g.constant("float32", weights.flat(), [weights.length, weights[0]!.length])]);
  g.output(made, "scores", "float32", ["", weights[0]!.length]);
  return g.model();
}

const rows = { x: [1, 0], probabilities: [0, 1], z: [0, 0] };
const logits: Converted = { ...numbers, output: "logits" };
const sigmoid = (x: number) => Math.round(1e6 / (1 + Math.exp(-x))) / 1e6;

test("columns by name become one matrix in the model's order, whatever its own names; the answer is one double output", async () => {
  const found = await score(product([[2], [3], [4]]), { ...numbers, output: "value" }, VALUE, rows);
  assert.deepEqual(found, { values: [2, 3], width: 1 });
});

test("a matrix of another shape with as many numbers is filled row by row, as images are", async () => {
  const converted: Converted = { columns: ["a", "b", "c", "d"], texts: [], output: "value", places: null };
  const model = product([[1], [10], [100], [1000]], ["N", 1, 2, 2]);
  const found = await score(model, converted, VALUE, { a: [1], b: [2], c: [3], d: [4] });
  assert.deepEqual(found.values, [4321]);
});

test("logits become probabilities: of one column by the logistic function, of more by softmax; of two classes the second is told", async () => {
  assert.deepEqual((await score(product([[2], [3], [4]]), logits, TWO, rows)).values, [sigmoid(2), sigmoid(3)]);
  const two = await score(
    product([
      [0, 2],
      [1, -1],
      [0, 0],
    ]),
    logits,
    TWO,
    rows,
  );
  assert.deepEqual(two, { values: [sigmoid(2), sigmoid(-2)], width: 1 });
  const three = await score(
    product([
      [1, 1, 1],
      [0, 0, 0],
      [0, 0, 0],
    ]),
    logits,
    THREE,
    rows,
  );
  assert.deepEqual(three, { values: Array(6).fill(0.333333), width: 3 });
});

test("classes that a model has in another order are put into the job's", async () => {
  const model = product([
    [0.1, 0.2, 0.7],
    [0.5, 0.3, 0.2],
    [0, 0, 0],
  ]);
  const found = await score(model, { ...numbers, places: [2, 0, 1] }, THREE, rows);
  assert.deepEqual(found.values, [0.2, 0.7, 0.1, 0.3, 0.2, 0.5]);
});

test("a model that reads each column by its name keeps its texts and numbers, and its labels are left out", async () => {
  const g = createGraph("mixed");
  const known = g.addMl("LabelEncoder", [g.input("island", "string", ["", 1])], {
    keys_strings: { strings: ["", "Dream"] },
    values_floats: { floats: [5, 1] },
    default_float: { float: 7 },
  });
  const sum = g.add("Add", [known, g.input("x", "float32", ["", 1])]);
  g.output(g.add("Cast", [sum], { to: { int: 7 } }), "label", "int64", [""]);
  g.output(sum, "variable", "float32", ["", 1]);
  const converted: Converted = { columns: ["x", "island"], texts: ["island"], output: "value", places: null };
  const found = await score(g.model(), converted, VALUE, { x: [10, 20, 30], island: ["Dream", null, "Torgersen"] });
  assert.deepEqual(found.values, [11, 25, 37]);
});

test("constants among the inputs, as older writers list them, are no columns; the same graph gives the same bytes", () => {
  const model = product([[1], [1], [1]]);
  const listed = {
    ...model,
    inputs: [...model.inputs, { name: model.initializers[1]!.name, type: "float32" as const, shape: [3, 1] }],
  };
  const wrap = () => encodeOnnx(wrapGraph(listed, numbers, TWO));
  assert.deepEqual(
    wrapGraph(listed, numbers, TWO).inputs.map(({ name }) => name),
    ["x", "probabilities", "z"],
  );
  assert.deepEqual(
    wrapGraph(listed, numbers, TWO).outputs.map(({ name }) => name),
    ["probabilities_2"],
  );
  assert.deepEqual(wrap(), wrap());
});

test("what does not fit is refused with what it is", () => {
  const two = createGraph("two");
  const x = two.input("X", "float32", ["N", 3]);
  two.output(two.add("Neg", [x]), "p", "float32", ["N", 3]);
  two.output(two.add("Abs", [x]), "q", "float32", ["N", 3]);
  const refused: [OnnxModel, Converted, Asked, RegExp][] = [
    [product([[1], [1]]), numbers, TWO, /the shape \[\?, 2\]/],
    [product([[1], [1], [1]]), { ...numbers, texts: ["x", "probabilities", "z"] }, TWO, /"X" of float32/],
    [product([[1], [1], [1]]), { ...numbers, texts: ["x"] }, TWO, /one input/],
    [
      product([
        [1, 1],
        [1, 1],
        [1, 1],
      ]),
      numbers,
      THREE,
      /2 columns of output/,
    ],
    [
      product([
        [1, 1],
        [1, 1],
        [1, 1],
      ]),
      { ...numbers, places: [0, 2] },
      THREE,
      /fewer classes/,
    ],
    [two.model(), numbers, THREE, /the outputs p \(float32\), q \(float32\)/],
  ];
  for (const [model, converted, asked, message] of refused)
    assert.throws(() => wrapGraph(model, converted, asked), { code: "onnx.unsupported", message });
});
