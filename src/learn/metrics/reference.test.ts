/** Against scikit-learn 1.9.1 on the same rows; `bench/peers/metrics_sklearn.py` made the numbers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { calibrationError } from "./calibration.ts";
import { curvesOf } from "./curves.ts";
import { ROWS, uniform } from "./fixtures/reference-rows.ts";
import { measure } from "./measure.ts";
import { rankScores } from "./ranked-scores.ts";

/** Sums in another order differ in the last digits only. */
const TOLERANCE = 1e-12;

function near(actual: Readonly<Record<string, number | null>>, expected: Readonly<Record<string, number>>): void {
  assert.deepEqual(Object.keys(actual), Object.keys(expected));
  for (const [name, value] of Object.entries(expected)) {
    const got = actual[name] ?? Number.NaN;
    assert.ok(Math.abs(got - value) <= TOLERANCE, `${name}: ${got} is not ${value}`);
  }
}

const u = uniform(2 * ROWS, 1);
const probabilities = u.slice(0, ROWS).map((value) => Math.round(value * 1000) / 1000);
const happened = probabilities.map((p, row) => (u[ROWS + row]! < p * 0.8 + 0.05 ? 1 : 0));
const binary = { predictions: probabilities, y: happened, classes: ["false", "true"], threshold: 0.6 };

test("binary measures are scikit-learn's, with ties among the probabilities", () => {
  const { measures, intervals } = measure("binary-classification", binary);
  const { calibrationError: ownBins, ...others } = measures;
  near(others, {
    auc: 0.7841269841269841,
    logLoss: 0.5727563054386534,
    brier: 0.19222369333333333,
    accuracy: 0.7083333333333334,
    precision: 0.7007299270072993,
    recall: 0.6736842105263158,
    f1: 0.6869409660107334,
  });
  assert.ok(ownBins! > 0.04 && ownBins! < 0.08);
  near({ low: intervals.auc![0], high: intervals.auc![1] }, { low: 0.7480880236754928, high: 0.8201659445784755 });
  assert.deepEqual(curvesOf("binary-classification", binary).confusion, [
    [233, 82],
    [93, 192],
  ]);
});

test("the calibration error of untied probabilities is that of quantile bins", () => {
  near({ error: calibrationError(rankScores(u.slice(0, ROWS), happened)).value }, { error: 0.057668306750711065 });
});

test("measures of several classes are scikit-learn's", () => {
  const weights = uniform(3 * ROWS, 7).map((value) => value + 0.05);
  const predictions = weights.map((value, i) => value / totalOf(weights.subarray(i - (i % 3), i - (i % 3) + 3)));
  const draws = uniform(ROWS, 9);
  const y = draws.map((draw, row) => {
    const [a, b] = predictions.subarray(3 * row);
    return draw <= a! ? 0 : draw <= a! + b! ? 1 : 2;
  });
  const evidence = { predictions, y, classes: ["a", "b", "c"] };
  near(measure("multiclass-classification", evidence).measures, {
    logLoss: 0.9395665243306693,
    accuracy: 0.5133333333333333,
    macroF1: 0.5119174276344879,
    macroPrecision: 0.5129455313798114,
    macroRecall: 0.5122919450402964,
    auc: 0.7314826376598537,
    calibrationError: 0.08371694008248073,
  });
  assert.deepEqual(curvesOf("multiclass-classification", evidence).confusion, [
    [111, 50, 45],
    [54, 87, 52],
    [55, 36, 110],
  ]);
});

test("regression measures are scikit-learn's", () => {
  const y = u.slice(0, ROWS).map((value) => value * 10);
  const predictions = y.map((value, row) => value + u[ROWS + row]! - 0.4);
  near(measure("regression", { predictions, y, classes: [] }).measures, {
    rmse: 0.3084172702748064,
    mae: 0.2627327460589198,
    r2: 0.98861871337681,
  });
});

const totalOf = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);
