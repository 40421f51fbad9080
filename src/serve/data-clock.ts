import { DAY_MICROS } from "../base/index.ts";

/**
 * The data's own time: the newest moment that ten of the last hundred rows have reached. Not the newest row's, because one request dated 2101 would
 * then end every window and every day before it; nor that of ten rows ever, because strays add up. A client whose dates are all wrong must not do it
 * either, since a clock never goes back: what is more than a year ahead of the wall clock, and of where the data began, does not count.
 */
export interface DataClock {
  /** Microseconds; null before there were rows. Never goes back. */
  time(): number | null;
  saw(micros: number): void;
}

export const ROWS_TO_MOVE = 10;
const ROWS_REMEMBERED = 100;

const AHEAD_MAX_MICROS = 366 * DAY_MICROS;

/** Goes on from `start`, and from times that were seen before, oldest first. `now`: the wall clock in milliseconds. */
export function createDataClock(start: number | null, seen: Iterable<number> = [], now: () => number = Date.now): DataClock {
  const last: number[] = [];
  let next = 0;
  let time = start ?? Number.NEGATIVE_INFINITY;
  /** Of the last rows those that are beyond the clock. */
  let ahead = 0;
  const clock: DataClock = {
    time: () => (time === Number.NEGATIVE_INFINITY ? null : time),
    saw(micros) {
      if (micros > Math.max(now() * 1000, start ?? 0) + AHEAD_MAX_MICROS) return;
      if (last[next]! > time) ahead--;
      last[next] = micros;
      next = (next + 1) % ROWS_REMEMBERED;
      if (micros > time && ++ahead >= ROWS_TO_MOVE) {
        time = last.toSorted((a, b) => b - a)[ROWS_TO_MOVE - 1]!;
        ahead = last.filter((one) => one > time).length;
      }
    },
  };
  for (const micros of seen) clock.saw(micros);
  return clock;
}

/** Where rows have no time of their own: the wall clock, but for its jumps back. `now` in milliseconds. */
export function createWallClock(now: () => number): DataClock {
  let latest = Number.NEGATIVE_INFINITY;
  return { time: () => (latest = Math.max(latest, now() * 1000)), saw() {} };
}
