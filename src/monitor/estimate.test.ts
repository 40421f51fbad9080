import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../base/index.ts";
import { measure } from "../learn/index.ts";
import { calibrated, estimateQuality, fitCalibration } from "./estimate.ts";

const GAIN = { truePositive: 40, falsePositive: -15, falseNegative: -5, trueNegative: 1 };
const MEASURES = ["auc", "logLoss", "brier", "accuracy", "precision", "recall", "f1", "gain"];

/** Rows whose chances are known, and many draws of what came of them. */
function simulated(rows: number, draws: number, seed: number) {
  const random = createRandom(seed);
  const chances = Float64Array.from({ length: rows }, () => 1 / (1 + Math.exp(1 - 1.2 * random.normal())));
  const decided = chances.map((chance) => (chance >= 0.4 ? 1 : 0));
  const outcomes = Array.from({ length: draws }, () => chances.map((chance) => (random.next() < chance ? 1 : 0)));
  const truths = outcomes.map(
    (y) =>
      measure("binary-classification", { predictions: chances, y, classes: ["false", "true"], decisions: decided, gain: GAIN })
        .measures,
  );
  return { chances, decided, truths };
}

test("where chances are known, each measure is estimated at what it comes to on average, within its interval about 95 times of 100", () => {
  const { chances, decided, truths } = simulated(800, 600, 4);
  const estimated = estimateQuality("binary-classification", { stated: chances, expected: chances, decided, gain: GAIN })!;
  assert.deepEqual(Object.keys(estimated), MEASURES);
  for (const name of MEASURES) {
    const { value, interval } = estimated[name]!;
    const drawn = truths.map((truth) => truth[name]!);
    const mean = drawn.reduce((sum, one) => sum + one, 0) / drawn.length;
    const half = (interval![1] - interval![0]) / 2;
    assert.ok(Math.abs(value! - mean) < 0.15 * half, `${name}: ${value} is not ${mean}`);
    const within = drawn.filter((one) => one >= interval![0] && one <= interval![1]).length / drawn.length;
    assert.ok(within > 0.92 && within < 0.98, `${name}: ${within} of the draws within`);
  }
});

test("chances of 0 and 1 are labels: the estimate is the measure itself, ties and all", () => {
  const random = createRandom(6);
  const stated = Float64Array.from({ length: 500 }, () => random.below(20) / 20);
  const y = stated.map((p) => (random.next() < p ? 1 : 0));
  const decided = stated.map((p) => (p >= 0.5 ? 1 : 0));
  const estimated = estimateQuality("binary-classification", { stated, expected: y, decided, gain: GAIN })!;
  const { measures } = measure("binary-classification", {
    predictions: stated,
    y,
    classes: ["false", "true"],
    decisions: decided,
    gain: GAIN,
  });
  for (const name of MEASURES) assert.ok(Math.abs(estimated[name]!.value! - measures[name]!) < 1e-9, name);
});

test("a calibration undoes what an overconfident model states, and never falls", () => {
  const random = createRandom(9);
  const stated = Float64Array.from({ length: 40_000 }, () => random.next());
  const truth = (p: number) => 0.5 + 0.5 * (p - 0.5);
  const calibration = fitCalibration(
    stated,
    stated.map((p) => (random.next() < truth(p) ? 1 : 0)),
  );
  for (let p = 0.02; p < 0.98; p += 0.01) assert.ok(Math.abs(calibrated(calibration, p) - truth(p)) < 0.04, `${p}`);
  let before = -1;
  for (let p = 0; p <= 1; p += 0.001) {
    const now = calibrated(calibration, p);
    assert.ok(now >= before && now >= 0 && now <= 1);
    before = now;
  }
});

test("a calibration of few, equal or one-sided rows is one still", () => {
  for (const [stated, happened] of [
    [
      [0.3, 0.3, 0.3],
      [0, 1, 0],
    ],
    [
      [0, 0],
      [0, 0],
    ],
    [
      [1, 1],
      [1, 1],
    ],
    [
      [0.2, 0.9],
      [0, 0],
    ],
    [[], []],
  ] as const) {
    const calibration = fitCalibration(Float64Array.from(stated), Float64Array.from(happened));
    for (const p of [0, 0.5, 1])
      assert.ok(calibrated(calibration, p) >= 0 && calibrated(calibration, p) <= 1, JSON.stringify(calibration));
  }
  assert.equal(calibrated(fitCalibration(Float64Array.of(0.3, 0.3, 0.3, 0.3), Float64Array.of(0, 1, 0, 0)), 0.3), 0.25);
});

test("of several classes the share of right answers is expected; of numbers nothing is", () => {
  const stated = Float64Array.of(0.5, 0.7, 0.9);
  const rows = { stated, expected: stated, decided: Float64Array.of(1, 1, 1), gain: null };
  assert.deepEqual(Object.keys(estimateQuality("multiclass-classification", rows)!), ["accuracy"]);
  assert.ok(Math.abs(estimateQuality("multiclass-classification", rows)!.accuracy!.value! - 0.7) < 1e-12);
  assert.equal(estimateQuality("regression", rows), null);
  const none = new Float64Array(0);
  assert.equal(estimateQuality("binary-classification", { stated: none, expected: none, decided: none, gain: null }), null);
});

test("a measure that the decisions leave undefined has no value: precision where nothing was decided to be true", () => {
  const p = Float64Array.of(0.1, 0.2);
  const { precision, recall } = estimateQuality("binary-classification", {
    stated: p,
    expected: p,
    decided: new Float64Array(2),
    gain: null,
  })!;
  assert.deepEqual([precision, recall!.value], [{ value: null }, 0]);
});
