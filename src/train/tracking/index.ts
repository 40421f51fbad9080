export { createTracking, type TrackingResources } from "./create-tracking.ts";
export { compileFilter, type Held } from "./evaluate.ts";
export { type Field, type Filter, type Order, parseFilter, parseOrder, type Vocabulary } from "./filter.ts";
export { find } from "./find.ts";
export { modelMetricStatements } from "./model-metrics.ts";
export { refusalOf } from "./rules.ts";
export type {
  Comparison,
  DatasetInput,
  DatasetSummary,
  Experiment,
  KeyValue,
  LogEntries,
  LoggedMetric,
  Metric,
  ModelLink,
  ModelMetric,
  NewExperiment,
  NewRun,
  Page,
  PageAsked,
  Point,
  Run,
  RunChange,
  RunSearch,
  RunStatus,
  Search,
  Tags,
  Tracking,
} from "./tracking.ts";
