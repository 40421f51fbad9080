export { edgeRowsOf } from "./edge-rows.ts";
export type {
  Estimator,
  Explanation,
  FitContext,
  FitWarning,
  LearnTask,
  ParamCheck,
  ParamSpec,
  ParamSpecs,
  Params,
  ParamValue,
  Predictor,
  Tags,
  TrainingData,
} from "./estimator.ts";
export { estimatorNamed, estimators, readPredictor } from "./estimators.ts";
export type { Frame, NumberColumn, TextColumn } from "./frame.ts";
export type { CalibrationPoint } from "./metrics/calibration.ts";
export { type Curves, curvesOf } from "./metrics/curves.ts";
export type { Confusion } from "./metrics/decisions.ts";
export type { Evidence } from "./metrics/evidence.ts";
export { type Gain, maxGainThreshold, moneyOf } from "./metrics/gain.ts";
export { type Interval, intervalsOf } from "./metrics/intervals.ts";
export { type Lead, leadsOver } from "./metrics/leads.ts";
export { type Measured, measure } from "./metrics/measure.ts";
export { Z95 } from "./metrics/normal.ts";
export { logLossOf } from "./metrics/probability.ts";
export { type RankedScores, rankScores } from "./metrics/ranked-scores.ts";
export type { PrecisionRecallPoint, RocPoint } from "./metrics/ranking.ts";
export { checkParams } from "./params.ts";
export { onnxOf } from "./to-onnx.ts";
