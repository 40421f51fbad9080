export { installedOnnxruntime } from "./installed.ts";
export { createOnnxruntimeScoring, type OnnxruntimeOptions } from "./onnxruntime.ts";
export type { Scoring, Session } from "./scoring.ts";
