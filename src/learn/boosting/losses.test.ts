import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../base/index.ts";
import type { Params, TrainingData } from "../estimator.ts";
import { quiet } from "../suite.ts";
import { gradientBoosting } from "./gradient-boosting.ts";
import { plainQuantileOf, quantileOf } from "./quantiles.ts";

/** Columns of 200 values each, a bin to a value here and there, so that trees can be compared one by one; labels with heavy tails. */
function heavyTails(): TrainingData {
  const rowCount = 4000;
  const random = createRandom(12);
  const [a, b, c] = [0, 1, 2].map(() => Float64Array.from({ length: rowCount }, () => random.below(200)));
  const y = Float64Array.from(
    a!,
    (value, row) => Math.abs(value - 90) / 10 + (b![row]! * c![row]!) / 2000 + random.normal() * (random.next() < 0.05 ? 20 : 1),
  );
  const number = (values: Float64Array) => ({ kind: "number", values }) as const;
  return {
    X: { rowCount, columns: { a: number(a!), b: number(b!), c: number(c!) } },
    ...{ y, task: "regression", classes: [] },
  };
}

async function pinballLoss(data: TrainingData, quantile: number, params: Params): Promise<number> {
  const predictions = (await gradientBoosting.fit(data, { leaves: 8, ...params }, quiet())).predict(data.X);
  const terms = predictions.map((p, row) => (data.y[row]! > p ? quantile : quantile - 1) * (data.y[row]! - p));
  return terms.reduce((a, b) => a + b) / terms.length;
}

test("absolute loss grows scikit-learn 1.9's trees: start, gains, leaves' medians and shrinkage, over a hundred of them", async () => {
  const data = heavyTails();
  for (const [trees, theirs] of [
    [1, 2.33883107837088],
    [10, 1.5926304618715448],
    [100, 0.8211330317997563],
  ] as const) {
    const ours = await pinballLoss(data, 0.5, { loss: "absolute", trees });
    assert.ok(Math.abs(ours / theirs - 1) < 1e-12, `${trees} trees: ${ours}`);
  }
});

test("quantile loss is within 0.5 % of scikit-learn 1.9's, which interpolates between the two labels beside a quantile", async () => {
  const data = heavyTails();
  for (const [trees, theirs] of [
    [1, 1.8773038653200027],
    [10, 1.3456480963997202],
    [100, 0.7074851968952891],
  ] as const) {
    const ours = await pinballLoss(data, 0.8, { loss: "quantile", quantile: 0.8, trees });
    assert.ok(Math.abs(ours / theirs - 1) < 5e-3, `${trees} trees: ${ours}`);
  }
});

test("the quantile of values that weigh the same is the weighted one, to the bit", () => {
  const random = createRandom(3);
  for (let count = 1; count < 60; count++)
    for (const quantile of [0.01, 0.25, 0.5, 0.8, 0.99]) {
      const values = Float64Array.from({ length: count }, () => (random.below(20) - 9) / 7);
      const pairs = Array.from(values, (value) => [value, 1] as const);
      assert.equal(plainQuantileOf(values, quantile), quantileOf(pairs, quantile), `${count} values, ${quantile}`);
    }
});
