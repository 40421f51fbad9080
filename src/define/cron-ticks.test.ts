import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCron } from "./cron-ticks.ts";

const at = (text: string) => new Date(text).getTime();
const told = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString().slice(0, 16));
const after = (pattern: string, zone: string, from: string, count: number) => {
  const ticks = parseCron(pattern, zone);
  const found: (string | null)[] = [];
  for (let ms = at(from); found.length < count; ) {
    ms = ticks.next(ms)!;
    found.push(told(ms));
  }
  return found;
};

test("a time is that of the zone's clock, in winter and in summer", () => {
  assert.deepEqual(after("0 3 * * *", "Europe/Berlin", "2026-03-27T12:00Z", 3), [
    "2026-03-28T02:00",
    "2026-03-29T01:00",
    "2026-03-30T01:00",
  ]);
  assert.deepEqual(after("30 17 * * 1-5", "America/New_York", "2026-07-03T12:00Z", 2), ["2026-07-03T21:30", "2026-07-06T21:30"]);
});

test("a time that the clocks skip comes when they have gone forward, that day too", () => {
  assert.deepEqual(after("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00Z", 3), [
    "2026-03-28T01:30",
    "2026-03-29T01:00",
    "2026-03-30T00:30",
  ]);
});

test("a time that the clocks show twice comes once, and one of every hour comes in both", () => {
  assert.deepEqual(after("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", 2), ["2026-10-25T00:30", "2026-10-26T01:30"]);
  assert.deepEqual(after("30 * * * *", "Europe/Berlin", "2026-10-24T23:00Z", 4), [
    "2026-10-24T23:30",
    "2026-10-25T00:30",
    "2026-10-25T01:30",
    "2026-10-25T02:30",
  ]);
});

test("the last tick is the latest that is not after the moment, and none lies between it and the next", () => {
  const zone = fc.constantFrom("UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu");
  const pattern = fc
    .tuple(
      fc.constantFrom("0", "30", "*/7", "15,45"),
      fc.constantFrom("*", "2", "*/3", "0", "1-3"),
      fc.constantFrom("*", "1", "0-5"),
    )
    .map(([minute, hour, weekday]) => `${minute} ${hour} * * ${weekday}`);
  const moment = fc.integer({ min: at("2026-03-01T00:00Z"), max: at("2026-11-30T00:00Z") });
  fc.assert(
    fc.property(pattern, zone, moment, (pattern, zone, ms) => {
      const ticks = parseCron(pattern, zone);
      const [last, next] = [ticks.last(ms)!, ticks.next(ms)!];
      assert.ok(last <= ms && ms < next, `${told(last)} ${told(ms)} ${told(next)}`);
      assert.equal(ticks.last(last), last);
      assert.equal(ticks.next(last), next);
      assert.equal(ticks.last(next), next);
    }),
  );
});

test("what is no time, no zone, or never comes is refused with its place", () => {
  for (const [pattern, zone, message] of [
    ["61 * * * *", "UTC", /Invalid value for minute: 61/],
    ["* * *", "UTC", /"\* \* \*" is no time/],
    ["*/5 * * * * *", "UTC", /is no time/],
    ["0 0 31 2 *", "UTC", /never comes/],
    ["0 3 * * *", "Mars/Olympus", /no time zone "Mars\/Olympus"/],
    ["", "UTC", /is no time/],
  ] as const)
    assert.throws(() => parseCron(pattern, zone, "schedule"), { code: "value.cron", at: "schedule", message });
});
