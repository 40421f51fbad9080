/**
 * Measures by name, for every task an estimator can learn: what cross-validation, searches, permutation importance and bootstraps take. Those that are sums
 * over the rows can also be taken bit by bit (`tally`), so that rows need not be in memory together.
 */
import { didYouMean, MillError } from "../../base/index.ts";
import type { LearnTask } from "../estimator.ts";
import { balancedAccuracy, cohensKappa, matthews } from "./agreement.ts";
import { adjustedMutualInformation, adjustedRand, normalisedMutualInformation } from "./clusterings.ts";
import {
  type Confusion,
  confusionOf,
  accuracy as correct,
  decide,
  f1,
  likeliest,
  macro,
  precision,
  recall,
} from "./decisions.ts";
import { devianceOf, outsideOf } from "./deviance.ts";
import type { Metric } from "./metric.ts";
import { isAmongFirst, logLossOf, multiclassBrierOf, multiclassLogLossOf } from "./probability.ts";
import { meanAveragePrecision, meanReciprocalRank, ndcg } from "./ranked-lists.ts";
import { rankScores } from "./ranked-scores.ts";
import { auc, averagePrecision, oneVersusRestAuc } from "./ranking.ts";
import { absoluteError, explainedVariance, mape, medianAbsoluteError, pinballLoss, r2, squaredError } from "./regression.ts";
import { meanBy, ofConfusion, ofRanks, type Reweighed } from "./reweighed.ts";
import { confusionTally, meanTally, type Tally } from "./tally.ts";

/** What a model said of some rows, and what was true. */
export interface Scored {
  /** As `Predictor.predict` gives them: rows x outputs, row-major. */
  readonly predictions: Float64Array;
  /** One per row: a class index, the true number, a grade, the true cluster, or 1 for a row that does lie outside. */
  readonly y: Float64Array;
  /** In index order; empty for all but classification. */
  readonly classes: readonly string[];
  /** One per row; how often it counts. */
  readonly weights?: Float64Array;
  /** For ranking: the list that each row is of. */
  readonly groups?: Int32Array;
  /** Binary only: a yes is a probability of at least this; 0.5 when absent. */
  readonly threshold?: number;
}

export interface Measure {
  readonly name: string;
  readonly better: "higher" | "lower";
  readonly about: string;
  of(rows: Scored): Metric;
  /** Where the measure is one of sums: adds up rows, some at a time. */
  tally?(): Tally;
  /** Where that is quicker than to begin anew: the measure by the rows' weights, which stand for those that the rows have. */
  reweighed?(rows: Scored): Reweighed;
}

/** By name; those of classification, but for the ones that need classes in an order, honour weights, as do those of regression. */
export const measuresOf = (task: LearnTask): readonly Measure[] => TABLE[task];

/** Error: `learn.unknown-measure`. */
export function measureNamed(task: LearnTask, name: string): Measure {
  const found = TABLE[task].find((measure) => measure.name === name);
  if (found !== undefined) return found;
  const known = TABLE[task].map((measure) => measure.name);
  throw new MillError("learn.unknown-measure", `There is no measure "${name}" of ${task}.${didYouMean(name, known)}`, {
    expected: known.join(", "),
    got: name,
    fix: "Use one of the measures listed, or give one of your own.",
  });
}

/** The share of rows whose true class is among the `count` likeliest. */
export const topKMeasure = (count: number): Measure =>
  mean(`top${count}`, "higher", `share of rows whose class is among the ${count} likeliest`, ({ predictions, y, classes }, row) =>
    isAmongFirst(count, predictions, y, classes.length, row),
  );

/** What predictions of a quantile (0 to 1) cost. */
export const pinballMeasure = (quantile: number): Measure => {
  const loss = pinballLoss(quantile);
  return mean("pinball", "lower", `mean pinball loss of the quantile ${quantile}`, ({ predictions, y }, row) =>
    loss(predictions[row]!, y[row]!),
  );
};

/** Mean deviance; `power` is that of the mean which the variance is: 1 Poisson, 2 gamma. */
export const tweedieMeasure = (power: number, name = "tweedieDeviance"): Measure => {
  const deviance = devianceOf(power);
  return mean(
    name,
    "lower",
    `mean Tweedie deviance of power ${power}`,
    ({ predictions, y }, row) => deviance(predictions[row]!, y[row]!),
    ({ predictions, y }) => outsideOf(power, predictions, y),
  );
};

export const ndcgMeasure = (k: number): Measure => ({
  name: `ndcg${k}`,
  better: "higher",
  about: `normalised discounted cumulative gain of the first ${k} places, a grade g gaining 2^g - 1`,
  of: (rows) => ndcg(listsOf(rows), k),
});

type RowTerm = (rows: Scored, row: number) => number;
type Direction = Measure["better"];

/** A mean over the rows; `outside` says why some rows have no such term. */
function mean(name: string, better: Direction, about: string, term: RowTerm, outside?: (rows: Scored) => string | null): Measure {
  return meanThen(name, better, about, (value) => value, term, outside);
}

function meanThen(
  name: string,
  better: Direction,
  about: string,
  finish: (mean: number) => number,
  term: RowTerm,
  outside?: (rows: Scored) => string | null,
): Measure {
  const reweighed = (rows: Scored): Reweighed => {
    const mean = meanBy(rows.y, (row) => (rows.weights?.[row] === 0 ? 0 : term(rows, row)));
    return (weights) => {
      const value = mean(weights);
      return value === null ? null : finish(value);
    };
  };
  return { ...summed(name, better, about, () => meanTally(term, outside, finish)), reweighed };
}

function confused(name: string, about: string, metric: (confusion: Confusion) => Metric): Measure {
  const reweighed = (rows: Scored) => ofConfusion(decidedBy(rows), rows.y, rows.classes.length, metric);
  return { ...summed(name, "higher", about, () => confusionTally(confusionOfRows, metric)), reweighed };
}

function summed(name: string, better: Direction, about: string, tally: () => Tally): Measure {
  const of = (rows: Scored) => {
    const sums = tally();
    sums.add(rows);
    return sums.value();
  };
  return { name, better, about, of, tally };
}

const decidedBy = ({ predictions, y, classes, threshold = 0.5 }: Scored) =>
  predictions.length === y.length ? decide(predictions, threshold) : likeliest(predictions, classes.length);

const confusionOfRows = (rows: Scored): Confusion => confusionOf(decidedBy(rows), rows.y, rows.classes.length, rows.weights);

const whole = (name: string, better: Direction, about: string, of: (rows: Scored) => Metric): Measure => ({
  name,
  better,
  about,
  of,
});

const listsOf = ({ predictions, y, groups, weights }: Scored) => ({
  scores: predictions,
  grades: y,
  groups: groups ?? new Int32Array(y.length),
  ...(weights && { weights }),
});

const squaredOf: RowTerm = ({ predictions, y }, row) => squaredError(predictions[row]!, y[row]!);

const ranked = (name: string, about: string, metric: typeof auc): Measure => ({
  ...whole(name, "higher", about, (rows) => metric(rankScores(rows.predictions, rows.y, rows.weights))),
  reweighed: ({ predictions, y }) => ofRanks(predictions, y, metric),
});

function reweighedOneVersusRest({ predictions, y, classes }: Scored): Reweighed {
  const areas = classes.map((_, k) =>
    ofRanks(
      y.map((_, row) => predictions[row * classes.length + k]!),
      y.map((label) => (label === k ? 1 : 0)),
      auc,
    ),
  );
  return (weights) => {
    const values = areas.map((area) => area(weights));
    return values.includes(null) ? null : values.reduce<number>((sum, value) => sum + value!, 0) / values.length;
  };
}

const DECISIONS: readonly Measure[] = [
  confused("accuracy", "share of right decisions", correct),
  confused("balancedAccuracy", "mean over the classes of recall", balancedAccuracy),
  confused("kappa", "agreement beyond chance (Cohen)", cohensKappa),
  confused("matthews", "correlation of decisions and classes", matthews),
];

const RANKED: readonly Measure[] = [
  ranked("auc", "area under the ROC curve", auc),
  ranked("averagePrecision", "area under the precision-recall curve", averagePrecision),
];

const TABLE: Readonly<Record<LearnTask, readonly Measure[]>> = {
  "binary-classification": [
    mean("logLoss", "lower", "mean negative log likelihood", ({ predictions, y }, row) => logLossOf(predictions[row]!, y[row]!)),
    mean("brier", "lower", "mean squared error of the probability", squaredOf),
    ...RANKED,
    ...DECISIONS,
    confused("precision", "share of positive decisions that are right", precision),
    confused("recall", "share of positives that are found", recall),
    confused("f1", "harmonic mean of precision and recall", f1),
  ],
  "multiclass-classification": [
    mean("logLoss", "lower", "mean negative log likelihood", ({ predictions, y, classes }, row) =>
      multiclassLogLossOf(predictions, y, classes.length, row),
    ),
    mean("brier", "lower", "mean over the rows of the squared errors of all probabilities", ({ predictions, y, classes }, row) =>
      multiclassBrierOf(predictions, y, classes.length, row),
    ),
    {
      ...whole("auc", "higher", "mean over the classes of one-against-rest area under the ROC curve", (rows) =>
        oneVersusRestAuc(rows, "macro", rows.weights),
      ),
      reweighed: reweighedOneVersusRest,
    },
    ...DECISIONS,
    confused("macroPrecision", "mean over the classes of precision", (confusion) => macro(confusion, precision)),
    confused("macroRecall", "mean over the classes of recall", (confusion) => macro(confusion, recall)),
    confused("macroF1", "mean over the classes of F1", (confusion) => macro(confusion, f1)),
    topKMeasure(2),
  ],
  regression: [
    meanThen("rmse", "lower", "root of the mean squared error", Math.sqrt, squaredOf),
    mean("mae", "lower", "mean absolute error", ({ predictions, y }, row) => absoluteError(predictions[row]!, y[row]!)),
    whole("medianAbsoluteError", "lower", "median of the absolute error", (rows) =>
      medianAbsoluteError(rows.predictions, rows.y, rows.weights),
    ),
    whole("mape", "lower", "mean share that the absolute error has of the true value", (rows) =>
      mape(rows.predictions, rows.y, rows.weights),
    ),
    whole("r2", "higher", "share of variance explained", (rows) => r2(rows.predictions, rows.y, rows.weights)),
    whole("explainedVariance", "higher", "share of variance explained, but for an error that all rows share", (rows) =>
      explainedVariance(rows.predictions, rows.y, rows.weights),
    ),
    tweedieMeasure(1, "poissonDeviance"),
    tweedieMeasure(2, "gammaDeviance"),
  ],
  ranking: [
    ndcgMeasure(10),
    whole("ndcg", "higher", "normalised discounted cumulative gain", (rows) => ndcg(listsOf(rows))),
    whole("map", "higher", "mean average precision", (rows) => meanAveragePrecision(listsOf(rows))),
    whole("mrr", "higher", "mean reciprocal rank", (rows) => meanReciprocalRank(listsOf(rows))),
  ],
  clustering: [
    whole("adjustedRand", "higher", "agreement with true clusters beyond chance", ({ predictions, y }) =>
      adjustedRand(y, predictions),
    ),
    whole("adjustedMutualInformation", "higher", "information shared with true clusters beyond chance", ({ predictions, y }) =>
      adjustedMutualInformation(y, predictions),
    ),
    whole("normalisedMutualInformation", "higher", "information shared with true clusters", ({ predictions, y }) =>
      normalisedMutualInformation(y, predictions),
    ),
  ],
  "outlier-detection": RANKED,
};
