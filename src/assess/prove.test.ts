import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest } from "../base/index.ts";
import type { Requirement } from "../contract/index.ts";
import { decodeOnnx, encodeOnnx, type OnnxModel, type Tensor } from "../onnx/index.ts";
import { judge } from "../problem/index.ts";
import {
  fromWhere,
  howLate,
  late,
  lateLinear,
  latePiped,
  objects,
  stepContext,
  storeDeliveries,
  type Trained,
  trainModel,
} from "./fixtures/trained.ts";
import { prove } from "./index.ts";

const part = await storeDeliveries();

/** What a gate asks of a proof. */
const GRAPH: readonly Requirement[] = [
  { id: "graph/difference", measure: "graphDifference", test: "atMost", value: 1e-6 },
  { id: "graph/flips", measure: "graphFlips", test: "atMost", value: 0 },
];

async function proof(trained: Trained) {
  const { facts, measurements } = await prove.run({ ...trained, runtime: "here" }, stepContext());
  return {
    facts: facts as { proven: boolean; rows: number; largest?: number; flips: number },
    verdict: judge(GRAPH, measurements),
  };
}

for (const [what, definition] of Object.entries({
  "a forest of two classes": late,
  "a linear model": lateLinear,
  "a pipeline": latePiped,
  "a forest of several classes": fromWhere,
  "a regression forest": howLate,
}))
  test(`the graph of ${what} is proven on the training rows and on every edge`, async () => {
    const { facts, verdict } = await proof(await trainModel(definition, part));
    assert.equal(facts.proven, true);
    assert.ok(facts.largest! <= 1e-6, String(facts.largest));
    assert.ok(facts.rows > 600);
    assert.deepEqual([facts.flips, verdict.passed], [0, true]);
  });

/** The bundle's graph with its numbers changed. */
async function tampered(trained: Trained, change: (data: Float64Array, tensor: Tensor) => void): Promise<Digest> {
  const graph = decodeOnnx(await objects.get(trained.onnx));
  const changed = (tensor: Tensor): Tensor => {
    if (!(tensor.data instanceof Float64Array)) return tensor;
    const data = tensor.data.slice();
    change(data, tensor);
    return { ...tensor, data };
  };
  const model: OnnxModel = { ...graph, initializers: graph.initializers.map(changed) };
  return objects.put(encodeOnnx(model));
}

test("a graph whose weights were shifted is caught: the difference and the flips are told, and the gate refuses", async () => {
  const trained = await trainModel(lateLinear, part);
  const onnx = await tampered(trained, (data, { shape }) => {
    if (shape.length === 2 && shape[0]! > 1) data[0]! += 0.5;
  });
  assert.notEqual(onnx, trained.onnx);
  const { facts, verdict } = await proof({ ...trained, onnx });
  assert.ok(facts.largest! > 1e-3 && facts.flips > 0, JSON.stringify(facts));
  assert.deepEqual(
    verdict.chain.map(({ passed }) => passed),
    [false, false],
  );
});

test("a graph that turns scores into no numbers is refused, not passed over", async () => {
  const trained = await trainModel(lateLinear, part);
  const onnx = await tampered(trained, (data) => data.fill(Number.NaN));
  const { facts, verdict } = await proof({ ...trained, onnx });
  assert.equal(facts.largest, undefined);
  assert.match(verdict.chain[0]!.sentence, /could not be measured: .*not a number/);
  assert.equal(verdict.passed, false);
});

test("a graph of another model is caught", async () => {
  const [trained, other] = [await trainModel(late, part), await trainModel(lateLinear, part)];
  assert.equal((await proof({ ...trained, onnx: other.onnx })).verdict.passed, false);
  const classes = await trainModel(fromWhere, part);
  const regression = await trainModel(howLate, part);
  await assert.rejects(proof({ ...classes, onnx: regression.onnx }), { code: "scoring.bad-input" });
});

test("a trained model that was changed after the export is caught", async () => {
  const trained = await trainModel(lateLinear, part);
  const json = JSON.parse(Buffer.from(await objects.get(trained.trained)).toString()) as Record<string, unknown>;
  const shifted = (value: unknown): unknown => {
    if (typeof value === "number" && !Number.isInteger(value)) return value * 1.01;
    if (Array.isArray(value)) return value.map(shifted);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shifted(inner)]));
  };
  const changed = await objects.put(Buffer.from(JSON.stringify(shifted(json))));
  assert.equal((await proof({ ...trained, trained: changed })).verdict.passed, false);
});
