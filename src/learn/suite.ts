/** What every estimator must do. An estimator's test calls `checkEstimator` once; each behaviour is a test of its own, for each task that it can learn. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Digest, digestOfJson, type Json } from "../base/index.ts";
import { edgeRowsOf } from "./edge-rows.ts";
import {
  type Estimator,
  type FitContext,
  isClassification,
  type LearnTask,
  type Params,
  type Predictor,
  type TrainingData,
} from "./estimator.ts";
import { readPredictor } from "./estimators.ts";
import { assertClose, assertExplained, assertSameLabels, baselineOf, meanLoss } from "./fixtures/predictions.ts";
import { hasCode, otherKind, wrongValues } from "./fixtures/refusals.ts";
import { runOnnx } from "./fixtures/run-onnx.ts";
import { numbersOnly, pick, rowOf, shuffled, trainingData } from "./fixtures/training-data.ts";
import type { Frame, NumberColumn, TextColumn } from "./frame.ts";
import { onnxOf } from "./to-onnx.ts";

export interface SuiteOptions {
  /** Quick ones. */
  readonly params: Params;
  /** Training rows, unless enough for a crew of four: fewer for models that hold them all. */
  readonly rows?: number;
  /** For integer weights to equal repeated rows; `null` where weights act on chance, as in a bootstrap. */
  readonly weightParams?: Params | null;
  /** The model of shuffled rows: the same to the last bit, one that predicts the same within 1e-3, or another one by chance. */
  readonly rowOrder: "same" | "close" | "free";
  /** Fits for some time, reports progress and can be stopped meanwhile. */
  readonly cancellable: boolean;
  /** Keeps checkpoints, and goes on from them. */
  readonly checkpoints?: boolean;
  /** Its probabilities are known to be too sure for the losses to be compared with a constant's. */
  readonly overconfident?: boolean;
  /** How far one that learnt in three parts may be from one that learnt all rows at once. Default 1e-12; null where chance decides. */
  readonly partsTolerance?: number | null;
  /** How far the graph's predictions may be from ours. Default 1e-6. */
  readonly graphTolerance?: number;
  /** Digest of the model of each task at the present revision; null where the parts that a model is made of promise it. */
  readonly golden: { readonly revision: number; readonly digests: Readonly<Partial<Record<LearnTask, Digest>>> } | null;
}

/** Enough rows for a crew of four. */
const CREW_ROWS = 17_000;

export function checkEstimator(estimator: Estimator, options: SuiteOptions): void {
  const { tags } = estimator;
  const ROWS = options.rows ?? CREW_ROWS;
  const check = (title: string, body: (task: LearnTask) => Promise<void>) => {
    for (const task of tags.tasks) test(`${estimator.name}, ${task}: ${title}`, () => body(task));
  };
  const dataOf = (task: LearnTask, rowCount: number) => trainingData(task, rowCount, tags);
  const fit = (data: TrainingData, context: Partial<FitContext> = {}, params = options.params) =>
    estimator.fit(data, params, { ...quiet(), ...context });
  const digestOf = (predictor: Predictor) => digestOfJson(predictor.toJson());
  const fitted = new Map<LearnTask, Promise<Predictor>>();
  const fitOnce = (task: LearnTask) => {
    if (!fitted.has(task)) fitted.set(task, fit(dataOf(task, ROWS)));
    return fitted.get(task)!;
  };

  check("the same data give the same model, and the model that this revision promises", async (task) => {
    const first = digestOf(await fitOnce(task));
    assert.equal(digestOf(await fit(dataOf(task, ROWS))), first);
    if (options.golden === null) return;
    const { revision, digests } = options.golden;
    const told = `The model changed: raise "revision" of ${estimator.name} and put the new digest into its test.`;
    assert.deepEqual({ revision: estimator.revision, digest: first }, { revision, digest: digests[task] }, told);
  });

  if (tags.deterministic)
    check("1, 2 and 4 threads give the same model", async (task) => {
      const one = digestOf(await fitOnce(task));
      for (const threads of [2, 4]) assert.equal(digestOf(await fit(dataOf(task, ROWS), { threads })), one, `${threads} threads`);
    });

  if (options.rowOrder !== "free")
    check("the order of the training rows does not matter", async (task) => {
      const data = dataOf(task, ROWS);
      const model = await fit(shuffled(data));
      if (options.rowOrder === "same") assert.equal(digestOf(model), digestOf(await fitOnce(task)));
      else assertClose(model.predict(data.X), (await fitOnce(task)).predict(data.X), 1e-3);
    });

  check("predictions find columns by name, and pass over others", async (task) => {
    const { X } = dataOf(task, 500);
    const model = await fitOnce(task);
    const other = Object.values(X.columns)[0]!;
    const turned = Object.fromEntries(Object.entries({ ...X.columns, other }).reverse());
    assert.deepEqual(model.predict({ rowCount: X.rowCount, columns: turned }), model.predict(X));
  });

  check("a column that is absent or of the other kind is named", async (task) => {
    const model = await fitOnce(task);
    const { columns } = dataOf(task, 10).X;
    for (const name of Object.keys(columns)) {
      const without = Object.fromEntries(Object.entries(columns).filter(([other]) => other !== name));
      const wrong = { ...columns, [name]: otherKind(columns[name]!) };
      for (const given of [without, wrong])
        assert.throws(() => model.predict({ rowCount: 10, columns: given }), hasCode("learn.bad-column", name));
    }
  });

  check("predictions are of their task's kind, and better than a constant", async (task) => {
    const data = dataOf(task, ROWS);
    const model = await fitOnce(task);
    const predictions = model.predict(data.X);
    assert.equal(predictions.length, data.X.rowCount * model.outputs);
    assert.deepEqual([model.task, model.classes], [task, data.classes]);
    assert.ok(predictions.every(Number.isFinite));
    if (isClassification(task)) assert.ok(predictions.every((p) => p >= 0 && p <= 1));
    if (task === "clustering") assert.ok(predictions.every((label) => Number.isInteger(label) && label >= 0));
    if ((!isClassification(task) && task !== "regression") || options.overconfident) return;
    const loss = meanLoss(task, predictions, data.y);
    const baseline = meanLoss(task, baselineOf(data), data.y);
    const better = estimator.name === "constant" ? Math.abs(loss - baseline) < 1e-9 : loss < 0.95 * baseline;
    assert.ok(better, `${loss} against ${baseline}`);
  });

  check("a row alone scores as it does among others, bit for bit", async (task) => {
    const model = await fitOnce(task);
    const score = model.rowScorer();
    for (const X of [dataOf(task, 1000).X, edgeRowsOf(model, 1000)]) {
      const predictions = model.predict(X);
      for (let row = 0; row < X.rowCount; row++)
        assert.deepEqual(score(rowOf(X, row)), predictions.slice(row * model.outputs, (row + 1) * model.outputs), `row ${row}`);
    }
  });

  if (tags.missing)
    check("a row without a value scores as one with null", async (task) => {
      const score = (await fitOnce(task)).rowScorer();
      assert.deepEqual(score({}), score({ amount: null, hour: null, place: null, kind: null }));
      assert.deepEqual(score({ place: "" }), score({ place: null }));
    });

  check("a model survives its JSON", async (task) => {
    const model = await fitOnce(task);
    const read = readPredictor(JSON.parse(JSON.stringify(model.toJson())));
    const { X } = dataOf(task, 1000);
    assert.deepEqual(read.predict(X), model.predict(X));
    assert.deepEqual(read.toJson(), model.toJson());
    assert.deepEqual(read.importance(), model.importance());
  });

  check("a model of one kind of column survives its JSON", async (task) => {
    const data = dataOf(task, 500);
    for (const kind of ["number", "text"]) {
      const columns = Object.fromEntries(Object.entries(data.X.columns).filter(([, column]) => column.kind === kind));
      if (Object.keys(columns).length === 0) continue;
      const X = { rowCount: data.X.rowCount, columns };
      const model = await fit({ ...data, X });
      assert.deepEqual(readPredictor(JSON.parse(JSON.stringify(model.toJson()))).predict(X), model.predict(X));
    }
  });

  for (const profile of ["wide", "compact"] as const)
    check(`the ${profile} graph gives the same predictions and labels on training rows and on every edge`, async (task) => {
      const model = await fitOnce(task);
      const frames = [dataOf(task, 3000).X, edgeRowsOf(model, 4000)];
      const results = await runOnnx(onnxOf(model, profile), ...frames);
      frames.forEach((X, index) => {
        const { probabilities, value, score, label } = results[index]!;
        const ours = model.predict(X);
        const theirs = probabilities ?? value ?? score;
        if (theirs !== undefined) assertClose(theirs as Float64Array, ours, options.graphTolerance ?? 1e-6);
        if (label !== undefined) assertSameLabels(label, ours, model);
      });
    });

  check("edge rows hold missing and unseen values, and keep to their limit", async (task) => {
    const model = await fitOnce(task);
    const X = edgeRowsOf(model, 50);
    assert.ok(X.rowCount > 0 && X.rowCount <= 50);
    const { amount, place } = X.columns;
    if (tags.missing && amount?.kind === "number") assert.ok(amount.values.some(Number.isNaN));
    if (tags.missing && place?.kind === "text") assert.ok(place.codes.includes(-1));
    assert.equal(edgeRowsOf(model, 3).rowCount, 3);
  });

  check("importance has a share for each column, together 1", async (task) => {
    const shares = (await fitOnce(task)).importance();
    assert.deepEqual(Object.keys(shares), Object.keys(dataOf(task, 10).X.columns));
    const values = Object.values(shares);
    assert.ok(Math.abs(values.reduce((a, b) => a + b) - 1) < 1e-9 && values.every((share) => share >= 0), values.join(" "));
  });

  if (tags.explains)
    check("what the columns add to a score sums to it", async (task) => {
      const model = await fitOnce(task);
      for (const X of [dataOf(task, 200).X, edgeRowsOf(model, 200)]) assertExplained(model, X);
    });

  if (tags.weights && options.weightParams !== null)
    check("a weight is a number of repetitions", async (task) => {
      if (task === "ranking") return; // a row repeated is another list, with more pairs
      const data = tags.numbers ? numbersOnly(dataOf(task, 3000)) : dataOf(task, 3000);
      const weights = Float64Array.from({ length: data.X.rowCount }, (_, row) => 1 + (row % 3));
      const repeated = pick(
        data,
        [...weights].flatMap((weight, row) => Array<number>(weight).fill(row)),
      );
      const params = options.weightParams ?? options.params;
      const [one, other] = [await fit({ ...data, weights }, {}, params), await fit(repeated, {}, params)];
      assertClose(one.predict(data.X), other.predict(data.X), 1e-4);
    });

  if (tags.partialFit) {
    check("rows learnt in three parts, the model stored between them, give what all give at once", async (task) => {
      const data = dataOf(task, ROWS);
      const cuts = [0, 0.5, 0.8, 1].map((part) => Math.floor(part * ROWS));
      let model: Predictor | undefined;
      for (let part = 0; part < 3; part++) {
        const rows = Array.from({ length: cuts[part + 1]! - cuts[part]! }, (_, row) => cuts[part]! + row);
        const next = await fit(pick(data, rows), { threads: 1 + part, ...(model && { start: model }) });
        model = readPredictor(JSON.parse(JSON.stringify(next.toJson())));
      }
      const [ours, expected] = [model!.predict(data.X), (await fitOnce(task)).predict(data.X)];
      if (options.partsTolerance !== null) assertClose(ours, expected, options.partsTolerance ?? 1e-12);
      assert.ok(ours.length === expected.length && ours.every(Number.isFinite));
    });

    check("of more rows one class and an empty column are enough", async (task) => {
      const data = dataOf(task, 1000);
      const start = await fit(data);
      const more = pick(
        data,
        [...Array(50).keys()].filter((row) => data.y.length === 0 || data.y[row] === 1),
      );
      const empty = ([name, column]: [string, NumberColumn | TextColumn]): [string, NumberColumn | TextColumn] => [
        name,
        column.kind === "number"
          ? { ...column, values: column.values.map(() => NaN) }
          : { ...column, codes: column.codes.map(() => -1) },
      ];
      const [first, ...rest] = Object.entries(more.X.columns);
      const X = tags.missing ? { ...more.X, columns: Object.fromEntries([empty(first!), ...rest]) } : more.X;
      assert.ok((await fit({ ...more, X }, { start })).predict(data.X).every(Number.isFinite));
    });
  }

  if (tags.warmStart || tags.partialFit)
    check("a model that does not fit is not gone on from", async (task) => {
      const data = dataOf(task, 300);
      const start = await fit(data);
      const refuses = (bad: TrainingData, model = start) =>
        assert.rejects(fit(bad, { start: model }), hasCode("learn.bad-start"));
      const withColumns = (columns: Frame["columns"]) => refuses({ ...data, X: { rowCount: 300, columns } });
      const [[name, column], ...others] = Object.entries(data.X.columns) as [[string, NumberColumn | TextColumn]];
      await refuses(data, { ...start, estimator: "another" });
      await withColumns({ ...data.X.columns, more: column });
      if (others.length > 0) await withColumns(Object.fromEntries(others));
      if (tags.text && tags.numbers) await withColumns({ ...data.X.columns, [name]: otherKind(column) });
      if (isClassification(task)) await refuses({ ...data, classes: data.classes.toReversed() });
      for (const other of tags.tasks) if (other !== task) await refuses(dataOf(other, 300));
    });

  check("what cannot be learnt from is refused with the reason", async (task) => {
    const data = dataOf(task, 200);
    const refuses = (bad: TrainingData, code: string, at?: string) => assert.rejects(fit(bad), hasCode(code, at), code);
    await refuses(pick(data, []), "learn.empty");
    await refuses({ ...data, X: { rowCount: 200, columns: {} } }, "learn.bad-column");
    const { amount, place } = data.X.columns;
    const withColumn = (name: string, column: NumberColumn | TextColumn): TrainingData => ({
      ...data,
      X: { ...data.X, columns: { ...data.X.columns, [name]: column } },
    });
    if (amount?.kind === "number") {
      const withAmount = (values: Float64Array) => withColumn("amount", { kind: "number", values });
      await refuses(withAmount(amount.values.map(() => Number.NaN)), "learn.bad-column", "amount");
      await refuses(withAmount(amount.values.map((value, row) => (row === 7 ? Infinity : value))), "learn.bad-column", "amount");
      await refuses(withAmount(amount.values.slice(1)), "learn.bad-column", "amount");
      if (!tags.missing)
        await refuses(withAmount(amount.values.map((v, row) => (row === 7 ? NaN : v))), "learn.bad-column", "amount");
      if (!tags.negative)
        await refuses(withAmount(amount.values.map((v, row) => (row === 7 ? -1 : v))), "learn.bad-column", "amount");
      if (!tags.text) await refuses(withColumn("amount", otherKind(amount)), "learn.bad-column", "amount");
    } else if (place !== undefined && !tags.numbers)
      await refuses(withColumn("place", otherKind(place)), "learn.bad-column", "place");
    if (tags.weights) {
      await refuses({ ...data, weights: new Float64Array(200).fill(-1) }, "learn.bad-weight");
      await refuses({ ...data, weights: new Float64Array(200) }, "learn.bad-weight");
    } else await refuses({ ...data, weights: new Float64Array(200).fill(1) }, "learn.bad-weight");
    if (data.y.length === 0) return;
    await refuses({ ...data, y: data.y.map((value, row) => (row === 3 ? Number.NaN : value)) }, "learn.bad-label");
    if (!isClassification(task)) return;
    await refuses({ ...data, y: data.y.map(() => 1) }, "learn.one-class");
    await refuses({ ...data, y: data.y.map(() => data.classes.length) }, "learn.bad-label");
  });

  check("a parameter that is unknown or out of range is refused", async (task) => {
    const data = dataOf(task, 50);
    await assert.rejects(fit(data, {}, { nonsense: 1 }), hasCode("learn.bad-parameter"));
    for (const [name, spec] of Object.entries(estimator.params))
      for (const value of wrongValues(spec))
        await assert.rejects(fit(data, {}, { [name]: value }), hasCode("learn.bad-parameter", `${estimator.name}.${name}`));
  });

  check("a training that was cancelled before it began does not begin", async (task) => {
    await assert.rejects(fit(dataOf(task, 50), { signal: AbortSignal.abort() }), hasCode("learn.cancelled"));
  });

  if (options.cancellable)
    check("cancelled in the middle, it ends with the reason and leaves no thread alive", async (task) => {
      const abort = new AbortController();
      const progress = () => abort.abort();
      await assert.rejects(fit(dataOf(task, ROWS), { threads: 2, progress, signal: abort.signal }), hasCode("learn.cancelled"));
      assert.equal(liveThreads(), 0);
    });

  if (options.checkpoints)
    check("cancelled in the middle and asked again, it goes on from its checkpoint and ends in the same model", async (task) => {
      let kept: Json | null = null;
      const abort = new AbortController();
      const checkpoint = {
        read: () => kept,
        keep: (state: Json) => {
          kept = JSON.parse(JSON.stringify(state));
          abort.abort();
        },
      };
      await assert.rejects(fit(dataOf(task, ROWS), { checkpoint, signal: abort.signal }), hasCode("learn.cancelled"));
      const seen: number[] = [];
      const progress = (done: number, total: number) => void seen.push(done / total);
      const model = await fit(dataOf(task, ROWS), { checkpoint: { read: () => kept, keep: () => {} }, progress });
      assert.ok(seen[0]! > 0.02, `it began anew: ${seen[0]}`);
      assert.equal(digestOf(model), digestOf(await fitOnce(task)));
    });

  check("progress rises to its end", async (task) => {
    const seen: number[] = [];
    await fit(dataOf(task, 2000), { progress: (done, total) => seen.push(done / total) });
    assert.ok(seen.length > 0 && seen.every((value, index) => value > (seen[index - 1] ?? 0) && value <= 1), seen.join(" "));
    assert.equal(liveThreads(), 0);
  });
}

/** A context that tells nothing. */
export const quiet = (): FitContext => ({
  ...{ threads: 1, seed: 1, progress: () => {}, warn: () => {} },
  signal: new AbortController().signal,
});

const liveThreads = () => (process.report.getReport() as unknown as { workers: unknown[] }).workers.length;
