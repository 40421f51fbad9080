import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom } from "../../base/index.ts";
import { expectNext, median, type Sample } from "./expectation.ts";

const value = fc.double({ min: 1, max: 1e7, noNaN: true });
const size = fc.integer({ min: 1, max: 1e9 });
const sample: fc.Arbitrary<Sample> = fc.record({ value, size: fc.option(size) });
const near = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));

test("nothing measured is nothing expected, and one attempt is expected again without being sure", () => {
  assert.equal(expectNext([], 10), null);
  const once = expectNext([{ value: 70, size: null }], null)!;
  assert.deepEqual([once.value, once.low, once.high, once.sure, once.attempts], [70, 70, 70, 0, 1]);
});

test("without sizes the median is expected, between order statistics that are as sure as is said", () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 40 }), (values) => {
      const found = expectNext(
        values.map((one) => ({ value: one, size: null })),
        5,
      )!;
      assert.ok(near(found.value, median(values)));
      assert.ok(found.low <= found.value && found.value <= found.high);
      const inside = values.filter((one) => one >= found.low * (1 - 1e-9) && one <= found.high * (1 + 1e-9)).length;
      const outside = values.length - inside;
      assert.ok(outside <= (1 - found.sure) * (values.length + 1));
      if (values.length >= 9) assert.ok(found.sure >= 0.8 - 1e-9);
    }),
  );
});

test("the interval holds the next value about as often as it says, whatever the values are distributed like", () => {
  const random = createRandom(3);
  for (const draw of [() => random.next(), () => -Math.log(1 - random.next()), () => 1 / (1 - random.next())])
    for (const n of [2, 5, 9, 20]) {
      const [times, hits] = [4000, { count: 0, sure: 0 }];
      for (let i = 0; i < times; i++) {
        const next = 1 + draw();
        const { low, high, sure } = expectNext(
          Array.from({ length: n }, () => ({ value: 1 + draw(), size: null })),
          null,
        )!;
        hits.sure = sure;
        if (next >= low && next <= high) hits.count++;
      }
      assert.ok(Math.abs(hits.count / times - hits.sure) < 0.04, `${n}: ${hits.count / times} for ${hits.sure}`);
    }
});

test("what grows with the input is expected along its line, with an offset, in spite of an attempt that went astray", () => {
  const sizes = [1, 2, 3, 5, 8, 13, 21, 34];
  const samples = sizes.map((bytes) => ({ value: 100 + 7 * bytes, size: bytes }));
  assert.ok(near(expectNext(samples, 50)!.value, 450));
  const astray = [...samples, { value: 9000, size: 4 }];
  assert.ok(Math.abs(expectNext(astray, 20)!.value - 240) < 5);
});

test("sizes that explain nothing leave the median, and sizes far from all that was seen leave it unsure", () => {
  const values = [50, 61, 48, 55, 70, 44, 58];
  const flat = values.map((one, i) => ({ value: one, size: [3, 1, 4, 1, 5, 9, 2][i]! }));
  const found = expectNext(flat, 6)!;
  assert.equal(found.value, 55);
  assert.ok(found.sure > 0);
  assert.equal(expectNext(flat, 60)!.sure, 0);
});

test("whatever was measured, what is expected is above 0, finite and inside its interval, and samples come in any order", () => {
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 15 }), fc.option(size), (samples, asked) => {
      const found = expectNext(samples, asked)!;
      for (const one of [found.value, found.low, found.high, ...found.drawn]) assert.ok(one > 0 && Number.isFinite(one));
      assert.ok(found.low <= found.value && found.value <= found.high);
      assert.ok(found.sure >= 0 && found.sure <= 1);
      const turned = expectNext(samples.toReversed(), asked)!;
      assert.ok(near(turned.value, found.value) && near(turned.low, found.low) && near(turned.high, found.high));
    }),
  );
});

test("more input is never expected to take less", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ value, size }), { minLength: 1, maxLength: 12 }), size, size, (samples, a, b) => {
      const [less, more] = [Math.min(a, b), Math.max(a, b)];
      assert.ok(expectNext(samples, less)!.value <= expectNext(samples, more)!.value * (1 + 1e-9));
    }),
  );
});
