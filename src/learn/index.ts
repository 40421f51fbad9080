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
export type { Frame, NumberColumn, TextColumn } from "./frame.ts";
