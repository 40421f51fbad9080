/**
 * By how much one model's predictions are better than another's on the same rows, with 95 % intervals: a paired bootstrap (Efron and Tibshirani, An
 * Introduction to the Bootstrap, 1993, chapters 6 and 13). Both models are measured on the same resampled rows, so that what makes a row hard for both
 * cancels out; the interval is the lead and 1.96 standard errors to each side, for which 200 resamples are enough.
 *
 *     rows drawn with replacement = a weight of 0, 1, 2 ... for each row;  measure(weights) needs no sorting again
 */
import { createRandom, MEASURES, type MeasureInfo, type Random, type Task } from "../../base/index.ts";
import { calibrationError } from "./calibration.ts";
import { accuracy, type Confusion, f1, likeliest, macro, precision, recall } from "./decisions.ts";
import { brokenPrediction, checkLengths, decisionsOf, type Evidence } from "./evidence.ts";
import { gainPerThousand } from "./gain.ts";
import type { Metric } from "./metric.ts";
import { Z95 } from "./normal.ts";
import { logLossOf } from "./probability.ts";
import { auc } from "./ranking.ts";
import { meanBy, ofConfusion, ofRanks, type Reweighed } from "./reweighed.ts";

export interface Lead {
  /** In the measure's own unit; above 0 where the first model is better, whichever direction that is. */
  readonly value: number;
  readonly interval: readonly [low: number, high: number];
}

const RESAMPLES = 200;

/**
 * The lead of `own` over `other` by each of the measures; null where one of them has no value on these rows. The same rows in the same order: classes
 * may stand in another. Seeded: the same evidence gives the same intervals.
 */
export function leadsOver(
  task: Task,
  measures: readonly string[],
  own: Evidence,
  other: Evidence,
): Readonly<Record<string, Lead | null>> {
  checkLengths(task, own);
  checkLengths(task, { ...other, y: own.y });
  const pairs = measures.map((measure) => ({ measure, lead: leadBy(task, measure, own, other), drawn: [] as number[] }));
  const weights = new Float64Array(own.y.length);
  const values = pairs.map(({ lead }) => lead(weights.fill(1)));
  const random = createRandom(1);
  for (let resample = 0; resample < RESAMPLES; resample++) {
    drawRows(weights, random);
    for (const { lead, drawn } of pairs) {
      const value = lead(weights);
      if (value !== null) drawn.push(value);
    }
  }
  return Object.fromEntries(pairs.map(({ measure, drawn }, index) => [measure, withInterval(values[index]!, drawn)]));
}

function leadBy(task: Task, measure: string, own: Evidence, other: Evidence): Reweighed {
  const { better } = (MEASURES[task] as Readonly<Record<string, MeasureInfo>>)[measure]!;
  const [ours, theirs] = [reweighed(task, measure, own), reweighed(task, measure, other)];
  return (weights) => {
    const [a, b] = [ours(weights), theirs(weights)];
    return a === null || b === null ? null : better === "higher" ? a - b : b - a;
  };
}

function drawRows(weights: Float64Array, random: Random): void {
  weights.fill(0);
  for (let drawn = 0; drawn < weights.length; drawn++) weights[random.below(weights.length)]!++;
}

function withInterval(value: number | null, drawn: readonly number[]): Lead | null {
  if (value === null) return null;
  const mean = drawn.reduce((sum, one) => sum + one, 0) / drawn.length;
  const squares = drawn.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  const margin = drawn.length < 2 ? 0 : Z95 * Math.sqrt(squares / (drawn.length - 1));
  return { value, interval: [value - margin, value + margin] };
}

/** A measure, ready to be taken again and again: what does not depend on the weights is worked out once. */
export function reweighed(task: Task, measure: string, evidence: Evidence): Reweighed {
  if (brokenPrediction(evidence) !== null) return () => null;
  return families[task](evidence)[measure]?.() ?? (() => null);
}

type Family = Readonly<Record<string, () => Reweighed>>;

const families: Readonly<Record<Task, (evidence: Evidence) => Family>> = {
  "binary-classification": (evidence) => {
    const { predictions: p, y, gain } = evidence;
    const confused = (metric: (confusion: Confusion) => Metric) => () =>
      ofConfusion(decisionsOf("binary-classification", evidence), y, 2, metric);
    return {
      auc: () => ofRanks(p, y, auc),
      logLoss: () => meanBy(y, (row) => logLossOf(p[row]!, y[row]!)),
      brier: () => meanBy(y, (row) => (p[row]! - y[row]!) ** 2),
      accuracy: confused(accuracy),
      precision: confused(precision),
      recall: confused(recall),
      f1: confused(f1),
      calibrationError: () => ofRanks(p, y, calibrationError),
      ...(gain && { gain: confused((confusion) => gainPerThousand(confusion, gain)) }),
    };
  },

  "multiclass-classification": (evidence) => {
    const { predictions, y, classes } = evidence;
    const probabilityOf = (row: number, k: number) => predictions[row * classes.length + k]!;
    const confused = (metric: (confusion: Confusion) => Metric) => () =>
      ofConfusion(decisionsOf("multiclass-classification", evidence), y, classes.length, metric);
    return {
      logLoss: () => meanBy(y, (row) => logLossOf(probabilityOf(row, y[row]!), 1)),
      accuracy: confused(accuracy),
      macroF1: confused((confusion) => macro(confusion, f1)),
      macroPrecision: confused((confusion) => macro(confusion, precision)),
      macroRecall: confused((confusion) => macro(confusion, recall)),
      auc: () => {
        const areas = classes.map((_, k) => {
          const scores = y.map((_, row) => probabilityOf(row, k));
          return ofRanks(
            scores,
            y.map((label) => (label === k ? 1 : 0)),
            auc,
          );
        });
        return (weights) => meanOrNull(areas.map((area) => area(weights)));
      },
      calibrationError: () => {
        const decided = likeliest(predictions, classes.length);
        const stated = decided.map((k, row) => probabilityOf(row, k));
        return ofRanks(
          stated,
          decided.map((k, row) => (k === y[row] ? 1 : 0)),
          calibrationError,
        );
      },
    };
  },

  regression: ({ predictions, y }) => {
    const squared = (row: number) => (predictions[row]! - y[row]!) ** 2;
    return {
      rmse: () => {
        const mean = meanBy(y, squared);
        return (weights) => rootOrNull(mean(weights));
      },
      mae: () => meanBy(y, (row) => Math.abs(predictions[row]! - y[row]!)),
      r2: () => {
        const [error, mean] = [meanBy(y, squared), meanBy(y, (row) => y[row]!)];
        return (weights) => {
          const middle = mean(weights);
          if (middle === null) return null;
          const variance = meanBy(y, (row) => (y[row]! - middle) ** 2)(weights)!;
          return variance === 0 ? null : 1 - error(weights)! / variance;
        };
      },
    };
  },
};

const meanOrNull = (values: readonly (number | null)[]) =>
  values.includes(null) || values.length === 0 ? null : values.reduce<number>((sum, value) => sum + value!, 0) / values.length;
const rootOrNull = (value: number | null) => (value === null ? null : Math.sqrt(value));
