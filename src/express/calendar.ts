/** Fields of a moment's date and clock, in the proleptic Gregorian calendar. */
import { DAY_MICROS, HOUR_MICROS } from "../base/index.ts";
import { bind } from "./quote.ts";
import type { Moment } from "./value-type.ts";
import { offsetAt, offsetSql, zoneTable } from "./zones.ts";

export type CalendarField = "hour" | "weekday" | "month" | "dayOfYear";

const SQL_FUNCTION: Readonly<Record<CalendarField, string>> = {
  hour: "hour",
  weekday: "isodow",
  month: "month",
  dayOfYear: "dayofyear",
};

/** The field as SQL over microseconds; `zone` says what the clocks show at an instant. */
export const fieldSql = (field: CalendarField, micros: string, zone: string | null): string =>
  `${SQL_FUNCTION[field]}(make_timestamp(${zone === null ? micros : bind(micros, (x) => `${x} + ${offsetSql(zoneTable(zone), x)}`)}))`;

/** The field of microseconds in a row. */
export function fieldReader(field: CalendarField, zone: string | null): (micros: number) => number {
  const read = READERS[field];
  if (zone === null) return read;
  const table = zoneTable(zone);
  return (micros) => read(micros + offsetAt(table, micros));
}

const READERS: Readonly<Record<CalendarField, (micros: number) => number>> = {
  hour: (micros) => Math.floor((micros - Math.floor(micros / DAY_MICROS) * DAY_MICROS) / HOUR_MICROS),
  weekday: (micros) => ((((Math.floor(micros / DAY_MICROS) + 3) % 7) + 7) % 7) + 1,
  month: (micros) => dateOf(micros).getUTCMonth() + 1,
  dayOfYear(micros) {
    const date = dateOf(micros);
    const newYear = new Date(0).setUTCFullYear(date.getUTCFullYear());
    return Math.floor((date.getTime() - newYear) / 86_400_000) + 1;
  },
};

const dateOf = (micros: number) => new Date(Math.floor(micros / 1000));

/** Moments that show a clock. */
export const CLOCKS: readonly Moment[] = ["timestamp", "instant"];
