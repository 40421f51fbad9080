import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Periods, type PeriodUnit, periodOf, periodParts, periodsBefore } from "./periods.ts";

const at = (text: string) => new Date(text).getTime();
const HOUR = 3_600_000;

test("periods go from the one that `from` is in to the last that is over, or to the one that `to` is in", () => {
  const keys = (every: PeriodUnit, from: string, now: string, to?: string) =>
    periodsBefore({ every, from, timeZone: "UTC", ...(to && { to }) }, at(now));
  assert.deepEqual(keys("day", "2024-02-28", "2024-03-01T12:00Z"), ["2024-02-28", "2024-02-29"]);
  assert.deepEqual(keys("day", "2024-02-28", "2025-01-01T00:00Z", "2024-02-28"), ["2024-02-28"]);
  assert.deepEqual(keys("week", "2024-01-03", "2024-01-17T00:00Z"), ["2024-01-01", "2024-01-08"]);
  assert.deepEqual(keys("month", "2023-11-15", "2024-02-29T00:00Z"), ["2023-11", "2023-12", "2024-01"]);
  assert.deepEqual(keys("hour", "2024-01-01", "2024-01-01T02:59:59Z"), ["2024-01-01T00", "2024-01-01T01"]);
  assert.deepEqual(keys("day", "2024-05-01", "2024-03-01T12:00Z"), []);
});

test("a day is over when the clock of its zone says so", () => {
  const over = (timeZone: string, now: string) => periodsBefore({ every: "day", from: "2024-03-30", timeZone }, at(now)).at(-1);
  assert.equal(over("Europe/Berlin", "2024-03-30T22:59Z"), undefined);
  assert.equal(over("Europe/Berlin", "2024-03-30T23:00Z"), "2024-03-30");
  assert.equal(over("Europe/Berlin", "2024-03-31T22:00Z"), "2024-03-31", "the day that has 23 hours");
  assert.equal(over("America/New_York", "2024-03-31T03:59Z"), undefined);
  assert.equal(over("Asia/Kathmandu", "2024-03-30T18:15Z"), "2024-03-30");
});

test("the hour that the clock skips is no period, and the one that it shows twice is one", () => {
  const hours = (timeZone: string, from: string, to: string) =>
    periodsBefore({ every: "hour", from, to, timeZone }, at("2025-01-01T00:00Z")).map((key) => key.slice(-2));
  assert.deepEqual(hours("Europe/Berlin", "2024-03-31T00", "2024-03-31T05"), ["00", "01", "03", "04", "05"]);
  assert.deepEqual(hours("Europe/Berlin", "2024-10-27T01", "2024-10-27T04"), ["01", "02", "03", "04"]);
  const during = periodsBefore({ every: "hour", from: "2024-10-27", timeZone: "Europe/Berlin" }, at("2024-10-27T01:30Z"));
  assert.equal(during.at(-1), "2024-10-27T01", "02 is not over while it is shown again");
});

test("hours are exactly those that a clock shows while it goes from minute to minute", () => {
  const zone = fc.constantFrom(
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "America/Havana",
    "Asia/Kathmandu",
  );
  const day = fc.constantFrom("2024-03-10", "2024-03-31", "2024-04-07", "2024-10-06", "2024-10-27", "2024-11-03", "2024-06-01");
  fc.assert(
    fc.property(zone, day, fc.integer({ min: 0, max: 60 }), (timeZone, day, hours) => {
      const now = at(`${day}T00:00Z`) + hours * HOUR;
      const clock = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" });
      const shown = new Set<string>();
      for (let ms = at(`${day}T00:00Z`) - 48 * HOUR; ms <= now; ms += 15 * 60_000)
        shown.add(clock.format(ms).slice(0, 13).replace(" ", "T"));
      const running = clock.format(now).slice(0, 13).replace(" ", "T");
      const from = new Date(at(`${day}T00:00Z`) - 24 * HOUR).toISOString().slice(0, 13);
      const expected = [...shown].filter((key) => key >= from && key < running).sort();
      assert.deepEqual(periodsBefore({ every: "hour", from, timeZone }, now), expected);
    }),
    { numRuns: 40 },
  );
});

test("a period's name is in the period that it names, and its parts make it again", () => {
  const every = fc.constantFrom<PeriodUnit>("hour", "day", "week", "month");
  const ms = fc.integer({ min: at("1950-01-01T00:00Z"), max: at("2090-01-01T00:00Z") });
  fc.assert(
    fc.property(every, ms, (every, ms) => {
      const key = periodOf(every, new Date(ms).toISOString().slice(0, 13));
      assert.equal(periodOf(every, key), key);
      const { year, month, day, hour } = periodParts(key);
      assert.ok(`${year}-${month}-${day}T${hour}`.startsWith(key));
      assert.ok(at(`${year}-${month}-${day}T${hour}:00Z`) <= ms);
      const periods: Periods = { every, from: key, timeZone: "UTC" };
      assert.equal(periodsBefore(periods, ms).length, 0, "it is not over at a moment in it");
    }),
  );
});

test("what names no period is refused with its place", () => {
  for (const text of ["2024-02-30", "2024-13", "today", "2024-01-01T24", "2024-01-01T05:30", ""])
    assert.throws(() => periodOf("day", text, "from"), { code: "value.period", at: "from" });
});
