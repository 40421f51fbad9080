import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../base/index.ts";
import { readPredictor } from "../estimators.ts";
import { trainingData } from "../fixtures/training-data.ts";
import { checkEstimator, quiet } from "../suite.ts";
import { decisionTree, extraTrees, randomForest } from "./forests.ts";

checkEstimator(decisionTree, {
  params: { depthMax: 8, minRowsPerLeaf: 20 },
  weightParams: { depthMax: 8 },
  rowOrder: "close",
  cancellable: true,
  golden: {
    revision: 1,
    digests: {
      "binary-classification": "sha256:27fcad53a19be948fb2be0f4731312ea1a9fa7069f671e5cd39d8768dcf78af8",
      "multiclass-classification": "sha256:1eccfb2db871a6ba5347f6a757ff75f922b995470ccd0d5aa0d374c0e82866d7",
      regression: "sha256:7697145175d447c8e40943e8d2a63f79352867e8d313e494aab73781b59886e6",
    },
  },
});

const forest = {
  params: { trees: 12, depthMax: 8, minRowsPerLeaf: 20 },
  weightParams: null,
  rowOrder: "free",
  cancellable: true,
} as const;

checkEstimator(randomForest, {
  ...forest,
  golden: {
    revision: 1,
    digests: {
      "binary-classification": "sha256:c1f05d93830f8b1114766bcfa93e520efa5ad9fe25c11681d1b32e46c65ded50",
      "multiclass-classification": "sha256:8dfd6e7993505fb19e8e39f34b041ea272b06e174b546dcb76e07401dc8b1551",
      regression: "sha256:d4c17a092a5fa43aa31aca49080a7e3120d004588456803ad0e3b0587de776f2",
    },
  },
});

checkEstimator(extraTrees, {
  ...forest,
  golden: {
    revision: 1,
    digests: {
      "binary-classification": "sha256:04f648292021f833133b6c7c20e5855b4edfb5475e9687eda5fa687098d9b630",
      "multiclass-classification": "sha256:1fe2f0ba27acbfe24b817f8dc10201faed5c5806d57b87f12f3539b0886ff275",
      regression: "sha256:bb17a25d9303786a9162806c7ee24fd5cf73d53934bec38e8d87d8859eb8a710",
    },
  },
});

test("a class that counts more is predicted more often, and a class that there is not is refused", async () => {
  const data = trainingData("multiclass-classification", 800);
  const mean = async (classWeights: Record<string, number>) => {
    const model = await randomForest.fit(data, { trees: 10, depthMax: 4, classWeights }, quiet());
    const predictions = model.predict(data.X);
    return predictions.filter((_, at) => at % 3 === 0).reduce((a, b) => a + b) / data.X.rowCount;
  };
  assert.ok((await mean({ low: 10 })) > 1.5 * (await mean({})));
  await assert.rejects(mean({ lowest: 2 }), { code: "learn.bad-parameter", at: "random-forest.classWeights", message: /lowest/ });
  await assert.rejects(mean({ low: 0, middle: 0, high: 0 }), { code: "learn.bad-parameter", message: /no class counts/ });
  assert.equal(await mean({ low: 0 }), 0);
});

test("where nearly all rows weigh nothing, the few that weigh are what each tree learns", async () => {
  const data = trainingData("regression", 40);
  const weights = Float64Array.from({ length: 40 }, (_, row) => (row === 3 ? 1 : 0));
  const model = await randomForest.fit({ ...data, weights }, { trees: 20 }, quiet());
  assert.ok(model.predict(data.X).every((value) => Math.abs(value - data.y[3]!) < 1e-12));
});

test("labels whose sum passes a double are refused, and columns that cannot be split make one leaf", async () => {
  const data = trainingData("regression", 40);
  const huge = { ...data, y: data.y.map((_, row) => (row % 2 === 0 ? 1.7e308 : -1.7e308)) };
  await assert.rejects(decisionTree.fit(huge, {}, quiet()), { code: "learn.bad-label" });
  const constant = { rowCount: 40, columns: { x: { kind: "number" as const, values: new Float64Array(40).fill(2) } } };
  const model = await randomForest.fit({ ...data, X: constant }, { trees: 3, bootstrap: false }, quiet());
  const mean = data.y.reduce((a, b) => a + b) / 40;
  assert.ok(model.predict(constant).every((value) => Math.abs(value - mean) < 1e-9));
});

test("a model that was stored without covers predicts the same and does not explain", async () => {
  const data = trainingData("binary-classification", 300);
  const model = await extraTrees.fit(data, { trees: 3 }, quiet());
  const { covers, ...older } = model.toJson() as Record<string, Json>;
  const read = readPredictor(older);
  assert.ok(covers !== undefined && model.explain !== undefined && read.explain === undefined);
  assert.deepEqual(read.predict(data.X), model.predict(data.X));
});
