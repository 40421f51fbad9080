import assert from "node:assert/strict";
import { test } from "node:test";
import { realData } from "../fixtures/real-data.ts";
import { trainingData } from "../fixtures/training-data.ts";
import { checkEstimator, quiet } from "../suite.ts";
import { kMeans } from "./k-means.ts";
import { miniBatchKMeans } from "./mini-batch-k-means.ts";
import { readCentres } from "./predictor.ts";

checkEstimator(miniBatchKMeans, {
  params: { clusters: 5, iterationsMax: 5 },
  weightParams: null,
  rowOrder: "free",
  cancellable: true,
  golden: { revision: 1, digests: { clustering: "sha256:0d66dac227a4ebf2f83f3e32a3bcb952c83c8808ec36e826e5560fdd8246723d" } },
});

test("draws come near to what all rows give", async () => {
  const data = trainingData("clustering", 17_000);
  const inertia = async (estimator: typeof kMeans) =>
    readCentres((await estimator.fit(data, { clusters: 6 }, quiet())).toJson() as Record<string, unknown>).inertia;
  const [exact, drawn] = [await inertia(kMeans), await inertia(miniBatchKMeans)];
  assert.ok(drawn < 1.15 * exact, `${drawn} against ${exact}`);
});

test("masses and inertia are those of all rows", async () => {
  const iris = realData("iris");
  const data = { ...iris, y: new Float64Array(), task: "clustering" as const, classes: [] };
  const model = await miniBatchKMeans.fit(data, { clusters: 3, batchRows: 40, standardise: false }, quiet());
  const { masses, inertia } = readCentres(model.toJson() as Record<string, unknown>);
  const counts = [0, 0, 0];
  for (const label of model.predict(iris.X)) counts[label]!++;
  assert.deepEqual([...masses], counts);
  assert.ok(inertia >= 78.85 && inertia < 100, String(inertia));
});
