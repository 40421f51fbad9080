import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, type Random } from "../../base/index.ts";
import type { Params, Predictor, TrainingData } from "../estimator.ts";
import { realData } from "../fixtures/real-data.ts";
import { pick } from "../fixtures/training-data.ts";
import type { NumberColumn } from "../frame.ts";
import { checkEstimator, quiet } from "../suite.ts";
import { logisticRegression } from "./logistic-regression.ts";

checkEstimator(logisticRegression, {
  params: {},
  weightParams: { tolerance: 1e-8 },
  rowOrder: "close",
  cancellable: true,
  golden: {
    revision: 3,
    digests: {
      "binary-classification": "sha256:f349e13aab291863236ffee7fa903b8715d051422516f3374a44c530a4b5b963",
      "multiclass-classification": "sha256:05843608f39ca3fe00d9d1ec43112a704363e734f4b2bb04f73432900052e982",
    },
  },
});

const cancer = realData("breast-cancer");
const iris = realData("iris");
const fit = (data: TrainingData, params: Params = {}) => logisticRegression.fit(data, params, quiet());

function logLossOf(model: Predictor, data: TrainingData): number {
  const predictions = model.predict(data.X);
  const right = data.y.map((label, row) =>
    model.outputs > 1 ? predictions[row * model.outputs + label]! : label === 1 ? predictions[row]! : 1 - predictions[row]!,
  );
  return right.reduce((sum, p, row) => sum - (data.weights?.[row] ?? 1) * Math.log(p), 0) / data.y.length;
}

/** What is minimised, over the rows' number: mean log loss, and the penalties on the weights of standardised numbers. */
function objectiveOf(model: Predictor, data: TrainingData, l1: number, l2: number): number {
  const weights = standardWeights(model).flat();
  const penalty = weights.reduce((sum, weight) => sum + l1 * Math.abs(weight) + (l2 / 2) * weight * weight, 0);
  return logLossOf(model, data) + penalty / data.y.length;
}

/** Per output, read from the model's JSON. */
function standardWeights(model: Predictor): number[][] {
  const { weights } = model.toJson() as { weights: string };
  const all = new Float64Array(new Uint8Array(Buffer.from(weights, "base64")).buffer);
  const count = all.length / model.outputs;
  return Array.from({ length: model.outputs }, (_, k) => [...all.subarray(k * count, (k + 1) * count - 1)]);
}

test("scikit-learn's numbers for the breast cancer data, standardised, C = 1", async () => {
  const model = await fit(cancer, { tolerance: 1e-9 });
  assert.ok(Math.abs(logLossOf(model, cancer) - 0.053392) < 2e-7); // scikit-learn stops a little earlier
  const predictions = model.predict(cancer.X);
  const right = cancer.y.filter((label, row) => predictions[row]! >= 0.5 === (label === 1)).length;
  assert.equal((right / cancer.y.length).toFixed(7), "0.9876977");
});

test("a penalty on sizes makes weights 0, and its optimum cannot be bettered from any side", async () => {
  for (const [data, l1, l2] of [
    [cancer, 5, 0],
    [cancer, 2, 1],
    [iris, 3, 0.5],
  ] as const) {
    const model = await fit(data, { l1, l2, tolerance: 1e-8, iterationsMax: 5000 });
    const weights = standardWeights(model).flat();
    assert.ok(weights.some((weight) => weight === 0) && weights.some((weight) => weight !== 0));
    const least = objectiveOf(model, data, l1, l2);
    for (const other of [{ l1: l1 * 0.8 }, { l1: l1 * 1.2 }, { l2: l2 + 0.2 }]) {
      const near = await fit(data, { l1, l2, tolerance: 1e-8, iterationsMax: 5000, ...other });
      assert.ok(objectiveOf(near, data, l1, l2) > least - 1e-9);
    }
  }
});

test("a class's weight is that of its rows", async () => {
  const doubled = pick(cancer, [...cancer.y.keys(), ...[...cancer.y.keys()].filter((row) => cancer.y[row] === 1)]);
  const counted = { ...cancer, weights: cancer.y.map((label) => 1 + label) };
  const params = { tolerance: 1e-9, standardise: false };
  const [byClass, byRow, byCopies] = await Promise.all([
    fit(cancer, { ...params, classWeights: { true: 2 } }),
    fit(counted, params),
    fit(doubled, params),
  ]);
  const [a, b, c] = [byClass, byRow, byCopies].map((model) => model.predict(cancer.X));
  a!.forEach((value, row) => {
    assert.ok(Math.abs(value - b![row]!) < 1e-6 && Math.abs(value - c![row]!) < 1e-6);
  });
});

test("class weights of no class, or that leave one class, are refused", async () => {
  for (const classWeights of [{ ture: 2 }, { true: 0 }])
    await assert.rejects(fit(cancer, { classWeights }), { code: "learn.bad-parameter", at: "logistic-regression.classWeights" });
});

test("a search that ends too soon tells which knob to turn", async () => {
  const warnings: { reason: string; fix: string }[] = [];
  const context = { ...quiet(), warn: (warning: (typeof warnings)[number]) => warnings.push(warning) };
  for (const params of [{ iterationsMax: 2 }, { iterationsMax: 2, l1: 1 }]) await logisticRegression.fit(cancer, params, context);
  assert.deepEqual(
    warnings.map(({ reason }) => reason),
    ["not-converged", "not-converged"],
  );
  assert.match(warnings[0]!.fix, /iterationsMax/);
});

/** Rows enough for the search to begin on a part of them; `labelOf` sees the columns' sum. */
function manyRows(classes: readonly string[], labelOf: (sum: number, row: number, random: Random) => number): TrainingData {
  const random = createRandom(21);
  const rowCount = 40_000;
  const columns = Array.from({ length: 4 }, (_, at) => Float64Array.from({ length: rowCount }, () => at + random.normal()));
  const y = Float64Array.from({ length: rowCount }, (_, row) =>
    labelOf(
      columns.reduce((sum, values, at) => sum + values[row]! - at, 0),
      row,
      random,
    ),
  );
  const entries = columns.map((values, at) => [`c${at}`, { kind: "number", values }]);
  const task = classes.length > 2 ? "multiclass-classification" : "binary-classification";
  return { X: { rowCount, columns: Object.fromEntries(entries) }, y, task, classes };
}

const two = ["false", "true"];
const noisy = (sum: number, _: number, random: Random) => Number(sum + 2 * random.normal() > 0);
const atBlock = (_: number, row: number, random: Random) => Number(row >= 1000 && row < 1400 && random.next() < 0.5);

for (const [title, data, params] of [
  ["alike everywhere", manyRows(two, noisy), {}],
  ["in the order of their labels", manyRows(two, (_, row, random) => Number(row > 30_000 + 5000 * random.normal())), {}],
  ["few of one class, together where the part has none", manyRows(two, atBlock), {}],
  ["of three classes", manyRows(["a", "b", "c"], (sum, _, random) => Number(sum > -1) + Number(sum + random.normal() > 1)), {}],
  ["weighed", { ...manyRows(two, noisy), weights: Float64Array.from({ length: 40_000 }, (_, row) => row % 7) }, {}],
  [
    "weighed 0 all over the part",
    { ...manyRows(two, noisy), weights: Float64Array.from({ length: 40_000 }, (_, row) => Number(row % 4096 > 600)) },
    {},
  ],
  ["divided by a line, with no penalty to hold the weights", manyRows(two, (sum) => Number(sum > 0)), { l2: 0 }],
] as const)
  test(`of many rows, ${title}: begun on a part of them, the search ends where all of them lead`, async () => {
    const loose = await fit(data, params);
    const exact = await fit(data, { ...params, tolerance: 1e-9, iterationsMax: 1000 });
    const [near, best] = [loose, exact].map((model) => objectiveOf(model, data, 0, "l2" in params ? params.l2 : 1));
    assert.ok(near! <= best! + ("l2" in params ? 1e-5 : 1e-8), `${near} ${best}`);
    if ("l2" in params) return;
    const [a, b] = [loose, exact].map((model) => model.predict(data.X));
    a!.forEach((value, row) => {
      assert.ok(Math.abs(value - b![row]!) < 1e-3);
    });
  });

test("of many rows of three classes, no search goes the way that changes no probability: the weights of a column sum to 0", async () => {
  const data = manyRows(["a", "b", "c"], (sum, _, random) => Number(sum > -1) + Number(sum + random.normal() > 1));
  const { c0 } = data.X.columns as { c0: NumberColumn };
  const twin: NumberColumn = { kind: "number", values: c0.values.map((value, row) => value + Math.sin(row) / 1000) };
  const warnings: unknown[] = [];
  const context = { ...quiet(), warn: (warning: unknown) => warnings.push(warning) };
  const X = { ...data.X, columns: { ...data.X.columns, twin } };
  const model = await logisticRegression.fit({ ...data, X }, { tolerance: 1e-8 }, context);
  assert.deepEqual(warnings, []);
  const [a, b, c] = standardWeights(model);
  a!.forEach((weight, at) => {
    assert.ok(Math.abs(weight + b![at]! + c![at]!) < 1e-6, `${weight} ${b![at]} ${c![at]}`);
  });
});

test("classes that a line divides, copies of a column and a column of one value do not hinder", async () => {
  const rows = 200;
  const x = Float64Array.from({ length: rows }, (_, row) => row);
  const columns = { x, copy: x, one: new Float64Array(rows).fill(3) };
  const data: TrainingData = {
    X: {
      rowCount: rows,
      columns: Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, { kind: "number", values }])),
    },
    y: x.map((value) => (value < 90 ? 0 : 1)),
    ...{ task: "binary-classification", classes: ["false", "true"] },
  };
  for (const l2 of [0, 1]) {
    const predictions = (await fit(data, { l2 })).predict(data.X);
    assert.ok(predictions.every((p, row) => p >= 0.5 === (data.y[row] === 1)));
  }
});
