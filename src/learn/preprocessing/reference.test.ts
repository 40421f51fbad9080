/** The numbers that scikit-learn gives for the same rows (`bench/peers/preprocessing_sklearn.py`): equal to 1e-12, sums of squares to 1e-9. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { LearnTask, Params, TrainingData } from "../estimator.ts";
import type { Frame, NumberColumn, TextColumn } from "../frame.ts";
import { quiet } from "../suite.ts";
import type { Transformer } from "../transformer.ts";
import { bin } from "./bin.ts";
import { hash } from "./hash.ts";
import { hashWords } from "./hash-words.ts";
import { impute } from "./impute.ts";
import { oneHot } from "./one-hot.ts";
import { ordinal } from "./ordinal.ts";
import { polynomial } from "./polynomial.ts";
import { minMaxScale, robustScale, standardScale } from "./scale.ts";
import { fStatistic, mutualInformation } from "./scores.ts";
import { selectVariance } from "./select.ts";
import { targetEncode } from "./target-encode.ts";
import { countWords, tfIdf } from "./words.ts";

type Matrix = readonly (readonly (number | null)[])[];

interface Reference {
  readonly every: number;
  readonly data: Readonly<Record<"amount" | "hour" | "label" | "grade" | "target", (number | null)[]>> &
    Readonly<Record<"place" | "note", string[]>>;
  readonly impute: Readonly<Record<"mean" | "median" | "most_frequent", Matrix>>;
  readonly targetEncode: Readonly<Record<"binary" | "classes" | "regression", Matrix>>;
  readonly bin: Readonly<Record<"quantile" | "uniform", Matrix>>;
  readonly variances: number[];
  readonly fClasses: number[];
  readonly fRegression: number[];
  readonly information: number;
}

type Table =
  | "standardScale"
  | "minMaxScale"
  | "robustScale"
  | "oneHot"
  | "ordinal"
  | "polynomial"
  | "interactions"
  | "hash"
  | "countWords"
  | "tfIdf"
  | "hashWords";

const reference = JSON.parse(readFileSync(join(import.meta.dirname, "fixtures/scikit-learn.json"), "utf8")) as Reference &
  Readonly<Record<Table, Matrix>>;
const { data, every } = reference;

const rowCount = data.hour.length;
const numbers = (values: readonly (number | null)[]): NumberColumn => ({
  kind: "number",
  values: Float64Array.from(values, (value) => value ?? NaN),
});
const texts = (values: readonly string[]): TextColumn => {
  const distinct = [...new Set(values)];
  return { kind: "text", codes: Int32Array.from(values, (value) => distinct.indexOf(value)), texts: distinct };
};
const amount = numbers(data.amount);
const hour = numbers(data.hour);
const filled = numbers(data.amount.map((value) => value ?? 0));
const place = texts(data.place);
const note = texts(data.note);

async function gives(
  transformer: Transformer,
  columns: Frame["columns"],
  expected: Matrix,
  params: Params = {},
  task?: LearnTask,
) {
  const X = { rowCount, columns };
  const made = (await transformer.fit(rowsOf(X, task), params, quiet())).transform(X);
  const values = Object.values(made.columns).map((column) => (column as NumberColumn).values);
  expected.forEach((row, at) => {
    assert.equal(values.length, row.length, "columns");
    row.forEach((value, k) => {
      near(values[k]![at * every]!, value ?? NaN, `row ${at * every}, "${Object.keys(made.columns)[k]}"`);
    });
  });
}

function near(ours: number, theirs: number, where: string, tolerance = 1e-12): void {
  const isNear = Math.abs(ours - theirs) <= tolerance * Math.max(1, Math.abs(theirs));
  assert.ok(isNear || (Number.isNaN(ours) && Number.isNaN(theirs)), `${where}: ${ours}, scikit-learn ${theirs}`);
}

function rowsOf(X: Frame, task: LearnTask = "clustering"): TrainingData {
  const labels = { "binary-classification": data.label, "multiclass-classification": data.grade, regression: data.target };
  const names = { "binary-classification": ["false", "true"], "multiclass-classification": ["0", "1", "2"] };
  const y = Float64Array.from(labels[task as "regression"] ?? [], Number);
  return { X, y, task, classes: names[task as keyof typeof names] ?? [] };
}

test("missing values are filled as SimpleImputer fills them", async () => {
  for (const choice of ["mean", "median", "most-frequent"] as const) {
    const expected = reference.impute[choice.replace("-", "_") as "mean"].map(([value, hours, mark]) => [value!, mark!, hours!]);
    await gives(impute, { amount, hour }, expected, { numbers: choice, mark: true });
  }
});

test("numbers are scaled as StandardScaler, MinMaxScaler and RobustScaler scale them", async () => {
  await gives(standardScale, { amount, hour }, reference.standardScale);
  await gives(minMaxScale, { amount, hour }, reference.minMaxScale);
  await gives(robustScale, { amount, hour }, reference.robustScale);
});

test("texts are encoded as OneHotEncoder, OrdinalEncoder and FeatureHasher encode them", async () => {
  await gives(oneHot, { place }, reference.oneHot, { countMin: 20 });
  await gives(ordinal, { place }, reference.ordinal);
  await gives(hash, { place }, reference.hash, { columns: 8 });
});

test("texts become their labels' means as TargetEncoder's", async () => {
  const expected = reference.targetEncode;
  await gives(targetEncode, { place }, expected.binary, { smoothing: 10 }, "binary-classification");
  await gives(targetEncode, { place }, expected.classes, { smoothing: 10 }, "multiclass-classification");
  await gives(targetEncode, { place }, expected.regression, { smoothing: 0.5 }, "regression");
});

test("numbers are binned as KBinsDiscretizer bins them", async () => {
  await gives(bin, { filled, hour }, reference.bin.quantile, { bins: 6 });
  await gives(bin, { filled, hour }, reference.bin.uniform, { bins: 6, cut: "uniform", encode: "one-hot" });
});

test("products are those of PolynomialFeatures, in its order", async () => {
  await gives(polynomial, { filled, hour }, reference.polynomial, { degree: 3 });
  await gives(polynomial, { filled, hour }, reference.interactions, { interactionOnly: true });
});

test("columns have the variances, F statistics and mutual information of scikit-learn", async () => {
  const X = { rowCount, columns: { filled, hour } };
  const { columns } = (await selectVariance.fit(rowsOf(X), {}, quiet())).toJson() as unknown as { columns: { score: number }[] };
  columns.forEach(({ score }, at) => {
    near(score, reference.variances[at]!, "variance", 1e-9);
  });
  [filled, hour].forEach((column, at) => {
    near(fStatistic(column, rowsOf(X, "multiclass-classification")), reference.fClasses[at]!, "F of classes", 1e-9);
    near(fStatistic(column, rowsOf(X, "regression")), reference.fRegression[at]!, "F of numbers", 1e-9);
  });
  near(mutualInformation(place, rowsOf(X, "multiclass-classification")).information, reference.information, "information");
});

test("words are counted, weighed and hashed as CountVectorizer, TfidfVectorizer and HashingVectorizer do it", async () => {
  await gives(countWords, { note }, reference.countWords, { ngrams: 2, columnsMax: 5000 });
  await gives(tfIdf, { note }, reference.tfIdf);
  await gives(hashWords, { note }, reference.hashWords, { columns: 16 });
});
