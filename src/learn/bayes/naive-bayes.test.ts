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
      revision: 2,
      digests: { "binary-classification": `sha256:${binary}`, "multiclass-classification": `sha256:${multiclass}` },
    },
  });

suite(
  gaussianNaiveBayes,
  false,
  "71f6e7a360bf23339aa1b72510ec60b3c39e060a8ad86d4e8893cea7b1685a1c",
  "33096ccb27d1f52b580da0a78932a45d7745eca7d618bc5464e9a06285980582",
);
suite(
  multinomialNaiveBayes,
  true,
  "4f0e7ca00f84938aafc450a7352a5ef59c8ca150892c9737986e8a4c7a75a24c",
  "51a0ab6842a764c608cba8746de2a3525725f3da650ecb8ec1a977600faf0701",
);
suite(
  bernoulliNaiveBayes,
  false,
  "31cf5890cda03ee0d040db7c036e194f498aa3b7a0448c05ccbe91dc73a241b6",
  "68972b31210b5c547299864dc65bb2cc3787bd7fff9224b85e0c50e08c84605c",
);
suite(
  categoricalNaiveBayes,
  false,
  "f8ec8a64d4802a4a84c7d32bfc94982a81f8a77bc2da036eb795cb8e597f3561",
  "5984d203b418c0b129a74f2109a140f8c87789268eaf5a89df62a6d675d8a054",
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
