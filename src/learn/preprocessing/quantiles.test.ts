import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mostFrequent, orderedValues, presentValues, quantileOf } from "./quantiles.ts";

const anyValue = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constant(NaN));
const anyRows = fc
  .array(fc.tuple(anyValue, fc.integer({ min: 0, max: 4 })), { minLength: 1, maxLength: 60 })
  .filter((rows) => rows.some(([value, weight]) => !Number.isNaN(value) && weight > 0));

const columnsOf = (rows: readonly (readonly [number, number])[]) =>
  [Float64Array.from(rows, ([value]) => value), Float64Array.from(rows, ([, weight]) => weight)] as const;
const repeated = (rows: readonly (readonly [number, number])[]) =>
  rows.flatMap(([value, weight]) => Array<number>(weight).fill(value)).filter((value) => !Number.isNaN(value));

test("a quantile is that of the rows repeated by their weights, between its neighbours", () => {
  fc.assert(
    fc.property(anyRows, fc.double({ min: 0, max: 1, noNaN: true }), (rows, share) => {
      const [values, weights] = columnsOf(rows);
      const sorted = repeated(rows).sort((a, b) => a - b);
      const at = (sorted.length - 1) * share;
      const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
      const expected = low + (high - low) * (at - Math.floor(at));
      const quantile = quantileOf(orderedValues(values, weights), share);
      assert.ok(Math.abs(quantile - expected) <= 1e-9 * Math.max(1, Math.abs(expected)), `${quantile} instead of ${expected}`);
    }),
  );
});

test("the most frequent value has the most weight, the least of several", () => {
  fc.assert(
    fc.property(anyRows, (rows) => {
      const all = repeated(rows).map((value) => value + 0);
      const countOf = (value: number) => all.filter((other) => other === value).length;
      const most = Math.max(...all.map(countOf));
      const expected = Math.min(...all.filter((value) => countOf(value) === most));
      assert.equal(mostFrequent(orderedValues(...columnsOf(rows))), expected);
    }),
  );
});

test("where the rows that have a value weigh nothing, each counts once", () => {
  const [values, weights] = [Float64Array.of(3, NaN, 1), Float64Array.of(0, 2, 0)];
  assert.deepEqual([...orderedValues(values, weights).upTo], [1, 2]);
  assert.deepEqual(presentValues(values, weights), { values: Float64Array.of(3, 1), weights: undefined });
});
