import assert from "node:assert/strict";
import { test } from "node:test";
import { constant } from "../constant.ts";
import type { Predictor, TrainingData } from "../estimator.ts";
import { trainingData } from "../fixtures/training-data.ts";
import { randomForest } from "../forests/forests.ts";
import type { Frame } from "../frame.ts";
import { logisticRegression } from "../linear/logistic-regression.ts";
import { measureNamed } from "../metrics/measures.ts";
import { pickFrame } from "../model-selection/rows.ts";
import { kFold, stratifiedKFold } from "../model-selection/splitters.ts";
import { quiet } from "../suite.ts";
import { learningCurve } from "./learning-curve.ts";
import { meanShares } from "./mean-shares.ts";
import { partialDependence } from "./partial-dependence.ts";
import { permutationImportance } from "./permutation-importance.ts";

const auc = measureNamed("binary-classification", "auc");
const mae = measureNamed("regression", "mae");

/** y = 2a + b, c left out; b is a copy of a. */
async function linear(): Promise<{ model: Predictor; data: TrainingData }> {
  const rowCount = 400;
  const column = (value: (row: number) => number) => ({
    kind: "number" as const,
    values: Float64Array.from({ length: rowCount }, (_, row) => value(row)),
  });
  const a = column((row) => Math.sin(row * 12.9898) * 10);
  const X: Frame = { rowCount, columns: { a, b: a, c: column((row) => row % 7) } };
  const predict = ({ columns }: Frame) => {
    const [of, and] = [columns.a, columns.b] as { values: Float64Array }[];
    return of!.values.map((value, row) => 2 * value + and!.values[row]!);
  };
  const data: TrainingData = { X, y: predict(X), task: "regression", classes: [] };
  const model = { ...(await constant.fit(data, {}, quiet())), predict };
  return { model, data };
}

test("a column costs what shuffling it costs: nothing when it is not used, by its weight otherwise, and together with its copy", async () => {
  const { model, data } = await linear();
  const columns = ["a", "b", "c", ["a", "b"]];
  const found = await permutationImportance(model, data, { measure: mae, columns, repeats: 10 }, quiet());
  const [a, b, c, both] = found!.map(({ value }) => value!);
  assert.equal(c, 0);
  assert.ok(Math.abs(a! / b! - 2) < 0.1 && Math.abs(both! / b! - 3) < 0.15, `${a} ${b} ${both}`);
  const { interval, repeats } = found![0]!;
  assert.ok(interval![0] < a! && a! < interval![1] && interval![1] - interval![0] < 0.2 * a! && repeats.length === 10);
  assert.deepEqual(await permutationImportance(model, data, { measure: mae, columns, repeats: 10 }, quiet()), found);
});

test("importance follows the measure's direction, with texts and missing values, and is null for rows that define nothing", async () => {
  const data = trainingData("binary-classification", 2000);
  const model = await logisticRegression.fit(data, {}, quiet());
  const found = await permutationImportance(model, data, { measure: auc }, quiet());
  const byName = Object.fromEntries(found!.map(({ columns, value }) => [columns[0], value!]));
  assert.deepEqual(Object.keys(byName), ["amount", "place", "hour", "kind"]);
  assert.ok(byName.amount! > 0.05 && byName.place! > 0.02 && Math.abs(byName.kind!) < 0.005, JSON.stringify(byName));
  const oneClass = { ...data, y: data.y.map(() => 1) };
  assert.equal(await permutationImportance(model, oneClass, { measure: auc }, quiet()), null);
  const wrong = permutationImportance(model, data, { measure: auc, columns: ["nonsense"] }, quiet());
  await assert.rejects(wrong, { code: "learn.bad-column", at: "nonsense" });
});

test("partial dependence is the mean of predictions with the value put into every row, one column or two", async () => {
  const data = trainingData("multiclass-classification", 900);
  const model = await logisticRegression.fit(data, {}, quiet());
  const { grids, averages, individual, rows, outputs } = await partialDependence(
    model,
    data.X,
    ["place", "hour"],
    { points: 3, rowsMax: 200, individual: true },
    quiet(),
  );
  assert.deepEqual([rows.length, outputs, grids[0]!.length, grids[0]![3], grids[1]!.length], [200, 3, 4, null, 3]);
  const frame = pickFrame(data.X, rows);
  grids[0]!.forEach((place, i) => {
    grids[1]!.forEach((hour, j) => {
      const columns = {
        ...frame.columns,
        place: { kind: "text" as const, codes: new Int32Array(200).fill(place === null ? -1 : 0), texts: [place as string] },
        hour: { kind: "number" as const, values: new Float64Array(200).fill(hour as number) },
      };
      const naive = model.predict({ rowCount: 200, columns });
      const point = i * grids[1]!.length + j;
      assert.deepEqual(individual!.slice(point * 600, (point + 1) * 600), naive);
      for (let k = 0; k < 3; k++) {
        const mean = naive.filter((_, at) => at % 3 === k).reduce((sum, p) => sum + p, 0) / 200;
        assert.ok(Math.abs(averages[point * 3 + k]! - mean) < 1e-12);
      }
    });
  });
});

test("a grid holds all values of few, quantiles of many, the commonest texts, and missing where it occurs", async () => {
  const { X } = trainingData("regression", 1000);
  const model = await constant.fit(trainingData("regression", 1000), {}, quiet());
  const gridOf = async (column: string, points: number) =>
    (await partialDependence(model, X, [column], { points }, quiet())).grids[0]!;
  assert.deepEqual(
    await gridOf("hour", 24),
    Array.from({ length: 24 }, (_, hour) => hour),
  );
  const hours = (X.columns.hour as { values: Float64Array }).values.toSorted();
  assert.deepEqual(await gridOf("hour", 3), [hours[50], hours[500], hours[949]]);
  const amounts = await gridOf("amount", 10);
  assert.deepEqual([amounts.length, amounts.at(-1)], [11, null]);
  assert.ok(amounts.slice(0, -1).every((value, at) => at === 0 || value! > amounts[at - 1]!));
  assert.deepEqual((await gridOf("kind", 1)).length, 1);
  await assert.rejects(gridOf("nonsense", 3), { code: "learn.bad-column" });
});

test("shares of single rows are summed up by column, the largest first, and a model that cannot explain itself says so", async () => {
  const { model, data } = await linear();
  await assert.rejects(meanShares(model, data.X, {}, quiet()), { code: "learn.not-explained" });
  const explains: Predictor = {
    ...model,
    explain: ({ rowCount, columns }) => {
      const { a, b } = columns as Record<string, { values: Float64Array }>;
      const values = Float64Array.from(
        { length: rowCount * 3 },
        (_, at) => [2 * a!.values[Math.floor(at / 3)]!, b!.values[Math.floor(at / 3)]!, 0][at % 3]!,
      );
      return { base: Float64Array.of(0), values, scores: model.predict({ rowCount, columns }) };
    },
  };
  const shares = await meanShares(explains, data.X, {}, quiet());
  const mean = (data.X.columns.a as { values: Float64Array }).values.reduce((sum, value) => sum + Math.abs(value), 0) / 400;
  assert.deepEqual(
    shares.map(({ column }) => column),
    ["a", "b", "c"],
  );
  [2 * mean, mean, 0].forEach((value, at) => {
    assert.ok(Math.abs(shares[at]!.value - value) < 1e-9, `${shares[at]!.value} is not ${value}`);
  });
});

test("shares of linear models and of trees name the columns that the labels were made of", async () => {
  const data = trainingData("multiclass-classification", 800);
  for (const [estimator, params] of [
    [logisticRegression, {}],
    [randomForest, { trees: 20 }],
  ] as const) {
    const shares = await meanShares(await estimator.fit(data, params, quiet()), data.X, { rowsMax: 300 }, quiet());
    assert.equal(shares[0]!.column, "amount");
    assert.equal(shares.at(-1)!.column, "kind", estimator.name);
    assert.ok(
      shares.every(
        ({ byOutput, direction }) => byOutput.every((size, k) => size >= Math.abs(direction[k]!)) && byOutput.length === 3,
      ),
    );
  }
});

test("what cannot be inspected is refused with the reason", async () => {
  const { model, data } = await linear();
  const { a: _, ...others } = data.X.columns;
  const X = { rowCount: 400, columns: others };
  await assert.rejects(partialDependence(model, X, ["a"], {}, quiet()), { code: "learn.bad-column", at: "a" });
  const options = { splitter: kFold(), measure: mae, shares: [0.5, 2] };
  await assert.rejects(learningCurve(constant, {}, data, options, quiet()), { code: "learn.bad-split" });
});

test("more rows make a better model, parts too small to learn from say why, and progress rises to its end", async () => {
  const data = trainingData("binary-classification", 600);
  const seen: number[] = [];
  const context = { ...quiet(), progress: (done: number, total: number) => seen.push(done / total) };
  const options = {
    splitter: stratifiedKFold({ folds: 2 }),
    measure: measureNamed("binary-classification", "logLoss"),
    shares: [0.01, 0.1, 1],
  };
  const points = await learningCurve(logisticRegression, {}, data, options, context);
  const meanOf = (share: number) => points.filter((point) => point.share === share).reduce((sum, { test }) => sum + test! / 2, 0);
  assert.deepEqual(
    points.map(({ trainRows }) => trainRows),
    [3, 30, 300, 3, 30, 300],
  );
  assert.ok(meanOf(1) < meanOf(0.1) && points.at(-1)!.train! < points.at(-1)!.test! + 0.1);
  assert.ok(seen.every((value, at) => value > (seen[at - 1] ?? 0)) && seen.at(-1) === 1);
  const rare = { ...data, y: data.y.map((_, row) => (row % 100 === 0 ? 1 : 0)) };
  const [first] = await learningCurve(logisticRegression, {}, rare, options, quiet());
  assert.match(first!.why!, /have the label/);
});

test("inspections can be cancelled in the middle", async () => {
  const { model, data } = await linear();
  const cancelled = () => {
    const abort = new AbortController();
    return { progress: () => abort.abort(), signal: abort.signal };
  };
  await assert.rejects(permutationImportance(model, data, { measure: mae }, cancelled()), { code: "learn.cancelled" });
  await assert.rejects(partialDependence(model, data.X, ["a"], {}, cancelled()), { code: "learn.cancelled" });
  const options = { splitter: kFold(), measure: mae };
  await assert.rejects(learningCurve(constant, {}, data, options, { ...quiet(), ...cancelled() }), { code: "learn.cancelled" });
});
