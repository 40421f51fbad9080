import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../base/index.ts";
import { createArena } from "../kernels/arena.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import type { LinearKernel } from "../kernels/linear.ts";

const arena = createArena();
const kernel = instantiateKernel<LinearKernel>("linear", arena.memory);
const random = createRandom(11);
const normals = (length: number) => arena.float64(length).map(() => random.normal());
const put = (values: Float64Array) => {
  const view = arena.float64(values.length);
  view.set(values);
  return view;
};
const near = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)), `${actual} instead of ${expected}`);

for (const [rows, columns] of [
  [4, 4],
  [8, 12],
  [256, 52],
] as const)
  test(`products of ${rows} rows of ${columns} columns are those of plain loops`, () => {
    const x = put(normals(rows * columns));
    const factors = put(normals(rows));
    const weighted = put(x.map((value, at) => value * factors[Math.floor(at / columns)]!));
    const gram = arena.float64(columns * columns);
    kernel.addGram(weighted.byteOffset, x.byteOffset, rows, columns, gram.byteOffset);
    for (let i = 0; i < columns; i++)
      for (let k = i; k < columns; k++) {
        let sum = 0;
        for (let row = 0; row < rows; row++) sum += factors[row]! * x[row * columns + i]! * x[row * columns + k]!;
        near(gram[i * columns + k]!, sum);
      }
    const weights = put(normals(columns));
    const scores = put(factors);
    kernel.addScores(x.byteOffset, rows, columns, weights.byteOffset, scores.byteOffset);
    const gradient = put(weights);
    kernel.addMultiples(x.byteOffset, columns, rows, columns, factors.byteOffset, gradient.byteOffset);
    for (let row = 0; row < rows; row++) {
      let sum = factors[row]!;
      for (let column = 0; column < columns; column++) sum += x[row * columns + column]! * weights[column]!;
      near(scores[row]!, sum);
    }
    for (let column = 0; column < columns; column++) {
      let sum = weights[column]!;
      for (let row = 0; row < rows; row++) sum += x[row * columns + column]! * factors[row]!;
      near(gradient[column]!, sum);
    }
  });

test("scores and slopes of columns that lie apart are those of plain loops", () => {
  const [rows, pitch, columns] = [24, 32, 8];
  const x = put(normals(pitch * columns));
  const weights = put(normals(columns));
  const given = put(normals(rows));
  const scores = put(given);
  kernel.addMultiples(x.byteOffset, pitch, columns, rows, weights.byteOffset, scores.byteOffset);
  const gradient = put(weights);
  kernel.addColumnSlopes(x.byteOffset, pitch, columns, rows, given.byteOffset, gradient.byteOffset);
  for (let row = 0; row < rows; row++)
    near(
      scores[row]!,
      weights.reduce((sum, weight, column) => sum + weight * x[column * pitch + row]!, given[row]!),
    );
  for (let column = 0; column < columns; column++)
    near(
      gradient[column]!,
      given.reduce((sum, residual, row) => sum + residual * x[column * pitch + row]!, weights[column]!),
    );
});

test("exponentials are the host's to 2 units of the last place, and 0 far below", () => {
  const given = Float64Array.from({ length: 4000 }, (_, at) => (at - 2000) / 2.83);
  const values = put(given);
  kernel.exponentials(values.byteOffset, values.length);
  given.forEach((x, at) => {
    if (x < -708) assert.equal(values[at], 0);
    else if (x <= 709) assert.ok(Math.abs(values[at]! / Math.exp(x) - 1) <= 5e-16, `e^${x}: ${values[at]}`);
  });
  const few = put(Float64Array.of(0, -0, -1e308, -746));
  kernel.exponentials(few.byteOffset, 4);
  assert.deepEqual([...few], [1, 1, 0, 0]);
});

test("the log loss and its residuals are those of plain formulas, far out too", () => {
  const given = [...Array.from({ length: 508 }, () => random.normal() * 5), 800, -800, 1e300, -30];
  const scores = put(Float64Array.from(given));
  const y = put(Float64Array.from(given, (_, at) => (at < 508 ? at % 2 : 1)));
  const sums = arena.float64(2);
  const lossOf = (from: number, rows: number) => {
    kernel.logLoss(scores.byteOffset + from * 8, y.byteOffset + from * 8, rows, sums.byteOffset);
    return sums[0]! + Math.log(sums[1]!);
  };
  const loss = lossOf(0, 508);
  let expected = 0;
  for (let at = 0; at < 508; at++) {
    const score = given[at]!;
    expected += Math.log1p(Math.exp(-Math.abs(score))) + Math.max(score, 0) - y[at]! * score;
    near(scores[at]!, 1 / (1 + Math.exp(-score)) - y[at]!, 1e-14);
  }
  near(loss, expected);
  near(lossOf(508, 4), 830 + Math.log1p(Math.exp(-30)));
  assert.deepEqual([...scores.subarray(508, 511)], [0, -1, 0]);
});
