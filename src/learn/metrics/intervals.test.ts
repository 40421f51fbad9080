import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../base/index.ts";
import type { Task } from "../../contract/index.ts";
import type { Evidence } from "./evidence.ts";
import { intervalsOf } from "./intervals.ts";
import { measure } from "./measure.ts";

type Draw = (rows: number, random: ReturnType<typeof createRandom>) => Evidence;

const binary: Draw = (rows, random) => {
  const predictions = Float64Array.from({ length: rows }, () => 1 / (1 + Math.exp(1 - random.normal())));
  const y = predictions.map((p) => (random.next() < 0.1 + 0.7 * p ? 1 : 0));
  return { predictions, y, classes: ["false", "true"], threshold: 0.35, gain: { truePositive: 10, falsePositive: -4 } };
};
const multiclass: Draw = (rows, random) => {
  const predictions = new Float64Array(rows * 3);
  const y = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const weights = [0, 1, 2].map((k) => Math.exp(random.normal() - k / 2));
    const sum = weights.reduce((a, b) => a + b);
    weights.forEach((weight, k) => {
      predictions[row * 3 + k] = weight / sum;
    });
    const draw = random.next() * 0.8 * sum;
    y[row] = draw < weights[0]! ? 0 : draw < weights[0]! + weights[1]! ? 1 : 2;
  }
  return { predictions, y, classes: ["a", "b", "c"] };
};
const regression: Draw = (rows, random) => {
  const predictions = Float64Array.from({ length: rows }, () => 10 * random.normal());
  return { predictions, y: predictions.map((value) => value + 4 * random.normal() + 1), classes: [] };
};

const SAMPLES = 300;
/** Of a value that chance only makes greater an interval from the rows alone is a rough one. */
const leastOf = (name: string) => (name === "calibrationError" ? 0.8 : 0.9);

for (const [task, draw] of [
  ["binary-classification", binary],
  ["multiclass-classification", multiclass],
  ["regression", regression],
] as const satisfies readonly (readonly [Task, Draw])[]) {
  test(`intervals of ${task} hold what all rows come to about 95 times of 100`, () => {
    const random = createRandom(12);
    const truth = measure(task, draw(200_000, random)).measures;
    const held: Record<string, number> = {};
    for (let sample = 0; sample < SAMPLES; sample++) {
      for (const [name, [low, high]] of Object.entries(intervalsOf(task, draw(400, random))))
        held[name] = (held[name] ?? 0) + (low <= truth[name]! && truth[name]! <= high ? 1 : 0);
    }
    assert.deepEqual(Object.keys(held).toSorted(), Object.keys(truth).toSorted());
    for (const [name, count] of Object.entries(held))
      assert.ok(count / SAMPLES >= leastOf(name), `${name}: ${count} of ${SAMPLES}`);
  });
}

test("what was decided at the time counts, not what a threshold would decide now", () => {
  const evidence = { predictions: Float64Array.of(0.9, 0.9, 0.1), y: Float64Array.of(1, 1, 0), classes: ["false", "true"] };
  const decisions = Float64Array.of(0, 1, 1);
  assert.equal(measure("binary-classification", evidence).measures.accuracy, 1);
  assert.equal(measure("binary-classification", { ...evidence, decisions }).measures.accuracy, 1 / 3);
  const several = { predictions: Float64Array.of(0.9, 0.1, 0.2, 0.8), y: Float64Array.of(0, 1), classes: ["a", "b"] };
  assert.equal(measure("multiclass-classification", { ...several, decisions: Float64Array.of(1, 1) }).measures.accuracy, 0.5);
});

test("one row, none, or a broken prediction has no interval", () => {
  const of = (predictions: number[], y: number[]) =>
    intervalsOf("regression", { predictions: Float64Array.from(predictions), y: Float64Array.from(y), classes: [] });
  assert.deepEqual([of([], []), of([1], [2]), of([1, Number.NaN], [1, 2])], [{}, {}, {}]);
  assert.equal("r2" in of([1, 2], [3, 3]), false);
});

test("a share of all or none has an interval of some width", () => {
  const { accuracy } = intervalsOf("binary-classification", {
    predictions: new Float64Array(50).fill(0.9),
    y: new Float64Array(50).fill(1),
    classes: ["false", "true"],
  });
  assert.ok(accuracy![0] < 0.95 && accuracy![1] === 1);
});
