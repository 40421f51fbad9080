import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../base/index.ts";
import type { Estimator, Params, Predictor, TrainingData } from "../estimator.ts";
import { realData } from "../fixtures/real-data.ts";
import { pick } from "../fixtures/training-data.ts";
import { checkEstimator, quiet } from "../suite.ts";
import { linearSvm } from "./linear-svm.ts";
import { linearSvr } from "./linear-svr.ts";

checkEstimator(linearSvm, {
  params: { calibrationFolds: 2 },
  weightParams: { calibrationFolds: 0, tolerance: 1e-8 },
  rowOrder: "free", // it makes other folds
  cancellable: true,
  golden: {
    revision: 2,
    digests: {
      "binary-classification": "sha256:e913bf9edd290314a2001da3defb657e97b3c3808986cdfe9052a94a946d205e",
      "multiclass-classification": "sha256:d2f0a06a393a472e6ba8669feb3dccd1f2fec630ea6f2a7d00175fab71bc7c6b",
    },
  },
});

checkEstimator(linearSvr, {
  params: { epsilon: 10, tolerance: 1e-7 },
  rowOrder: "close",
  cancellable: true,
  golden: { revision: 2, digests: { regression: "sha256:a6ea57411637c2b92ed688af7c5cd766735537a089a631e69e14bcaa7f55f5bc" } },
});

const fit = (estimator: Estimator, data: TrainingData, params: Params = {}) => estimator.fit(data, params, quiet());

function accuracyOf(model: Predictor, { X, y }: TrainingData): number {
  const { outputs } = model;
  const predictions = model.predict(X);
  const guess = (row: number) => {
    if (outputs === 1) return predictions[row]! >= 0.5 ? 1 : 0;
    const own = [...predictions.subarray(row * outputs, (row + 1) * outputs)];
    return own.indexOf(Math.max(...own));
  };
  return y.reduce((right, label, row) => right + (guess(row) === label ? 1 : 0), 0) / y.length;
}

test("real data are told apart as well as by scikit-learn's LinearSVC", async () => {
  for (const [name, least] of [
    ["breast-cancer", 0.98],
    ["wine", 0.99],
    ["iris", 0.94],
    ["digits", 0.98],
  ] as const) {
    const data = realData(name);
    const accuracy = accuracyOf(await fit(linearSvm, data), data);
    assert.ok(accuracy >= least, `${name}: ${accuracy}`);
  }
});

test("a search too long for the calling thread: crews of 1 and 4 give the same model, and it can be cancelled", async () => {
  const random = createRandom(3);
  const rowCount = 49_000;
  const columns = Array.from({ length: 50 }, () => Float64Array.from({ length: rowCount }, () => random.normal()));
  const data: TrainingData = {
    X: { rowCount, columns: Object.fromEntries(columns.map((values, at) => [`c${at}`, { kind: "number", values }])) },
    y: Float64Array.from({ length: rowCount }, (_, row) => Number(columns[0]![row]! + random.normal() > 0)),
    ...{ task: "binary-classification", classes: ["false", "true"] },
  };
  const params = { calibrationFolds: 20, iterationsMax: 1, tolerance: 0.01 };
  const fitBy = (threads: number) => linearSvm.fit(data, params, { ...quiet(), threads });
  const one = await fitBy(1);
  assert.deepEqual((await fitBy(4)).toJson(), one.toJson());
  assert.ok(accuracyOf(one, data) > 0.74);
  const abort = new AbortController();
  const context = { ...quiet(), threads: 2, progress: () => abort.abort(), signal: abort.signal };
  await assert.rejects(linearSvm.fit(data, params, context), { code: "learn.cancelled" });
});

test("probabilities from rows that were held out are less sure than those of the training rows", async () => {
  const data = realData("breast-cancer");
  const sureness = async (calibrationFolds: number) => {
    const predictions = (await fit(linearSvm, data, { calibrationFolds })).predict(data.X);
    return predictions.reduce((sum, p) => sum + Math.abs(p - 0.5), 0) / predictions.length;
  };
  const [held, own] = [await sureness(5), await sureness(0)];
  assert.ok(held < own && held > 0.4, `${held} against ${own}`);
});

test("fewer rows than folds, and classes that a line divides, are learnt all the same", async () => {
  const data: TrainingData = {
    X: { rowCount: 3, columns: { x: { kind: "number", values: Float64Array.of(0, 1, 5) } } },
    y: Float64Array.of(0, 0, 1),
    ...{ task: "binary-classification", classes: ["false", "true"] },
  };
  const predictions = (await fit(linearSvm, data)).predict(data.X);
  assert.ok(predictions.every((p) => p > 0 && p < 1));
});

test("a class no one can tell from the rest leaves probabilities that are finite and sum to 1", async () => {
  const random = createRandom(4);
  const rowCount = 300;
  const data: TrainingData = {
    X: { rowCount, columns: { x: { kind: "number", values: Float64Array.from({ length: rowCount }, () => random.normal()) } } },
    y: Float64Array.from({ length: rowCount }, () => random.below(3)),
    ...{ task: "multiclass-classification", classes: ["a", "b", "c"] },
  };
  const predictions = (await fit(linearSvm, data)).predict(data.X);
  for (let row = 0; row < rowCount; row++)
    assert.ok(Math.abs(predictions.subarray(row * 3, row * 3 + 3).reduce((a, b) => a + b) - 1) < 1e-12);
});

test("without folds the order of the rows does not matter", async () => {
  const data = realData("wine");
  const turned = pick(data, [...data.y.keys()].reverse());
  const params = { calibrationFolds: 0, tolerance: 1e-9 };
  const [a, b] = [await fit(linearSvm, data, params), await fit(linearSvm, turned, params)].map((model) => model.predict(data.X));
  assert.ok(a!.every((p, at) => Math.abs(p - b![at]!) < 1e-6));
});

/** y = 3 x + 5 with one label in ten far off. */
function withOutliers(): TrainingData {
  const random = createRandom(9);
  const x = Float64Array.from({ length: 500 }, () => random.normal());
  return {
    X: { rowCount: 500, columns: { x: { kind: "number", values: x } } },
    y: x.map((value, row) => 3 * value + 5 + 0.1 * random.normal() + (row % 10 === 0 ? 50 : 0)),
    ...{ task: "regression", classes: [] },
  };
}

test("an absolute loss bears with outliers, a squared one gives way", async () => {
  const data = withOutliers();
  const at = async (params: Params, x: number) => (await fit(linearSvr, data, params)).rowScorer()({ x })[0]!;
  assert.ok(Math.abs((await at({ l2: 0.01, epsilon: 0.1 }, 0)) - 5) < 0.25);
  assert.ok((await at({ loss: "squared", l2: 0.01 }, 0)) > 9);
});

test("with a tube of no width and a squared loss it is ridge regression", async () => {
  const data = realData("diabetes");
  const { ridge } = await import("./ridge.ts");
  const model = await fit(linearSvr, data, { loss: "squared", l2: 10, tolerance: 1e-10 });
  const other = await fit(ridge, data, { l2: 5 });
  const [a, b] = [model.predict(data.X), other.predict(data.X)];
  a.forEach((value, row) => {
    assert.ok(Math.abs(value - b[row]!) < 1e-5, `${value} ${b[row]}`);
  });
});

test("no error beyond a tube that is wide enough: the weights are 0", async () => {
  const data = withOutliers();
  const predictions = (await fit(linearSvr, data, { epsilon: 1000 })).predict(data.X);
  assert.ok(Math.max(...predictions) - Math.min(...predictions) < 1e-6);
});
