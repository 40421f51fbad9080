/**
 * Which failures are tried again. What is passing (an engine or the records that are away, a job that was lost) may go well the next time;
 * what the data, the definitions or a gate say comes out the same however often it is asked.
 */
import { setTimeout as delay } from "node:timers/promises";
import { MillError } from "../base/index.ts";
import type { CommitOptions, Records, Statement } from "../ports/records/index.ts";

export interface RetryPolicy {
  /** Tries in all; 1: never again. */
  readonly attempts: number;
  /** Before the second try; doubled before each further one. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  /** Codes of the errors that are tried again; default: what is passing. */
  readonly on?: readonly string[];
}

/** Outlasts an engine that is away for a minute. */
export const DEFAULT_RETRY: RetryPolicy = { attempts: 8, backoffMs: 1000, backoffMaxMs: 30_000 };

const PASSING = [
  ...["engine.away", "engine.lost", "engine.not-started"],
  ...["records.away", "records.locked", "object.unreachable"],
  "step.cancelled", // by nobody who looks after it: its process was told to end
];

export const isPassing = (error: unknown) => error instanceof MillError && PASSING.includes(error.code);

const COMMIT_TRIES = 6;
const COMMIT_BACKOFF_MS = 250;

/** A guarded commit, also when the records are away for some seconds: one that happened unheard is refused by its guards the second time. */
export async function commitPatiently(
  records: Records,
  statements: readonly Statement[],
  options?: CommitOptions,
): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    try {
      return (await records.commit(statements, options)).committed;
    } catch (error) {
      if (!isPassing(error) || tries === COMMIT_TRIES) throw error;
      await delay(COMMIT_BACKOFF_MS * 2 ** (tries - 1));
    }
  }
}

/** How long to wait before the next try; null when there is none. */
export function backoffAfter({ attempts, backoffMs, backoffMaxMs, on = PASSING }: RetryPolicy, error: MillError, tries: number) {
  if (tries >= attempts || !on.includes(error.code)) return null;
  return Math.min(backoffMaxMs, backoffMs * 2 ** (tries - 1));
}

/** The error of the last try, which says how many there were. */
export function afterTries(error: MillError, tries: number): MillError {
  if (tries === 1) return error;
  const { code, message, at, expected, got, fix } = error;
  const detail = { at, expected, got, fix, cause: error };
  return new MillError(code, `${message} It was tried ${tries} times.`, detail);
}
