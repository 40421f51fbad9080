/** What every transformer must do. A transformer's test calls `checkTransformer` once; each behaviour is a test of its own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Digest, digestOfJson, type Json } from "../../base/index.ts";
import { createGraph, type OnnxProfile } from "../../onnx/index.ts";
import { edgeFrame } from "../edge-rows.ts";
import type { FitContext, LearnTask, Params, TrainingData } from "../estimator.ts";
import { otherKind } from "../fixtures/refusals.ts";
import { runOnnx } from "../fixtures/run-onnx.ts";
import { pick, rowOf, shuffled } from "../fixtures/training-data.ts";
import type { Frame, NumberColumn, TextColumn } from "../frame.ts";
import { declareInputs, type FeatureRow } from "../inputs.ts";
import { quiet } from "../suite.ts";
import type { FittedTransform, Transformer } from "../transformer.ts";
import { checkRefusals } from "./fixtures/refusals.ts";
import { dataFor } from "./fixtures/transformer-data.ts";
import { readTransform } from "./transformers.ts";

export interface TransformerSuiteOptions {
  /** Sets of parameters; the suite runs for each, by its title. */
  readonly cases: Readonly<Record<string, TransformerCase>>;
  /** Columns that the transformer takes, where the usual ones are not its kind. */
  data?(rowCount: number, task: LearnTask): TrainingData;
  readonly revision: number;
  /** How far the graph's numbers may be from ours, relative to 1. Default 0: the same bits. */
  readonly graphTolerance?: number;
  /** How far what is made may be when rows or columns come in another order, or as repetitions. Default 0: the same transform bit for bit. */
  readonly orderTolerance?: number;
}

export interface TransformerCase {
  readonly params?: Params;
  /** For those that need labels. Default binary classification. */
  readonly task?: LearnTask;
  /** Digest of what is learnt from these at the present revision. */
  readonly golden: Digest;
}

const ROWS = 3000;

export function checkTransformer(transformer: Transformer, options: TransformerSuiteOptions): void {
  for (const [title, each] of Object.entries(options.cases)) checkCase(transformer, options, title, each);
  checkRefusals(transformer, options);
}

function checkCase(transformer: Transformer, options: TransformerSuiteOptions, title: string, each: TransformerCase): void {
  const { tags, name } = transformer;
  const { params = {}, task = "binary-classification", golden } = each;
  const check = (behaviour: string, body: () => void | Promise<void>) => test(`${name}, ${title}: ${behaviour}`, body);
  const dataOf = (rowCount: number) => dataFor(transformer, options, rowCount, task);
  const fit = (data: TrainingData, context: Partial<FitContext> = {}) =>
    transformer.fit(data, params, { ...quiet(), ...context });
  const digestOf = (fitted: FittedTransform) => digestOfJson(fitted.toJson());
  let fitted: Promise<FittedTransform> | undefined;
  const fitOnce = () => (fitted ??= fit(dataOf(ROWS)));

  check("the same data give the same transform, and the one that this revision promises", async () => {
    const first = digestOf(await fitOnce());
    assert.equal(digestOf(await fit(dataOf(ROWS))), first);
    const told = `What is learnt changed: raise "revision" of ${name} and put the new digest into its test.`;
    assert.deepEqual({ revision: transformer.revision, golden: first }, { revision: options.revision, golden }, told);
  });

  check("the order of the training rows does not matter", async () => {
    const [one, other] = [await fitOnce(), await fit(shuffled(dataOf(ROWS)))];
    if (options.orderTolerance === undefined) assert.equal(digestOf(other), digestOf(one));
    else assertSame(other.transform(dataOf(500).X), one.transform(dataOf(500).X), options.orderTolerance);
  });

  check("the order of the columns does not matter, and others are passed over", async () => {
    const data = dataOf(ROWS);
    const turned = (columns: Frame["columns"]) => Object.fromEntries(Object.entries(columns).reverse());
    const other = await fit({ ...data, X: { ...data.X, columns: turned(data.X.columns) } });
    const expected = (await fitOnce()).transform(data.X);
    const columns = turned({ ...data.X.columns, other: Object.values(data.X.columns)[0]! });
    const made = other.transform({ rowCount: ROWS, columns });
    const alike = ({ columns: of }: Frame) => ({
      rowCount: ROWS,
      columns: Object.fromEntries(
        Object.entries(of)
          .filter(([output]) => !output.includes("*"))
          .toSorted(),
      ),
    });
    assertSame(alike(made), alike(expected), options.orderTolerance ?? 0);
    assert.equal(Object.keys(made.columns).length, Object.keys(expected.columns).length);
  });

  check("the frame has the columns that are promised, of their kinds, and each is made of inputs", async () => {
    const { transform, inputs, outputs } = await fitOnce();
    const { rowCount, columns } = transform(dataOf(200).X);
    assert.equal(rowCount, 200);
    assert.deepEqual(
      Object.entries(columns).map(([output, { kind }]) => ({ output, kind })),
      outputs.map(({ name: output, kind }) => ({ output, kind })),
    );
    const given = inputs.map((input) => input.name);
    assert.deepEqual(given.toSorted(), Object.keys(dataOf(1).X.columns).toSorted());
    for (const { of, kind } of outputs) {
      assert.ok(of.length > 0 && of.every((input) => given.includes(input)));
      if (tags.gives === "numbers") assert.equal(kind, "number");
    }
    for (const column of Object.values(columns)) {
      assert.equal(column.kind === "number" ? column.values.length : column.codes.length, 200);
      if (tags.fills)
        assert.ok(column.kind === "number" ? column.values.every(Number.isFinite) : column.codes.every((c) => c >= 0));
    }
  });

  check("a column that is absent or of the other kind is named", async () => {
    const { transform } = await fitOnce();
    const { columns } = dataOf(10).X;
    for (const column of Object.keys(columns)) {
      const without = Object.fromEntries(Object.entries(columns).filter(([other]) => other !== column));
      const wrong = { ...columns, [column]: otherKind(columns[column]!) };
      for (const given of [without, wrong])
        assert.throws(() => transform({ rowCount: 10, columns: given }), { code: "learn.bad-column", at: column });
    }
  });

  check("a row alone becomes what it becomes among others, bit for bit", async () => {
    const { transform, rowTransformer, edges } = await fitOnce();
    const row = rowTransformer();
    for (const X of [dataOf(500).X, edgeFrame(edges(), 500)]) {
      const made = transform(X);
      for (let at = 0; at < X.rowCount; at++) assert.deepEqual(row(rowOf(X, at)), rowOf(made, at), `row ${at}`);
    }
  });

  if (tags.missing)
    check("a row without a value is as one with null", async () => {
      const fittedOnce = await fitOnce();
      const row = fittedOnce.rowTransformer();
      const nulls: FeatureRow = Object.fromEntries(fittedOnce.inputs.map((input) => [input.name, null]));
      const empty: FeatureRow = Object.fromEntries(
        fittedOnce.inputs.map(({ name: n, texts }) => [n, texts === null ? null : ""]),
      );
      assert.deepEqual(row({}), row(nulls));
      assert.deepEqual(row(empty), row(nulls));
    });

  check("a transform survives its JSON, and a damaged one is refused", async () => {
    const given = await fitOnce();
    const json = JSON.parse(JSON.stringify(given.toJson())) as Record<string, Json>;
    const read = readTransform(json);
    assert.deepEqual(read.toJson(), given.toJson());
    assert.deepEqual([read.inputs, read.outputs], [given.inputs, given.outputs]);
    for (const X of [dataOf(500).X, edgeFrame(given.edges(), 500)]) assert.deepEqual(read.transform(X), given.transform(X));
    for (const damaged of damagedOnes(json)) assert.throws(() => readTransform(damaged), { code: "learn.bad-model" });
  });

  check("a weight is a number of repetitions", async () => {
    const data = dataOf(600);
    const weights = Float64Array.from({ length: 600 }, (_, row) => row % 4);
    const repeated = pick(
      data,
      [...weights].flatMap((weight, row) => Array<number>(weight).fill(row)),
    );
    const [one, other] = [await fit({ ...data, weights }), await fit(repeated)];
    assertSame(one.transform(data.X), other.transform(data.X), options.orderTolerance ?? 1e-12);
  });

  check("what training rows become has the columns of the others", async () => {
    const { trained, transform } = await fitOnce();
    if (trained === undefined) return;
    const made = transform(dataOf(ROWS).X);
    assert.equal(trained.rowCount, ROWS);
    assert.deepEqual(Object.keys(trained.columns), Object.keys(made.columns));
    assert.notDeepEqual(trained, made);
  });

  for (const profile of ["wide", "compact"] as const)
    if (tags.onnx === true || (tags.onnx === "numbers" && Object.values(dataOf(1).X.columns)[0]!.kind === "number"))
      check(`the ${profile} graph gives the same columns on training rows and on every edge`, async () => {
        const given = await fitOnce();
        const nextEdges = given.outputs.map(({ name: output, kind }) =>
          kind === "number" ? { name: output, numbers: [-1, 0.5, 3] } : { name: output, texts: ["north"] },
        );
        const frames = [dataOf(500).X, edgeFrame(given.edges(nextEdges), 2000)];
        const results = await runOnnx(graphOf(given, profile), ...frames);
        frames.forEach((X, index) => {
          assertSame(frameOf(given, X.rowCount, results[index]!), given.transform(X), options.graphTolerance ?? 0);
        });
      });
    else
      check(`that no ${profile} graph can say it is told`, async () => {
        const given = await fitOnce();
        assert.throws(() => graphOf(given, profile), { code: "onnx.unsupported" });
      });

  check("progress rises to its end, and a cancel is heard", async () => {
    const seen: number[] = [];
    await fit(dataOf(200), { progress: (done, total) => seen.push(done / total) });
    assert.ok(seen.every((value, index) => value > (seen[index - 1] ?? 0)) && seen.at(-1) === 1, seen.join(" "));
    await assert.rejects(fit(dataOf(200), { signal: AbortSignal.abort() }), { code: "learn.cancelled" });
    const abort = new AbortController();
    const cancelled = fit(dataOf(200), { signal: abort.signal, progress: () => abort.abort() });
    await assert.rejects(cancelled, { code: "learn.cancelled" });
  });
}

/** Without a field, with another thing in it, and the same for each field of what was learnt of the columns. */
function damagedOnes(json: Record<string, Json>): Record<string, unknown>[] {
  const wrong = [undefined, { damaged: true }];
  const { columns } = json;
  const records = Array.isArray(columns) ? (columns as Record<string, Json>[]) : [];
  const withField = (field: string, value: unknown) => records.map((record) => ({ ...record, [field]: value }));
  return [
    ...Object.keys(json).flatMap((field) => wrong.map((value) => ({ ...json, [field]: value }))),
    ...Object.keys(records[0] ?? {}).flatMap((field) => wrong.map((value) => ({ ...json, columns: withField(field, value) }))),
  ];
}

function graphOf(fitted: FittedTransform, profile: OnnxProfile) {
  const graph = createGraph(fitted.transformer, profile);
  const names = declareInputs(graph, fitted.inputs);
  const tensors = fitted.addTo(graph, Object.fromEntries(fitted.inputs.map(({ name }, at) => [name, names[at]!])), profile);
  fitted.outputs.forEach(({ name, kind }, at) => {
    graph.output(tensors[name]!, `out_${at}`, kind === "number" ? "float64" : "string", ["N", 1]);
  });
  return graph.model();
}

function frameOf({ outputs }: FittedTransform, rowCount: number, results: Record<string, ArrayLike<unknown>>): Frame {
  const columns = outputs.map(({ name, kind }, at): [string, NumberColumn | TextColumn] => {
    const data = results[`out_${at}`]!;
    if (kind === "number") return [name, { kind, values: data as Float64Array }];
    const given = Array.from(data, String);
    const texts = [...new Set(given)].filter((text) => text !== "");
    return [name, { kind, codes: Int32Array.from(given, (text) => texts.indexOf(text)), texts }];
  });
  return { rowCount, columns: Object.fromEntries(columns) };
}

const textsOf = (column: NumberColumn | TextColumn) =>
  column.kind === "number" ? column.values : Array.from(column.codes, (code) => (code < 0 ? "" : column.texts[code]));

function assertSame(actual: Frame, expected: Frame, tolerance: number): void {
  assert.deepEqual(Object.keys(actual.columns), Object.keys(expected.columns));
  for (const [name, column] of Object.entries(expected.columns)) {
    const [ours, theirs] = [textsOf(column), textsOf(actual.columns[name]!)];
    for (let row = 0; row < expected.rowCount; row++) {
      const [a, b] = [ours[row]!, theirs[row]!];
      const isSame = typeof a === "number" && typeof b === "number" ? isNear(a, b, tolerance) : a === b;
      if (!isSame) assert.fail(`"${name}" of row ${row}: ${b} instead of ${a}`);
    }
  }
}

const isNear = (a: number, b: number, tolerance: number) =>
  a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a));
