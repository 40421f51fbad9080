/**
 * The numbers that scikit-learn 1.9.0 gives for the same rows. Logistic regression has one optimum: 1e-5. Boosting cuts its columns into other bins, so
 * only the loss is compared: 5 %.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Task } from "../contract/index.ts";
import type { Params, TrainingData } from "./estimator.ts";
import { estimatorNamed } from "./estimators.ts";

const context = () => ({ threads: 1, seed: 1, progress: () => {}, warn: () => {}, signal: new AbortController().signal });
const fit = (name: string, data: TrainingData, params: Params) => estimatorNamed(name).fit(data, params, context());

/** 600 rows by formula, so that both sides have the same bits. */
function waves(task: Task): TrainingData {
  const column = (value: (i: number) => number) => ({
    kind: "number" as const,
    values: Float64Array.from({ length: 600 }, (_, i) => value(i)),
  });
  const a = column((i) => Math.sin(i) * 3);
  const b = column((i) => Math.cos(i * 0.7) + i / 300);
  const c = column((i) => (i * i) % 7);
  const labels = a.values.map((value, i) => {
    const score = value + (b.values[i]! * c.values[i]!) / 3 - 1;
    const noisy = score + 2 * Math.sin(i * 1.3);
    if (task === "regression") return 10 * score + Math.sin(i * 1.3);
    return task === "binary-classification" ? Number(noisy > 0) : Number(score > 0) + Number(noisy > 1.5);
  });
  const classes = { "binary-classification": ["false", "true"], "multiclass-classification": ["p", "q", "r"], regression: [] }[
    task
  ];
  return { X: { rowCount: 600, columns: { a, b, c } }, y: labels, task, classes };
}

function near(actual: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  expected.forEach((value, at) => {
    assert.ok(Math.abs(actual[at]! - value) <= tolerance, `value ${at}: ${actual[at]}, scikit-learn ${value}`);
  });
}

test("logistic regression with l2 = 1 / C gives scikit-learn's probabilities", async () => {
  const data = waves("binary-classification");
  const expected = {
    1: [0.259406099337201, 0.8616456037514114, 0.9454272517951621, 0.2917679295533303, 0.017627201025528953],
    100: [0.40752627414154063, 0.679461543087931, 0.7469937165224675, 0.42657295239383075, 0.17924843698775075],
  };
  for (const [l2, probabilities] of Object.entries(expected)) {
    const model = await fit("logistic-regression", data, { l2: Number(l2), tolerance: 1e-9 });
    near(model.predict(data.X), probabilities, 1e-5);
  }
});

test("softmax regression gives scikit-learn's probabilities", async () => {
  const data = waves("multiclass-classification");
  const model = await fit("logistic-regression", data, { tolerance: 1e-9 });
  const expected = [
    0.9276131510765937, 0.06094181944218075, 0.01144502948122544, 0.004812097377850352, 0.44276625785672546, 0.5524216447654241,
  ];
  near(model.predict(data.X), expected, 1e-5);
});

test("boosting reaches scikit-learn's loss with the same parameters", async () => {
  const expected = {
    "binary-classification": 0.29726102794448017,
    "multiclass-classification": 0.2093841810182173,
    regression: 8.816536014052597,
  };
  for (const [task, loss] of Object.entries(expected)) {
    const data = waves(task as Task);
    const predictions = (await fit("gradient-boosting", data, { trees: 30, leaves: 8 })).predict(data.X);
    const outputs = predictions.length / 600;
    const losses = data.y.map((label, row) => {
      if (task === "regression") return (predictions[row]! - label) ** 2;
      return -Math.log(
        outputs > 1 ? predictions[row * outputs + label]! : label === 1 ? predictions[row]! : 1 - predictions[row]!,
      );
    });
    const mean = losses.reduce((a, b) => a + b) / 600;
    assert.ok(Math.abs(mean / loss - 1) < 0.05, `${task}: ${mean}, scikit-learn ${loss}`);
  }
});
