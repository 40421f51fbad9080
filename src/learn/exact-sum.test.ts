import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { exactMean, exactSum } from "./exact-sum.ts";

/** Down to the smallest numbers that keep all their digits. */
const terms = fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((value) => (Math.abs(value) < 1e-200 ? 0 : value));

test("a sum does not depend on the order of its terms, and is right", () => {
  fc.assert(
    fc.property(fc.array(terms, { maxLength: 300 }), (values) => {
      const sorted = values.toSorted((a, b) => a - b);
      const sum = exactSum(values.length, (index) => values[index]!);
      assert.equal(
        sum,
        exactSum(sorted.length, (index) => sorted[index]!),
      );
      const plain = values.reduce((a, b) => a + b, 0);
      assert.ok(Math.abs(sum - plain) <= 1e-12 * values.reduce((a, b) => a + Math.abs(b), 0));
    }),
    { seed: 5 },
  );
});

test("a weighted mean counts each value as often as its weight says", () => {
  assert.equal(exactMean(Float64Array.of(1, 2, 10), Float64Array.of(2, 1, 1)), 3.5);
  assert.equal(exactMean(Float64Array.of(1e300, 1e300), undefined), 1e300);
});
