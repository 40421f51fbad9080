/**
 * The four timeouts of a step, in Temporal's terms, all optional:
 *
 *     asked -------- scheduleToStart -------- started -------- startToClose -------- ended     of each try but the first from its start
 *     asked ------------------------------ scheduleToClose ------------------------- ended     over all tries
 *     line ---- heartbeat ---- line                                                            the longest silence of a running try
 */
import { MillError } from "../base/index.ts";

export interface Timeouts {
  readonly scheduleToStartMs?: number;
  readonly startToCloseMs?: number;
  readonly scheduleToCloseMs?: number;
  readonly heartbeatMs?: number;
}

export interface Timer {
  /** Aborts with the error when the time is over; null: there is no limit. */
  readonly signal: AbortSignal | null;
  /** Begins anew. */
  again(): void;
  clear(): void;
}

const TIMER_MS_MAX = 2 ** 31 - 1;

const SAYS: Record<keyof Timeouts, string> = {
  scheduleToStartMs: "The step did not start in time",
  startToCloseMs: "The step ran for too long, and was ended",
  scheduleToCloseMs: "The step was not done in time",
  heartbeatMs: "The step gave no sign of life, and was ended",
};

const NO_TIMER: Timer = { signal: null, again() {}, clear() {} };

/** Aborts with the first of them; joining signals costs more than most steps' other bookkeeping, so one alone is itself. */
export function firstOf(...signals: readonly (AbortSignal | null)[]): AbortSignal {
  const given = signals.filter((signal) => signal !== null);
  return given.length === 1 ? given[0]! : AbortSignal.any(given);
}

/** Never over when the timeout is not set. */
export function startTimer(timeouts: Timeouts, which: keyof Timeouts, step: string, elapsedMs = 0): Timer {
  const limitMs = timeouts[which];
  if (limitMs === undefined) return NO_TIMER;
  const over = new AbortController();
  const timer = setTimeout(
    () => over.abort(timedOut(which, limitMs, step)),
    Math.min(Math.max(0, limitMs - elapsedMs), TIMER_MS_MAX),
  );
  return { signal: over.signal, again: () => void timer.refresh(), clear: () => clearTimeout(timer) };
}

/** Why a signal aborted, when that is one of the timeouts. */
export const timeoutOf = ({ reason }: AbortSignal): MillError | null =>
  reason instanceof MillError && reason.code === "step.timeout" ? reason : null;

const timedOut = (which: keyof Timeouts, limitMs: number, step: string) =>
  new MillError("step.timeout", `${SAYS[which]}.`, {
    at: step,
    expected: `${which}: at most ${limitMs} ms`,
    fix: `Raise ${which} of the step, or find out what keeps it.`,
  });
