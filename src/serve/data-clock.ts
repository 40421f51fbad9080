/**
 * The data's own time: the newest moment that ten rows have reached. Not the newest row's, because one request dated 2101 would then end every
 * window and every day before it.
 */
export interface DataClock {
  /** Microseconds; null before there was a row. Never goes back. */
  time(): number | null;
  saw(micros: number): void;
}

export const ROWS_TO_MOVE = 10;

/** Goes on from `start`, and from the newest times that were seen before. */
export function createDataClock(start: number | null, seen: Iterable<number> = []): DataClock {
  /** The newest, least first; ten at most. */
  const newest: number[] = [];
  let time = start;
  const clock: DataClock = {
    time: () => time,
    saw(micros) {
      if (newest.length === ROWS_TO_MOVE && micros <= newest[0]!) return;
      let at = newest.length;
      while (at > 0 && newest[at - 1]! > micros) at--;
      newest.splice(at, 0, micros);
      if (newest.length > ROWS_TO_MOVE) newest.shift();
      if (newest.length === ROWS_TO_MOVE && (time === null || newest[0]! > time)) time = newest[0]!;
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
