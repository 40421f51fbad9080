import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom } from "../../base/index.ts";
import {
  type Dimension,
  type Point,
  type SamplerName,
  type Space,
  SOBOL_DIMENSIONS_MAX as STATED_MAX,
} from "../../define/index.ts";
import { createParzen } from "./parzen.ts";
import { type Observed, suggest } from "./sampler.ts";
import { SOBOL_DIMENSIONS_MAX, sobolUnits } from "./sobol.ts";
import { textOf, unitOf, valueAt } from "./space.ts";

const uniform = (from: number, to: number): Dimension => ({ kind: "number", from, to, scale: "linear" });
const SPACE: Space = {
  rate: { kind: "number", from: 1e-4, to: 1, scale: "log" },
  leaves: { kind: "integer", from: 2, to: 9, scale: "linear" },
  trees: { kind: "integer", from: 1, to: 1000, scale: "log" },
  loss: { kind: "choice", values: ["squared", "absolute"] },
  slack: { ...uniform(0, 2), when: { name: "loss", is: ["absolute"] } },
};
const SAMPLER_NAMES: readonly SamplerName[] = ["random", "sobol", "tpe"];

/** Trials one after the other; `f` is what they lose. */
function searched(
  sampler: SamplerName,
  space: Space,
  count: number,
  seed: number,
  f: (point: Point) => number | null,
): Observed[] {
  const history: Observed[] = [];
  for (let index = 0; index < count; index++) {
    const point = suggest(sampler, { space, history, index, seed });
    if (point === null) break;
    history.push({ point, loss: f(point), share: 1 });
  }
  return history;
}

test("every value of a dimension has its place in the interval and is found there again", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1 - 2 ** -40, noNaN: true }), (unit) => {
      for (const dimension of Object.values(SPACE)) {
        const value = valueAt(dimension, unit);
        const again = valueAt(dimension, Math.min(unitOf(dimension, value), 1 - 2 ** -53));
        if (dimension.kind === "number")
          assert.ok(Math.abs((again as number) - (value as number)) <= 1e-9 * Math.abs(value as number) + 1e-12);
        else assert.equal(again, value);
      }
    }),
  );
});

for (const sampler of SAMPLER_NAMES)
  test(`${sampler} stays in the space, keeps conditions, tries nothing twice and gives the same for the same seed`, () => {
    const f = ({ rate }: Point) => Math.abs(Math.log(rate as number) + 3);
    const found = searched(sampler, SPACE, 40, 5, f);
    assert.equal(new Set(found.map(({ point }) => textOf(point))).size, 40);
    for (const { point } of found) {
      assert.ok((point.rate as number) >= 1e-4 && (point.rate as number) <= 1);
      assert.ok(Number.isInteger(point.leaves) && (point.leaves as number) >= 2 && (point.leaves as number) <= 9);
      assert.ok(Number.isInteger(point.trees) && (point.trees as number) >= 1 && (point.trees as number) <= 1000);
      assert.equal("slack" in point, point.loss === "absolute");
    }
    assert.deepEqual(searched(sampler, SPACE, 40, 5, f), found);
    assert.notDeepEqual(searched(sampler, SPACE, 40, 6, f), found);
  });

for (const sampler of [...SAMPLER_NAMES, "grid"] as const)
  test(`${sampler} tries each point of a small space once, then has no more; failed trials do not stop it`, () => {
    const small: Space = {
      a: { kind: "choice", values: [1, 2, 3] },
      b: { kind: "integer", from: 1, to: 2, scale: "linear", when: { name: "a", is: [2, 3] } },
      only: { kind: "choice", values: ["one"] },
    };
    const found = searched(sampler, small, 100, 1, ({ a }) => (a === 2 ? null : 1));
    assert.equal(found.length, 5);
    assert.equal(new Set(found.map(({ point }) => textOf(point))).size, 5);
  });

test("a grid cuts ranges into five values, on their scale, both ends included", () => {
  const found = searched("grid", { rate: { kind: "number", from: 0.01, to: 100, scale: "log" } }, 9, 1, () => 0);
  assert.deepEqual(
    found.map(({ point }) => Number((point.rate as number).toPrecision(12))),
    [0.01, 0.1, 1, 10, 100],
  );
});

test("Sobol's points are SciPy's, in all dimensions that there are", () => {
  const { points } = JSON.parse(readFileSync(new URL("./fixtures/sobol.json", import.meta.url), "utf8"));
  for (const [index, expected] of Object.entries(points))
    assert.deepEqual(
      sobolUnits(Number(index), SOBOL_DIMENSIONS_MAX, null).map((unit) => unit * 64),
      expected,
    );
  assert.equal(SOBOL_DIMENSIONS_MAX, STATED_MAX);
});

test("each stretch of 2^k Sobol points, shifted by whatever seed, has one in each of 2^k cells of every dimension", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 6 }), fc.nat({ max: 20 }), (seed, k, stretch) => {
      const points = Array.from({ length: 2 ** k }, (_, at) => sobolUnits(stretch * 2 ** k + at, 12, seed));
      for (let dimension = 0; dimension < 12; dimension++)
        assert.equal(new Set(points.map((point) => Math.floor(point[dimension]! * 2 ** k))).size, 2 ** k);
    }),
    { numRuns: 30 },
  );
});

test("Sobol's points fill a square more evenly than random ones (star discrepancy, counted on a lattice)", () => {
  const discrepancy = (points: readonly (readonly number[])[]) => {
    let largest = 0;
    for (let x = 1; x <= 16; x++)
      for (let y = 1; y <= 16; y++) {
        const inside = points.filter(([a, b]) => a! < x / 16 && b! < y / 16).length;
        largest = Math.max(largest, Math.abs(inside / points.length - (x * y) / 256));
      }
    return largest;
  };
  for (let seed = 0; seed < 10; seed++) {
    const random = createRandom(seed);
    const even = Array.from({ length: 128 }, (_, index) => sobolUnits(index, 2, seed));
    const drawn = Array.from({ length: 128 }, () => [random.next(), random.next()]);
    assert.ok(discrepancy(even) < discrepancy(drawn));
  }
});

test("the density of trials sums to 1 over the cube, also with choices, and is drawn from as it says", () => {
  const observed = [
    [0.1, 0.25],
    [0.15, 0.75],
    [0.9, 0.25],
  ];
  const parzen = createParzen(observed, [null, 2]);
  let [total, belowHalf] = [0, 0];
  for (const choice of [0.25, 0.75])
    for (let cell = 0; cell < 400; cell++) {
      const unit = (cell + 0.5) / 400;
      const density = Math.exp(parzen.logDensity([unit, choice])) / 400;
      total += density;
      if (unit < 0.5) belowHalf += density;
    }
  assert.ok(Math.abs(total - 1) < 1e-3, `${total}`);
  const random = createRandom(3);
  const drawn = Array.from({ length: 4000 }, () => parzen.draw(random)[0]!);
  assert.ok(Math.abs(drawn.filter((unit) => unit < 0.5).length / 4000 - belowHalf) < 0.03);
});

test("tpe comes closer to the best of a bowl than random draws, at the median of seeds", () => {
  const space: Space = { x: uniform(0, 1), y: uniform(0, 1), z: uniform(0, 1) };
  const f = ({ x, y, z }: Point) => ((x as number) - 0.3) ** 2 + ((y as number) - 0.7) ** 2 + ((z as number) - 0.5) ** 2;
  const median = (sampler: SamplerName) =>
    Array.from({ length: 11 }, (_, seed) => Math.min(...searched(sampler, space, 60, seed, f).map(({ loss }) => loss!)))
      .sort((a, b) => a - b)
      .at(5)!;
  assert.ok(median("tpe") < median("random") / 2);
});
