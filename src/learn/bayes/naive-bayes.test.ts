import assert from "node:assert/strict";
import { test } from "node:test";
import type { Estimator, Params, TrainingData } from "../estimator.ts";
import { estimatorNamed } from "../estimators.ts";
import { realData } from "../fixtures/real-data.ts";
import { pick } from "../fixtures/training-data.ts";
import type { Frame } from "../frame.ts";
import { checkEstimator, quiet } from "../suite.ts";
import { bernoulliNaiveBayes, categoricalNaiveBayes, multinomialNaiveBayes } from "./discrete.ts";
import { gaussianNaiveBayes } from "./gaussian.ts";

const suite = (estimator: Estimator, overconfident: boolean, binary: string, multiclass: string) =>
  checkEstimator(estimator, {
    ...{ params: {}, rowOrder: "close", cancellable: true, overconfident },
    golden: {
      revision: 1,
      digests: { "binary-classification": `sha256:${binary}`, "multiclass-classification": `sha256:${multiclass}` },
    },
  });

suite(
  gaussianNaiveBayes,
  false,
  "7f337cfa590ee8e54506a9b23f0d73650f91e3e801fb5287ecf6731fd7fccf5b",
  "a41d43e8767d62cadbb7b370952ece815f34236f59b0ec068be5309ac804a6c0",
);
suite(
  multinomialNaiveBayes,
  true,
  "cdfca1e56f6a6c21c6dc75afd2705e42606e6af5dd72222c4f406b4170cded26",
  "0ef952eb7337c8ba00be77bc15ee29d020de19415c42d4b53ca9e97a2b006cdf",
);
suite(
  bernoulliNaiveBayes,
  false,
  "bae77ff30356f85f4bbcb8bce765d0a4bd52bc9a55d9a3a93cf7b4f5bbf40512",
  "716e2a28d77185622684415cb13dde8a25a3f86b2d8fdfe8250822fc1a49c2bd",
);
suite(
  categoricalNaiveBayes,
  false,
  "021010f2f76d7d78a56d21cd4c484563a58d3015377fec2f22df2e6241728d91",
  "31ec39555aa43f6b37ef6ce25e3cb854421605abaa3fd270e2c23c66d1b8ace8",
);

const fit = (estimator: Estimator, data: TrainingData, params: Params = {}) => estimator.fit(data, params, quiet());

/** scikit-learn's unshuffled StratifiedKFold: each class's rows in order, cut into five. */
function stratifiedFolds({ y, classes }: TrainingData): number[] {
  const order = [...new Set(y)];
  const sorted = [...y].map((label) => order.indexOf(label)).sort((a, b) => a - b);
  const allocation = Array.from({ length: 5 }, (_, fold) => {
    const counts = classes.map(() => 0);
    for (let at = fold; at < sorted.length; at += 5) counts[sorted[at]!]!++;
    return counts;
  });
  const queues = classes.map((_, k) => allocation.flatMap((counts, fold) => Array<number>(counts[k]!).fill(fold)));
  const next = classes.map(() => 0);
  return [...y].map((label) => {
    const k = order.indexOf(label);
    return queues[k]![next[k]!++]!;
  });
}

async function crossValidated(estimator: Estimator, data: TrainingData): Promise<number> {
  const folds = stratifiedFolds(data);
  let sum = 0;
  for (let fold = 0; fold < 5; fold++) {
    const train = pick(
      data,
      [...data.y.keys()].filter((row) => folds[row] !== fold),
    );
    const test = pick(
      data,
      [...data.y.keys()].filter((row) => folds[row] === fold),
    );
    const model = await fit(estimator, train);
    const predictions = model.predict(test.X);
    const guess = (row: number) => {
      if (model.outputs === 1) return predictions[row]! >= 0.5 ? 1 : 0;
      const own = [...predictions.subarray(row * model.outputs, (row + 1) * model.outputs)];
      return own.indexOf(Math.max(...own));
    };
    sum += test.y.reduce((right, label, row) => right + (guess(row) === label ? 1 : 0), 0) / test.y.length;
  }
  return sum / 5;
}

test("scikit-learn's five-fold accuracies of Gaussian naive Bayes", async () => {
  const expected = { iris: ".9533", wine: ".9663", "breast-cancer": ".9385", digits: ".8069" };
  for (const [name, accuracy] of Object.entries(expected))
    assert.equal((await crossValidated(gaussianNaiveBayes, realData(name as "iris"))).toFixed(4), `0${accuracy}`, name);
});

const numbers = (columns: Readonly<Record<string, readonly number[]>>): Frame => ({
  rowCount: Object.values(columns)[0]!.length,
  columns: Object.fromEntries(
    Object.entries(columns).map(([name, values]) => [name, { kind: "number", values: Float64Array.from(values) }]),
  ),
});
const binary = (X: Frame, y: readonly number[]): TrainingData => ({
  ...{ X, y: Float64Array.from(y) },
  ...{ task: "binary-classification", classes: ["false", "true"] },
});

test("counts, events and texts give the probabilities of Bayes' rule worked out by hand", async () => {
  const X = numbers({ a: [2, 1, 0, 0], b: [1, 0, 3, 1] });
  const y = [0, 0, 1, 1];
  const near = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} ${expected}`);
  const words = await fit(multinomialNaiveBayes, binary(X, y));
  const [no, yes] = [(4 / 6) * (2 / 6) ** 2, (1 / 6) * (5 / 6) ** 2];
  near(words.rowScorer()({ a: 1, b: 2 })[0]!, yes / (yes + no));
  const events = await fit(bernoulliNaiveBayes, binary(X, y));
  const [without, having] = [(1 / 4) * (2 / 4), (3 / 4) * (3 / 4)];
  near(events.rowScorer()({ a: 0, b: 5 })[0]!, having / (without + having));
  const codes = Int32Array.of(0, 0, 1, 0);
  const places: Frame = { rowCount: 4, columns: { place: { kind: "text", codes, texts: ["north", "south"] } } };
  const texts = await fit(categoricalNaiveBayes, binary(places, y));
  near(texts.rowScorer()({ place: "north" })[0]!, 2 / 4 / (2 / 4 + 3 / 4));
  near(texts.rowScorer()({ place: "never seen" })[0]!, 0.5);
});

test("a missing value leaves the others to decide", async () => {
  const data = binary(numbers({ a: [1, 2, 8, 9, NaN], b: [5, 1, 4, 2, 3] }), [0, 0, 1, 1, 1]);
  const both = await fit(gaussianNaiveBayes, data);
  const alone = await fit(gaussianNaiveBayes, { ...data, X: { rowCount: 5, columns: { b: data.X.columns.b! } } });
  assert.ok(Math.abs(both.rowScorer()({ a: null, b: 3 })[0]! - alone.rowScorer()({ b: 3 })[0]!) < 1e-6);
});

test("a class without rows, a column of one value and one that a class never has stay finite", async () => {
  const data: TrainingData = {
    X: numbers({ one: [3, 3, 3, 3], some: [1, 2, NaN, NaN] }),
    y: Float64Array.of(0, 0, 1, 1),
    ...{ task: "multiclass-classification", classes: ["a", "b", "c"] },
  };
  for (const name of ["gaussian-naive-bayes", "bernoulli-naive-bayes"]) {
    const predictions = (await fit(estimatorNamed(name), data)).predict(numbers({ one: [3, 4, 1e308], some: [1, NaN, -1e308] }));
    assert.ok(predictions.every((p) => p >= 0 && p <= 1));
  }
});

test("equal shares to begin with, when the classes' own are not to count", async () => {
  const data = binary(numbers({ a: [1, 1, 1, 1] }), [0, 1, 1, 1]);
  for (const estimator of [gaussianNaiveBayes, bernoulliNaiveBayes]) {
    assert.equal((await fit(estimator, data)).rowScorer()({ a: null })[0]!.toFixed(12), "0.750000000000");
    assert.equal((await fit(estimator, data, { fitPrior: false })).rowScorer()({ a: null })[0]!, 0.5);
  }
});

test("numbers whose squares are beyond a double are refused by name", async () => {
  const data = binary(numbers({ a: [1, 2, 3], far: [1e308, -1e308, 0] }), [0, 1, 1]);
  await assert.rejects(fit(gaussianNaiveBayes, data), { code: "learn.bad-column", at: "far" });
});
