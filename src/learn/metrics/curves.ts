import type { Task } from "../../contract/index.ts";
import { type CalibrationPoint, calibrationCurve } from "./calibration.ts";
import type { Confusion } from "./decisions.ts";
import { binaryConfusion, brokenPrediction, checkLengths, type Evidence, multiclassConfusion, rankTopClass } from "./evidence.ts";
import { rankScores } from "./ranked-scores.ts";
import { type PrecisionRecallPoint, precisionRecallCurve, type RocPoint, rocCurve } from "./ranking.ts";

/** What a page draws of predictions; a curve that the task or the rows do not define is empty. */
export interface Curves {
  /** Rows by true and by decided class; null for regression. */
  readonly confusion: Confusion | null;
  /** At most 15 points; of the likeliest class where there are several. */
  readonly calibration: readonly CalibrationPoint[];
  /** At most 200 points; binary only, as the next. */
  readonly roc: readonly RocPoint[];
  readonly precisionRecall: readonly PrecisionRecallPoint[];
}

const NOTHING: Curves = { confusion: null, calibration: [], roc: [], precisionRecall: [] };

/** The curves of the same evidence as `measure`. */
export function curvesOf(task: Task, evidence: Evidence): Curves {
  checkLengths(task, evidence);
  if (task === "regression" || brokenPrediction(evidence) !== null) return NOTHING;
  if (task === "multiclass-classification") {
    return { ...NOTHING, confusion: multiclassConfusion(evidence), calibration: calibrationCurve(rankTopClass(evidence)) };
  }
  const ranked = rankScores(evidence.predictions, evidence.y);
  return {
    confusion: binaryConfusion(evidence),
    calibration: calibrationCurve(ranked),
    roc: rocCurve(ranked),
    precisionRecall: precisionRecallCurve(ranked),
  };
}
