import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json } from "../../base/index.ts";
import { gradientBoosting } from "../boosting/gradient-boosting.ts";
import { edgeRowsOf } from "../edge-rows.ts";
import type { Estimator, Predictor, TrainingData } from "../estimator.ts";
import { readPredictor } from "../estimators.ts";
import { realData } from "../fixtures/real-data.ts";
import { runOnnx } from "../fixtures/run-onnx.ts";
import { pick, trainingData } from "../fixtures/training-data.ts";
import { decisionTree } from "../forests/forests.ts";
import { linearRegression } from "../linear/linear-regression.ts";
import { linearSvm } from "../linear/linear-svm.ts";
import { logisticRegression } from "../linear/logistic-regression.ts";
import { ROWS, uniform } from "../metrics/fixtures/reference-rows.ts";
import { measureNamed } from "../metrics/measures.ts";
import { pipeline } from "../pipeline/pipeline.ts";
import { quiet } from "../suite.ts";
import { onnxOf } from "../to-onnx.ts";
import { calibrate, calibrated } from "./calibrated.ts";
import { fitIsotonic, isotonicAt } from "./isotonic.ts";
import { fitPlatt } from "./platt.ts";
import { reliability } from "./reliability.ts";

const u = uniform(2 * ROWS, 1);
const p = u.slice(0, ROWS).map((value) => Math.round(value * 1000) / 1000);
const y = p.map((stated, row) => (u[ROWS + row]! < stated * 0.8 + 0.05 ? 1 : 0));
const weights = uniform(ROWS, 11).map((value) => value + 0.25);
const scores = p.map((stated) => stated * 6 - 2);
const near = (actual: ArrayLike<number>, expected: readonly number[], tolerance: number) => {
  expected.forEach((value, at) => {
    assert.ok(Math.abs(actual[at]! - value) <= tolerance, `value ${at}: ${actual[at]} is not ${value}`);
  });
};

test("isotonic fits are scikit-learn's, with ties and weights", () => {
  const at = [-3, -2, -1.5, 0, 0.123, 1, 2.5, 3.999, 5];
  const valuesOf = (fitted: ReturnType<typeof fitIsotonic>) => at.map((score) => isotonicAt(fitted, score));
  const plain = fitIsotonic(scores, y, undefined);
  near(
    valuesOf(plain),
    [0, 0, 0.03225806451612903, 0.3157894736842105, 0.3157894736842105, 0.45, 0.6694915254237288, 1, 1],
    1e-12,
  );
  assert.equal(plain.scores.length, 34);
  const weighed = fitIsotonic(scores, y, weights);
  near(
    valuesOf(weighed),
    [0, 0, 0.021252531578309298, 0.30863974182955145, 0.32131507884556026, 0.4742951289074733, 0.6733000505653305, 1, 1],
    1e-12,
  );
  assert.equal(weighed.scores.length, 36);
});

test("an isotonic fit rises, keeps the mean, and no rising function of the runs is nearer", () => {
  const rows = fc.array(fc.tuple(fc.nat(8), fc.nat(1), fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 25 });
  fc.assert(
    fc.property(rows, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 9, maxLength: 9 }), (drawn, other) => {
      const [x, happened, w] = [0, 1, 2].map((at) => Float64Array.from(drawn, (row) => row[at]!)) as Float64Array[];
      const fitted = fitIsotonic(x!, happened!, w);
      const values = Float64Array.from(x!, (score) => isotonicAt(fitted, score));
      assert.ok(fitted.values.every((value, at) => at === 0 || value >= fitted.values[at - 1]!));
      const sum = (of: (row: number) => number) => drawn.reduce((total, _, row) => total + w![row]! * of(row), 0);
      assert.ok(Math.abs(sum((row) => values[row]! - happened![row]!)) < 1e-9);
      const rising = other.toSorted((a, b) => a - b);
      const loss = sum((row) => (values[row]! - happened![row]!) ** 2);
      assert.ok(loss <= sum((row) => (rising[x![row]!]! - happened![row]!) ** 2) + 1e-9);
    }),
    { seed: 20010601, numRuns: 300 },
  );
});

test("Platt's curve is scikit-learn's, and a weight is a number of rows", () => {
  const curveOf = (w?: Float64Array) => {
    const { slope, offset, converged } = fitPlatt(scores, y, w);
    assert.ok(converged);
    return [slope, offset];
  };
  near(curveOf(), [-0.686580344406347, 0.9382745295599428], 1e-5);
  near(curveOf(weights), [-0.7084479144930625, 0.9650543481663628], 1e-5);
  const twice = (values: Float64Array) => Float64Array.from([...values, ...values]);
  const { slope } = fitPlatt(twice(scores), twice(y));
  near([fitPlatt(scores, y, new Float64Array(ROWS).fill(2)).slope], [slope], 1e-12);
});

test("Platt's curve comes to rest where classes are apart, scores are equal, or large", () => {
  const apart = fitPlatt(Float64Array.of(-1, -2, 3, 4), Float64Array.of(0, 0, 1, 1));
  assert.ok(apart.converged && apart.slope < 0 && Number.isFinite(apart.slope));
  const equal = fitPlatt(new Float64Array(4).fill(20), Float64Array.of(0, 0, 0, 1));
  assert.ok(equal.converged);
  near([1 / (1 + Math.exp(equal.slope * 20 + equal.offset))], [(3 * (1 / 5) + 2 / 3) / 4], 1e-6);
  const one = fitPlatt(Float64Array.of(1, 2), Float64Array.of(0, 0));
  assert.ok(one.converged && Number.isFinite(one.offset));
});

test("bins of equal width are scikit-learn's, those of equal count sum to the calibration error, and intervals hold what was observed", () => {
  const widths = reliability(p, y, { bins: 5, by: "widths" });
  near(
    widths.points.map(({ observed }) => observed),
    [0.09174311926605505, 0.2818181818181818, 0.48148148148148145, 0.6666666666666666, 0.7441860465116279],
    1e-12,
  );
  near(
    widths.points.map(({ stated }) => stated),
    [0.09327522935779818, 0.31430000000000013, 0.49480555555555555, 0.6968819444444443, 0.903426356589147],
    1e-12,
  );
  const counts = reliability(u.slice(0, ROWS), y);
  near([counts.error!], [0.057668306750711065], 0.01);
  assert.ok(counts.errorMax! >= counts.error! && counts.points.length === 15);
  assert.ok(counts.points.every(({ interval, observed }) => interval[0] <= observed && observed <= interval[1]));
  assert.deepEqual(reliability(new Float64Array(), new Float64Array()), { points: [], error: null, errorMax: null });
});

/** Says log odds four times too large. */
async function overconfident(data: TrainingData): Promise<Predictor> {
  const model = await logisticRegression.fit(data, {}, quiet());
  const predict: Predictor["predict"] = (X) => model.predict(X).map((stated) => 1 / (1 + ((1 - stated) / stated) ** 4));
  return { ...model, predict };
}

test("either method takes back what an overconfident model adds, and Platt's leaves the order of rows as it was", async () => {
  const data = trainingData("binary-classification", 6000);
  const part = (from: number) =>
    pick(
      data,
      Array.from({ length: 2000 }, (_, row) => from + row),
    );
  const model = await overconfident(part(0));
  const { X, y: happened } = part(4000);
  const errorOf = (predictor: Predictor) => reliability(predictor.predict(X), happened).error!;
  const [platt, isotonic] = await Promise.all(
    (["platt", "isotonic"] as const).map((method) => calibrate(model, part(2000), method, quiet())),
  );
  const before = errorOf(model);
  assert.ok(
    before > 0.1 && errorOf(platt!) < before / 3 && errorOf(isotonic!) < before / 3,
    `${before} ${errorOf(platt!)} ${errorOf(isotonic!)}`,
  );
  const area = (predictor: Predictor) =>
    measureNamed("binary-classification", "auc").of({ predictions: predictor.predict(X), y: happened, classes: [] }).value!;
  near([area(platt!)], [area(model)], 1e-6);
});

test("cross-fitted calibration makes a tree's certainties honest", async () => {
  const data = trainingData("binary-classification", 3000);
  const part = (from: number) =>
    pick(
      data,
      Array.from({ length: 1500 }, (_, row) => from + row),
    );
  const [train, { X, y: happened }] = [part(0), part(1500)];
  const loss = measureNamed("binary-classification", "logLoss");
  const lossOf = (model: Predictor) => loss.of({ predictions: model.predict(X), y: happened, classes: [] }).value!;
  const plain = lossOf(await decisionTree.fit(train, {}, quiet()));
  for (const calibration of ["platt", "isotonic"]) {
    const honest = lossOf(await calibrated(decisionTree).fit(train, { calibration, calibrationFolds: 3 }, quiet()));
    assert.ok(honest < 0.7 * plain, `${calibration}: ${honest}, plain ${plain}`);
  }
});

test("the graph of calibrated trees of several classes says the same, certainties included", async () => {
  const data = trainingData("multiclass-classification", 3000);
  for (const calibration of ["platt", "isotonic"]) {
    const model = await calibrated(decisionTree).fit(data, { calibration, calibrationFolds: 3 }, quiet());
    const frames = [data.X, edgeRowsOf(model, 2000)];
    const results = await runOnnx(onnxOf(model), ...frames);
    frames.forEach((X, at) => {
      near(results[at]!.probabilities as Float64Array, [...model.predict(X)], 1e-6);
    });
  }
});

test("a pipeline is calibrated as a whole: its graph goes from raw columns to calibrated probabilities", async () => {
  const data = trainingData("binary-classification", 3000);
  const raw = pipeline([{ use: "one-hot", columns: ["place", "kind"] }], gradientBoosting, { params: { trees: 20 } });
  for (const calibration of ["platt", "isotonic"]) {
    const model = await calibrated(raw).fit(data, { calibration, calibrationFolds: 2 }, quiet());
    const read = readPredictor(JSON.parse(JSON.stringify(model.toJson())));
    const [result] = await runOnnx(onnxOf(model), data.X);
    assert.deepEqual(read.predict(data.X), model.predict(data.X));
    near(result!.probabilities as Float64Array, [...model.predict(data.X)], 1e-6);
  }
});

test("rows count by their weight in a calibration, and not at all without one", async () => {
  const data = trainingData("binary-classification", 900);
  const model = await logisticRegression.fit(data, {}, quiet());
  const order = [...data.y.keys()].flatMap((row) => Array<number>(row % 3).fill(row));
  const weights = data.y.map((_, row) => row % 3);
  for (const method of ["platt", "isotonic"] as const) {
    const [weighed, repeated] = [
      await calibrate(model, { ...data, weights }, method, quiet()),
      await calibrate(model, pick(data, order), method, quiet()),
    ];
    near(weighed.predict(data.X), [...repeated.predict(data.X)], 1e-9);
  }
});

test("an estimator that calibrates itself does not do so within a calibration", async () => {
  const asked: unknown[] = [];
  const svm: Estimator = {
    ...linearSvm,
    fit(data, params, context) {
      asked.push(params.calibrationFolds);
      return linearSvm.fit(data, params, context);
    },
  };
  await calibrated(svm).fit(trainingData("binary-classification", 200), { calibrationFolds: 2 }, quiet());
  assert.deepEqual(asked, [0, 0, 0]);
});

test("what cannot be calibrated is refused with the reason", async () => {
  assert.throws(() => calibrated(linearRegression), { code: "learn.task" });
  const data = pick(
    trainingData("binary-classification", 300),
    Array.from({ length: 60 }, (_, row) => row),
  );
  const rare = { ...data, y: data.y.map((_, row) => (row === 9 ? 1 : 0)) };
  await assert.rejects(calibrated(logisticRegression).fit(rare, {}, quiet()), { code: "learn.bad-split" });
  const several = trainingData("multiclass-classification", 100);
  const model = await logisticRegression.fit(several, {}, quiet());
  await assert.rejects(calibrate(model, data, "platt", quiet()), { code: "learn.task" });
});

test("a class of one row among several, and more folds than rows of a class, can be calibrated", async () => {
  const iris = realData("iris");
  const rows = [...Array(5).keys(), ...Array.from({ length: 5 }, (_, row) => 50 + row), 149];
  const model = await calibrated(logisticRegression).fit(pick(iris, rows), { calibrationFolds: 30 }, quiet());
  assert.ok(model.predict(iris.X).every((value) => value >= 0 && value <= 1));
});

test("a damaged calibration is refused, and never walked", async () => {
  const data = trainingData("binary-classification", 400);
  const model = await calibrated(logisticRegression).fit(data, { calibration: "isotonic" }, quiet());
  const json = model.toJson() as Record<string, Json>;
  const [map] = json.maps as Record<string, Json>[];
  const damaged: Json[] = [
    ...Object.keys(json).map((field) => ({ ...json, [field]: "AAAA" })),
    { ...json, maps: [] },
    { ...json, maps: [{ ...map!, values: map!.scores! }, map!] },
    { ...json, maps: [{ ...map!, values: "" }] },
    { ...json, maps: [{ method: "platt", slope: "1", offset: 0 }] },
    { ...json, base: { ...(json.base as Record<string, Json>), task: "multiclass-classification" } },
  ];
  for (const each of damaged)
    assert.throws(() => readPredictor(each), { code: "learn.bad-model" }, JSON.stringify(each).slice(0, 200));
});
