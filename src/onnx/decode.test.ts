import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MillError } from "../base/index.ts";
import { decodeOnnx } from "./decode.ts";
import { encodeOnnx } from "./encode.ts";
import { createGraph, tensorOf } from "./graph.ts";
import type { Attribute, ElementType, OnnxModel, OnnxNode, Tensor, ValueInfo } from "./model.ts";
import { bytesField, join, messageField, packedFloats, packedVarints, textField, varintField } from "./protobuf-write.ts";

const SEED = 20010601;

const text = fc.oneof(fc.string({ unit: "grapheme", maxLength: 8 }), fc.constantFrom("__proto__", "", "é"));
const name = text.filter((each) => each !== "");
/** As `decodeOnnx` gives them: a bigint only beyond the safe integers. */
const int = fc.oneof(
  fc.maxSafeInteger(),
  fc
    .bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })
    .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)),
);
const elementType: fc.Arbitrary<ElementType> = fc.constantFrom("float32", "float64", "int64", "int32", "uint8", "string", "bool");

const tensor: fc.Arbitrary<Tensor> = fc
  .record({ name: text, type: elementType, shape: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }) })
  .chain((head) => {
    const length = head.shape.reduce((product, size) => product * size, 1);
    const size = { minLength: length, maxLength: length };
    const data: Record<ElementType, fc.Arbitrary<Tensor["data"]>> = {
      float32: fc.float32Array(size),
      float64: fc.float64Array(size),
      int64: fc.bigInt64Array(size),
      int32: fc.int32Array(size),
      uint8: fc.uint8Array(size),
      bool: fc.uint8Array({ ...size, max: 1 }),
      string: fc.array(text, size),
    };
    return data[head.type].map((elements) => ({ ...head, data: elements }));
  });

const attribute: fc.Arbitrary<Attribute> = fc.oneof(
  fc.record({ int }),
  fc.record({ float: fc.float() }),
  fc.record({ string: text }),
  fc.record({ tensor }),
  fc.record({ ints: fc.array(int, { maxLength: 5 }) }),
  fc.record({ floats: fc.float32Array({ maxLength: 5 }) }),
  fc.record({ strings: fc.array(text, { maxLength: 5 }) }),
);

const node: fc.Arbitrary<OnnxNode> = fc.record({
  op: name,
  domain: fc.constantFrom("", "ai.onnx.ml"),
  inputs: fc.array(text, { maxLength: 3 }),
  outputs: fc.array(text, { maxLength: 3 }),
  attributes: fc.array(fc.tuple(name, attribute), { maxLength: 4 }).map(Object.fromEntries),
});

const value: fc.Arbitrary<ValueInfo> = fc.record({
  name: text,
  type: elementType,
  shape: fc.array(fc.oneof(fc.nat(), text), { maxLength: 3 }),
});

const model: fc.Arbitrary<OnnxModel> = fc.record({
  irVersion: fc.nat(),
  opsets: fc.record({ "ai.onnx": fc.nat(), "ai.onnx.ml": fc.nat() }),
  producer: text,
  graphName: text,
  nodes: fc.array(node, { maxLength: 4 }),
  initializers: fc.array(tensor, { maxLength: 3 }),
  inputs: fc.array(value, { maxLength: 3 }),
  outputs: fc.array(value, { maxLength: 3 }),
  metadata: fc.array(fc.tuple(text, text), { maxLength: 3 }).map(Object.fromEntries),
});

/** fast-check's records may have no prototype. */
const plain = (each: unknown): unknown => {
  if (Array.isArray(each)) return each.map(plain);
  if (each === null || typeof each !== "object" || ArrayBuffer.isView(each)) return each;
  return Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, plain(inner)]));
};

test("what is encoded is decoded equal, bit for bit", () => {
  fc.assert(
    fc.property(model, (original) => assert.deepEqual(decodeOnnx(encodeOnnx(original)), plain(original))),
    { seed: SEED, numRuns: 500 },
  );
});

test("a model is read from a Buffer, which shares its memory with others, as from any bytes", () => {
  fc.assert(
    fc.property(model, (original) => {
      const shared = Buffer.concat([Buffer.from("before"), encodeOnnx(original), Buffer.from("after")]);
      assert.deepEqual(decodeOnnx(shared.subarray(6, -5)), plain(original));
    }),
    { seed: SEED, numRuns: 100 },
  );
});

test("any bytes, and any damage to a model, give a model or an onnx error", () => {
  const survives = (bytes: Uint8Array) => {
    try {
      decodeOnnx(bytes, { fieldsMax: 10_000 });
    } catch (error) {
      assert.ok(error instanceof MillError && error.code.startsWith("onnx."), String(error));
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), survives), { seed: SEED, numRuns: 2000 });
  const damage = fc.tuple(model, fc.nat(), fc.nat({ max: 255 }), fc.nat());
  fc.assert(
    fc.property(damage, ([original, at, byte, cut]) => {
      const bytes = encodeOnnx(original);
      bytes[at % bytes.length] = byte;
      survives(bytes);
      survives(bytes.subarray(0, cut % bytes.length));
    }),
    { seed: SEED, numRuns: 1000 },
  );
});

const graphOf = (...fields: readonly (readonly Uint8Array[])[]) => join(messageField(7, fields.flat()));

test("numbers in their typed fields are read like raw ones, packed or not", () => {
  const doubles = new Uint8Array(Float64Array.of(0.1, -2).buffer);
  const tensors = [
    [...packedVarints(1, [2]), ...varintField(2, 11), ...bytesField(10, doubles)],
    [...varintField(1, 2), ...varintField(2, 1), ...packedFloats(4, [0.5, -2])],
    [...varintField(1, 2), ...varintField(2, 7), ...varintField(7, -1), ...varintField(7, 1n << 62n)],
    [...varintField(1, 2), ...varintField(2, 6), ...packedVarints(5, [-1, 7])],
    [...varintField(1, 2), ...varintField(2, 9), ...packedVarints(5, [1, 0])],
  ];
  const { initializers } = decodeOnnx(graphOf(...tensors.map((each) => messageField(5, each))));
  assert.deepEqual(
    initializers.map(({ data }) => data),
    [
      Float64Array.of(0.1, -2),
      Float32Array.of(0.5, -2),
      BigInt64Array.of(-1n, 1n << 62n),
      Int32Array.of(-1, 7),
      Uint8Array.of(1, 0),
    ],
  );
});

test("parts of ONNX that are not read are refused by name", () => {
  const node = (...fields: readonly (readonly Uint8Array[])[]) => messageField(1, [...textField(4, "If"), ...fields.flat()]);
  const subgraph = [...textField(1, "then_branch"), ...messageField(6, []), ...varintField(20, 5)];
  const external = [...varintField(2, 1), ...messageField(13, textField(1, "location")), ...varintField(14, 1)];
  const sequence = [...textField(1, "zipmap"), ...messageField(2, messageField(4, []))];
  const cases: [Uint8Array, RegExp][] = [
    [graphOf(node(messageField(5, subgraph))), /subgraph/],
    [graphOf(node(textField(7, "com.microsoft"))), /domain "com\.microsoft"/],
    [graphOf(messageField(5, external)), /other files/],
    [graphOf(messageField(12, sequence)), /no tensor/],
    [graphOf(messageField(5, varintField(2, 10))), /element type 10/],
    [graphOf(messageField(15, [])), /sparse/],
  ];
  for (const [bytes, message] of cases) assert.throws(() => decodeOnnx(bytes), { code: "onnx.unsupported", message });
});

test("broken bytes say where they are broken", () => {
  const wrongLength = [...varintField(1, 3), ...varintField(2, 1), ...packedFloats(4, [1])];
  const cases: [Uint8Array, string][] = [
    [new Uint8Array(0), "the model"],
    [Uint8Array.of(0x3a, 0x7f, 1), "the model"],
    [graphOf(textField(2, "g"), messageField(1, [])), "node 0"],
    [graphOf(messageField(5, wrongLength)), "initializer 0"],
    [graphOf(bytesField(2, Uint8Array.of(0xff))), "the graph"],
    [new Uint8Array(64).fill(0xff), "the model"],
    [join([...messageField(7, []), ...messageField(7, [])]), "the model"],
  ];
  for (const [bytes, at] of cases) assert.throws(() => decodeOnnx(bytes), { code: "onnx.malformed", at });
});

test("a shape whose product overflows claims no memory", () => {
  const huge = [...packedVarints(1, [2 ** 40, 2 ** 40]), ...varintField(2, 1)];
  assert.throws(() => decodeOnnx(graphOf(messageField(5, huge))), { code: "onnx.malformed" });
});

test("a small file that asks for many fields is stopped by the limit", () => {
  const bomb = graphOf(...Array.from({ length: 2000 }, () => messageField(1, textField(4, "A"))));
  assert.throws(() => decodeOnnx(bomb, { fieldsMax: 1000 }), { code: "onnx.too-large" });
  assert.throws(() => decodeOnnx(bomb, { sizeBytesMax: 100 }), { code: "onnx.too-large" });
  assert.equal(decodeOnnx(bomb).nodes.length, 2000);
});

test("a tree ensemble of 200 trees comes back equal", () => {
  const g = createGraph("large");
  const count = 200 * 61;
  const ints = Array.from({ length: count }, (_, index) => index % 61);
  g.addMl("TreeEnsembleRegressor", [g.input("x", "float64")], {
    nodes_nodeids: { ints },
    nodes_modes: { strings: ints.map((each) => (each % 2 ? "LEAF" : "BRANCH_LEQ")) },
    nodes_values_as_tensor: { tensor: tensorOf("float64", ints.map(Math.sqrt)) },
  });
  assert.deepEqual(decodeOnnx(encodeOnnx(g.model())), g.model());
});
