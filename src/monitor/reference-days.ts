/** The rows of a reference, day by day: what one day differs from another by itself is what a day of traffic may differ by. */
import { DAY_MICROS } from "../base/index.ts";
import { BAND_DAYS_MIN } from "./drift.ts";

const DAY_ROWS_MIN = 200;
const BLOCK_ROWS = 1000;

export interface ReferenceDays {
  /** The day of each row, or its block of 1,000 rows where there are too few days. */
  readonly of: Float64Array;
  /** The same as SQL over the columns `time` (microseconds, may be null) and `row` (from 0). */
  readonly sql: string;
  /** Days that are whole and have 200 rows: those that bands are made of. */
  readonly whole: readonly number[];
  /** Days of data time that have a row; 0 without a time. */
  readonly days: number;
}

/** `times`: microseconds, NaN where there is none; rows in the order of the data set. */
export function referenceDays(times: Float64Array): ReferenceDays {
  const byDay = { of: times.map((time) => Math.floor(time / DAY_MICROS)), sql: `floor("time" / ${DAY_MICROS})` };
  const counts = countsOf(byDay.of);
  const days = [...counts.keys()].sort((a, b) => a - b);
  // A part begins and ends somewhere in a day.
  const inner = days.length >= BAND_DAYS_MIN + 2 ? days.slice(1, -1) : days;
  const whole = inner.filter((day) => counts.get(day)! >= DAY_ROWS_MIN);
  if (whole.length >= BAND_DAYS_MIN) return { ...byDay, whole, days: days.length };
  const of = times.map((_, row) => Math.floor(row / BLOCK_ROWS));
  const blocks = [...countsOf(of)].filter(([, rows]) => rows >= DAY_ROWS_MIN).map(([block]) => block);
  return { of, sql: `floor("row" / ${BLOCK_ROWS})`, whole: blocks, days: days.length };
}

function countsOf(of: Float64Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (const day of of) if (!Number.isNaN(day)) counts.set(day, (counts.get(day) ?? 0) + 1);
  return counts;
}

/** The rows of each whole day. */
export function rowsByDay({ of, whole }: ReferenceDays): Map<number, Uint32Array> {
  const found = new Map<number, number[]>(whole.map((day) => [day, []]));
  of.forEach((day, row) => {
    found.get(day)?.push(row);
  });
  return new Map([...found].map(([day, rows]) => [day, Uint32Array.from(rows)]));
}
