import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../base/index.ts";
import { createLatencies } from "./latencies.ts";
import { createTally, refuse, refusedCount } from "./tally.ts";

test("a quantile is within 2 % of the one that sorting gives, from microseconds to minutes", () => {
  const random = createRandom(7);
  const times = Array.from({ length: 5000 }, () => 0.002 * 1e7 ** random.next());
  const latencies = createLatencies();
  assert.equal(latencies.quantile(0.5), null);
  for (const ms of times) latencies.add(ms);
  times.sort((a, b) => a - b);
  for (const share of [0.01, 0.5, 0.99, 1]) {
    const [got, exact] = [latencies.quantile(share)!, times[Math.ceil(share * times.length) - 1]!];
    assert.ok(Math.abs(got / exact - 1) < 0.02, `${share}: ${got} for ${exact}`);
  }
});

test("times beyond the ends are counted at the ends", () => {
  const latencies = createLatencies();
  for (const ms of [0, 1e9]) latencies.add(ms);
  assert.ok(latencies.quantile(0.5)! <= 0.001 && latencies.quantile(1)! > 60_000);
});

test("the same reason is counted once for all rows and values; beyond 20 reasons the rest is counted together", () => {
  const tally = createTally();
  for (const [row, got] of [
    [0, "null"],
    [17, '"far, got lost"'],
  ] as const)
    refuse(tally, "events", `Row ${row}, field "distance": expected a whole number, got ${got}.`);
  assert.deepEqual([...tally.refused], [['events: field "distance": expected a whole number', 2]]);
  for (let reason = 0; reason < 30; reason++) refuse(tally, "predict", `reason ${reason}`);
  assert.deepEqual([tally.refused.size, refusedCount(tally)], [21, 32]);
  assert.equal(tally.refused.get("predict: other reasons"), 11);
});
