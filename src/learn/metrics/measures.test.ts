import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LearnTask } from "../estimator.ts";
import { measureNamed, measuresOf, ndcgMeasure, pinballMeasure, type Scored, topKMeasure, tweedieMeasure } from "./measures.ts";

const SEED = 20010601;
const TASKS: readonly LearnTask[] = ["binary-classification", "multiclass-classification", "regression"];

/** Rows of whole numbers, so that sums in any order are equal. */
const rowsOf = (task: LearnTask) =>
  fc
    .array(fc.tuple(fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 3, maxLength: 3 }), fc.nat(2), fc.nat(3)), {
      minLength: 2,
      maxLength: 30,
    })
    .map((rows): Required<Omit<Scored, "groups">> => {
      const outputs = task === "multiclass-classification" ? 3 : 1;
      const predictions = rows.flatMap(([parts]) => parts.slice(0, outputs).map((part) => part / 8));
      const y = rows.map(([, label]) =>
        task === "binary-classification" ? Math.min(label, 1) : label + 1 - (outputs === 3 ? 1 : 0),
      );
      const classes = task === "regression" ? [] : ["a", "b", "c"].slice(0, task === "binary-classification" ? 2 : 3);
      return {
        predictions: Float64Array.from(predictions),
        y: Float64Array.from(y),
        weights: Float64Array.from(rows, ([, , weight]) => weight),
        classes,
        threshold: 0.5,
      };
    });

function near(a: number | null, b: number | null, why: string): void {
  if (a === null || b === null) assert.equal(a, b, why);
  else assert.ok(Math.abs(a - b) <= 1e-12 * Math.max(1, Math.abs(b)), `${why}: ${a} is not ${b}`);
}

for (const task of TASKS) {
  const measures = [
    ...measuresOf(task),
    ...(task === "regression" ? [pinballMeasure(0.9), tweedieMeasure(1.5)] : []),
    ...(task === "multiclass-classification" ? [topKMeasure(1)] : []),
  ];

  test(`${task}: a weight counts as that many rows, in every measure`, () => {
    fc.assert(
      fc.property(rowsOf(task), (rows) => {
        const order = [...rows.y.keys()].flatMap((row) => Array<number>(rows.weights[row]!).fill(row));
        const outputs = rows.predictions.length / rows.y.length;
        const { weights: _, ...others } = rows;
        const repeated = {
          ...others,
          predictions: Float64Array.from(
            order.flatMap((row) => [...rows.predictions.subarray(row * outputs, (row + 1) * outputs)]),
          ),
          y: Float64Array.from(order, (row) => rows.y[row]!),
        };
        for (const { name, of, reweighed } of measures) {
          const expected = of(repeated);
          near(of(rows).value, expected.value, name);
          const isOutside = expected.value === null && expected.why.includes("true value is");
          if (reweighed !== undefined && !isOutside) near(reweighed(others)(rows.weights), expected.value, `${name}, reweighed`);
        }
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  test(`${task}: a sum taken in parts is the sum of all rows`, () => {
    fc.assert(
      fc.property(rowsOf(task), fc.nat(30), (rows, cut) => {
        const outputs = rows.predictions.length / rows.y.length;
        const part = (from: number, to: number): Scored => ({
          ...rows,
          predictions: rows.predictions.slice(from * outputs, to * outputs),
          y: rows.y.slice(from, to),
          weights: rows.weights.slice(from, to),
        });
        const middle = Math.min(cut, rows.y.length);
        for (const { name, of, tally } of measures) {
          if (tally === undefined) continue;
          const sums = tally();
          sums.add(part(0, middle));
          sums.add(part(middle, rows.y.length));
          near(sums.value().value, of(rows).value, name);
        }
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
}

test("no rows, or rows that do not define a measure, give null with a reason, and never NaN", () => {
  const empty = { predictions: new Float64Array(), y: new Float64Array(), classes: ["false", "true"] };
  const one = { predictions: Float64Array.of(0.5), y: Float64Array.of(0), classes: ["false", "true"] };
  const tasks: readonly LearnTask[] = ["binary-classification", "regression", "ranking", "clustering", "outlier-detection"];
  for (const task of tasks)
    for (const rows of [empty, one])
      for (const { name, of } of measuresOf(task)) {
        const metric = of(rows);
        assert.ok(metric.value === null ? metric.why.length > 5 : Number.isFinite(metric.value), `${task} ${name}`);
      }
});

test("deviances say which value lies outside of their distribution", () => {
  const of = (power: number, predicted: number, y: number) => {
    const rows = { predictions: Float64Array.of(predicted), y: Float64Array.of(y), classes: [] };
    const metric = tweedieMeasure(power).of(rows);
    return metric.value === null ? metric.why : metric.value;
  };
  assert.equal(of(1, 0, 1), "a prediction is not above 0");
  assert.equal(of(1, 1, -1), "a true value is below 0");
  assert.equal(of(1, 1, 0), 2);
  assert.equal(of(2, 1, 0), "a true value is not above 0");
  assert.equal(of(0.5, 1, 1), "no distribution has a power of 0.5");
});

test("lists without a row worth finding say nothing; a list counts by its weight", () => {
  const rows = {
    predictions: Float64Array.of(3, 2, 1, 0, 0, 0),
    y: Float64Array.of(0, 1, 0, 0, 1, 1),
    groups: Int32Array.of(7, 7, 1, 1, 4, 4),
    classes: [],
  };
  const { of } = measureNamed("ranking", "mrr");
  assert.equal(of(rows).value, (1 / 2 + 1 / 2) / 2);
  assert.equal(
    of({ ...rows, y: Float64Array.of(1, 1, 0, 0, 1, 1), weights: Float64Array.of(3, 3, 9, 9, 1, 1) }).value,
    (3 + 0.5) / 4,
  );
  assert.equal(ndcgMeasure(1).of(rows).value, (0 + 1) / 2);
});

test("a measure is found by name, and a near miss is told", () => {
  assert.equal(measureNamed("regression", "r2").better, "higher");
  assert.throws(() => measureNamed("regression", "rsme"), { code: "learn.unknown-measure", message: /Did you mean "rmse"/ });
});
