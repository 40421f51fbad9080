import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../base/index.ts";
import type { FitWarning, Predictor, TrainingData } from "../estimator.ts";
import { realData } from "../fixtures/real-data.ts";
import { pick } from "../fixtures/training-data.ts";
import type { NumberColumn } from "../frame.ts";
import { checkEstimator, quiet } from "../suite.ts";
import { kMeans } from "./k-means.ts";
import { clustersKernel, createClusterMemory } from "./memory.ts";
import { readCentres } from "./predictor.ts";

checkEstimator(kMeans, {
  params: { clusters: 5 },
  rowOrder: "free",
  cancellable: true,
  golden: {
    revision: 1,
    digests: { clustering: "sha256:d6cc2035b1fa06712e4c43ab1cce0539ef5d3e4cb36ef39af32ddc3ddb7edb4d" },
  },
});

const asClusters = (data: TrainingData): TrainingData => ({ ...data, y: new Float64Array(), task: "clustering", classes: [] });
const modelOf = (predictor: Predictor) => readCentres(predictor.toJson() as Record<string, unknown>);
const raw = { standardise: false, tolerance: 0 };

test("iris from the rows 0, 50 and 100 has the inertia that scikit-learn finds", async () => {
  const iris = asClusters(realData("iris"));
  const start = await kMeans.fit(pick(iris, [0, 50, 100]), { ...raw, clusters: 3 }, quiet());
  const model = await kMeans.fit(iris, raw, { ...quiet(), start });
  assert.ok(Math.abs(modelOf(model).inertia - 78.8514414) < 5e-8, String(modelOf(model).inertia));
  assert.deepEqual([...modelOf(model).masses].sort(), [38, 50, 62]);
});

test("bounds and single precision change nothing: labels and centres are those of a plain search in double", async () => {
  for (const [rowCount, width, clusters, spread] of [
    [9000, 3, 7, 1],
    [3000, 17, 30, 0.2],
    [500, 1, 4, 1e-7],
    [40, 2, 40, 1],
  ] as const) {
    const data = blobs(rowCount, width, spread);
    const start = await kMeans.fit(data, { ...raw, clusters, iterationsMax: 1 }, quiet());
    const model = modelOf(await kMeans.fit(data, { ...raw, iterationsMax: 25 }, { ...quiet(), start, threads: 2 }));
    const expected = plainSearch(data, modelOf(start).centres, 25);
    model.centres.forEach((value, at) => {
      const plain = expected[at]!;
      assert.ok(Math.abs(value - plain) <= 1e-9 * Math.max(spread, Math.abs(plain)), `${value} instead of ${plain}`);
    });
  }
});

test("the kernel lists the rows whose bounds do not settle them, and sums squares, as plain loops do", () => {
  const [rowCount, clusters] = [2047, 5];
  const at = createClusterMemory({ rowCount, width: 3, clusters }, false, 1);
  const kernel = clustersKernel(at.memory);
  const random = createRandom(8);
  for (const values of [at.points, at.uppers, at.lowers, at.moves, at.drops, at.halfGaps])
    for (let place = 0; place < values.length; place++) values[place] = random.next();
  for (let row = 0; row < rowCount; row++) at.labels[row] = row < 40 ? -1 : random.below(clusters);
  const label = (row: number) => at.labels[row]!;
  const expected = [...at.labels.keys()].filter((row) => {
    const above = at.uppers[row]! + at.moves[label(row)]!;
    const below = Math.max(at.lowers[row]! - at.drops[label(row)]!, at.halfGaps[label(row)]!);
    return label(row) < 0 || above >= below * (1 - 1e-9) || row === rowCount - 1; // the last of an odd count is always listed
  });
  const { list } = at.scratch[0]!;
  const places = [at.labels, at.uppers, at.lowers, at.moves, at.drops, at.halfGaps, list].map(({ byteOffset }) => byteOffset);
  const count = kernel.unsettled(0, rowCount, ...(places as [number, number, number, number, number, number, number]));
  assert.deepEqual([...list.subarray(0, count)], expected);

  at.sums.fill(0);
  const total = kernel.squares(at.points.byteOffset, rowCount, at.stride, at.sums.byteOffset);
  const plain = at.points.reduce((sum, value) => sum + value * value, 0);
  assert.ok(Math.abs(total / plain - 1) < 1e-12);
  const sums = [0, 1, 2, 3].map((lane) => at.points.reduce((sum, value, place) => (place % 4 === lane ? sum + value : sum), 0));
  assert.deepEqual([...at.sums.subarray(0, 4)], sums);
  kernel.addTo(at.sums.byteOffset, at.points.byteOffset, 3);
  assert.deepEqual(
    [...at.sums.subarray(0, 4)],
    sums.map((sum, lane) => (lane < 3 ? sum + at.points[lane]! : sum)),
  );
});

/** Lloyd's steps over all rows and centres; numbers only, centred as the model's space. */
function plainSearch({ X }: TrainingData, start: Float64Array, iterationsMax: number): Float64Array {
  const columns = Object.values(X.columns).map((column) => {
    const { values } = column as NumberColumn;
    const mean = values.reduce((a, b) => a + b, 0) / X.rowCount;
    return values.map((value) => value - mean);
  });
  const [width, clusters] = [columns.length, start.length / columns.length];
  let centres = start;
  for (let iteration = 0; iteration < iterationsMax; iteration++) {
    const [sums, counts] = [new Float64Array(start.length), new Float64Array(clusters)];
    for (let row = 0; row < X.rowCount; row++) {
      const distances = Array.from({ length: clusters }, (_, cluster) =>
        columns.reduce((sum, values, at) => sum + (values[row]! - centres[cluster * width + at]!) ** 2, 0),
      );
      const label = distances.indexOf(Math.min(...distances));
      counts[label]!++;
      columns.forEach((values, at) => {
        sums[label * width + at]! += values[row]!;
      });
    }
    centres = sums.map((sum, at) => (counts[Math.floor(at / width)]! > 0 ? sum / counts[Math.floor(at / width)]! : centres[at]!));
  }
  return centres;
}

function blobs(rowCount: number, width: number, spread: number): TrainingData {
  const random = createRandom(11);
  const columns = Array.from({ length: width }, (_, column): [string, NumberColumn] => [
    `x${column}`,
    {
      kind: "number",
      values: Float64Array.from({ length: rowCount }, (_, row) => (((row + column) * 7) % 13) + spread * random.normal()),
    },
  ]);
  return { X: { rowCount, columns: Object.fromEntries(columns) }, y: new Float64Array(), task: "clustering", classes: [] };
}

test("of more starts the best is kept", async () => {
  const data = blobs(2000, 4, 0.5);
  const inertia = async (starts: number) => modelOf(await kMeans.fit(data, { clusters: 13, starts }, quiet())).inertia;
  assert.ok((await inertia(8)) <= (await inertia(1)));
});

test("a centre that lost its rows takes the farthest row, and centres beyond the distinct rows stay empty", async () => {
  const values = Float64Array.from({ length: 100 }, (_, row) => (row < 98 ? row % 2 : 50 + row));
  const data: TrainingData = { ...blobs(100, 1, 1), X: { rowCount: 100, columns: { x: { kind: "number", values } } } };
  const four = modelOf(await kMeans.fit(data, { clusters: 4 }, quiet()));
  assert.deepEqual(
    [...four.masses].sort((a, b) => a - b),
    [1, 1, 49, 49],
  );
  assert.ok(four.inertia < 1e-20);
  const six = modelOf(await kMeans.fit(data, { clusters: 6 }, quiet()));
  assert.deepEqual(
    [...six.masses].sort((a, b) => a - b),
    [0, 0, 1, 1, 49, 49],
  );
  const far = pick(data, [98, 98, 98, 98]);
  const start = await kMeans.fit(pick(data, [0, 1, 98, 99]), { ...raw, clusters: 4 }, quiet());
  const moved = modelOf(await kMeans.fit(pick(data, [0, 1, 2, 3, ...Array<number>(20).keys()]), raw, { ...quiet(), start }));
  assert.equal(moved.inertia, 0);
  assert.equal(modelOf(await kMeans.fit(far, raw, { ...quiet(), start })).inertia, 0);
});

test("numbers near the end of doubles, one row, and constant columns make clusters too", async () => {
  const column = (values: number[]): NumberColumn => ({ kind: "number", values: Float64Array.from(values) });
  const clustersOf = async (columns: Record<string, NumberColumn>, params: Record<string, number | boolean>) => {
    const X = { rowCount: columns.a!.values.length, columns };
    return [...(await kMeans.fit({ X, y: new Float64Array(), task: "clustering", classes: [] }, params, quiet())).predict(X)];
  };
  const [a, b, c] = await clustersOf({ a: column([1e150, 1.1e150, -1e150]) }, { clusters: 2, standardise: false });
  assert.ok(a === b && b !== c);
  assert.deepEqual(await clustersOf({ a: column([3]) }, { clusters: 1 }), [0]);
  assert.deepEqual(await clustersOf({ a: column([3, 3, 3]), b: column([5, 5, 5]) }, { clusters: 2 }), [0, 0, 0]);
  await assert.rejects(clustersOf({ a: column([1e308, -1e308]) }, { clusters: 2 }), { code: "learn.bad-column" });
});

test("more clusters than rows, and clusters of other columns to go on from, are refused", async () => {
  const data = blobs(10, 2, 1);
  await assert.rejects(kMeans.fit(data, { clusters: 11 }, quiet()), { code: "learn.bad-parameter", at: "k-means.clusters" });
  const start = await kMeans.fit(blobs(10, 3, 1), { clusters: 2 }, quiet());
  await assert.rejects(kMeans.fit(data, {}, { ...quiet(), start }), { code: "learn.bad-start" });
  const far = pick(data, [0, 1, 2]);
  (far.X.columns.x1 as NumberColumn).values[1] = 1e300;
  const own = await kMeans.fit(data, { clusters: 2 }, quiet());
  await assert.rejects(kMeans.fit(far, {}, { ...quiet(), start: own }), { code: "learn.bad-column", at: "x1" });
});

test("a search that was cut short warns of it and names the parameter", async () => {
  const warnings: FitWarning[] = [];
  await kMeans.fit(
    blobs(3000, 4, 3),
    { clusters: 20, iterationsMax: 2 },
    { ...quiet(), warn: (warning) => warnings.push(warning) },
  );
  assert.deepEqual(
    warnings.map(({ reason }) => reason),
    ["not-converged"],
  );
  assert.match(warnings[0]!.fix, /iterationsMax/);
});
