import type { Frame } from "../../learn/index.ts";

/** Runs an ONNX graph, off the event loop. */
export interface Session {
  /**
   * Row-major outputs of the graph's single float output, rowCount x width. The graph's inputs are found by name among the frame's columns
   * (others are left alone): numbers as the type the graph declares, missing as NaN; texts as strings, missing as "".
   * Calls are answered in order. Errors: `scoring.bad-input` (names the column), `scoring.failed`, `scoring.closed`.
   */
  score(X: Frame): Promise<{ readonly values: Float64Array; readonly width: number }>;
  /** Answers the calls in progress, then lets go of the model and its thread. Closing twice is no error. */
  close(): Promise<void>;
}

export interface Scoring {
  readonly name: string;
  /** Errors: `scoring.unavailable` (the runtime is not installed: the fix names the one command), `scoring.bad-model`. */
  open(onnx: Uint8Array): Promise<Session>;
}
