import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../base/index.ts";
import { layNumberBins } from "./bins.ts";
import { bandOf, distributionOf, driftOf, psi } from "./drift.ts";

const near = (got: number, expected: number, by = 1e-12) =>
  assert.ok(Math.abs(got - expected) <= by, `${got} is not ${expected}`);

test("the index is the sum of differences times the logarithm of their ratio, by hand", () => {
  near(psi([0.5, 0.3, 0.2], [0.25, 0.25, 0.5]), 0.25 * Math.log(2) + 0.05 * Math.log(1.2) + 0.3 * Math.log(2.5));
  assert.equal(psi([0.4, 0.6], [0.4, 0.6]), 0);
  near(psi([0.2, 0.8], [0.7, 0.3]), psi([0.7, 0.3], [0.2, 0.8]), 1e-15);
});

test("a bin that is empty on one side makes the index great and not infinite", () => {
  near(psi([1, 0], [0.5, 0.5]), 0.5 * Math.log(2) + (0.5 - 1e-4) * Math.log(5000));
  assert.equal(psi([1, 0, 0], [1, 0, 0]), 0);
});

const bins = layNumberBins(Float64Array.from({ length: 1000 }, (_, i) => i));
const even = new Array<number>(10).fill(1000);
const steady = distributionOf(bins, new Array(20).fill([...even, 0]), []);

test("days of chance alone stay below the bound, but for one in a hundred of a hundred rows; and a shifted tenth does not", () => {
  const random = createRandom(8);
  for (const rows of [100, 300, 1000, 10_000]) {
    let above = 0;
    for (let day = 0; day < 300; day++) {
      const counts = new Array<number>(11).fill(0);
      for (let row = 0; row < rows; row++) counts[random.below(10)]!++;
      const judged = driftOf(steady, counts, 200_000)!;
      if (judged.psi > judged.bound) above++;
    }
    assert.ok(above <= (rows === 100 ? 6 : 0), `${above} of 300 days of ${rows} rows`);
  }
  const shifted = driftOf(steady, [0, ...even.slice(1), 1000], 200_000)!;
  assert.ok(shifted.psi > shifted.bound);
});

test("a day of few rows is not judged, and fewer rows have a higher bound", () => {
  assert.equal(driftOf(steady, [99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 200_000), null);
  const bound = (rows: number) => driftOf(steady, [...new Array<number>(10).fill(rows / 10), 0], 200_000)!.bound;
  assert.ok(bound(100) > bound(1000) && bound(1000) > bound(100_000) && bound(100_000) > 0.1);
});

test("what is another every day, as a weekday is, has a bound that no day passes; what is now and then great has one beyond its greatest", () => {
  const days = Array.from({ length: 14 }, (_, day) => {
    const counts = new Array<number>(11).fill(0);
    counts[day % 7] = 1000;
    return counts;
  });
  const weekday = distributionOf(bins, days, []);
  for (const day of days) {
    const { psi: index, bound } = driftOf(weekday, day, 14_000)!;
    assert.ok(index > 5 && index < bound);
  }
  const storms = Array.from({ length: 20 }, (_, day) =>
    even.map((count, bin) => (bin === 0 ? count * (1 + (day % 5) * 0.8) : count)),
  );
  const { daily } = distributionOf(
    bins,
    storms.map((day) => [...day, 0]),
    [],
  );
  assert.ok(daily.high > daily.mean + 3 * daily.sd);
});

test("two days tell nothing of how days differ: a large shift by custom is asked for", () => {
  assert.equal(bandOf([1, 2]), null);
  assert.equal(distributionOf(bins, [[...even, 0]], []).daily.high, 0.25);
  assert.deepEqual(bandOf([1, 1, 4]), { mean: 2, sd: Math.sqrt(3), low: 2 - 3 * Math.sqrt(3), high: 2 + 3 * Math.sqrt(3) });
});
