import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../base/index.ts";
import { createDataClock, createWallClock, ROWS_TO_MOVE } from "./data-clock.ts";

const DAY = 86_400e6;

test("fewer than ten rows from the future do not move the clock, ten do", () => {
  const clock = createDataClock(100 * DAY);
  for (let row = 1; row < ROWS_TO_MOVE; row++) clock.saw(15_000 * DAY);
  assert.equal(clock.time(), 100 * DAY);
  clock.saw(14_000 * DAY);
  assert.equal(clock.time(), 14_000 * DAY);
});

test("rows more than a year ahead of the wall clock move it never, unless the data began there", () => {
  const now = () => 20_000 * 86_400_000;
  const clock = createDataClock(100 * DAY, [], now);
  for (let row = 0; row < 1000; row++) clock.saw(40_000 * DAY);
  assert.equal(clock.time(), 100 * DAY);
  for (let row = 0; row < ROWS_TO_MOVE; row++) clock.saw(20_300 * DAY);
  assert.equal(clock.time(), 20_300 * DAY);
  const planned = createDataClock(40_000 * DAY, [], now);
  for (let row = 0; row < ROWS_TO_MOVE; row++) planned.saw(40_001 * DAY);
  assert.equal(planned.time(), 40_001 * DAY);
});

test("rows from the future that come now and then never move the clock, however many they are", () => {
  const clock = createDataClock(0);
  for (let row = 1; row <= 20_000; row++) clock.saw(row % 12 === 0 ? 15_000 * DAY : row);
  assert.ok(clock.time()! > 19_980 && clock.time()! <= 20_000, String(clock.time()));
});

test("the clock is the tenth newest time of the last hundred rows in whatever order they come, and never goes back", () => {
  const random = createRandom(3);
  const [clock, seen] = [createDataClock(null), [] as number[]];
  let newest: number | null = null;
  for (let row = 0; row < 2000; row++) {
    seen.push(random.below(1000) + row / 10);
    clock.saw(seen.at(-1)!);
    const tenth = seen.slice(-100).toSorted((a, b) => b - a)[ROWS_TO_MOVE - 1] ?? null;
    if (tenth !== null) newest = Math.max(tenth, newest ?? tenth);
    assert.equal(clock.time(), newest);
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
