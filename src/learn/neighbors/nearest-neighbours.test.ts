import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../base/index.ts";
import type { Params, TrainingData } from "../estimator.ts";
import { realData } from "../fixtures/real-data.ts";
import { pick } from "../fixtures/training-data.ts";
import type { NumberColumn } from "../frame.ts";
import { fillPoints } from "../point-rows.ts";
import { createSpace } from "../points.ts";
import { checkEstimator, quiet } from "../suite.ts";
import { nearestNeighbours } from "./nearest-neighbours.ts";
import { createIndex, createScratch } from "./neighbor-index.ts";
import { nearestRows, searchRows } from "./predictor.ts";
import { neighborsKernel, searchBatch } from "./search.ts";

checkEstimator(nearestNeighbours, {
  params: { neighbours: 15 },
  rows: 3000,
  rowOrder: "free",
  cancellable: false,
  golden: {
    revision: 1,
    digests: {
      "binary-classification": "sha256:92e191bb818cdc4279f2f5a633e5519629a1bcb7fea06d30e3a570a61c2f042a",
      "multiclass-classification": "sha256:956480c80e88a30597ad9d9df9be126d516d8676a48fd95e49cba9739bb1a492",
      regression: "sha256:7a7e50fc1332e2106c93c5eecf7211d924e9095ddb43962af0231e60a8e47cca",
    },
  },
});

test("the accuracies over five stratified folds are those of scikit-learn", async () => {
  const expected = { iris: 0.9733, wine: 0.6913, "breast-cancer": 0.9279, digits: 0.9627 } as const;
  for (const [name, accuracy] of Object.entries(expected))
    assert.ok(Math.abs((await accuracyOf(realData(name as "iris"))) - accuracy) < 5e-5, `${name}`);
});

/** Mean over five folds, each of every class in turn, as StratifiedKFold without shuffling deals them. */
async function accuracyOf(data: TrainingData): Promise<number> {
  const foldOf = stratifiedFolds(data.y, data.classes.length, 5);
  let sum = 0;
  for (let fold = 0; fold < 5; fold++) {
    const rows = [...foldOf.keys()];
    const test = pick(
      data,
      rows.filter((row) => foldOf[row] === fold),
    );
    const train = pick(
      data,
      rows.filter((row) => foldOf[row] !== fold),
    );
    const model = await nearestNeighbours.fit(train, { standardise: false }, quiet());
    const predictions = model.predict(test.X);
    const hits = test.y.filter((label, row) => {
      const shares = [...predictions.subarray(row * model.outputs, (row + 1) * model.outputs)];
      return label === (shares.length === 1 ? Number(shares[0]! > 0.5) : shares.indexOf(Math.max(...shares)));
    });
    sum += hits.length / test.y.length;
  }
  return sum / 5;
}

/** Classes in the order they occur in; how many of each a fold gets is dealt from the sorted labels. */
function stratifiedFolds(y: Float64Array, classCount: number, folds: number): Int32Array {
  const codes = new Map<number, number>();
  for (const label of y) if (!codes.has(label)) codes.set(label, codes.size);
  const encoded = Array.from(y, (label) => codes.get(label)!);
  const sorted = encoded.toSorted((a, b) => a - b);
  const next = Array.from({ length: classCount }, (_, code) => {
    const sizes = Array.from(
      { length: folds },
      (_, fold) => sorted.filter((other, at) => at % folds === fold && other === code).length,
    );
    return sizes.flatMap((size, fold) => Array<number>(size).fill(fold));
  });
  const used = new Int32Array(classCount);
  return Int32Array.from(encoded, (code) => next[code]![used[code]!++]!);
}

test("whole and single panels and the tree find the rows that a plain search in double finds, in its order", async () => {
  for (const [rowCount, width, neighbours, digits, middle, isWhole] of [
    [3000, 3, 10, 3, 100, false],
    [2000, 8, 7, 0, 100, false],
    [1500, 21, 1, 9, 100, false],
    [37, 2, 37, 9, 100, false],
    [3000, 9, 10, 3, 0, true],
    [2000, 8, 7, 1, 1, true],
    [1503, 21, 1, 9, 0, true],
    [37, 2, 37, 9, 0, true],
    [12, 1, 3, 2, 0, true],
  ] as const) {
    const random = createRandom(5);
    const value = () => middle + Number(random.normal().toFixed(digits));
    const points = Float64Array.from({ length: rowCount * width }, value);
    const queries = Float64Array.from({ length: 203 * width }, (_, at) =>
      at < width ? 1e30 : at < 9 * width ? points[at]! : value(),
    );
    const expected = plainSearch(points, queries, width, neighbours);
    for (const kind of ["tree", "scan"] as const) {
      const { index, arena } = createIndex(points, width, { kind });
      if (index.panels !== null) assert.equal(index.panels.unit !== null, isWhole, `${width} dimensions about ${middle}`);
      const scratch = createScratch(arena, index, neighbours);
      for (let at = 0; at < 203; at++) scratch.queries.set(queries.subarray(at * width, (at + 1) * width), at * index.stride);
      searchBatch(neighborsKernel(index.memory), index, scratch, 203);
      assert.deepEqual([...scratch.rows.subarray(0, 203 * neighbours)], expected, `${kind}, ${width} dimensions`);
    }
  }
});

function plainSearch(points: Float64Array, queries: Float64Array, width: number, neighbours: number): number[] {
  return Array.from({ length: queries.length / width }, (_, query) => {
    const distances = Array.from({ length: points.length / width }, (_, row) => {
      const lanes = [0, 0, 0, 0];
      for (let at = 0; at < width; at++) lanes[at % 4]! += (queries[query * width + at]! - points[row * width + at]!) ** 2;
      return lanes[0]! + lanes[2]! + (lanes[1]! + lanes[3]!);
    });
    return [...distances.keys()].sort((a, b) => distances[a]! - distances[b]! || a - b).slice(0, neighbours);
  }).flat();
}

test("any number of threads finds the same rows, and a search can be stopped", async () => {
  const random = createRandom(2);
  const columns = Array.from({ length: 12 }, (_, at): [string, NumberColumn] => [
    `x${at}`,
    { kind: "number", values: Float64Array.from({ length: 9000 }, () => random.normal()) },
  ]);
  const X = { rowCount: 9000, columns: Object.fromEntries(columns) };
  const space = createSpace(
    { X, y: new Float64Array(), task: "clustering", classes: [] },
    { standardise: true, countMin: 1, centre: true },
  );
  const points = new Float64Array(9000 * 12);
  fillPoints(space, X, points, 12);
  const model = { space, points, neighbours: 3 };
  const [one, two] = [await searchRows(model, X, quiet()), await searchRows(model, X, { ...quiet(), threads: 2 })];
  assert.deepEqual(one, two);
  assert.ok(one.rows.every((row, at) => at % 3 !== 0 || row === at / 3));
  const abort = new AbortController();
  const progress = () => abort.abort();
  await assert.rejects(searchRows(model, X, { threads: 2, progress, signal: abort.signal }), { code: "learn.cancelled" });
  const few = pick(
    { X, y: new Float64Array(9000), task: "clustering", classes: [] },
    Array.from({ length: 300 }, (_, row) => row),
  ).X;
  const found = await searchRows(model, few, quiet()); // too few for a thread
  assert.deepEqual(found.rows, one.rows.slice(0, 900));
  assert.deepEqual(found.distances, one.distances.slice(0, 900));
  const stop = new AbortController();
  const stopping = { threads: 1, progress: () => stop.abort(), signal: stop.signal };
  await assert.rejects(searchRows(model, few, stopping), { code: "learn.cancelled" });
});

test("votes by distance: equal rows outvote all others, nearer ones weigh more", async () => {
  const data: TrainingData = {
    X: { rowCount: 4, columns: { x: { kind: "number", values: Float64Array.of(0, 1, 3, 3) } } },
    y: Float64Array.of(0, 10, 20, 40),
    task: "regression",
    classes: [],
  };
  const predict = async (x: number, params: Params) =>
    (await nearestNeighbours.fit(data, { standardise: false, ...params }, quiet())).rowScorer()({ x })[0];
  assert.equal(await predict(3, { neighbours: 3, weighting: "distance" }), 30);
  assert.equal(await predict(3, { neighbours: 3 }), 70 / 3);
  assert.ok(Math.abs((await predict(0.25, { neighbours: 2, weighting: "distance" }))! - 2.5) < 1e-12);
});

test("the nearest training rows of a predictor are those that it asks, and a model without its rows has none", async () => {
  const iris = realData("iris");
  const model = await nearestNeighbours.fit(iris, { neighbours: 4 }, quiet());
  const found = await nearestRows(model, iris.X, quiet());
  assert.equal(found.rows.length, 4 * iris.X.rowCount);
  const shares = model.predict(iris.X);
  for (let row = 0; row < iris.X.rowCount; row++) {
    const votes = [0, 0, 0];
    for (const other of found.rows.subarray(row * 4, row * 4 + 4)) votes[iris.y[other]!]! += 0.25;
    assert.deepEqual([...shares.subarray(row * 3, row * 3 + 3)], votes);
  }
  await assert.rejects(nearestRows({ ...model, estimator: "constant" }, iris.X, quiet()), { code: "learn.bad-parameter" });
});

test("more neighbours than rows are refused", async () => {
  const data = pick(realData("iris"), [0, 60]);
  await assert.rejects(nearestNeighbours.fit(data, {}, quiet()), {
    code: "learn.bad-parameter",
    at: "nearest-neighbours.neighbours",
  });
});
