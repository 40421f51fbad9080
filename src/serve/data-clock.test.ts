import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../base/index.ts";
import { createDataClock, createWallClock, ROWS_TO_MOVE } from "./data-clock.ts";

const DAY = 86_400e6;

test("fewer than ten rows from the future do not move the clock, ten do", () => {
  const clock = createDataClock(100 * DAY);
  for (let row = 1; row < ROWS_TO_MOVE; row++) clock.saw(40_000 * DAY);
  assert.equal(clock.time(), 100 * DAY);
  clock.saw(39_000 * DAY);
  assert.equal(clock.time(), 39_000 * DAY);
});

test("the clock is the tenth newest time in whatever order rows come, and never goes back", () => {
  const random = createRandom(3);
  const [clock, seen] = [createDataClock(null), [] as number[]];
  let before = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < 500; row++) {
    seen.push(random.below(1000));
    clock.saw(seen.at(-1)!);
    const expected = seen.toSorted((a, b) => b - a)[ROWS_TO_MOVE - 1] ?? null;
    assert.equal(clock.time(), expected);
    assert.ok(expected === null || expected >= before);
    before = expected ?? before;
  }
});

test("the clock goes on from the data set's time; older rows leave it where it is", () => {
  const clock = createDataClock(50, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assert.equal(clock.time(), 50);
});

test("without times of their own rows are as of the wall clock, but for its jumps back", () => {
  let ms = 1000;
  const clock = createWallClock(() => ms);
  assert.equal(clock.time(), 1_000_000);
  ms = 500;
  assert.equal(clock.time(), 1_000_000);
  ms = 2000;
  assert.equal(clock.time(), 2_000_000);
});
