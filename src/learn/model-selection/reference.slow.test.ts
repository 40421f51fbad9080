/** Five-fold accuracies that scikit-learn reaches on real data, with the same folds: stratified, not shuffled. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Params } from "../estimator.ts";
import { estimatorNamed } from "../estimators.ts";
import { realData } from "../fixtures/real-data.ts";
import { silhouette } from "../metrics/cluster-shape.ts";
import { measureNamed } from "../metrics/measures.ts";
import { quiet } from "../suite.ts";
import { crossValidate } from "./cross-validate.ts";
import { stratifiedKFold } from "./splitters.ts";

const SETS = ["iris", "wine", "breast-cancer", "digits"] as const;

const ACCURACIES: readonly (readonly [name: string, params: Params, accuracies: readonly number[]])[] = [
  ["gaussian-naive-bayes", {}, [0.9533, 0.9663, 0.9385, 0.8069]],
  ["nearest-neighbours", { standardise: false }, [0.9733, 0.6913, 0.9279, 0.9627]],
  ["logistic-regression", {}, [0.96, 0.9832, 0.9807, 0.9199]],
];

for (const [name, params, accuracies] of ACCURACIES)
  test(`${name} is as right as scikit-learn's on each of four real data sets`, async () => {
    for (const [index, set] of SETS.entries()) {
      const data = realData(set);
      const options = { splitter: stratifiedKFold(), measures: [measureNamed(data.task, "accuracy")] };
      const { summary } = await crossValidate(estimatorNamed(name), params, data, options, quiet());
      const { mean } = summary.accuracy!;
      assert.ok(Math.abs(mean - accuracies[index]!) < 5e-5, `${set}: ${mean}, scikit-learn ${accuracies[index]}`);
    }
  });

test("the clusters of iris have scikit-learn's silhouette and agreement with the species", async () => {
  const { X, y } = realData("iris");
  const data = { X, y: new Float64Array(), task: "clustering", classes: [] } as const;
  const model = await estimatorNamed("k-means").fit(data, { clusters: 3, starts: 20, tolerance: 0, standardise: false }, quiet());
  const labels = model.predict(X);
  const columns = Object.values(X.columns) as { values: Float64Array }[];
  const values = Float64Array.from({ length: X.rowCount * 4 }, (_, at) => columns[at % 4]!.values[at >> 2]!);
  const shape = silhouette({ values, width: 4 }, labels).value!;
  const agreement = measureNamed("clustering", "adjustedRand").of({ predictions: labels, y, classes: [] }).value!;
  assert.ok(Math.abs(shape - 0.552819) < 5e-7 && Math.abs(agreement - 0.7302383) < 5e-8, `${shape} ${agreement}`);
});
