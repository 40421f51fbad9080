import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../base/index.ts";
import { createPageTest, oddsOf } from "./watch-sequential.ts";

/** Trials until something was found; `trials` at most. */
function untilFound(expected: number, share: number, trials: number, seed: number, batch = 1): number {
  const random = createRandom(seed);
  const odds = oddsOf(expected);
  const page = createPageTest();
  for (let trial = 0; trial < trials; trial += batch) {
    const bad = Array.from({ length: batch }, () => random.next() < share).filter(Boolean).length;
    page.add(odds, batch, bad, trial);
    if (page.found) return trial + batch;
  }
  return Number.POSITIVE_INFINITY;
}

for (const expected of [1e-4, 0.003, 0.05, 0.3, 0.9])
  test(`a million trials of which ${expected} go badly, as expected, are no finding`, () => {
    for (const seed of [1, 2, 3])
      assert.equal(untilFound(expected, expected, 1_000_000, seed), Number.POSITIVE_INFINITY, `seed ${seed}`);
  });

const FOUND: readonly (readonly [expected: number, share: number, within: number])[] = [
  [1e-4, 1, 4],
  [1e-4, 0.5, 20],
  [1e-4, 0.1, 200],
  [0.003, 1, 5],
  [0.003, 0.5, 30],
  [0.05, 0.5, 60],
  [0.3, 0.6, 300],
];
for (const [expected, share, within] of FOUND)
  test(`where ${expected} is expected, ${share} is found within ${within} trials`, () => {
    for (let seed = 0; seed < 50; seed++) {
      const trials = untilFound(expected, share, 10_000, seed);
      assert.ok(trials <= within, `seed ${seed}: ${trials} trials`);
    }
  });

test("what was found is over after fifty sound trials at the least, and not while some still go badly", () => {
  const odds = oddsOf(0.001);
  const page = createPageTest();
  for (let trial = 0; trial < 4; trial++) page.add(odds, 1, 1, 7);
  assert.deepEqual({ ...page.found }, { since: 7, trials: 4, bad: 4 });
  for (let trial = 0; trial < 500; trial++) page.add(odds, 1, trial % 10 === 0 ? 1 : 0, 8);
  assert.equal(page.found?.bad, 54);
  for (let trial = 0; trial < 99; trial++) page.add(odds, 1, 0, 9);
  assert.equal(page.found, null);
  page.add(odds, 1, 1, 10);
  assert.equal(page.found, null);
});

test("trials that come together weigh as four: one request of a thousand bad rows is no more than one of four", () => {
  const odds = oddsOf(0.3);
  const page = createPageTest();
  page.add(odds, 1000, 1000, 1);
  assert.equal(page.found, null);
  for (let request = 0; request < 4; request++) page.add(odds, 1000, 1000, 1);
  assert.notEqual(page.found, null);
});
