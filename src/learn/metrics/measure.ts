import { MEASURES, type Task } from "../../base/index.ts";
import { calibrationError } from "./calibration.ts";
import { accuracy, f1, macro, precision, recall } from "./decisions.ts";
import { binaryConfusion, brokenPrediction, checkLengths, type Evidence, multiclassConfusion, rankTopClass } from "./evidence.ts";
import { gainPerThousand } from "./gain.ts";
import type { Metric } from "./metric.ts";
import { brier, logLoss, multiclassLogLoss } from "./probability.ts";
import { rankScores } from "./ranked-scores.ts";
import { auc, aucInterval, oneVersusRestAuc } from "./ranking.ts";
import { mae, r2, rmse } from "./regression.ts";

type Interval = readonly [low: number, high: number];

export interface Measured {
  /** Every measure of the task by its name in `MEASURES`; null where the rows do not define it. */
  readonly measures: Readonly<Record<string, number | null>>;
  /** Why a measure is null, by its name. */
  readonly notes: Readonly<Record<string, string>>;
  /** 95 % intervals by measure; today of `auc` for a binary task. */
  readonly intervals: Readonly<Record<string, Interval>>;
}

/**
 * All measures of a task. `gain` is among them only when the evidence states it. A NaN or infinite prediction leaves all of them undefined.
 * Errors: `internal.unexpected` for a wrong number of predictions.
 */
export function measure(task: Task, evidence: Evidence): Measured {
  checkLengths(task, evidence);
  const broken = brokenPrediction(evidence);
  if (broken !== null) return allUndefined(task, evidence, broken);
  const { metrics, intervals = {} } = measuring[task](evidence);
  const entries = Object.entries(metrics);
  return {
    measures: Object.fromEntries(entries.map(([name, { value }]) => [name, value])),
    notes: Object.fromEntries(entries.flatMap(([name, metric]) => (metric.value === null ? [[name, metric.why]] : []))),
    intervals,
  };
}

interface Measuring {
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly intervals?: Readonly<Record<string, Interval>>;
}

const measuring: Readonly<Record<Task, (evidence: Evidence) => Measuring>> = {
  "binary-classification": measureBinary,
  "multiclass-classification": measureMulticlass,
  regression: ({ predictions, y }) => ({
    metrics: { rmse: rmse(predictions, y), mae: mae(predictions, y), r2: r2(predictions, y) },
  }),
};

function measureBinary(evidence: Evidence): Measuring {
  const { predictions, y, gain } = evidence;
  const ranked = rankScores(predictions, y);
  const confusion = binaryConfusion(evidence);
  const interval = aucInterval(ranked);
  return {
    metrics: {
      auc: auc(ranked),
      logLoss: logLoss(predictions, y),
      brier: brier(predictions, y),
      accuracy: accuracy(confusion),
      precision: precision(confusion),
      recall: recall(confusion),
      f1: f1(confusion),
      calibrationError: calibrationError(ranked),
      ...(gain && { gain: gainPerThousand(confusion, gain) }),
    },
    ...(interval && { intervals: { auc: interval } }),
  };
}

function measureMulticlass(evidence: Evidence): Measuring {
  const { predictions, y, classes } = evidence;
  const confusion = multiclassConfusion(evidence);
  return {
    metrics: {
      logLoss: multiclassLogLoss(predictions, y, classes.length),
      accuracy: accuracy(confusion),
      macroF1: macro(confusion, f1),
      macroPrecision: macro(confusion, precision),
      macroRecall: macro(confusion, recall),
      auc: oneVersusRestAuc(evidence),
      calibrationError: calibrationError(rankTopClass(evidence)),
    },
  };
}

function allUndefined(task: Task, { gain }: Evidence, why: string): Measured {
  const names = Object.keys(MEASURES[task]).filter((name) => name !== "gain" || gain !== undefined);
  const each = <T>(value: T) => Object.fromEntries(names.map((name) => [name, value]));
  return { measures: each(null), notes: each(why), intervals: {} };
}
