export { calibrate, calibrated } from "./calibration/calibrated.ts";
export { type Reliability, type ReliabilityOptions, type ReliabilityPoint, reliability } from "./calibration/reliability.ts";
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
export { predictorFromOnnx } from "./foreign/from-onnx.ts";
export type { Frame, NumberColumn, TextColumn } from "./frame.ts";
export { type LearningPoint, learningCurve } from "./inspection/learning-curve.ts";
export { type MeanShare, meanShares } from "./inspection/mean-shares.ts";
export { type PartialDependence, partialDependence } from "./inspection/partial-dependence.ts";
export { type PermutationImportance, permutationImportance } from "./inspection/permutation-importance.ts";
export { type BootstrapOptions, type Bootstrapped, bootstrap } from "./metrics/bootstrap.ts";
export type { CalibrationPoint } from "./metrics/calibration.ts";
export { calinskiHarabasz, daviesBouldin, silhouette } from "./metrics/cluster-shape.ts";
export { type Curves, curvesOf } from "./metrics/curves.ts";
export type { Confusion } from "./metrics/decisions.ts";
export type { Evidence } from "./metrics/evidence.ts";
export { type Gain, maxGainThreshold, moneyOf } from "./metrics/gain.ts";
export { type Interval, intervalsOf } from "./metrics/intervals.ts";
export { type Lead, leadsOver } from "./metrics/leads.ts";
export { type Measured, measure } from "./metrics/measure.ts";
export {
  type Measure,
  measureNamed,
  measuresOf,
  ndcgMeasure,
  pinballMeasure,
  type Scored,
  topKMeasure,
  tweedieMeasure,
} from "./metrics/measures.ts";
export type { Metric } from "./metrics/metric.ts";
export { Z95 } from "./metrics/normal.ts";
export { logLossOf } from "./metrics/probability.ts";
export { type RankedScores, rankScores } from "./metrics/ranked-scores.ts";
export type { PrecisionRecallPoint, RocPoint } from "./metrics/ranking.ts";
export type { Tally } from "./metrics/tally.ts";
export { gridPlan, randomPlan, type SearchPlan, type SearchSpace } from "./model-selection/candidates.ts";
export {
  type CrossValidated,
  type CrossValidateOptions,
  crossValidate,
  type FoldScore,
} from "./model-selection/cross-validate.ts";
export { pickFrame, pickRows } from "./model-selection/rows.ts";
export { type Candidate, isOfCandidate, type Searched, type SearchOptions, search } from "./model-selection/search.ts";
export { type Fold, groupKFold, kFold, type Splitter, stratifiedKFold, timeSeriesSplit } from "./model-selection/splitters.ts";
export { nearestRows } from "./neighbors/predictor.ts";
export type { Found } from "./neighbors/search.ts";
export { checkParams } from "./params.ts";
export { type PipelineOptions, pipeline } from "./pipeline/pipeline.ts";
export type { Branch, Columns, Step } from "./pipeline/steps.ts";
export { readTransform, transformerNamed, transformers } from "./preprocessing/transformers.ts";
export { onnxOf } from "./to-onnx.ts";
export type { FittedTransform, OutputColumn, Transformer, TransformerTags } from "./transformer.ts";
