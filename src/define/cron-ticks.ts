/**
 * Times of the wall clock as cron writes them, in a time zone. Five fields: minute, hour, day of the month, month, day of the week; or `@daily` and its
 * like. Where the clocks go forward, a time that does not exist comes when they have; where they go back, a time of the day comes once, the first time,
 * and one of every hour comes in both (croner, https://croner.56k.guru).
 */
import { Cron } from "croner";
import { MillError } from "../base/index.ts";

/** Times are milliseconds since 1970. */
export interface Ticks {
  /** The first after `ms`; null: never again. */
  next(ms: number): number | null;
  /** The last at or before `ms`; null: there was none. */
  last(ms: number): number | null;
}

/** Errors: `value.cron`: of the pattern, of the zone, or of a pattern that no day fits. */
export function parseCron(pattern: string, timeZone: string, at = "cron"): Ticks {
  const cron = readPattern(pattern, timeZone, at);
  return {
    next: (ms) => cron.nextRun(new Date(ms))?.getTime() ?? null,
    last: (ms) => cron.previousRuns(1, new Date(Math.floor(ms / 1000) * 1000 + 1000))[0]?.getTime() ?? null,
  };
}

function readPattern(pattern: string, timeZone: string, at: string): Cron {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
  } catch (cause) {
    throw new MillError("value.cron", `${at}: there is no time zone "${timeZone}".`, {
      at,
      expected: "a name of the IANA database, as in Europe/Berlin, or UTC",
      got: timeZone,
      fix: "Name the zone whose clock the pattern is about.",
      cause,
    });
  }
  const wrong = (why: string, cause?: unknown) =>
    new MillError("value.cron", `${at}: "${pattern}" is no time: ${why}.`, {
      at,
      expected: "minute, hour, day of the month, month and day of the week, as in 0 3 * * *",
      got: pattern,
      fix: "Write it as in cron(5), without seconds.",
      cause,
    });
  const ever = () => {
    const cron = new Cron(pattern, { mode: "5-part", timezone: timeZone });
    return { cron, isEver: cron.nextRun(new Date(0)) !== null };
  };
  try {
    const { cron, isEver } = ever();
    if (isEver) return cron;
  } catch (cause) {
    throw wrong((cause as Error).message.replace(/^Cron\w+: /, "").replace(/\.$/, ""), cause);
  }
  throw wrong("it never comes");
}
