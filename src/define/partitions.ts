/** Partitions in time: files that are named by the hour, day, week or month that they are of. */
import { MillError, type PeriodUnit, periodOf, periodParts, requireTimeZone } from "../base/index.ts";
import type { FilesSource, Partitions } from "./definitions.ts";
import { fieldsOf, oneOf, text, wrong } from "./options.ts";

export interface PartitionOptions {
  /** A date in the last partition; default: there is none, and each period becomes a partition when it is over. */
  readonly to?: string | undefined;
  /** Of the IANA database, whose clock says when a period is over; default `UTC`. */
  readonly timeZone?: string | undefined;
}

const UNITS = ["hour", "day", "week", "month"] as const satisfies readonly PeriodUnit[];

const partitioned =
  (every: PeriodUnit) =>
  (from: string, options: PartitionOptions = {}): Partitions => {
    const at = `${every === "day" ? "dai" : every}ly`;
    const { to, timeZone = "UTC" } = fieldsOf(at, options, ["to", "timeZone"]);
    const zone = text(`${at}: timeZone`, timeZone);
    requireTimeZone(zone, `${at}: timeZone`);
    const first = periodOf(every, text(`${at}: from`, from), `${at}: from`);
    const last = to === undefined ? undefined : periodOf(every, text(`${at}: to`, to), `${at}: to`);
    if (last !== undefined && last < first) wrong(`${at}: to`, `a date that is not before ${from}`, to);
    return Object.freeze({ every, from: first, ...(last !== undefined && { to: last }), timeZone: zone });
  };

/**
 * One partition an hour, named as in `2024-01-31T05`, from the one that `from` is in. An hour that the zone's clock shows twice is one partition, one that
 * it skips is none.
 */
export const hourly = partitioned("hour");
/** One partition a day, named as in `2024-01-31`. */
export const daily = partitioned("day");
/** One partition a week from Monday on, named by that Monday. */
export const weekly = partitioned("week");
/** One partition a month, named as in `2024-01`. */
export const monthly = partitioned("month");

/** What `daily(...)` and its like returned, also from a plain object of the same form. */
export function readPartitions(at: string, given: unknown, { paths }: FilesSource): Partitions {
  const { every, from, ...options } = fieldsOf(at, given, ["every", "from", "to", "timeZone"]);
  const unit = oneOf(`${at}: every`, every, UNITS);
  for (const path of paths) requirePlaceholders(at, path, unit);
  return partitioned(unit)(from as string, options as PartitionOptions);
}

/** Without partitions nothing would fill the places in a path. */
export function refusePlaceholders(at: string, { paths }: FilesSource): void {
  const path = paths.find((path) => placesIn(path).some((place) => PLACES.includes(place)));
  if (path === undefined) return;
  throw new MillError("define.bad-value", `${at}: "${path}" is named by a period, and the data set has no partitions.`, {
    at,
    expected: "partitions, or a path without {...}",
    got: `"${path}"`,
    fix: 'Say which there are, as in partitions: daily("2024-01-01").',
  });
}

const PLACES = Object.keys(periodParts("2024-01-01"));
const PLACES_OF = {
  hour: ["year", "month", "day", "hour"],
  day: ["year", "month", "day"],
  week: ["year", "month", "day"],
  month: ["year", "month"],
} as const;

const placesIn = (path: string) => [...path.matchAll(/\{(\w*)\}/g)].map(([, place]) => place!);

function requirePlaceholders(at: string, path: string, every: PeriodUnit): void {
  const places = placesIn(path);
  const tells = places.includes("partition") || PLACES_OF[every].every((place) => places.includes(place));
  if (tells && places.every((place) => PLACES.includes(place))) return;
  throw new MillError("define.bad-value", `${at}: "${path}" does not say which ${every} a file is of.`, {
    at,
    expected: `a path with {partition}, or with ${PLACES_OF[every].map((place) => `{${place}}`).join(", ")}`,
    got: `"${path}"`,
    fix: `Name the files as in files("flights/{partition}.parquet").`,
  });
}
