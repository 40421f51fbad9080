import { MillError } from "./errors.ts";

export type DurationUnit = "s" | "m" | "h" | "d" | "w";
/** A span of time such as `"3h"`: a positive number and a unit (second, minute, hour, day, week). */
export type Duration = `${number}${DurationUnit}`;

export const MINUTE_MICROS = 60e6;
export const HOUR_MICROS = 60 * MINUTE_MICROS;
export const DAY_MICROS = 24 * HOUR_MICROS;
const UNIT_MICROS: Readonly<Record<DurationUnit, number>> = {
  ...{ s: 1e6, m: MINUTE_MICROS, h: HOUR_MICROS, d: DAY_MICROS, w: 7 * DAY_MICROS },
};
/** About 100 years: longer spans are slips of the pen. */
const DURATION_MICROS_MAX = 3_155_760_000e6;

/** Microseconds in a duration. `"-3h"`, `"3 hours"` and `"1e9h"` are refused: the type lets some of them pass. */
export function parseDuration(text: string, at?: string): number {
  const match = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text);
  const micros = match ? Math.round(Number(match[1]) * UNIT_MICROS[match[2] as DurationUnit]) : 0;
  if (micros > 0 && micros <= DURATION_MICROS_MAX) return micros;
  throw new MillError("value.duration", `"${text}" is not a duration.`, {
    at,
    expected: 'a positive number and one of s, m, h, d, w, as in "3h" or "1.5d", at most 100 years',
    got: JSON.stringify(text),
    fix: 'Write it as in "3h".',
  });
}

const MICROS = 1000;
const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?$/;

/** Microseconds since 1970-01-01T00:00:00 of a date or time text, and whether it named a zone; null when it is no such text. */
export function parseMoment(text: string): { readonly micros: number; readonly zoned: boolean } | null {
  const match = TIMESTAMP.exec(text);
  if (!match) return null;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone] = match;
  const back = new Date(Date.UTC(2000, 0, 1, Number(hour), Number(minute), Number(second)));
  const millis = back.setUTCFullYear(Number(year), Number(month) - 1, Number(day)); // Date.UTC holds the year 50 to be 1950
  const exists =
    back.getUTCDate() === Number(day) && back.getUTCHours() === Number(hour) && back.getUTCMinutes() === Number(minute);
  if (!exists || back.getUTCMonth() + 1 !== Number(month) || Number(second) > 59) return null;
  const micros = millis * MICROS + Number(fraction.padEnd(6, "0").slice(0, 6));
  return { micros: micros - offsetMicros(zone), zoned: zone !== undefined };
}

function offsetMicros(zone: string | undefined): number {
  if (zone === undefined || zone === "Z") return 0;
  const digits = zone.slice(1).replace(":", "");
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return (zone.startsWith("-") ? -minutes : minutes) * UNIT_MICROS.m;
}

/** `2001-06-01T10:00:00` (fraction only if there is one); no zone: the caller adds `Z` for an instant. */
export function formatMoment(micros: number): string {
  const millis = Math.floor(micros / MICROS);
  const rest = micros - Math.floor(micros / 1e6) * 1e6;
  const text = new Date(millis).toISOString().slice(0, 19);
  return rest === 0 ? text : `${text}.${String(rest).padStart(6, "0").replace(/0+$/, "")}`;
}

/** The day of a moment, as `2001-06-01`. */
export const formatDay = (micros: number): string => formatMoment(Math.floor(micros / DAY_MICROS) * DAY_MICROS).slice(0, -9);

/** Microseconds at which a day begins; NaN where the text is none. */
export const startOfDay = (day: string): number => parseMoment(`${day}T00:00:00Z`)?.micros ?? Number.NaN;

/** `1.2 s`, `3 min 20 s`: for people. */
export function formatSpan(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60
    ? `${minutes} min ${Math.round((ms % 60_000) / 1000)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A short time, as a row is scored in: `3.2 us`, `410 us`, `1.5 ms`; from 10 ms on as `formatSpan`. */
export function formatMicros(micros: number): string {
  if (micros >= 9_999.5) return formatSpan(micros / 1000);
  const [value, unit] = micros < 999.5 ? [micros, "us"] : [micros / 1000, "ms"];
  return `${value >= 99.5 ? Math.round(value) : value.toPrecision(2)} ${unit}`;
}
