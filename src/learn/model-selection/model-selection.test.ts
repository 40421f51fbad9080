import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { gradientBoosting } from "../boosting/gradient-boosting.ts";
import { constant } from "../constant.ts";
import type { Estimator, TrainingData } from "../estimator.ts";
import { realData } from "../fixtures/real-data.ts";
import { trainingData } from "../fixtures/training-data.ts";
import { isolationForest } from "../forests/isolation-forest.ts";
import { logisticRegression } from "../linear/logistic-regression.ts";
import { measureNamed } from "../metrics/measures.ts";
import { quiet } from "../suite.ts";
import { gridPlan, randomPlan } from "./candidates.ts";
import { crossValidate } from "./cross-validate.ts";
import { search } from "./search.ts";
import { type Fold, groupKFold, kFold, type Splitter, stratifiedKFold, timeSeriesSplit } from "./splitters.ts";

const seedOf = { seed: 20010601, numRuns: 200 };
const labelled = (y: readonly number[], groups?: readonly number[]) => ({
  X: { rowCount: y.length },
  y: Float64Array.from(y),
  ...(groups && { groups: Int32Array.from(groups) }),
});
const tests = (folds: readonly Fold[]) => folds.map(({ test }) => [...test]);

test("folds without a seed are scikit-learn's", () => {
  const y = [2, 0, 0, 1, 2, 2, 0, 1, 0, 0, 2, 1, 0];
  const groups = [4, 4, 4, 4, 4, 1, 1, 1, 1, 2, 2, 2, 9];
  assert.deepEqual(tests(kFold({ folds: 4 }).split(labelled(y))), KFOLD);
  assert.deepEqual(tests(stratifiedKFold({ folds: 3 }).split(labelled(y))), STRATIFIED);
  assert.deepEqual(tests(groupKFold({ folds: 2 }).split(labelled(y, groups))), GROUPED);
  const series = timeSeriesSplit({ folds: 3, gap: 1, testRows: 2, trainRowsMax: 4 }).split(labelled(y));
  assert.deepEqual(
    series.map(({ train, test }) => [[...train], [...test]]),
    SERIES,
  );
  assert.deepEqual(tests(timeSeriesSplit({ folds: 3 }).split(labelled(y))), [
    [4, 5, 6],
    [7, 8, 9],
    [10, 11, 12],
  ]);
});

test("each row is tested once, by a fold that does not train on it; sizes, classes and groups keep their promise", () => {
  const rows = fc.array(fc.tuple(fc.nat(2), fc.nat(9)), { minLength: 24, maxLength: 80 });
  fc.assert(
    fc.property(rows, fc.integer({ min: 2, max: 6 }), fc.option(fc.nat(99), { nil: undefined }), (drawn, folds, seed) => {
      const data = labelled(
        drawn.map(([label]) => label),
        drawn.map(([, group]) => group),
      );
      const options = { folds, ...(seed !== undefined && { seed }) };
      const groupCount = new Set(data.groups).size;
      const splitters: Splitter[] = [
        kFold(options),
        stratifiedKFold(options),
        ...(groupCount >= folds ? [groupKFold(options)] : []),
      ];
      for (const splitter of splitters) {
        const made = splitter.split(data);
        assert.deepEqual(
          tests(made)
            .flat()
            .sort((a, b) => a - b),
          [...data.y.keys()],
        );
        for (const { train, test } of made)
          assert.deepEqual(
            [...train, ...test].sort((a, b) => a - b),
            [...data.y.keys()],
          );
        assert.deepEqual(made, splitter.split(data));
      }
      const even = (counts: readonly number[]) => assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join(" "));
      even(splitters[0]!.split(data).map(({ test }) => test.length));
      for (const label of [0, 1, 2])
        even(splitters[1]!.split(data).map(({ test }) => test.filter((row) => data.y[row] === label).length));
      for (const { train, test } of splitters[2]?.split(data) ?? []) {
        const seen = new Set(train.map((row) => data.groups![row]!));
        assert.ok(test.every((row) => !seen.has(data.groups![row]!)));
      }
    }),
    seedOf,
  );
});

test("a series is cut by time, whatever the order of the rows", () => {
  const times = Float64Array.of(5, 1, 4, 2, 3, 0);
  const folds = timeSeriesSplit({ folds: 2, testRows: 1, times }).split(labelled([0, 0, 0, 0, 0, 0]));
  assert.deepEqual(
    folds.map(({ train, test }) => [[...train], [...test]]),
    [
      [[1, 3, 4, 5], [2]],
      [[1, 2, 3, 4, 5], [0]],
    ],
  );
});

test("rows that cannot be cut are refused with the reason", () => {
  const few = labelled([0, 1, 1]);
  const refused: readonly [Splitter, ReturnType<typeof labelled>][] = [
    [kFold({ folds: 4 }), few],
    [kFold({ folds: 1 }), few],
    [stratifiedKFold({ folds: 3 }), few],
    [groupKFold({ folds: 2 }), few],
    [groupKFold({ folds: 3 }), labelled([0, 1, 1], [1, 1, 2])],
    [timeSeriesSplit({ folds: 3 }), few],
    [timeSeriesSplit({ folds: 1, gap: 2 }), few],
    [timeSeriesSplit({ folds: 1, times: Float64Array.of(1, 2) }), few],
    [timeSeriesSplit({ folds: 1, times: Float64Array.of(1, NaN, 2) }), few],
  ];
  for (const [splitter, data] of refused) assert.throws(() => splitter.split(data), { code: "learn.bad-split" }, splitter.about);
});

test("cross-validated accuracy is scikit-learn's on real data", async () => {
  const measures = [measureNamed("multiclass-classification", "accuracy")];
  const expected = { iris: 0.96, wine: 0.9832 } as const;
  for (const [name, accuracy] of Object.entries(expected)) {
    const data = realData(name as keyof typeof expected);
    const options = { splitter: stratifiedKFold(), measures, train: true };
    const { summary, rows, predictions } = await crossValidate(logisticRegression, {}, data, options, quiet());
    assert.ok(Math.abs(summary.accuracy!.mean - accuracy) < 5e-5, `${name}: ${summary.accuracy!.mean}`);
    assert.deepEqual([rows.length, rows[0]!.testRows + rows[0]!.trainRows], [5, data.X.rowCount]);
    assert.ok(rows.every(({ train }) => train! > 0.9) && predictions.every(Number.isFinite));
  }
});

test("each row is predicted by the model that did not see it", async () => {
  const data = labels([0, 0, 0, 6]);
  const measures = [measureNamed("regression", "mae")];
  const { predictions, summary } = await crossValidate(constant, {}, data, { splitter: kFold({ folds: 2 }), measures }, quiet());
  assert.deepEqual([...predictions], [3, 3, 0, 0]);
  assert.deepEqual(summary.mae, { mean: 3, deviation: 0, folds: 2 });
});

test("lists stay whole when rankings are cross-validated, and outliers are measured by labels that nothing learns from", async () => {
  const lists = trainingData("ranking", 1500);
  const ranked = await crossValidate(
    gradientBoosting,
    { trees: 10, leaves: 8 },
    lists,
    { splitter: groupKFold({ folds: 3, seed: 1 }), measures: [measureNamed("ranking", "ndcg"), measureNamed("ranking", "mrr")] },
    quiet(),
  );
  const chance = measureNamed("ranking", "ndcg").of({ ...lists, predictions: new Float64Array(1500) }).value!;
  assert.ok(
    ranked.summary.ndcg!.mean > chance + 0.05 && ranked.summary.mrr!.mean > 0.5,
    `${ranked.summary.ndcg!.mean}, by chance ${chance}`,
  );
  const cancer: TrainingData = { ...realData("breast-cancer"), task: "outlier-detection", classes: [] };
  const malignant = { ...cancer, y: cancer.y.map((benign) => 1 - benign) };
  const options = { splitter: kFold({ folds: 3, seed: 1 }), measures: [measureNamed("outlier-detection", "auc")] };
  const { summary } = await crossValidate(isolationForest, { trees: 50 }, malignant, options, quiet());
  assert.ok(summary.auc!.mean > 0.7, `${summary.auc!.mean}`);
});

test("progress rises over all folds and candidates, and cancelling ends them", async () => {
  const data = trainingData("binary-classification", 600);
  const plan = gridPlan(logisticRegression, { l2: [1, 10] });
  const options = { splitter: stratifiedKFold({ folds: 3 }), measures: [measureNamed("binary-classification", "auc")] as const };
  const seen: number[] = [];
  const progress = (done: number, total: number) => seen.push(done / total);
  await search(logisticRegression, plan, data, options, { ...quiet(), progress });
  assert.ok(seen.length >= 10 && seen.every((value, at) => value > (seen[at - 1] ?? 0)) && seen.at(-1) === 1, seen.join(" "));
  const abort = new AbortController();
  const stopped = search(logisticRegression, plan, data, options, {
    ...quiet(),
    signal: abort.signal,
    progress: (done, total) => done / total > 0.5 && abort.abort(),
  });
  await assert.rejects(stopped, { code: "learn.cancelled" });
});

test("a grid has every combination once, and is checked before anything is trained", () => {
  const { candidates } = gridPlan(
    logisticRegression,
    { l2: { from: 0.01, to: 100, scale: "log" }, countMin: [1, 10] },
    { tolerance: 1e-3 },
  );
  assert.deepEqual(
    candidates.map(({ l2, countMin }) => [Number((l2 as number).toPrecision(12)), countMin]),
    [0.01, 0.1, 1, 10, 100].flatMap((l2) => [1, 10].map((countMin) => [l2, countMin])),
  );
  assert.ok(candidates.every(({ tolerance }) => tolerance === 1e-3));
  assert.equal(gridPlan(logisticRegression, { l2: [1, 1, 1] }).candidates.length, 1);
  assert.throws(() => randomPlan(logisticRegression, { l2: [1] }, { count: 0, seed: 1 }), { code: "learn.bad-parameter" });
  const refused = [
    { l2: [-1] },
    { nonsense: [1] },
    { l2: [] },
    { l2: { from: 0, to: 1, scale: "log" as const } },
    { l2: { from: 2, to: 1 } },
  ];
  for (const space of refused) {
    assert.throws(() => gridPlan(logisticRegression, space), { code: "learn.bad-parameter" }, JSON.stringify(space));
    assert.throws(() => randomPlan(logisticRegression, space, { count: 2, seed: 1 }), { code: "learn.bad-parameter" });
  }
});

test("random candidates keep to their intervals, are the same for one seed, and end with their space", () => {
  const space = { l2: { from: 1e-3, to: 1e3, scale: "log" as const }, iterationsMax: { from: 5, to: 9 } };
  const { candidates } = randomPlan(logisticRegression, space, { count: 200, seed: 3 });
  assert.deepEqual(candidates, randomPlan(logisticRegression, space, { count: 200, seed: 3 }).candidates);
  assert.equal(candidates.length, 200);
  assert.ok(candidates.every(({ l2 }) => (l2 as number) >= 1e-3 && (l2 as number) <= 1e3));
  const small = candidates.filter(({ l2 }) => (l2 as number) < 1).length;
  assert.ok(small > 70 && small < 130, `${small} of 200 below the geometric middle`);
  assert.deepEqual(new Set(candidates.map(({ iterationsMax }) => iterationsMax)), new Set([5, 6, 7, 8, 9]));
  assert.equal(randomPlan(logisticRegression, { l2: [1, 2] }, { count: 50, seed: 1 }).candidates.length, 2);
});

test("the best candidate is the one with the best mean, and one that the data refuse is kept with its error", async () => {
  const picky: Estimator = {
    ...constant,
    params: { shift: { type: "number", default: 0, about: "added to the prediction" } },
    fit: async (data, { shift = 0 }, context) => {
      if (shift === 9) await constant.fit({ ...data, y: new Float64Array() }, {}, context);
      const model = await constant.fit(data, {}, context);
      return { ...model, predict: (X) => model.predict(X).map((value) => value + (shift as number)) };
    },
  };
  const options = { splitter: kFold({ folds: 2 }), measures: [measureNamed("regression", "rmse")] as const };
  const data = labels([1, 1, 1, 1, 1, 1]);
  const { best, candidates, rows } = await search(picky, gridPlan(picky, { shift: [4, 9, 0.5, -0.5] }), data, options, quiet());
  assert.deepEqual([best.candidate, best.params.shift, candidates[1]!.error!.code], [2, 0.5, "learn.empty"]);
  assert.equal(rows.length, 6);
  await assert.rejects(search(picky, gridPlan(picky, { shift: [9] }), data, options, quiet()), { code: "learn.empty" });
});

function labels(y: readonly number[]): TrainingData {
  const values = Float64Array.from(y.keys());
  return {
    X: { rowCount: y.length, columns: { at: { kind: "number", values } } },
    y: Float64Array.from(y),
    task: "regression",
    classes: [],
  };
}

const KFOLD = [
  [0, 1, 2, 3],
  [4, 5, 6],
  [7, 8, 9],
  [10, 11, 12],
];
const STRATIFIED = [
  [0, 1, 2, 3, 4],
  [5, 6, 7, 8],
  [9, 10, 11, 12],
];
const GROUPED = [
  [0, 1, 2, 3, 4, 12],
  [5, 6, 7, 8, 9, 10, 11],
];
const SERIES = [
  [
    [2, 3, 4, 5],
    [7, 8],
  ],
  [
    [4, 5, 6, 7],
    [9, 10],
  ],
  [
    [6, 7, 8, 9],
    [11, 12],
  ],
];
