export { definitionsText, projectOf } from "./as-text.ts";
export { columns } from "./columns.ts";
export { parseCron, type Ticks } from "./cron-ticks.ts";
export { type CheckWords, type DatasetOptions, dataset, type Or } from "./dataset.ts";
export {
  type Calibration,
  type Check,
  type DatasetDefinition,
  type Definition,
  type EndpointDefinition,
  type FeaturesDefinition,
  type FilesSource,
  type Gain,
  KIND,
  type Kind,
  type MetricTrigger,
  type ModelDefinition,
  type Partitions,
  type PipelineStep,
  PLURAL,
  type ProblemDefinition,
  type Project,
  type PythonDefinition,
  type RetrainTrigger,
  type Risk,
  type ScheduleCondition,
  type ScheduleDefinition,
  type Split,
  type TrainerDefinition,
  type TransformerDefinition,
} from "./definitions.ts";
export { canary, drift, type EndpointOptions, endpoint, every, metric, newRows, type Retrain, type Rollout } from "./endpoint.ts";
export * from "./estimators.ts";
export { features } from "./features.ts";
export { loadProject, openProject, requireProject } from "./load.ts";
export type { Measure, Measures } from "./measures.ts";
export { type ModelOptions, model, type Threshold } from "./model.ts";
export { daily, hourly, monthly, type PartitionOptions, weekly } from "./partitions.ts";
export { type Principle, type ProblemOptions, problem, type RiskOptions } from "./problem.ts";
export { filesOf } from "./project-files.ts";
export { type PythonOptions, python, requirementLines } from "./python.ts";
export {
  type CronOptions,
  cron,
  newSources,
  olderThan,
  published,
  type Runnable,
  type ScheduleOptions,
  schedule,
} from "./schedule.ts";
export { type FilesOptions, files } from "./source.ts";
export { type Condition, counts, type Dimension, type Point, type Space, type SpaceOptions, type SpaceWords } from "./space.ts";
export { byHash, byTime, type Shares } from "./split.ts";
export { type CalibratedOptions, calibrated, pipeline } from "./trainers.ts";
export {
  type AutomlOptions,
  automl,
  type PrunerName,
  type SamplerName,
  type SearchOptions,
  SOBOL_DIMENSIONS_MAX,
  type TuneOptions,
  type TuningDefinition,
  trainerAt,
  tune,
} from "./tuning.ts";
export type {
  Dataset,
  DatasetTypes,
  Endpoint,
  FeatureRow,
  Features,
  FeaturesTypes,
  LabelKinds,
  LabelOf,
  Model,
  ModelTypes,
  Problem,
  Trainer,
  Transform,
  Typed,
} from "./typed.ts";
