import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MillError } from "../../base/index.ts";
import { addressKey, createRateLimit } from "./rate-limits.ts";

const taken = (limit: ReturnType<typeof createRateLimit>, key: string): number | null => {
  try {
    limit.take(key);
    return null;
  } catch (thrown) {
    assert.ok(thrown instanceof MillError && thrown.code === "guard.too-many-requests");
    return thrown.retryAfterMs!;
  }
};

test("a minute's worth may come at once, then as many as the rate gives; who waits as told is let in", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 90 }),
      fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.integer({ min: 0, max: 5_000 })), { maxLength: 200 }),
      (perMinute, asked) => {
        const clock = { ms: 0 };
        const limit = createRateLimit({ perMinute, who: "You", now: () => clock.ms });
        const granted: Record<string, number[]> = { a: [], b: [] };
        for (const [key, pauseMs] of asked) {
          clock.ms += pauseMs;
          const waitMs = taken(limit, key);
          if (waitMs === null) granted[key]!.push(clock.ms);
          else {
            assert.ok(waitMs > 0 && waitMs <= 60_000 / perMinute + 1e-6);
            clock.ms += waitMs + 1e-6;
            assert.equal(taken(limit, key), null, "after the wait there is one");
            granted[key]!.push(clock.ms);
          }
        }
        for (const times of Object.values(granted))
          times.forEach((from, first) => {
            times.slice(first).forEach((to, more) => {
              assert.ok(
                more + 1 <= perMinute + ((to - from) * perMinute) / 60_000 + 1e-3,
                "never more than the bucket and the rate",
              );
            });
          });
      },
    ),
  );
});

test("none is no limit; a clock that goes back takes nothing away; keys that were not seen for longest are forgotten first", () => {
  const none = createRateLimit({ perMinute: 0, who: "You" });
  for (let count = 0; count < 10_000; count++) none.take("a");
  const clock = { ms: 100_000 };
  const limit = createRateLimit({ perMinute: 2, who: "You", now: () => clock.ms, keysMax: 3 });
  limit.take("a");
  clock.ms = 0;
  assert.deepEqual([taken(limit, "a"), taken(limit, "a") === null], [null, false]);
  for (const key of ["b", "c"]) limit.take(key);
  assert.notEqual(taken(limit, "a"), null, "still known, and now the newest");
  for (const key of ["d", "e", "f"]) limit.take(key);
  assert.equal(taken(limit, "a"), null, "forgotten: memory is bounded");
});

test("addresses of one IPv6 network are one, mapped ones are IPv4", () => {
  assert.equal(addressKey("192.0.2.7"), "192.0.2.7");
  assert.equal(addressKey("::ffff:192.0.2.7"), "192.0.2.7");
  assert.equal(addressKey("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assert.equal(addressKey("2001:db8:1:2::9"), "2001:db8:1:2::/64");
  assert.equal(addressKey("2001:0db8:0001:0002::"), "2001:db8:1:2::/64");
  assert.equal(addressKey("::1"), "0:0:0:0::/64");
  assert.equal(addressKey("fe80::1%eth0"), "fe80:0:0:0::/64");
});
