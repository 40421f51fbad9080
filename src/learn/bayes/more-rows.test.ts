import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Estimator, Predictor, TrainingData } from "../estimator.ts";
import { readPredictor } from "../estimators.ts";
import { pick, trainingData } from "../fixtures/training-data.ts";
import type { Frame } from "../frame.ts";
import { quiet } from "../suite.ts";
import { bernoulliNaiveBayes, categoricalNaiveBayes, multinomialNaiveBayes } from "./discrete.ts";
import { gaussianNaiveBayes } from "./gaussian.ts";

const classes = ["a", "b", "c"];

/** Its texts in the order in which they come, as files give them. */
function texts(values: readonly (string | null)[]): Frame["columns"][string] {
  const known = [...new Set(values.filter((value) => value !== null))];
  return { kind: "text", codes: Int32Array.from(values, (value) => (value === null ? -1 : known.indexOf(value))), texts: known };
}

const numbers = (values: readonly number[]) => ({ kind: "number", values: Float64Array.from(values) }) as const;

interface Row {
  readonly label: number;
  readonly weight: number;
  readonly text: string | null;
  readonly count: number;
}

function dataOf(rows: readonly Row[], of: "text" | "count", weighted: boolean): TrainingData {
  const column = of === "text" ? texts(rows.map(({ text }) => text)) : numbers(rows.map(({ count }) => count));
  return {
    X: { rowCount: rows.length, columns: { column } },
    y: Float64Array.from(rows, ({ label }) => label),
    ...{ task: "multiclass-classification", classes },
    ...(weighted ? { weights: Float64Array.from(rows, ({ weight }) => weight) } : {}),
  };
}

const learn = (estimator: Estimator, data: TrainingData, start?: Predictor, params = {}) =>
  estimator.fit(data, params, { ...quiet(), ...(start && { start }) });

const row = fc.record({
  label: fc.integer({ min: 0, max: 2 }),
  weight: fc.integer({ min: 1, max: 4 }),
  text: fc.constantFrom("north", "east", "south", "west", "", null),
  count: fc.integer({ min: 0, max: 9 }),
});
const begin: Row[] = [
  { label: 0, weight: 1, text: "north", count: 0 },
  { label: 1, weight: 2, text: "middle", count: 3 },
];

for (const [estimator, of] of [
  [categoricalNaiveBayes, "text"],
  [multinomialNaiveBayes, "count"],
  [bernoulliNaiveBayes, "count"],
] as const)
  test(`${estimator.name}: whole counts that come part by part make the very model of all rows at once`, async () => {
    const parts = fc.tuple(fc.array(row, { minLength: 1, maxLength: 8 }), fc.array(row, { minLength: 1, maxLength: 8 }));
    await fc.assert(
      fc.asyncProperty(parts, fc.boolean(), async ([second, third], weighted) => {
        const all = await learn(estimator, dataOf([...begin, ...second, ...third], of, weighted));
        const first = await learn(estimator, dataOf(begin, of, weighted));
        const more = await learn(estimator, dataOf(second, of, weighted), first);
        assert.deepEqual((await learn(estimator, dataOf(third, of, weighted), more)).toJson(), all.toJson());
      }),
      { numRuns: 8 },
    );
  });

test("means far from 0 lose nothing of their spread when rows come part by part", async () => {
  const values = Array.from({ length: 3000 }, (_, at) => 1e9 + ((at * 7919) % 1000) / 1000);
  const data: TrainingData = {
    X: { rowCount: 3000, columns: { x: numbers(values) } },
    y: Float64Array.from(values, (_, at) => at % 3),
    ...{ task: "multiclass-classification", classes },
  };
  let model: Predictor | undefined;
  for (let from = 0; from < 3000; from += 100)
    model = await learn(
      gaussianNaiveBayes,
      pick(
        data,
        Array.from({ length: 100 }, (_, at) => from + at),
      ),
      model,
    );
  const [ours, expected] = [model!.predict(data.X), (await learn(gaussianNaiveBayes, data)).predict(data.X)];
  ours.forEach((p, at) => {
    assert.ok(Math.abs(p - expected[at]!) < 1e-6, `${p} instead of ${expected[at]}`);
  });
});

test("a model that was stored without its counts predicts as before, and is not gone on from", async () => {
  const data = trainingData("binary-classification", 500, { ...gaussianNaiveBayes.tags });
  const model = await learn(gaussianNaiveBayes, data);
  const { counts, ...stored } = model.toJson() as Record<string, never>;
  assert.ok(counts);
  const old = readPredictor(stored);
  assert.deepEqual(old.predict(data.X), model.predict(data.X));
  assert.deepEqual(old.toJson(), stored);
  await assert.rejects(learn(gaussianNaiveBayes, data, old), { code: "learn.bad-start" });
});

test("events are not counted on above another threshold", async () => {
  const data = dataOf([...begin, ...begin], "count", false);
  const start = await learn(bernoulliNaiveBayes, data, undefined, { threshold: 1 });
  await assert.rejects(learn(bernoulliNaiveBayes, data, start), { code: "learn.bad-start" });
  assert.ok(await learn(bernoulliNaiveBayes, data, start, { threshold: 1, smoothing: 0.5 }));
});

test("counts that are damaged are a model that cannot be read", async () => {
  const data = dataOf(begin, "count", false);
  const model = (await learn(bernoulliNaiveBayes, data)).toJson() as { counts: Record<string, string[]> };
  for (const counts of [null, {}, { ...model.counts, sums: [] }, { ...model.counts, sums: [model.counts.classWeights!] }])
    await assert.rejects(async () => learn(bernoulliNaiveBayes, data, readPredictor({ ...model, counts } as never)), {
      code: "learn.bad-model",
    });
});
