import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cron, newSources, olderThan, parseCron } from "../../define/index.ts";
import { type Cursor, judge } from "./conditions.ts";

const at = (text: string) => new Date(text).getTime();
const HOUR = 3_600_000;

test("each tick of a clock is answered once, by a run or as missed before one, however often and late it is looked at", () => {
  const zone = fc.constantFrom("UTC", "Europe/Berlin", "America/New_York");
  const pattern = fc.constantFrom("0 3 * * *", "*/20 * * * *", "30 2 * * *", "5 * * * 1-5", "30 1 1 * *");
  const start = fc.constantFrom(at("2026-03-27T22:00Z"), at("2026-10-24T20:00Z"), at("2026-06-01T00:00Z"));
  const steps = fc.array(fc.integer({ min: 1, max: 20 * HOUR }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(pattern, zone, start, steps, fc.boolean(), (pattern, timeZone, start, steps, catchUp) => {
      const condition = cron(pattern, { timeZone, catchUp });
      let cursor: Cursor | null = judge(condition, null, {}, start).cursor;
      let [now, answered] = [start, 0];
      for (const step of steps) {
        now += step;
        const judged = judge(condition, cursor, {}, now);
        cursor = judged.cursor;
        const told = judged.due?.cause ?? judged.skipped;
        if (told !== undefined) answered += 1 + Number(/(\d+) (?:missed )?before it/.exec(told)?.[1] ?? 0);
        assert.ok(judged.due === null || (judged.due.at <= now && (catchUp || now - judged.due.at <= 60_000)));
        assert.ok(!catchUp || judged.skipped === undefined);
        assert.deepEqual(judge(condition, cursor, {}, now).due, null, "the same moment again starts nothing");
      }
      let ticks = 0;
      const clock = parseCron(pattern, timeZone);
      for (let ms = clock.next(start)!; ms <= now; ms = clock.next(ms)!) ticks++;
      assert.equal(answered, ticks);
    }),
  );
});

test("a tick is told by the clock of its zone, and what was missed before it, and how late it is", () => {
  const nightly = cron("0 3 * * *", { timeZone: "Europe/Berlin" });
  const judged = (seen: string, now: string) => judge(nightly, at(seen), {}, at(now)).due?.cause;
  assert.equal(judged("2026-11-20T10:00Z", "2026-11-21T02:00:00.4Z"), "of 2026-11-21 03:00 Europe/Berlin");
  assert.equal(
    judged("2026-11-18T10:00Z", "2026-11-21T05:30Z"),
    "of 2026-11-21 03:00 Europe/Berlin (late by 3 h 30 min, for 2 missed before it too)",
  );
  assert.equal(judged("2026-11-21T02:00Z", "2026-11-21T05:30Z"), undefined);
  const skipped = judge(cron("0 3 * * *", { catchUp: false }), at("2026-11-18T10:00Z"), {}, at("2026-11-21T05:30Z"));
  assert.deepEqual(skipped, {
    ...{ cursor: at("2026-11-21T03:00Z"), due: null },
    skipped: "2026-11-21 03:00 UTC, and 2 before it, passed without a run",
  });
});

test("a clock that went back a little repeats no tick, and one that was wrong for long begins anew", () => {
  const hourly = cron("0 * * * *");
  const seen = at("2026-11-21T10:00Z");
  assert.deepEqual(judge(hourly, seen, {}, at("2026-11-21T09:30Z")), { cursor: seen, due: null });
  assert.deepEqual(judge(hourly, at("2030-01-01T00:00Z"), {}, seen), { cursor: seen, due: null });
});

test("sources that changed are told by the data sets they are behind; those that are new, or not settled, start nothing", () => {
  const condition = newSources();
  const seen = { flights: "a", airports: "b" };
  const judged = (sources: Record<string, string> | null, cursor: Cursor | null = seen) =>
    judge(condition, cursor, { sources }, 5);
  assert.deepEqual(judged({ flights: "c", airports: "b" }), {
    cursor: { flights: "c", airports: "b" },
    due: { cause: "because the sources of flights changed", at: 5 },
  });
  assert.equal(judged({ flights: "a", airports: "b", trains: "x" }).due, null);
  assert.equal(judged({ flights: "a" }, null).due, null);
  assert.deepEqual(judged(null), { cursor: seen, due: null });
});

test("what is older than a span is due, once a span, and what was never made is due at once", () => {
  const condition = olderThan("1h");
  const oldest = { target: "model/late", at: 1000 * HOUR };
  const judged = (cursor: number | null, now: number, sight = { oldest } as { oldest: typeof oldest | null }) =>
    judge(condition, cursor, sight, now);
  assert.equal(judged(null, 1000.9 * HOUR).due, null);
  assert.deepEqual(judged(null, 1001.2 * HOUR), {
    cursor: 1001.2 * HOUR,
    due: { cause: "because model/late is older than 1h", at: 1001 * HOUR },
  });
  assert.equal(judged(1001.2 * HOUR, 1001.9 * HOUR).due, null, "a run that changed nothing is not tried again at once");
  assert.equal(judged(null, 7, { oldest: null }).due?.at, undefined);
  assert.equal(judged(null, 1001 * HOUR, { oldest: null }).due?.at, 1001 * HOUR);
});
