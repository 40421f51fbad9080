import assert from "node:assert/strict";
import { test } from "node:test";
import type { Predictor, TrainingData } from "../estimator.ts";
import { realData } from "../fixtures/real-data.ts";
import { pick, trainingData } from "../fixtures/training-data.ts";
import { checkEstimator, quiet } from "../suite.ts";
import { kMeans } from "./k-means.ts";
import { miniBatchKMeans } from "./mini-batch-k-means.ts";
import { readCentres } from "./predictor.ts";

checkEstimator(miniBatchKMeans, {
  params: { clusters: 5, iterationsMax: 5 },
  weightParams: null,
  rowOrder: "free",
  cancellable: true,
  partsTolerance: null,
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

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

test("more rows come near to what all rows give, and are counted", async () => {
  const data = trainingData("clustering", 17_000);
  const [start, params] = [await miniBatchKMeans.fit(pick(data, range(0, 3000)), { clusters: 6 }, quiet()), { batchRows: 500 }];
  const more = await miniBatchKMeans.fit(pick(data, range(3000, 17_000)), params, { ...quiet(), start });
  const exact = await kMeans.fit(data, { clusters: 6 }, quiet());
  const { masses, inertia } = readCentres(more.toJson() as Record<string, unknown>);
  assert.equal(
    masses.reduce((a, b) => a + b),
    17_000,
  );
  const least = readCentres(exact.toJson() as Record<string, unknown>).inertia;
  assert.ok(inertia < 1.2 * least, `${inertia} against ${least}`);
});

test("whole batches of more rows may come at once or one after the other; fewer rows than clusters are more rows too", async () => {
  const data = { ...trainingData("clustering", 3000), weights: Float64Array.from({ length: 3000 }, (_, row) => 1 + (row % 3)) };
  const params = { clusters: 8, batchRows: 500 };
  const learn = (from: number, to: number, start?: Predictor) =>
    miniBatchKMeans.fit(pick(data, range(from, to)), params, { ...quiet(), ...(start && { start }) });
  const start = await learn(0, 1000);
  const atOnce = await learn(1000, 2003, start);
  const inParts = await learn(2000, 2003, await learn(1500, 2000, await learn(1000, 1500, start)));
  assert.deepEqual({ ...(inParts.toJson() as object), inertia: 0 }, { ...(atOnce.toJson() as object), inertia: 0 });
});

test("a centre is the mean of all rows that it has seen", async () => {
  const numbers = (values: number[]): TrainingData => ({
    X: { rowCount: values.length, columns: { x: { kind: "number", values: Float64Array.from(values) } } },
    ...{ y: new Float64Array(), task: "clustering", classes: [] },
  });
  const params = { clusters: 2, standardise: false };
  const start = await miniBatchKMeans.fit(numbers([0, 0, 100, 100]), params, quiet());
  const model = await miniBatchKMeans.fit(numbers([6, 130]), params, { ...quiet(), start });
  const [before, after] = [start, model].map((own) => readCentres(own.toJson() as Record<string, unknown>));
  const [low, high] = start.rowScorer()({ x: 0 })[0] === 0 ? [0, 1] : [1, 0];
  const offset = 50;
  assert.deepEqual([...after!.masses], [3, 3]);
  assert.ok(Math.abs(after!.centres[low]! - (2 * before!.centres[low]! + 6 - offset) / 3) < 1e-12);
  assert.ok(Math.abs(after!.centres[high]! - (2 * before!.centres[high]! + 130 - offset) / 3) < 1e-12);
});
