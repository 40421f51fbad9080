import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../base/index.ts";
import { bcaLevels, bootstrap } from "./bootstrap.ts";
import { type Measure, measureNamed, type Scored } from "./measures.ts";
import { normalCdf, normalQuantile } from "./normal.ts";

const mae = measureNamed("regression", "mae");

function errors(rows: number, seed: number): Scored {
  const random = createRandom(seed);
  const predictions = Float64Array.from({ length: rows }, () => random.normal() ** 3);
  return { predictions, y: new Float64Array(rows), classes: [] };
}

test("the normal distribution and its quantiles are scipy's", () => {
  const chances = [
    [-9, 1.1285884059538324e-19],
    [-5, 2.866515718791933e-7],
    [-1.5, 0.06680720126885807],
    [0, 0.5],
    [0.3, 0.6179114221889526],
    [6.5, 0.99999999995984],
  ] as const;
  for (const [z, chance] of chances)
    assert.ok(Math.abs(normalCdf(z) - chance) < 1e-14 && Math.abs(normalCdf(z) / chance - 1) < 1e-7, `${z}: ${normalCdf(z)}`);
  const quantiles = [
    [1e-300, -37.0470962993612],
    [1e-20, -9.262340089798409],
    [0.025, -1.9599639845400545],
    [0.3, -0.5244005127080409],
    [0.5, 0],
    [0.975, 1.959963984540054],
  ] as const;
  for (const [p, z] of quantiles) assert.ok(Math.abs(normalQuantile(p) - z) <= 1e-14 * Math.abs(z), `${p}: ${normalQuantile(p)}`);
});

test("percentiles move for bias and skewness as scipy's do", () => {
  const draws = Float64Array.from({ length: 40 }, (_, at) => Math.sin(at + 1) ** 2).sort();
  const left = Array.from({ length: 12 }, (_, at) => Math.cos(at) ** 3);
  const [low, high] = bcaLevels(0.6, draws, left, 0.95);
  assert.ok(Math.abs(low - 0.069837474486726) < 1e-12 && Math.abs(high - 0.9924083343847038) < 1e-12, `${low} ${high}`);
});

test("one seed gives one interval, another seed nearly the same, and more rows a narrower one", () => {
  const width = (rows: Scored, seed: number) => {
    const [low, high] = bootstrap(mae, rows, { seed })!.interval;
    return high - low;
  };
  const rows = errors(300, 1);
  assert.deepEqual(bootstrap(mae, rows), bootstrap(mae, rows));
  assert.ok(Math.abs(width(rows, 1) / width(rows, 2) - 1) < 0.2);
  assert.ok(width(errors(3000, 1), 1) < 0.6 * width(rows, 1));
});

test("rows that hang together are drawn together, which makes the interval wider", () => {
  const random = createRandom(4);
  const shared = Array.from({ length: 40 }, () => random.normal());
  const predictions = Float64Array.from({ length: 400 }, (_, row) => shared[Math.floor(row / 10)]! + random.normal() / 10);
  const rows = { predictions, y: new Float64Array(400), classes: [] };
  const groups = Int32Array.from(predictions, (_, row) => Math.floor(row / 10));
  const single = bootstrap(mae, rows)!;
  const together = bootstrap(mae, rows, { groups })!;
  assert.equal(together.value, single.value);
  assert.ok(together.error > 2.5 * single.error, `${together.error} ${single.error}`);
});

test("a list that is drawn twice is two lists", () => {
  const seen: number[] = [];
  const lists: Measure = {
    ...mae,
    of: ({ y, groups }) => {
      seen.push(new Set(groups).size);
      return { value: y.reduce((sum, value) => sum + value, 0) };
    },
  };
  const rows = {
    predictions: new Float64Array(6),
    y: Float64Array.of(1, 2, 3, 4, 5, 6),
    groups: Int32Array.of(9, 9, 9, 5, 5, 5),
  };
  bootstrap(lists, { ...rows, classes: [] }, { resamples: 20, method: "percentile" });
  assert.deepEqual(new Set(seen), new Set([2]));
});

test("what the rows do not define, or one group alone, has no interval", () => {
  const area = measureNamed("binary-classification", "auc");
  const rows = { predictions: Float64Array.of(0.1, 0.9, 0.3), y: Float64Array.of(1, 1, 1), classes: ["false", "true"] };
  assert.equal(bootstrap(area, rows), null);
  assert.equal(bootstrap(mae, rows, { groups: Int32Array.of(1, 1, 1) }), null);
  assert.equal(bootstrap(mae, { ...rows, predictions: rows.predictions.slice(0, 1), y: rows.y.slice(0, 1) }), null);
});
