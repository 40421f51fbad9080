import type { Frame } from "../../learn/index.ts";

/** Runs an ONNX graph, off the event loop. */
export interface Session {
  /** Row-major outputs of the graph's single float output, rowCount x width. */
  score(X: Frame): Promise<{ readonly values: Float64Array; readonly width: number }>;
  close(): Promise<void>;
}

export interface Scoring {
  readonly name: string;
  /** Errors: `scoring.unavailable` (the runtime is not installed: the fix names the one command), `scoring.bad-model`. */
  open(onnx: Uint8Array): Promise<Session>;
}
