import type { MillError } from "../base/index.ts";
import type { Answer, Endpoint } from "./endpoint.ts";

/** Whoever wants to see the traffic as it passes, in memory; it must be quick and must not throw. */
export interface Watcher {
  /** Answered rows, with what was asked: `rows[i]` gave `answers[i]`. */
  predicted(endpoint: string, asked: Answered): void;
  /** A request or an event that could not be read (`request.row` and the like). */
  refused(endpoint: string, door: "predict" | "events" | "feedback", rows: number, error: MillError): void;
  /** Rows fed to the windows; `times` are their data times in microseconds (null without a time column). */
  fed(endpoint: string, rows: number, times: readonly (number | null)[]): void;
  /** Rows that were answered or sent and could not be written down. */
  lost(endpoint: string, rows: number, error: MillError): void;
}

export interface Answered {
  readonly endpoint: Endpoint;
  readonly version: number;
  /** Data time of each row in microseconds: its own, or the clock's. */
  readonly times: readonly number[];
  readonly rows: readonly unknown[];
  readonly answers: readonly Answer[];
}
