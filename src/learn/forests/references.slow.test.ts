/** Accuracy over five stratified folds beside scikit-learn's, within what chance moves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../base/index.ts";
import type { Estimator } from "../estimator.ts";
import { realData } from "../fixtures/real-data.ts";
import { pick } from "../fixtures/training-data.ts";
import { quiet } from "../suite.ts";
import { decisionTree, extraTrees, randomForest } from "./forests.ts";

const FOLDS = 5;

const references: [Estimator, "breast-cancer" | "digits" | "wine", number, tolerance: number][] = [
  [decisionTree, "breast-cancer", 0.9174, 0.025],
  [decisionTree, "digits", 0.7858, 0.03],
  [randomForest, "breast-cancer", 0.9631, 0.015],
  [randomForest, "digits", 0.9377, 0.015],
  [randomForest, "wine", 0.9721, 0.02],
  [extraTrees, "breast-cancer", 0.9631, 0.02],
];

for (const [estimator, name, expected, tolerance] of references)
  test(`${estimator.name} is as right about ${name} as scikit-learn's`, async () => {
    const data = realData(name);
    const order = new Map<number, number>();
    const sizes = new Map<number, number>();
    for (const label of data.y) sizes.set(label, (sizes.get(label) ?? 0) + 1);
    const folds = Array.from(data.y, (label) => {
      const seen = order.get(label) ?? 0;
      order.set(label, seen + 1);
      return Math.floor((FOLDS * seen) / sizes.get(label)!);
    });
    let right = 0;
    for (let fold = 0; fold < FOLDS; fold++) {
      const rows = [...folds.keys()];
      const model = await estimator.fit(
        pick(
          data,
          rows.filter((row) => folds[row] !== fold),
        ),
        {},
        { ...quiet(), threads: 2, seed: fold },
      );
      const test = pick(
        data,
        rows.filter((row) => folds[row] === fold),
      );
      const predictions = model.predict(test.X);
      test.y.forEach((label, row) => {
        const scores = [...predictions.subarray(row * model.outputs, (row + 1) * model.outputs)];
        const guess = model.outputs === 1 ? Number(scores[0]! >= 0.5) : scores.indexOf(Math.max(...scores));
        if (guess === label) right++;
      });
    }
    const accuracy = right / data.y.length;
    assert.ok(Math.abs(accuracy - expected) <= tolerance, `${accuracy}, scikit-learn ${expected}`);
  });

test("forests of regression come near scikit-learn's on Friedman's first problem", async () => {
  const { X, y } = friedman(2000);
  const half = (from: number) =>
    pick(
      { X, y, task: "regression", classes: [] },
      Array.from({ length: 1000 }, (_, row) => from + row),
    );
  const [train, rest] = [half(0), half(1000)];
  const model = await randomForest.fit(train, { trees: 200 }, { ...quiet(), threads: 2 });
  const predictions = model.predict(rest.X);
  const rmse = Math.sqrt(rest.y.reduce((sum, label, row) => sum + (label - predictions[row]!) ** 2, 0) / rest.y.length);
  assert.ok(rmse > 1.75 && rmse < 2.15, `${rmse}, scikit-learn 1.955 on another draw`);
});

function friedman(rowCount: number) {
  const random = createRandom(3);
  const columns = Array.from({ length: 10 }, () => Float64Array.from({ length: rowCount }, () => random.next()));
  const y = Float64Array.from({ length: rowCount }, (_, row) => {
    const [a, b, c, d, e] = columns.map((column) => column[row]!) as [number, number, number, number, number];
    return 10 * Math.sin(Math.PI * a * b) + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e + random.normal();
  });
  const entries = columns.map((values, at) => [`x${at}`, { kind: "number" as const, values }] as const);
  return { X: { rowCount, columns: Object.fromEntries(entries) }, y };
}
