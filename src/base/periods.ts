/**
 * Periods of the calendar, named by the clock of a time zone: hours, days, weeks that begin on Monday, months. A period is named by its beginning:
 * `2024-03-31T05`, `2024-03-31`, `2024-03`. An hour that the clock shows twice is one period, and one that it skips is none, as their names say.
 */
import { MillError } from "./errors.ts";

export type PeriodUnit = "hour" | "day" | "week" | "month";

export interface Periods {
  readonly every: PeriodUnit;
  /** A date, or as a period is named: the first period is the one that it is in. */
  readonly from: string;
  /** In the last period; default: there is none. */
  readonly to?: string;
  /** Of the IANA database. */
  readonly timeZone: string;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** 1970-01-05 was a Monday. */
const MONDAY_MS = 4 * DAY_MS;

/** Names of the periods that are over at `nowMs` (since 1970), in order. Errors: `value.period`. */
export function periodsBefore({ every, from, to, timeZone }: Periods, nowMs: number): string[] {
  const offsetMs = zoneOf(timeZone);
  const running = startOf(every, nowMs + offsetMs(nowMs));
  const end = to === undefined ? running : Math.min(running, after(every, readPeriod(every, to)));
  const keys: string[] = [];
  for (let start = readPeriod(every, from); start < end; start = after(every, start))
    if (every !== "hour" || isShown(start, offsetMs)) keys.push(keyOf(every, start));
  return keys;
}

/** The name of the period that a date, or what names a period, is in. Errors: `value.period`. */
export const periodOf = (every: PeriodUnit, text: string, at?: string): string => keyOf(every, readPeriod(every, text, at));

/** What a period's name says, digit by digit: of a week its Monday. */
export const periodParts = (key: string) => {
  const [year, month, day = "01", hour = "00"] = key.split(/[-T]/) as [string, string, string?, string?];
  return { partition: key, year, month, day, hour };
};

/** Errors: `value.period`. */
export function requireTimeZone(timeZone: string, at?: string): void {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
  } catch (cause) {
    throw new MillError("value.period", `There is no time zone "${timeZone}".`, {
      at,
      expected: "a name of the IANA database, as in Europe/Berlin, or UTC",
      got: timeZone,
      fix: "Name the zone whose clock the periods go by.",
      cause,
    });
  }
}

/** Milliseconds of the wall clock's beginning of the period, as if its zone were UTC. */
function readPeriod(every: PeriodUnit, text: string, at?: string): number {
  const [, date, hour = "00"] = /^(\d{4}-\d\d(?:-\d\d)?)(?:T(\d\d)(?::00)*)?$/.exec(text) ?? [];
  const day = date?.length === 7 ? `${date}-01` : date;
  const ms = new Date(`${day}T${hour}:00:00Z`).getTime();
  if (!Number.isNaN(ms) && new Date(ms).toISOString().startsWith(`${day}T${hour}`)) return startOf(every, ms);
  throw new MillError("value.period", `"${text}" names no ${every}.`, {
    at,
    expected: `a date as in 2024-01-31, a month as in 2024-01 or an hour as in 2024-01-31T05`,
    got: text,
    fix: "Correct it.",
  });
}

function startOf(every: PeriodUnit, wallMs: number): number {
  if (every === "hour") return Math.floor(wallMs / HOUR_MS) * HOUR_MS;
  if (every === "day") return Math.floor(wallMs / DAY_MS) * DAY_MS;
  if (every === "week") return Math.floor((wallMs - MONDAY_MS) / (7 * DAY_MS)) * 7 * DAY_MS + MONDAY_MS;
  const day = new Date(wallMs);
  return day.setUTCFullYear(day.getUTCFullYear(), day.getUTCMonth(), 1) - (wallMs - Math.floor(wallMs / DAY_MS) * DAY_MS);
}

function after(every: PeriodUnit, startMs: number): number {
  if (every === "month") return startOf("month", startMs + 31 * DAY_MS);
  return startMs + { hour: HOUR_MS, day: DAY_MS, week: 7 * DAY_MS }[every];
}

const keyOf = (every: PeriodUnit, startMs: number) =>
  new Date(startMs).toISOString().slice(0, { hour: 13, day: 10, week: 10, month: 7 }[every]);

/** How far the zone's clock is ahead of UTC at a moment, in milliseconds. */
function zoneOf(timeZone: string): (ms: number) => number {
  if (timeZone === "UTC") return () => 0;
  const shown = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" });
  return (ms) => {
    const whole = Math.floor(ms / 1000) * 1000;
    return new Date(`${shown.format(whole).replace(" ", "T")}Z`).getTime() - whole;
  };
}

/** Whether the zone's clock ever shows the hour. */
function isShown(startMs: number, offsetMs: (ms: number) => number): boolean {
  const [before, since] = [offsetMs(startMs - DAY_MS), offsetMs(startMs + DAY_MS)];
  if (before === since) return true;
  const moments = [before, since].flatMap((offset) => [startMs - offset, startMs - offset + HOUR_MS - 1]);
  return moments.some((ms) => startOf("hour", ms + offsetMs(ms)) === startMs);
}
