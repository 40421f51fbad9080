import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom, digestOfJson, type Json } from "../../base/index.ts";
import type { FitContext, Params, TrainingData } from "../estimator.ts";
import { shuffled, trainingData } from "../fixtures/training-data.ts";
import type { NumberColumn, TextColumn } from "../frame.ts";
import { quiet } from "../suite.ts";
import { gradientBoosting } from "./gradient-boosting.ts";

const fit = (data: TrainingData, params: Params, context: Partial<FitContext> = {}) =>
  gradientBoosting.fit(data, { trees: 20, leaves: 15, ...params }, { ...quiet(), ...context });

const digestOf = async (...given: Parameters<typeof fit>) => digestOfJson((await fit(...given)).toJson());

function treesOf(json: unknown): number {
  return Buffer.from((json as { roots: string }).roots, "base64").length / 4;
}

const mean = (values: Float64Array) => values.reduce((a, b) => a + b) / values.length;

test("samples of rows and columns, and rows held out, are the same at 1, 2 and 4 threads and for any order of the rows", async () => {
  for (const task of ["binary-classification", "ranking"] as const) {
    const data = trainingData(task, 17_000);
    const params = { rowShare: 0.5, columnShare: 0.7, validationShare: 0.2, trees: 8 };
    const one = await digestOf(data, params);
    for (const threads of [2, 4]) assert.equal(await digestOf(data, params, { threads }), one, `${threads} threads`);
    assert.equal(await digestOf(shuffled(data), params), one);
    assert.notEqual(await digestOf(data, params, { seed: 2 }), one);
  }
});

test("rows that hold the same are sampled one by one", async () => {
  const rowCount = 4000;
  const values = Float64Array.from({ length: rowCount }, (_, row) => row % 2);
  const y = Float64Array.from(values, (value) => 3 * value);
  const X = { rowCount, columns: { a: { kind: "number", values } as const } };
  const model = await fit({ X, y, task: "regression", classes: [] }, { rowShare: 0.3, validationShare: 0.3, trees: 100 });
  const [low, high] = model.predict({ rowCount: 2, columns: { a: { kind: "number", values: Float64Array.of(0, 1) } } });
  assert.ok(Math.abs(low!) < 0.01 && Math.abs(high! - 3) < 0.01, `${low} ${high}`);
});

test("with rows held out the forest ends at its best round, and progress tells their loss", async () => {
  const data = trainingData("binary-classification", 3000);
  const notes: string[] = [];
  const progress = (_: number, __: number, note?: string) => notes.push(note ?? "");
  const params = { trees: 400, learningRate: 0.3, validationShare: 0.25, patience: 5 };
  const model = await fit(data, params, { progress });
  const losses = notes.map((note) => Number(/held out ([\d.]+)/.exec(note)?.[1]));
  const best = losses.indexOf(Math.min(...losses)) + 1;
  assert.equal(treesOf(model.toJson()), best);
  assert.ok(best < 100 && losses.length === best + 5, `${best} of ${losses.length}`);
  assert.match(notes.at(-1)!, new RegExp(`best after ${best} rounds`));
  const told: string[] = [];
  await fit(data, { validationShare: 1e-9, trees: 2 }, { warn: ({ reason }) => told.push(reason) });
  assert.deepEqual(told, ["no-validation"]);
});

test("balanced classes weigh as if each row had its class's weight", async () => {
  const data = trainingData("multiclass-classification", 2000);
  const counts = [0, 1, 2].map((index) => data.y.filter((label) => label === index).length);
  const weights = data.y.map((label) => 2000 / 3 / counts[label]!);
  const balanced = (await fit(data, { balanced: true })).predict(data.X);
  const weighted = (await fit({ ...data, weights }, {})).predict(data.X);
  for (let at = 0; at < balanced.length; at++) assert.ok(Math.abs(balanced[at]! - weighted[at]!) < 1e-3);
  await assert.rejects(fit(trainingData("regression", 200), { balanced: true }), {
    code: "learn.bad-parameter",
    at: "gradient-boosting.balanced",
  });
});

test("a monotone column never turns the prediction back, whatever the other columns say", async () => {
  const seeds = fc.record({ seed: fc.nat(), direction: fc.constantFrom(1, -1), l2: fc.constantFrom(0, 3) });
  await fc.assert(
    fc.asyncProperty(seeds, async ({ seed, direction, l2 }) => {
      const random = createRandom(seed);
      const rowCount = 600;
      const column = () => Float64Array.from({ length: rowCount }, () => (random.next() < 0.1 ? Number.NaN : random.normal()));
      const [a, b] = [column(), column()];
      const y = Float64Array.from(
        a,
        (value, row) => Math.sin(3 * (value || 0)) + (b[row]! || 0) + (value || 0) * random.normal(),
      );
      const X = { rowCount, columns: { a: { kind: "number", values: a }, b: { kind: "number", values: b } } } as const;
      for (const [task, loss] of [
        ["regression", "squared"],
        ["regression", "absolute"],
        ["binary-classification", "squared"],
      ] as const) {
        const labels = task === "regression" ? y : y.map((label) => (label > 0 ? 1 : 0));
        const classes = task === "regression" ? [] : ["false", "true"];
        const params = { monotone: { a: direction }, loss, l2, minRowsPerLeaf: 3, trees: 10 };
        const model = await fit({ X, y: labels, task, classes }, params);
        for (const fixed of [-1, 0.3, Number.NaN]) {
          const steps = Float64Array.from({ length: 81 }, (_, at) => at / 10 - 4);
          const rows = { a: { kind: "number", values: steps }, b: { kind: "number", values: steps.map(() => fixed) } } as const;
          const predictions = model.predict({ rowCount: 81, columns: rows });
          for (let at = 1; at < 81; at++)
            assert.ok((predictions[at]! - predictions[at - 1]!) * direction >= -1e-12, `${task} ${loss} at ${steps[at]}`);
        }
      }
    }),
    { seed: 3, numRuns: 8 },
  );
});

test("a monotone column must be a number column that is there", async () => {
  const data = trainingData("regression", 200);
  for (const [name, message] of [
    ["amout", /no column "amout".*/],
    ["place", /holds texts/],
  ] as const)
    await assert.rejects(fit(data, { monotone: { [name]: 1 } }), { code: "learn.bad-parameter", message });
  const classes = trainingData("multiclass-classification", 200);
  await assert.rejects(fit(classes, { monotone: { hour: 1 } }), { code: "learn.bad-parameter" });
});

test("each loss finds what it is of: means of counts and amounts, medians and quantiles", async () => {
  const data = trainingData("regression", 6000);
  const random = createRandom(2);
  const skewed = data.y.map((label) => label + 1000 * random.next() ** 4);
  const below = async (params: Params) => {
    const predictions = (await fit({ ...data, y: skewed }, params)).predict(data.X);
    return skewed.filter((label, row) => label <= predictions[row]!).length / 6000;
  };
  assert.ok(Math.abs((await below({ loss: "absolute" })) - 0.5) < 0.03);
  assert.ok(Math.abs((await below({ loss: "quantile", quantile: 0.9 })) - 0.9) < 0.03);
  assert.ok(Math.abs((await below({ loss: "quantile", quantile: 0.1 })) - 0.1) < 0.03);
  const hour = (data.X.columns.hour as NumberColumn).values;
  const counts = hour.map((value) => Math.floor(-Math.log(random.next()) * (1 + value)));
  const rate = (y: Float64Array, wanted: number) => mean(y.filter((_, row) => hour[row] === wanted));
  for (const loss of ["poisson", "tweedie", "gamma"]) {
    const y = loss === "gamma" ? counts.map((count) => count + 0.5) : counts;
    const model = await fit({ ...data, y }, { loss, trees: 60 });
    const predictions = model.predict(data.X);
    assert.ok(predictions.every((value) => value > 0));
    for (const wanted of [3, 20])
      assert.ok(Math.abs(rate(predictions, wanted) / rate(y, wanted) - 1) < 0.05, `${loss} ${wanted}`);
  }
});

test("labels that a loss is not of are refused with the reason, and so is a loss of another task", async () => {
  const data = trainingData("regression", 200);
  const labels = (label: number) => ({ ...data, y: data.y.map((value, row) => (row === 3 ? label : Math.abs(value) + 1)) });
  await assert.rejects(fit(labels(-1), { loss: "poisson" }), {
    code: "learn.bad-label",
    message: /row 3 is -1.*"poisson".*at least 0/,
  });
  await assert.rejects(fit(labels(-1), { loss: "tweedie" }), { code: "learn.bad-label" });
  await assert.rejects(fit(labels(0), { loss: "gamma" }), { code: "learn.bad-label", message: /above 0/ });
  await assert.rejects(fit({ ...data, y: new Float64Array(200) }, { loss: "poisson" }), { code: "learn.bad-label" });
  await assert.rejects(fit(trainingData("binary-classification", 200), { loss: "poisson" }), { code: "learn.bad-parameter" });
});

test("ranking brings lists into order, and scores of lists do not depend on how they are numbered", async () => {
  const data = trainingData("ranking", 4000);
  const model = await fit(data, { trees: 40 });
  const scores = model.predict(data.X);
  let [right, wrong] = [0, 0];
  for (let first = 0; first < 4000; first += 10)
    for (let a = first; a < first + 10; a++)
      for (let b = first; b < first + 10; b++) if (data.y[a]! > data.y[b]!) scores[a]! > scores[b]! ? right++ : wrong++;
  assert.ok(right / (right + wrong) > 0.75, `${right} right, ${wrong} wrong`);
  const renumbered = { ...data, groups: data.groups!.map((group) => 1000 - group) };
  assert.equal(await digestOf(renumbered, { trees: 40 }), digestOfJson(model.toJson()));
});

test("going on from a forest adds trees to it, as if they had been grown at once; new texts are unseen ones", async () => {
  for (const task of ["regression", "multiclass-classification"] as const) {
    const data = trainingData(task, 4000);
    const [first, all] = [await fit(data, { trees: 10 }), await fit(data, { trees: 20 })];
    const both = await fit(data, { trees: 10 }, { start: first });
    assert.equal(treesOf(both.toJson()), treesOf(all.toJson()));
    const expected = all.predict(data.X);
    both.predict(data.X).forEach((value, at) => {
      assert.ok(
        Math.abs(value - expected[at]!) < 0.1 * Math.max(1, Math.abs(expected[at]!)),
        `value ${at}: ${value}, ${expected[at]}`,
      );
    });
    const place = data.X.columns.place as TextColumn;
    const X = { ...data.X, columns: { ...data.X.columns, place: { ...place, texts: [...place.texts.slice(1), "elsewhere"] } } };
    const moved = await fit({ ...data, X }, { trees: 3 }, { start: first, threads: 2 });
    const missing = { ...X.columns.place, codes: X.columns.place.codes.map((code) => (code === 4 ? -1 : code)) };
    assert.deepEqual(moved.predict({ ...X, columns: { ...X.columns, place: missing } }), moved.predict(X));
  }
});

test("a model that does not fit is not gone on from", async () => {
  const data = trainingData("regression", 300);
  const start = await fit(data, { trees: 2 });
  const { amount, ...columns } = data.X.columns;
  const others = { ...data, y: data.y.map(Math.abs) };
  const refuses = (given: TrainingData, params: Params) =>
    assert.rejects(fit(given, params, { start }), { code: "learn.bad-start" });
  await refuses(trainingData("binary-classification", 300), {});
  await refuses({ ...data, X: { rowCount: 300, columns } }, {});
  await refuses({ ...data, X: { rowCount: 300, columns: { ...columns, amount: columns.place! } } }, {});
  await refuses(others, { loss: "poisson" });
  assert.ok(amount);
});

test("numbers beyond the range of float32 are refused by name", async () => {
  const data = trainingData("regression", 300);
  const values = (data.X.columns.amount as NumberColumn).values.map((value, row) => (row === 7 ? 1e308 : value));
  const X = { rowCount: 300, columns: { ...data.X.columns, amount: { kind: "number", values } as const } };
  await assert.rejects(fit({ ...data, X }, {}), { code: "learn.bad-column", at: "amount", message: /row 7/ });
});

test("from each of its checkpoints a training with samples, rows held out and refitted leaves ends in the same forest", async () => {
  const data = trainingData("regression", 3000);
  const params = {
    loss: "absolute",
    rowShare: 0.6,
    columnShare: 0.7,
    validationShare: 0.2,
    patience: 4,
    trees: 60,
    learningRate: 0.4,
  };
  const kept: Json[] = [];
  const keep = (state: Json) => void kept.push(JSON.parse(JSON.stringify(state)));
  const whole = await digestOf(data, params, { checkpoint: { read: () => null, keep } });
  assert.ok(kept.length >= 2, `${kept.length} checkpoints`);
  for (const state of kept) {
    const checkpoint = { read: () => state, keep: () => {} };
    assert.equal(await digestOf(data, params, { checkpoint, threads: 2 }), whole);
  }
});
