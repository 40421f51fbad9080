/** What every estimator must do. An estimator's test calls `checkEstimator` once; each behaviour is a test of its own, for each task that it can learn. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { createRandom, type Digest, digestOfJson, MillError } from "../base/index.ts";
import type { Task } from "../contract/index.ts";
import { encodeOnnx } from "../onnx/index.ts";
import type { Estimator, FitContext, Params, Predictor, TrainingData } from "./estimator.ts";
import { readPredictor } from "./estimators.ts";
import type { Frame, NumberColumn, TextColumn } from "./frame.ts";
import { link } from "./link.ts";

export interface SuiteOptions {
  /** Quick ones. */
  readonly params: Params;
  /** For integer weights to equal repeated rows. */
  readonly weightParams?: Params;
  /** The order of the training rows does not change the model at all. */
  readonly anyRowOrder: boolean;
  /** Fits for some time, reports progress and can be stopped meanwhile. */
  readonly cancellable: boolean;
  /** Digest of the model of each task at the present revision. */
  readonly golden: { readonly revision: number; readonly digests: Readonly<Partial<Record<Task, Digest>>> };
}

/** Enough rows for a crew of four. */
const ROWS = 17_000;

export function checkEstimator(estimator: Estimator, options: SuiteOptions): void {
  const { tags } = estimator;
  const check = (title: string, body: (task: Task) => Promise<void>) => {
    for (const task of tags.tasks) test(`${estimator.name}, ${task}: ${title}`, () => body(task));
  };
  const fit = (data: TrainingData, context: Partial<FitContext> = {}, params = options.params) =>
    estimator.fit(data, params, { threads: 1, seed: 1, progress: () => {}, signal: new AbortController().signal, ...context });
  const digestOf = (predictor: Predictor) => digestOfJson(predictor.toJson());
  const fitted = new Map<Task, Promise<Predictor>>();
  const fitOnce = (task: Task) => {
    if (!fitted.has(task)) fitted.set(task, fit(trainingData(task, ROWS)));
    return fitted.get(task)!;
  };

  check("the same data give the same model, and the model that this revision promises", async (task) => {
    const first = digestOf(await fitOnce(task));
    assert.equal(digestOf(await fit(trainingData(task, ROWS))), first);
    const { revision, digests } = options.golden;
    const told = `The model changed: raise "revision" of ${estimator.name} and put the new digest into its test.`;
    assert.deepEqual({ revision: estimator.revision, digest: first }, { revision, digest: digests[task] }, told);
  });

  if (tags.deterministic)
    check("1, 2 and 4 threads give the same model", async (task) => {
      const one = digestOf(await fitOnce(task));
      for (const threads of [2, 4])
        assert.equal(digestOf(await fit(trainingData(task, ROWS), { threads })), one, `${threads} threads`);
    });

  check("the order of the training rows does not matter", async (task) => {
    const data = trainingData(task, ROWS);
    const model = await fit(shuffled(data));
    if (options.anyRowOrder) assert.equal(digestOf(model), digestOf(await fitOnce(task)));
    else assertClose(model.predict(data.X), (await fitOnce(task)).predict(data.X), 1e-3);
  });

  check("predictions find columns by name, and pass over others", async (task) => {
    const { X } = trainingData(task, 500);
    const model = await fitOnce(task);
    const turned = Object.fromEntries(Object.entries({ ...X.columns, other: X.columns.amount! }).reverse());
    assert.deepEqual(model.predict({ rowCount: X.rowCount, columns: turned }), model.predict(X));
  });

  check("a column that is absent or of the other kind is named", async (task) => {
    const model = await fitOnce(task);
    const { amount, place } = trainingData(task, 10).X.columns;
    const predict = (columns: Frame["columns"]) => () => model.predict({ rowCount: 10, columns });
    assert.throws(predict({ place: place!, hour: amount! }), hasCode("learn.bad-column", "amount"));
    assert.throws(predict({ amount: amount!, hour: amount!, place: amount! }), hasCode("learn.bad-column", "place"));
  });

  check("predictions are probabilities, or numbers for regression, and better than a constant", async (task) => {
    const data = trainingData(task, ROWS);
    const model = await fitOnce(task);
    const predictions = model.predict(data.X);
    assert.equal(predictions.length, data.X.rowCount * model.outputs);
    assert.deepEqual([model.task, model.classes], [task, data.classes]);
    if (task !== "regression") assert.ok(predictions.every((p) => p >= 0 && p <= 1));
    const loss = meanLoss(task, predictions, data.y);
    const baseline = meanLoss(task, baselineOf(data), data.y);
    assert.ok(
      estimator.name === "constant" ? Math.abs(loss - baseline) < 1e-9 : loss < 0.9 * baseline,
      `${loss} against ${baseline}`,
    );
  });

  check("a row alone scores as it does among others, bit for bit", async (task) => {
    const model = await fitOnce(task);
    const score = model.rowScorer();
    for (const X of [trainingData(task, 1000).X, model.edgeRows(1000)]) {
      const predictions = model.predict(X);
      for (let row = 0; row < X.rowCount; row++)
        assert.deepEqual(score(rowOf(X, row)), predictions.slice(row * model.outputs, (row + 1) * model.outputs), `row ${row}`);
    }
  });

  check("a row without a value scores as one with null", async (task) => {
    const score = (await fitOnce(task)).rowScorer();
    assert.deepEqual(score({}), score({ amount: null, hour: null, place: null, kind: null }));
    assert.deepEqual(score({ place: "" }), score({ place: null }));
  });

  check("a model survives its JSON", async (task) => {
    const model = await fitOnce(task);
    const read = readPredictor(JSON.parse(JSON.stringify(model.toJson())));
    const { X } = trainingData(task, 1000);
    assert.deepEqual(read.predict(X), model.predict(X));
    assert.deepEqual(read.toJson(), model.toJson());
    assert.deepEqual(read.importance(), model.importance());
  });

  check("a model of one kind of column survives its JSON", async (task) => {
    const data = trainingData(task, 500);
    const { amount, hour, place, kind } = data.X.columns;
    for (const columns of [
      { amount: amount!, hour: hour! },
      { place: place!, kind: kind! },
    ]) {
      const X = { rowCount: data.X.rowCount, columns };
      const model = await fit({ ...data, X });
      assert.deepEqual(readPredictor(JSON.parse(JSON.stringify(model.toJson()))).predict(X), model.predict(X));
    }
  });

  check("the ONNX graph gives the same scores and decisions on training rows and on every edge", async (task) => {
    const model = await fitOnce(task);
    const session = await InferenceSession.create(encodeOnnx(model.toOnnx()));
    for (const X of [trainingData(task, 3000).X, model.edgeRows(4000)]) {
      const ours = model.predict(X);
      const theirs = await runGraph(session, X);
      assertClose(theirs, ours, 1e-6);
      if (task !== "regression") assertSameDecisions(theirs, ours, model.outputs);
    }
    await session.release();
  });

  check("edge rows hold missing and unseen values, and keep to their limit", async (task) => {
    const model = await fitOnce(task);
    const X = model.edgeRows(50);
    assert.ok(X.rowCount > 0 && X.rowCount <= 50);
    const { amount, place } = X.columns as { amount: NumberColumn; place: TextColumn };
    assert.ok(amount.values.some(Number.isNaN) && place.codes.includes(-1));
    assert.equal(model.edgeRows(3).rowCount, 3);
  });

  check("importance has a share for each column, together 1", async (task) => {
    const shares = (await fitOnce(task)).importance();
    assert.deepEqual(Object.keys(shares), Object.keys(trainingData(task, 10).X.columns));
    assert.ok(
      Math.abs(Object.values(shares).reduce((a, b) => a + b) - 1) < 1e-9 && Object.values(shares).every((share) => share >= 0),
    );
  });

  if (tags.weights)
    check("a weight is a number of repetitions", async (task) => {
      const data = numbersOnly(trainingData(task, 3000));
      const weights = data.y.map((_, row) => 1 + (row % 3));
      const weighted = await fit({ ...data, weights }, {}, options.weightParams ?? options.params);
      const repeated = await fit(
        pick(
          data,
          [...weights].flatMap((weight, row) => Array<number>(weight).fill(row)),
        ),
        {},
        options.weightParams ?? options.params,
      );
      assertClose(weighted.predict(data.X), repeated.predict(data.X), 1e-4);
    });

  check("what cannot be learnt from is refused with the reason", async (task) => {
    const data = trainingData(task, 200);
    const withAmount = (values: Float64Array): TrainingData => ({
      ...data,
      X: { ...data.X, columns: { ...data.X.columns, amount: { kind: "number", values } } },
    });
    const amount = (data.X.columns.amount as NumberColumn).values;
    const refuses = (bad: TrainingData, code: string, at?: string) => assert.rejects(fit(bad), hasCode(code, at), code);
    await refuses(pick(data, []), "learn.empty");
    await refuses({ ...data, X: { rowCount: 200, columns: {} } }, "learn.bad-column");
    await refuses(withAmount(amount.map(() => Number.NaN)), "learn.bad-column", "amount");
    await refuses(withAmount(amount.map((value, row) => (row === 7 ? Infinity : value))), "learn.bad-column", "amount");
    await refuses(withAmount(amount.slice(1)), "learn.bad-column", "amount");
    await refuses({ ...data, y: data.y.map((value, row) => (row === 3 ? Number.NaN : value)) }, "learn.bad-label");
    await refuses({ ...data, weights: data.y.map(() => -1) }, "learn.bad-weight");
    await refuses({ ...data, weights: data.y.map(() => 0) }, "learn.bad-weight");
    if (task !== "regression") {
      await refuses({ ...data, y: data.y.map(() => 1) }, "learn.one-class");
      await refuses({ ...data, y: data.y.map(() => data.classes.length) }, "learn.bad-label");
    }
  });

  check("a parameter that is unknown or out of range is refused", async (task) => {
    const data = trainingData(task, 50);
    await assert.rejects(fit(data, {}, { nonsense: 1 }), hasCode("learn.bad-parameter"));
    for (const [name, spec] of Object.entries(estimator.params)) {
      if (spec.min !== undefined)
        await assert.rejects(
          fit(data, {}, { [name]: spec.min - 1 }),
          hasCode("learn.bad-parameter", `${estimator.name}.${name}`),
        );
      await assert.rejects(fit(data, {}, { [name]: "much" }), hasCode("learn.bad-parameter", `${estimator.name}.${name}`));
    }
  });

  check("a training that was cancelled before it began does not begin", async (task) => {
    await assert.rejects(fit(trainingData(task, 50), { signal: AbortSignal.abort() }), hasCode("learn.cancelled"));
  });

  if (options.cancellable)
    check("cancelled in the middle, it ends with the reason and leaves no thread alive", async (task) => {
      const abort = new AbortController();
      const progress = () => abort.abort();
      await assert.rejects(
        fit(trainingData(task, ROWS), { threads: 2, progress, signal: abort.signal }),
        hasCode("learn.cancelled"),
      );
      assert.equal(liveThreads(), 0);
    });

  check("progress rises to its end", async (task) => {
    const seen: number[] = [];
    await fit(trainingData(task, 2000), { progress: (done, total) => seen.push(done / total) });
    assert.ok(seen.length > 0 && seen.every((value, index) => value > (seen[index - 1] ?? 0) && value <= 1), seen.join(" "));
    assert.equal(liveThreads(), 0);
  });
}

/** Numbers with missing values, whole numbers, a text with a strong effect, missing and rare values, and a text of no use. */
export function trainingData(task: Task, rowCount: number): TrainingData {
  const random = createRandom(7);
  const places = ["north", "east", "south", "west", "rare"];
  const effects = [1.5, -1, 0.5, -0.5, 0];
  const amount = new Float64Array(rowCount);
  const hour = new Float64Array(rowCount);
  const place = new Int32Array(rowCount);
  const kind = new Int32Array(rowCount);
  const y = new Float64Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    amount[row] = random.next() < 0.1 ? Number.NaN : random.normal() * 1000;
    hour[row] = random.below(24);
    place[row] = random.next() < 0.05 ? -1 : random.next() < 0.001 ? 4 : random.below(4);
    kind[row] = random.below(2);
    const score = (Number.isNaN(amount[row]) ? 1 : amount[row]! / 700) + Math.sin(hour[row]! / 4) + (effects[place[row]!] ?? 0);
    const noise = Math.log(1 / random.next() - 1);
    if (task === "binary-classification") y[row] = score + noise > 0 ? 1 : 0;
    else if (task === "multiclass-classification") y[row] = (score + noise > 1 ? 1 : 0) + (score + noise > -1 ? 1 : 0);
    else y[row] = 500 + 100 * score + 20 * noise;
  }
  const classes = {
    "binary-classification": ["false", "true"],
    "multiclass-classification": ["low", "middle", "high"],
    regression: [],
  }[task];
  const columns: Frame["columns"] = {
    amount: { kind: "number", values: amount },
    place: { kind: "text", codes: place, texts: places },
    hour: { kind: "number", values: hour },
    kind: { kind: "text", codes: kind, texts: ["a", "b"] },
  };
  return { X: { rowCount, columns }, y, task, classes };
}

function pick({ X, y, ...rest }: TrainingData, rows: readonly number[]): TrainingData {
  const columns = Object.entries(X.columns).map(([name, column]): [string, NumberColumn | TextColumn] => [
    name,
    column.kind === "number"
      ? { kind: "number", values: Float64Array.from(rows, (row) => column.values[row]!) }
      : { ...column, codes: Int32Array.from(rows, (row) => column.codes[row]!) },
  ]);
  return {
    ...rest,
    X: { rowCount: rows.length, columns: Object.fromEntries(columns) },
    y: Float64Array.from(rows, (row) => y[row]!),
  };
}

function shuffled(data: TrainingData): TrainingData {
  const random = createRandom(3);
  const rows = [...data.y.keys()];
  for (let left = rows.length; left > 1; left--) {
    const other = random.below(left);
    [rows[left - 1], rows[other]] = [rows[other]!, rows[left - 1]!];
  }
  return pick(data, rows);
}

/** Without texts and missing values, and with few distinct numbers: where estimators count rows, and not weights. */
function numbersOnly(data: TrainingData): TrainingData {
  const amount = (data.X.columns.amount as NumberColumn).values.map((value) =>
    Number.isNaN(value) ? 0 : Math.round(value / 100),
  );
  return {
    ...data,
    X: { rowCount: data.X.rowCount, columns: { amount: { kind: "number", values: amount }, hour: data.X.columns.hour! } },
  };
}

function rowOf(X: Frame, row: number): Record<string, number | string | null> {
  const read = (column: NumberColumn | TextColumn) => {
    if (column.kind === "text") return column.codes[row]! < 0 ? null : column.texts[column.codes[row]!]!;
    return Number.isNaN(column.values[row]) ? null : column.values[row]!;
  };
  return Object.fromEntries(Object.entries(X.columns).map(([name, column]) => [name, read(column)]));
}

async function runGraph(session: InferenceSession, X: Frame): Promise<Float64Array> {
  const feeds = Object.entries(X.columns).map(([name, column]): [string, Tensor] => [
    name,
    column.kind === "number"
      ? new Tensor("float64", column.values, [X.rowCount, 1])
      : new Tensor(
          "string",
          Array.from(column.codes, (code) => (code < 0 ? "" : column.texts[code]!)),
          [X.rowCount, 1],
        ),
  ]);
  const results = await session.run(Object.fromEntries(feeds));
  return results[session.outputNames[0]!]!.data as Float64Array;
}

/** The constant prediction that a training without any column would make. */
function baselineOf({ y, task, classes }: TrainingData): Float64Array {
  const outputs = task === "multiclass-classification" ? classes.length : 1;
  const sums = new Float64Array(outputs);
  for (const label of y) sums[outputs === 1 ? 0 : label]! += outputs === 1 ? label : 1;
  const values = sums.map((sum) => sum / y.length);
  if (task === "binary-classification") {
    values[0] = Math.log(values[0]! / (1 - values[0]!));
    link(task, values, 1);
  }
  return Float64Array.from({ length: y.length * outputs }, (_, at) => values[at % outputs]!);
}

function meanLoss(task: Task, predictions: Float64Array, y: Float64Array): number {
  const outputs = predictions.length / y.length;
  const losses = y.map((label, row) => {
    if (task === "regression") return (predictions[row]! - label) ** 2;
    return -Math.log(
      outputs === 1 ? (label === 1 ? predictions[row]! : 1 - predictions[row]!) : predictions[row * outputs + label]!,
    );
  });
  return losses.reduce((a, b) => a + b) / y.length;
}

function assertClose(actual: Float64Array, expected: Float64Array, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let at = 0; at < actual.length; at++) {
    const bound = tolerance * Math.max(1, Math.abs(expected[at]!));
    if (!(Math.abs(actual[at]! - expected[at]!) <= bound)) assert.fail(`value ${at}: ${actual[at]} instead of ${expected[at]}`);
  }
}

/** The decision at 0.5, or the likeliest class, must be equal unless the score itself is within 1e-6 of the border. */
function assertSameDecisions(actual: Float64Array, expected: Float64Array, outputs: number): void {
  for (let first = 0; first < expected.length; first += outputs) {
    if (outputs === 1) {
      if (Math.abs(expected[first]! - 0.5) > 1e-6) assert.equal(actual[first]! >= 0.5, expected[first]! >= 0.5);
      continue;
    }
    const best = (scores: Float64Array) => [...scores.keys()].reduce((a, b) => (scores[b]! > scores[a]! ? b : a));
    const row = expected.subarray(first, first + outputs);
    const [highest, second] = [...row].sort((a, b) => b - a);
    if (highest! - second! > 2e-6) assert.equal(best(actual.subarray(first, first + outputs)), best(row));
  }
}

const liveThreads = () => (process.report.getReport() as unknown as { workers: unknown[] }).workers.length;

const hasCode = (code: string, at?: string) => (error: unknown) => {
  assert.ok(error instanceof MillError, String(error));
  assert.equal(error.code, code);
  if (at !== undefined) assert.equal(error.at, at);
  assert.ok(error.message.length > 20, error.message);
  return true;
};
