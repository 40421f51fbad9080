import assert from "node:assert/strict";
import { test } from "node:test";
import { realData } from "../fixtures/real-data.ts";
import type { Frame } from "../frame.ts";
import { rankScores } from "../metrics/ranked-scores.ts";
import { auc } from "../metrics/ranking.ts";
import { checkEstimator, quiet } from "../suite.ts";
import { isolationForest } from "./isolation-forest.ts";

checkEstimator(isolationForest, {
  params: { trees: 20, sampleRows: 64 },
  rowOrder: "free",
  cancellable: true,
  golden: {
    revision: 1,
    digests: { "outlier-detection": "sha256:ff0c844c4afbd65a97bc791d02c42719788ca7e3caed5cd0d29ba328110a57aa" },
  },
});

test("malignant tumours lie apart as much as scikit-learn finds: AUC about 0.80", async () => {
  const { X, y } = realData("breast-cancer");
  const malignant = y.map((benign) => 1 - benign);
  const aucs = [];
  for (const seed of [1, 2, 3]) {
    const data = { X, y: new Float64Array(), task: "outlier-detection", classes: [] } as const;
    const model = await isolationForest.fit(data, {}, { ...quiet(), seed });
    aucs.push(auc(rankScores(model.predict(X), malignant))!.value ?? 0);
  }
  assert.ok(
    aucs.every((each) => each > 0.76 && each < 0.86),
    aucs.join(" "),
  );
});

test("a row far from all others scores highest, and rows that are all alike score the same", async () => {
  const values = Float64Array.from({ length: 300 }, (_, row) => (row === 17 ? 50 : Math.sin(row)));
  const fit = (column: Float64Array) =>
    isolationForest.fit(
      { X: frameOf(column), y: new Float64Array(), task: "outlier-detection", classes: [] },
      { trees: 50 },
      quiet(),
    );
  const scores = (await fit(values)).predict(frameOf(values));
  assert.equal(scores.indexOf(Math.max(...scores)), 17);
  assert.ok(scores[17]! > 0.7 && scores[18]! < 0.6, `${scores[17]} ${scores[18]}`);
  const alike = new Float64Array(5).fill(3);
  assert.equal(new Set((await fit(alike)).predict(frameOf(alike))).size, 1);
  const one = Float64Array.of(1);
  assert.ok(Number.isFinite((await fit(one)).predict(frameOf(one))[0]));
});

const frameOf = (values: Float64Array): Frame => ({ rowCount: values.length, columns: { x: { kind: "number", values } } });
