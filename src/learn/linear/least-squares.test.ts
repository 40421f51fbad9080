import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../base/index.ts";
import type { Estimator, Params, Predictor, TrainingData } from "../estimator.ts";
import { realData } from "../fixtures/real-data.ts";
import type { NumberColumn } from "../frame.ts";
import { checkEstimator, quiet } from "../suite.ts";
import { elasticNet, lasso } from "./elastic-net.ts";
import { linearRegression } from "./linear-regression.ts";
import { linearSvr } from "./linear-svr.ts";
import { ridge } from "./ridge.ts";

const suite = (estimator: Estimator, params: Params, digest: `sha256:${string}`) =>
  checkEstimator(estimator, {
    ...{ params, rowOrder: "close", cancellable: true },
    golden: { revision: 2, digests: { regression: digest } },
  });

suite(linearRegression, {}, "sha256:0de84b4d4ed37982321a797812a4073566fe1d48fe054b17a1334cb236595dde");
suite(ridge, {}, "sha256:8923be6b90a275208d7e92e84e2d2006908c90a32870971a85a956fa25b7847c");
suite(lasso, { alpha: 0.5 }, "sha256:dd56c70f04bf128df644c0e96c12cf3e7003247219f17bdd23f70f8a4c042254");
suite(elasticNet, { alpha: 0.1 }, "sha256:6a28ff4f13a010612ccfc38aaddbc73b836419de3420d2e4172c6823cc5ef940");

const fit = (estimator: Estimator, data: TrainingData, params: Params = {}) => estimator.fit(data, params, quiet());

function numbers(columns: Readonly<Record<string, readonly number[]>>, y: readonly number[]): TrainingData {
  const entries = Object.entries(columns).map(([name, values]) => [name, { kind: "number", values: Float64Array.from(values) }]);
  return {
    X: { rowCount: y.length, columns: Object.fromEntries(entries) },
    y: Float64Array.from(y),
    ...{ task: "regression", classes: [] },
  };
}

/** The weight of a number as it comes, or the bias. */
function weightOf(model: Predictor, name: string | null): number {
  const at = (value: number) => {
    const row = Object.fromEntries(model.inputs.map((input) => [input.name, input.name === name ? value : 0]));
    return model.rowScorer()(row)[0]!;
  };
  return name === null ? at(0) : (at(1e6) - at(-1e6)) / 2e6;
}

const values = (data: TrainingData, name: string) => (data.X.columns[name] as NumberColumn).values;

function near(actual: number, expected: number, digits: number): void {
  assert.ok(Math.abs(actual / expected - 1) < 10 ** -digits, `${actual} instead of ${expected}`);
}

test("nine digits of NIST's Longley are certified ones", async () => {
  const table = `60323 83.0 234289 2356 1590 107608 1947|61122 88.5 259426 2325 1456 108632 1948|60171 88.2 258054 3682 1616 109773 1949
|61187 89.5 284599 3351 1650 110929 1950|63221 96.2 328975 2099 3099 112075 1951|63639 98.1 346999 1932 3594 113270 1952
|64989 99.0 365385 1870 3547 115094 1953|63761 100.0 363112 3578 3350 116219 1954|66019 101.2 397469 2904 3048 117388 1955
|67857 104.6 419180 2822 2857 118734 1956|68169 108.4 442769 2936 2798 120445 1957|66513 110.8 444546 4681 2637 121950 1958
|68655 112.6 482704 3813 2552 123366 1959|69564 114.2 502601 3931 2514 125368 1960|69331 115.7 518173 4806 2572 127852 1961
|70551 116.9 554894 4007 2827 130081 1962`;
  const rows = table.split("|").map((line) => line.trim().split(" ").map(Number));
  const column = (at: number) => rows.map((row) => row[at]!);
  const columns = { x1: column(1), x2: column(2), x3: column(3), x4: column(4), x5: column(5), x6: column(6) };
  const model = await fit(linearRegression, numbers(columns, column(0)));
  const certified = {
    ...{ x1: 15.0618722713733, x2: -0.035819179292591, x3: -2.02022980381683 },
    ...{ x4: -1.03322686717359, x5: -0.0511041056535807, x6: 1829.15146461355 },
  };
  for (const [name, weight] of Object.entries(certified)) near(weightOf(model, name), weight, 9);
  near(weightOf(model, null), -3482258.63459582, 9);
});

test("nine digits of NIST's Norris are certified ones", async () => {
  const pairs = `0.1 0.2|338.8 337.4|118.1 118.2|888.0 884.6|9.2 10.1|228.1 226.5|668.5 666.3|998.5 996.3|449.1 448.6|778.9 777.0
|559.2 558.2|0.3 0.4|0.1 0.6|778.1 775.5|668.8 666.9|339.3 338.0|448.9 447.5|10.8 11.6|557.7 556.0|228.3 228.1|998.0 995.8
|888.8 887.6|119.6 120.2|0.3 0.3|0.6 0.3|557.6 556.8|339.3 339.1|888.0 887.2|998.5 999.0|778.9 779.0|10.2 11.1|117.6 118.3
|228.9 229.2|668.4 669.1|449.2 448.9|0.2 0.5`;
  const rows = pairs.split("|").map((pair) => pair.trim().split(" ").map(Number));
  const column = (at: number) => rows.map((row) => row[at]!);
  const model = await fit(linearRegression, numbers({ x: column(1) }, column(0)));
  near(weightOf(model, "x"), 1.00211681802045, 9);
  near(weightOf(model, null), -0.262323073774029, 9);
});

test("a polynomial of degree 8, whose columns nearly make each other up, keeps six digits", async () => {
  const x = Array.from({ length: 60 }, (_, at) => 3 + at / 60);
  const columns = Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`p${at + 1}`, x.map((value) => value ** (at + 1))]));
  const y = x.map((value) => 1 + Array.from({ length: 8 }, (_, at) => value ** (at + 1)).reduce((a, b) => a + b));
  const data = numbers(columns, y);
  const predictions = (await fit(linearRegression, data)).predict(data.X);
  y.forEach((value, row) => {
    near(predictions[row]!, value, 9);
  });
});

test("of columns that are copies each takes its part, and more columns than rows are fitted by the shortest weights", async () => {
  const a = [1, 2, 3, 4, 5, 7];
  const y = a.map((value) => 6 * value + 1);
  const copied = await fit(linearRegression, numbers({ a, b: a, c: a }, y));
  for (const name of ["a", "b", "c"]) near(weightOf(copied, name), 2, 9);
  const wide = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`c${at}`, a.map((v) => Math.sin(v * (at + 1)))]));
  const data = numbers(wide, y);
  const predictions = (await fit(linearRegression, data)).predict(data.X);
  y.forEach((value, row) => {
    near(predictions[row]!, value, 9);
  });
});

test("without a penalty an unseen text is an average one", async () => {
  const codes = Int32Array.from({ length: 400 }, (_, row) => row % 4);
  const data: TrainingData = {
    X: { rowCount: 400, columns: { place: { kind: "text", codes, texts: ["a", "b", "c", "d"] } } },
    y: Float64Array.from(codes, (code) => code * 10),
    ...{ task: "regression", classes: [] },
  };
  const score = (await fit(linearRegression, data)).rowScorer();
  assert.deepEqual(
    ["a", "b", "c", "d", "never seen"].map((place) => Math.round(score({ place })[0]! * 1e9) / 1e9),
    [0, 10, 20, 30, 15],
  );
});

/** Every column centred, its squares adding up to 1, as scikit-learn hands them out. */
function unitColumns(data: TrainingData): TrainingData {
  const entries = Object.entries(data.X.columns).map(([name, column]): [string, NumberColumn] => {
    const { values } = column as NumberColumn;
    const mean = values.reduce((a, b) => a + b) / values.length;
    const length = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0));
    return [name, { kind: "number", values: values.map((value) => (value - mean) / length) }];
  });
  return { ...data, X: { rowCount: data.X.rowCount, columns: Object.fromEntries(entries) } };
}

const diabetes = unitColumns(realData("diabetes"));

/** R2 on the training rows. */
function explainedBy(model: Predictor): number {
  const predictions = model.predict(diabetes.X);
  const mean = diabetes.y.reduce((a, b) => a + b) / diabetes.y.length;
  const squares = (from: (row: number) => number) => diabetes.y.reduce((sum, y, row) => sum + (y - from(row)) ** 2, 0);
  return 1 - squares((row) => predictions[row]!) / squares(() => mean);
}

test("scikit-learn's numbers for the diabetes data", async () => {
  const plain = await fit(linearRegression, diabetes);
  assert.equal(explainedBy(plain).toFixed(7), "0.5177484");
  const bias = weightOf(plain, null);
  assert.equal(bias.toFixed(6), "152.133484");
  const held = await fit(ridge, diabetes, { l2: 1, standardise: false });
  assert.equal(explainedBy(held).toFixed(7), "0.4512306");
  const few = await fit(lasso, diabetes, { alpha: 1, standardise: false, tolerance: 1e-12 });
  const weights = diabetes.X.columns;
  const found = Object.keys(weights).map((name) => weightOf(few, name));
  assert.deepEqual(
    found.filter((weight) => Math.abs(weight) > 1e-9).map((weight) => weight.toFixed(4)),
    ["367.7016", "6.3097", "307.6021"],
  );
});

test("an elastic net with one kind of penalty is ridge or lasso, and its optimum cannot be bettered", async () => {
  const squares = await fit(elasticNet, diabetes, { alpha: 0.3, l1Ratio: 0 });
  const same = await fit(ridge, diabetes, { l2: 0.3 * diabetes.X.rowCount });
  const sizes = await fit(elasticNet, diabetes, { alpha: 0.3, l1Ratio: 1 });
  const picked = await fit(lasso, diabetes, { alpha: 0.3 });
  for (const [one, other] of [
    [squares, same],
    [sizes, picked],
  ] as const)
    assert.deepEqual(one.predict(diabetes.X), other.predict(diabetes.X));
});

/** So many columns that a crew adds up their products. */
function wide(rowCount: number, columnCount: number): TrainingData {
  const random = createRandom(4);
  const columns = Object.fromEntries(
    Array.from({ length: columnCount }, (_, at) => [`c${at}`, Array.from({ length: rowCount }, () => at + random.normal())]),
  );
  return numbers(
    columns,
    Array.from({ length: rowCount }, (_, row) => columns.c0![row]! - 2 * columns.c1![row]! + random.normal()),
  );
}

test("columns too many for the calling thread: 1, 2 and 4 threads give the same model, near to that of the two that matter", async () => {
  const data = wide(8500, 300);
  const models = await Promise.all([1, 2, 4].map((threads) => linearRegression.fit(data, {}, { ...quiet(), threads })));
  for (const model of models) assert.deepEqual(model.toJson(), models[0]!.toJson());
  const few = numbers({ c0: [...values(data, "c0")], c1: [...values(data, "c1")] }, [...data.y]);
  const near = (await fit(linearRegression, few)).predict(few.X);
  const away = models[0]!.predict(data.X).reduce((sum, value, row) => sum + (value - near[row]!) ** 2, 0) / 8500;
  assert.ok(away < 0.06, `${away}`); // 298 columns of noise add 298 / 8500 of the noise's variance
});

test("columns too many for the calling thread can be cancelled, and infinite values in them are named", async () => {
  const abort = new AbortController();
  const data = wide(8500, 300);
  const context = { ...quiet(), threads: 2, progress: () => abort.abort(), signal: abort.signal };
  await assert.rejects(linearRegression.fit(data, {}, context), { code: "learn.cancelled" });
  values(data, "c7")[8000] = Infinity;
  await assert.rejects(fit(linearRegression, data), { code: "learn.bad-column", at: "c7" });
});

test("far from 0, in order, far apart in size and with one value missing, columns give what they give near 0", async () => {
  const random = createRandom(12);
  const time = Float64Array.from({ length: 3000 }, (_, row) => row);
  const noise = time.map(() => random.normal());
  const y = time.map((value, row) => value / 100 + 3 * noise[row]! + 0.1 * random.normal());
  const of = (columns: Readonly<Record<string, Float64Array>>) =>
    fit(linearRegression, numbers(Object.fromEntries(Object.entries(columns).map(([name, v]) => [name, [...v]])), [...y]));
  const plain = await of({ time, noise });
  const far = { time: time.map((value) => value + 1.7e12), noise: noise.map((value) => value * 1e-120) };
  const model = await of(far);
  near(weightOf(model, "noise") * 1e-120, weightOf(plain, "noise"), 6);
  const tiny = await of({ time, noise: noise.map((value) => value * 1e-145) });
  near(tiny.importance().noise!, plain.importance().noise!, 9);
  noise[2999] = Number.NaN;
  const holed = await of({ time, noise });
  near(weightOf(holed, "noise"), weightOf(plain, "noise"), 2);
});

test("numbers whose squares no double holds are refused by name", async () => {
  const x = Array.from({ length: 50 }, (_, row) => row);
  const huge = x.map((value) => value * 1e200);
  await assert.rejects(fit(linearRegression, numbers({ x, huge }, x)), { code: "learn.bad-column", at: "huge" });
});

test("a search that ends too soon tells which knob to turn", async () => {
  const warnings: { reason: string; fix: string }[] = [];
  const context = { ...quiet(), warn: (warning: (typeof warnings)[number]) => warnings.push(warning) };
  await lasso.fit(diabetes, { alpha: 0.01, iterationsMax: 1, tolerance: 1e-12 }, context);
  assert.deepEqual(
    warnings.map(({ reason }) => reason),
    ["not-converged"],
  );
  assert.match(warnings[0]!.fix, /iterationsMax/);
});

test("weights beyond what is solved in memory are refused with the way out", async () => {
  const codes = Int32Array.from({ length: 6100 }, (_, row) => row);
  const texts = Array.from(codes, (code) => `t${code}`);
  const data: TrainingData = {
    X: { rowCount: 6100, columns: { id: { kind: "text", codes, texts } } },
    y: Float64Array.from(codes),
    ...{ task: "regression", classes: [] },
  };
  await assert.rejects(fit(ridge, data, { countMin: 1 }), { code: "learn.too-large", message: /6101 weights/ });
  await fit(ridge, data);
});

test("a column far from 0 and one of tiny numbers do not spoil the others", async () => {
  const x = Array.from({ length: 200 }, (_, at) => Math.sin(at));
  const far = x.map((_, at) => 1e9 + at);
  const tiny = x.map((_, at) => Math.cos(at * 3) * 1e-100);
  const y = x.map((value, at) => 3 * value + 0.5 * at + 2e100 * tiny[at]!);
  const model = await fit(linearRegression, numbers({ x, far, tiny }, y));
  near(weightOf(model, "x"), 3, 6);
  const predictions = model.predict(numbers({ x, far, tiny }, y).X);
  y.forEach((value, row) => {
    assert.ok(Math.abs(predictions[row]! - value) < 1e-6);
  });
});

test("labels whose squares are beyond a double are refused", async () => {
  const data = numbers({ x: [1, 2, 3, 5] }, [1e308, -1e308, 1e308, 1e308]);
  for (const estimator of [linearRegression, linearSvr]) await assert.rejects(fit(estimator, data), { code: "learn.bad-label" });
});
