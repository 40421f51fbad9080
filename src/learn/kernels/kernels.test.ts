import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compileKernel, kernelNames, wasmFileOf } from "../../../scripts/kernels.ts";
import { createRandom } from "../../base/index.ts";
import { createArena } from "./arena.ts";
import type { Dense } from "./dense.ts";
import { instantiateKernel } from "./kernel.ts";

for (const name of kernelNames())
  test(`the kernel ${name} was compiled from its source as it stands`, async () => {
    assert.ok(
      readFileSync(wasmFileOf(name)).equals(await compileKernel(name)),
      "Run `npm run kernels`, and commit what it writes.",
    );
  });

test("all kernels together stay below 300 KB", () => {
  const bytes = kernelNames().reduce((sum, name) => sum + readFileSync(wasmFileOf(name)).length, 0);
  assert.ok(bytes < 300_000, `${bytes} bytes`);
});

test("products and sums of vectors are those of plain loops, at every length", () => {
  const arena = createArena();
  const dense = instantiateKernel<Dense>("dense", arena.memory);
  const random = createRandom(5);
  for (const length of [0, 1, 2, 3, 4, 5, 7, 8, 31, 1000]) {
    const [x, y] = [arena.float64(length), arena.float64(length)];
    for (let at = 0; at < length; at++) [x[at], y[at]] = [random.normal(), random.normal()];
    const plain = x.reduce((sum, value, at) => sum + value * y[at]!, 0);
    assert.ok(Math.abs(dense.dot(x.byteOffset, y.byteOffset, length) - plain) <= 1e-13 * Math.max(1, length));
    const expected = y.map((value, at) => value + 0.3 * x[at]!);
    dense.axpy(0.3, x.byteOffset, y.byteOffset, length);
    assert.deepEqual(y, expected);
  }
});

test("arrays of an arena lie apart, and stay what they are when it grows", () => {
  const arena = createArena();
  const first = arena.int32(3).fill(7);
  const second = arena.float64(300_000).fill(1);
  const third = arena.uint8(5).fill(9);
  assert.deepEqual([...first], [7, 7, 7]);
  assert.equal(
    second.reduce((a, b) => a + b),
    300_000,
  );
  assert.ok(first.byteOffset > 0 && third.byteOffset >= second.byteOffset + second.byteLength && third.byteOffset % 64 === 0);
});

test("more than WebAssembly can address is refused with the limit and the way out", () => {
  assert.throws(() => createArena().float64(600_000_000), { code: "learn.too-large", message: /4\.5 GiB.*4 GiB is the limit/ });
});
