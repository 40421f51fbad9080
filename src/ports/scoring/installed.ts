import { createRequire } from "node:module";

/** The version of the ONNX Runtime that is installed, or null. */
export function installedOnnxruntime(): string | null {
  try {
    return createRequire(import.meta.url)("onnxruntime-node/package.json").version;
  } catch {
    return null;
  }
}
