export { exportToFolder } from "./mlflow/exchange/export-folder.ts";
export { type ImportOptions, importMlflow } from "./mlflow/exchange/import.ts";
export { isAddress, openSource } from "./mlflow/exchange/open-source.ts";
export type { Report } from "./mlflow/exchange/report.ts";
export { mlflowRoutes } from "./mlflow/mlflow.ts";
export { openInferenceRoutes } from "./open-inference.ts";
export { createMetrics, type Metrics } from "./prometheus.ts";
export type { ForeignReply, ForeignRequest, ForeignRoute } from "./route.ts";
export { type AccessLine, type S3Door, type S3DoorOptions, startS3Door } from "./s3/door.ts";
