import type { MillError } from "../base/index.ts";
import type { Answer, Endpoint } from "./endpoint.ts";

/** What clients send to. */
export type Door = "predict" | "events" | "feedback";

/** Whoever wants to see the traffic as it passes, in memory; it must be quick and must not throw. */
export interface Watcher {
  /** Answered rows, with what was asked: `rows[i]` gave `answers[i]`. */
  predicted(endpoint: string, asked: Answered): void;
  /** A request, a row of events or a label that could not be read (`request.row` and the like). */
  refused(endpoint: string, door: Door, rows: number, error: MillError): void;
  /** Rows fed to the windows; `times` are their data times in microseconds (null without a time column). */
  fed(endpoint: string, rows: number, times: readonly (number | null)[]): void;
  /** Rows that were answered and could not be written down; labels and events that cannot be are refused instead. */
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

/** A watcher whose failures are its own: nobody's request ends in one. */
export function quietly(watcher: Watcher | undefined): Watcher {
  const quiet =
    <Args extends readonly unknown[]>(tell: (...args: Args) => void) =>
    (...args: Args) => {
      try {
        tell(...args);
      } catch {}
    };
  return {
    predicted: quiet((endpoint, asked) => watcher?.predicted(endpoint, asked)),
    refused: quiet((endpoint, door, rows, error) => watcher?.refused(endpoint, door, rows, error)),
    fed: quiet((endpoint, rows, times) => watcher?.fed(endpoint, rows, times)),
    lost: quiet((endpoint, rows, error) => watcher?.lost(endpoint, rows, error)),
  };
}
