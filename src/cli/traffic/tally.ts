import { createLatencies, type Latencies } from "./latencies.ts";

/** What was sent to one endpoint, and what became of it. */
export interface Tally {
  predictions: number;
  /** Acknowledged answers by the version that gave them. */
  readonly byVersion: Map<number, number>;
  /** Answers that the server could not write down. */
  unlogged: number;
  labels: number;
  events: number;
  /** Events that the server had taken before. */
  eventsRepeated: number;
  /** Requests that were sent again because the server went away: it may have answered them without being heard. */
  askedAgain: number;
  readonly refused: Map<string, number>;
  readonly latencies: Latencies;
}

export type Door = "predict" | "events" | "feedback";

export const createTally = (): Tally => ({
  predictions: 0,
  byVersion: new Map(),
  unlogged: 0,
  labels: 0,
  events: 0,
  eventsRepeated: 0,
  askedAgain: 0,
  refused: new Map(),
  latencies: createLatencies(),
});

/** Different reasons that are kept; the rest is counted together. */
const REASONS_MAX = 20;

/** The reason without the number of the row and its value, so that the same fault is counted together. */
export function refuse({ refused }: Tally, door: Door, sentence: string): void {
  const reason = `${door}: ${sentence.replace(/^Row \d+,? ?/, "").replace(/, got .*$/s, "")}`;
  const kept = refused.has(reason) || refused.size < REASONS_MAX ? reason : `${door}: other reasons`;
  refused.set(kept, (refused.get(kept) ?? 0) + 1);
}

export const refusedCount = ({ refused }: Tally): number => [...refused.values()].reduce((sum, count) => sum + count, 0);
