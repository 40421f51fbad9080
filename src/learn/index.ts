export type {
  Estimator,
  FitContext,
  ParamCheck,
  ParamSpec,
  ParamSpecs,
  Params,
  Predictor,
  Tags,
  TrainingData,
} from "./estimator.ts";
export { estimatorNamed, estimators, readPredictor } from "./estimators.ts";
export type { Frame, NumberColumn, TextColumn } from "./frame.ts";
export { checkParams } from "./params.ts";
