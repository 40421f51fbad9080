export { openInferenceRoutes } from "./open-inference.ts";
export { createMetrics, type Metrics } from "./prometheus.ts";
export type { ForeignReply, ForeignRequest, ForeignRoute } from "./route.ts";
