/** Against scikit-learn 1.9 on the same rows, plain and weighted; `bench/peers/metrics_sklearn.py` made the numbers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { balancedAccuracy, cohensKappa, matthews } from "./agreement.ts";
import { calinskiHarabasz, daviesBouldin, silhouette } from "./cluster-shape.ts";
import { adjustedMutualInformation, adjustedRand, normalisedMutualInformation } from "./clusterings.ts";
import { accuracy, confusionOf, f1, fBeta, likeliest, macro, micro, precision, recall, weighted } from "./decisions.ts";
import { poissonDeviance, tweedieDeviance } from "./deviance.ts";
import { ROWS, uniform } from "./fixtures/reference-rows.ts";
import { topKMeasure } from "./measures.ts";
import { type Metric, meanOf } from "./metric.ts";
import { multiclassBrierOf, multiclassLogLoss } from "./probability.ts";
import { meanAveragePrecision, meanReciprocalRank, ndcg } from "./ranked-lists.ts";
import { rankScores } from "./ranked-scores.ts";
import { auc, averagePrecision, oneVersusRestAuc } from "./ranking.ts";
import { explainedVariance, mae, mape, medianAbsoluteError, pinball, r2, rmse } from "./regression.ts";

function near(actual: Readonly<Record<string, Metric>>, expected: Readonly<Record<string, number>>): void {
  assert.deepEqual(Object.keys(actual), Object.keys(expected));
  for (const [name, value] of Object.entries(expected)) {
    const got = actual[name]!.value ?? Number.NaN;
    assert.ok(Math.abs(got - value) <= 1e-12 * Math.max(1, Math.abs(value)), `${name}: ${got} is not ${value}`);
  }
}

const u = uniform(2 * ROWS, 1);
const weights = uniform(ROWS, 11).map((value) => value + 0.25);

test("decisions of three classes, their averages and agreement are scikit-learn's", () => {
  near(decisionMetrics(), {
    macroPrecision: 0.5129455313798114,
    macroRecall: 0.5122919450402964,
    macroF1: 0.5119174276344879,
    microPrecision: 0.5133333333333333,
    microRecall: 0.5133333333333333,
    microF1: 0.5133333333333333,
    weightedPrecision: 0.5130096021791172,
    weightedRecall: 0.5133333333333333,
    weightedF1: 0.5124809399631476,
    accuracy: 0.5133333333333333,
    balancedAccuracy: 0.5122919450402964,
    kappa: 0.2690375661287361,
    linearKappa: 0.2797339425379579,
    quadraticKappa: 0.2899834089591621,
    matthews: 0.26939343502682667,
    macroF2: 0.511980827211565,
    macroFHalf: 0.5123582205256901,
    top2: 0.8516666666666667,
    logLoss: 0.9395665243306693,
    brier: 0.5667076307570816,
    auc: 0.7294490168054802,
    averagePrecision: 0.5620761587816088,
  });
});

test("the same with weights", () => {
  near(decisionMetrics(weights), {
    macroPrecision: 0.508684229755516,
    macroRecall: 0.5066884758219364,
    macroF1: 0.5065866898285375,
    microPrecision: 0.5088113889565449,
    microRecall: 0.5088113889565449,
    microF1: 0.5088113889565449,
    weightedPrecision: 0.5100885924668994,
    weightedRecall: 0.5088113889565449,
    weightedF1: 0.5083898724314169,
    accuracy: 0.5088113889565449,
    balancedAccuracy: 0.5066884758219364,
    kappa: 0.2618038255709878,
    linearKappa: 0.2684948261351564,
    quadraticKappa: 0.2748286142141323,
    matthews: 0.2623565736183928,
    macroF2: 0.5063873429642588,
    macroFHalf: 0.5075760336481889,
    top2: 0.8485987378984141,
    logLoss: 0.9428950399863475,
    brier: 0.5677884122984925,
    auc: 0.7121208829624965,
    averagePrecision: 0.5284100947983268,
  });
});

test("a mean over classes against the rest counts them alike, or by their rows", () => {
  const { predictions, y } = threeClasses();
  const rows = { predictions, y, classes: ["a", "b", "c"] };
  near(
    { macroAuc: oneVersusRestAuc(rows), weightedAuc: oneVersusRestAuc(rows, "weighted") },
    { macroAuc: 0.7314826376598537, weightedAuc: 0.7317087079116201 },
  );
});

test("errors and deviances of numbers are scikit-learn's", () => {
  near(amountMetrics(), {
    rmse: 0.5334261681980793,
    mae: 0.4488096277647033,
    mape: 0.2119109287970299,
    medianAbsoluteError: 0.440351827465929,
    r2: 0.965954272670403,
    explainedVariance: 0.989712315025676,
    pinball: 0.3135254608294152,
    "tweedie-1": 1.6508707181246356,
    tweedie0: 0.2845434769184856,
    tweedie1: 0.08344991164262683,
    "tweedie1.5": 0.062439679900666005,
    tweedie2: 0.05888494585116469,
    tweedie3: 0.09109718774782675,
    poissonOfCounts: 6.906462369059437,
  });
});

test("the same with weights", () => {
  near(amountMetrics(weights), {
    rmse: 0.5360211887672044,
    mae: 0.4523081761657826,
    mape: 0.20478760618894296,
    medianAbsoluteError: 0.4409147976431993,
    r2: 0.965335034810941,
    explainedVariance: 0.9897024876377715,
    pinball: 0.3160358621868451,
    "tweedie-1": 1.6608844593511278,
    tweedie0: 0.28731871480740695,
    tweedie1: 0.08370209765110195,
    "tweedie1.5": 0.061526732948410906,
    tweedie2: 0.056428325894775165,
    tweedie3: 0.0820403048472553,
    poissonOfCounts: 6.956926326982795,
  });
});

test("ranking in lists with ties is scikit-learn's", () => {
  const scores = u.slice(0, ROWS).map((value) => Math.round(value * 10) / 10);
  const grades = u.slice(ROWS).map((value) => Math.floor(value ** 2 * 4));
  const lists = { scores, grades, groups: Int32Array.from(grades, (_, row) => Math.floor(row / 10)) };
  near(
    {
      ndcg: ndcg(lists),
      ndcg3: ndcg(lists, 3),
      linearNdcg5: ndcg(lists, 5, "linear"),
      meanAveragePrecision: meanAveragePrecision(lists),
      meanReciprocalRank: meanReciprocalRank(lists),
    },
    {
      ndcg: 0.6290333994088884,
      ndcg3: 0.33758022205070204,
      linearNdcg5: 0.45767819441279206,
      meanAveragePrecision: 0.5900344571470562,
      meanReciprocalRank: 0.6245304232804234,
    },
  );
});

test("clusterings and the shape of clusters are scikit-learn's", () => {
  const a = u.slice(0, ROWS).map((value) => Math.floor(value * 5));
  const b = u.slice(0, ROWS).map((value, row) => Math.floor((value * 0.7 + u[ROWS + row]! * 0.3) * 4));
  const points = { values: Float64Array.from({ length: 2 * ROWS }, (_, at) => u[(at % 2) * ROWS + (at >> 1)]!), width: 2 };
  near(
    {
      adjustedRand: adjustedRand(a, b),
      normalisedMutualInformation: normalisedMutualInformation(a, b),
      adjustedMutualInformation: adjustedMutualInformation(a, b),
      silhouette: silhouette(points, a),
      calinskiHarabasz: calinskiHarabasz(points, a),
      daviesBouldin: daviesBouldin(points, a),
    },
    {
      adjustedRand: 0.2940574434862388,
      normalisedMutualInformation: 0.4292322960642769,
      adjustedMutualInformation: 0.4252216620956992,
      silhouette: 0.12046026474712858,
      calinskiHarabasz: 135.48707556601585,
      daviesBouldin: 2.6478441492373035,
    },
  );
});

function threeClasses() {
  const parts = uniform(3 * ROWS, 7).map((value) => value + 0.05);
  const predictions = parts.map((value, i) => {
    const [a, b, c] = parts.subarray(i - (i % 3), i - (i % 3) + 3);
    return value / (a! + b! + c!);
  });
  const y = uniform(ROWS, 9).map((draw, row) => {
    const [a, b] = predictions.subarray(3 * row);
    return draw <= a! ? 0 : draw <= a! + b! ? 1 : 2;
  });
  return { predictions, y };
}

function decisionMetrics(w?: Float64Array): Record<string, Metric> {
  const { predictions, y } = threeClasses();
  const confusion = confusionOf(likeliest(predictions, 3), y, 3, w);
  const averages = { macro, micro, weighted };
  const metrics = { Precision: precision, Recall: recall, F1: f1 };
  const averaged = Object.entries(averages).flatMap(([average, mean]) =>
    Object.entries(metrics).map(([name, metric]) => [average + name, mean(confusion, metric)] as const),
  );
  const first = predictions.filter((_, at) => at % 3 === 0);
  const isFirst = y.map((label) => (label === 0 ? 1 : 0));
  const rounded = first.map((p) => Math.round(p * 100) / 100);
  return {
    ...Object.fromEntries(averaged),
    accuracy: accuracy(confusion),
    balancedAccuracy: balancedAccuracy(confusion),
    kappa: cohensKappa(confusion),
    linearKappa: cohensKappa(confusion, "linear"),
    quadraticKappa: cohensKappa(confusion, "quadratic"),
    matthews: matthews(confusion),
    macroF2: macro(confusion, fBeta(2)),
    macroFHalf: macro(confusion, fBeta(0.5)),
    top2: topKMeasure(2).of({ predictions, y, classes: ["a", "b", "c"], ...(w && { weights: w }) }),
    logLoss: multiclassLogLoss(predictions, y, 3, w),
    brier: meanOf(ROWS, (row) => multiclassBrierOf(predictions, y, 3, row), w),
    auc: auc(rankScores(first, isFirst, w)),
    averagePrecision: averagePrecision(rankScores(rounded, isFirst, w)),
  };
}

function amountMetrics(w?: Float64Array): Record<string, Metric> {
  const y = u.slice(0, ROWS).map((value) => value * 10 + 0.1);
  const p = u.slice(0, ROWS).map((value, row) => value * 10 + u[ROWS + row]! + 0.05);
  const powers = [-1, 0, 1, 1.5, 2, 3].map((power) => [`tweedie${power}`, tweedieDeviance(power)(p, y, w)] as const);
  return {
    rmse: rmse(p, y, w),
    mae: mae(p, y, w),
    mape: mape(p, y, w),
    medianAbsoluteError: medianAbsoluteError(p, y, w),
    r2: r2(p, y, w),
    explainedVariance: explainedVariance(p, y, w),
    pinball: pinball(0.3)(p, y, w),
    ...Object.fromEntries(powers),
    poissonOfCounts: poissonDeviance(
      p,
      y.map((value) => Math.floor(value / 4)),
      w,
    ),
  };
}
