import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../base/index.ts";
import { countArm } from "./arms.ts";

test("an arm counts requests, rows and errors, and tells the 99th percentile within 9 %", () => {
  const [arm, random] = [countArm(), createRandom(5)];
  assert.deepEqual(arm.read(3), { version: 3, requests: 0, rows: 0, errors: 0, p99Micros: null });
  const micros = Array.from({ length: 5000 }, () => 20 + random.below(3000));
  for (const one of micros) arm.answered(2, one);
  arm.failed(7);
  const { p99Micros, ...counts } = arm.read(3);
  assert.deepEqual(counts, { version: 3, requests: 5001, rows: 10_007, errors: 1 });
  const exact = micros.toSorted((a, b) => a - b)[Math.ceil(micros.length * 0.99) - 1]!;
  assert.ok(p99Micros! >= exact && p99Micros! <= exact * 1.0906, `${p99Micros} for ${exact}`);
});

test("times outside of the scale are counted at its ends", () => {
  const arm = countArm();
  for (const micros of [0, 0.2, 1e15]) arm.answered(1, micros);
  assert.ok(arm.read(1).p99Micros! > 1e8);
});
