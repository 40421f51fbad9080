import assert from "node:assert/strict";
import { test } from "node:test";
import ort from "onnxruntime-node";
import { encodeOnnx } from "./encode.ts";
import { createGraph, tensorOf } from "./graph.ts";
import type { OnnxModel } from "./model.ts";

const run = async (model: OnnxModel, feeds: Record<string, ort.Tensor>) => {
  const session = await ort.InferenceSession.create(encodeOnnx(model));
  const results = await session.run(feeds);
  await session.release();
  return results;
};

test("ONNX Runtime computes a graph of doubles with an imputed missing value", async () => {
  const g = createGraph("imputed");
  const distance = g.input("distance", "float64");
  const filled = g.add("Where", [g.add("IsNaN", [distance]), g.constant("float64", [10], [1, 1]), distance]);
  const scaled = g.add("Div", [g.add("Sub", [filled, g.constant("float64", [4], [1])]), g.constant("float64", [3], [1])]);
  g.output(scaled, "value", "float64", ["N", 1]);
  const { value } = await run(g.model(), { distance: new ort.Tensor("float64", Float64Array.of(1, Number.NaN, 0.1), [3, 1]) });
  assert.deepEqual([...(value!.data as Float64Array)], [(1 - 4) / 3, 2, (0.1 - 4) / 3]);
});

test("ONNX Runtime ranks texts with a LabelEncoder and sends unseen ones to the default", async () => {
  const g = createGraph("ranks");
  const origin = g.input("origin", "string");
  const rank = g.addMl("LabelEncoder", [origin], {
    keys_strings: { strings: ["SEA", "é", ""] },
    values_floats: { floats: [1, 2.5, Number.NaN] },
    default_float: { float: -1 },
  });
  g.output(rank, "value", "float32", ["N", 1]);
  const { value } = await run(g.model(), { origin: new ort.Tensor("string", ["é", "SEA", "JFK", ""], [4, 1]) });
  assert.deepEqual([...(value!.data as Float32Array)], [2.5, 1, -1, Number.NaN]);
});

test("ONNX Runtime walks a tree ensemble whose thresholds and leaves are double tensors", async () => {
  const g = createGraph("trees");
  const x = g.input("x", "float64");
  const [, scores] = g.addMlMany("TreeEnsembleClassifier", [x], 2, {
    nodes_treeids: { ints: [0, 0, 0] },
    nodes_nodeids: { ints: [0, 1, 2] },
    nodes_featureids: { ints: [0, 0, 0] },
    nodes_modes: { strings: ["BRANCH_LEQ", "LEAF", "LEAF"] },
    nodes_values_as_tensor: { tensor: tensorOf("float64", [0.1, 0, 0]) },
    nodes_truenodeids: { ints: [1, 0, 0] },
    nodes_falsenodeids: { ints: [2, 0, 0] },
    nodes_missing_value_tracks_true: { ints: [1, 0, 0] },
    class_treeids: { ints: [0, 0] },
    class_nodeids: { ints: [1, 2] },
    class_ids: { ints: [0, 0] },
    class_weights_as_tensor: { tensor: tensorOf("float64", [0.25, 0.75]) },
    classlabels_int64s: { ints: [0, 1] },
    post_transform: { string: "NONE" },
  });
  g.output(scores!, "probabilities", "float32", ["N", 2]);
  const { probabilities } = await run(g.model(), {
    x: new ort.Tensor("float64", Float64Array.of(0.1, 0.1 + Number.EPSILON, Number.NaN), [3, 1]),
  });
  assert.deepEqual(
    [...(probabilities!.data as Float32Array)].filter((_, i) => i % 2 === 1),
    [0.25, 0.75, 0.25],
  );
});

test("an output gives way to an input of the same name", async () => {
  const g = createGraph("names");
  const value = g.input("value", "float64");
  assert.equal(g.output(g.add("Neg", [value]), "value", "float64", ["N", 1]), "value_2");
  const results = await run(g.model(), { value: new ort.Tensor("float64", Float64Array.of(2), [1, 1]) });
  assert.deepEqual([...(results.value_2!.data as Float64Array)], [-2]);
});

test("the builder refuses a value it never made and a name used twice", () => {
  const g = createGraph("strict");
  g.input("x", "float64");
  assert.throws(() => g.add("Neg", ["y"]), { code: "onnx.invalid-graph" });
  assert.throws(() => g.input("x", "float64"), { code: "onnx.invalid-graph" });
});

test("a tensor whose data does not fit its shape or type is refused by name", () => {
  const g = createGraph("short");
  g.constant("float64", [1, 2, 3], [2, 2]);
  assert.throws(() => encodeOnnx(g.model()), {
    code: "onnx.invalid-graph",
    at: "tensor constant",
    got: "3 elements in Float64Array",
  });
});

test("an integer beyond 64 bits and half of a character are refused", () => {
  const withAttribute = (attribute: { int: number | bigint } | { string: string }) => {
    const g = createGraph("bad");
    g.add("Identity", [g.input("x", "float64")], { a: attribute });
    return () => encodeOnnx(g.model());
  };
  assert.throws(withAttribute({ int: 2 ** 53 }), { code: "onnx.invalid-graph" });
  assert.throws(withAttribute({ int: 1n << 63n }), { code: "onnx.invalid-graph" });
  assert.throws(withAttribute({ string: "\ud800" }), { code: "onnx.invalid-graph" });
  assert.doesNotThrow(withAttribute({ int: -(1n << 63n) }));
});
