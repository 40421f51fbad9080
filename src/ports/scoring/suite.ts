/** What every scoring driver must do. A driver's test calls `scoringSuite` with a way to make one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Frame } from "../../learn/index.ts";
import { createGraph, type ElementType, encodeOnnx } from "../../onnx/index.ts";
import type { Scoring } from "./scoring.ts";

export function scoringSuite(driver: string, create: () => Scoring): void {
  const check = (title: string, body: (scoring: Scoring) => Promise<void>) => test(`${driver}: ${title}`, () => body(create()));

  check("numbers arrive as the type the graph declares, a missing one as NaN", async (scoring) => {
    for (const [type, values] of Object.entries({
      float64: [0.1, Number.NaN, -0],
      float32: [Math.fround(0.1), Number.NaN, -0],
      int64: [2 ** 53 - 1, -5, 0],
      int32: [2 ** 31 - 1, -5, 0],
      bool: [1, 0, 1],
    })) {
      const session = await scoring.open(castGraph(type as ElementType));
      const scores = await session.score(frame({ x: values }));
      assert.deepEqual(scores, { values: Float64Array.from(values), width: 1 });
      await session.close();
    }
  });

  check("texts arrive as strings, a missing one as the empty text, an unseen one as itself", async (scoring) => {
    const session = await scoring.open(rankGraph());
    const scores = await session.score(frame({ origin: ["é", null, "JFK", "SEA"] }));
    assert.deepEqual([...scores.values], [2, 0, -1, 1]);
    await session.close();
  });

  check("columns are found by name, in any order, and others are left alone", async (scoring) => {
    const session = await scoring.open(differenceGraph());
    const scores = await session.score(frame({ other: ["x", "y"], b: [1, 2], a: [10, 20] }));
    assert.deepEqual(scores, { values: Float64Array.of(9, 10, 18, 20), width: 2 });
    await session.close();
  });

  check("rows of more than one batch come back whole and in order, and the frame stays usable", async (scoring) => {
    const session = await scoring.open(differenceGraph());
    const rowCount = 10_001;
    const a = Float64Array.from({ length: rowCount + 5 }, (_, row) => row).subarray(5);
    const b = new Float64Array(rowCount).fill(5);
    const X: Frame = { rowCount, columns: { a: { kind: "number", values: a }, b: { kind: "number", values: b } } };
    for (let round = 0; round < 2; round++) {
      const { values } = await session.score(X);
      assert.deepEqual(
        values,
        Float64Array.from({ length: rowCount * 2 }, (_, i) => (i % 2 ? (i - 1) / 2 + 5 : i / 2)),
      );
    }
    await session.close();
  });

  check("no rows give no scores, with the width of the graph", async (scoring) => {
    const session = await scoring.open(differenceGraph());
    assert.deepEqual(await session.score(frame({ a: [], b: [] })), { values: new Float64Array(0), width: 2 });
    await session.close();
  });

  check("calls made together are each answered with their own rows", async (scoring) => {
    const session = await scoring.open(castGraph("float64"));
    const answers = await Promise.all([1, 2, 3].map((x) => session.score(frame({ x: [x] }))));
    assert.deepEqual(
      answers.map(({ values }) => values[0]),
      [1, 2, 3],
    );
    await session.close();
  });

  check("the event loop runs while rows are scored", async (scoring) => {
    const session = await scoring.open(slowGraph());
    let done = false;
    let turns = 0;
    const scored = session.score(frame({ x: Array.from({ length: 4096 }, () => 1) })).finally(() => (done = true));
    for (; !done && turns < 1000; turns++) await nextTurn();
    assert.ok(turns > 10, `${turns} turns of the event loop`);
    await scored;
    await session.close();
  });

  check("a column that is absent, of another kind or out of range is named", async (scoring) => {
    const session = await scoring.open(castGraph("int32"));
    for (const columns of [{ y: [1] }, { x: ["a"] }, { x: [0.5] }, { x: [2 ** 31] }, { x: [Number.NaN] }]) {
      await assert.rejects(session.score(frame(columns)), { code: "scoring.bad-input", at: "x" });
    }
    assert.deepEqual([...(await session.score(frame({ x: [7] }))).values], [7]);
    await session.close();
  });

  check("bytes that are no model, and models that do not score rows, are refused", async (scoring) => {
    const models = [
      new Uint8Array(0),
      Uint8Array.of(1, 2, 3),
      castGraph("float64").subarray(0, 40),
      twoOutputsGraph(),
      wideGraph(),
      unknownOperatorGraph(),
    ];
    for (const onnx of models) await assert.rejects(scoring.open(onnx), { code: "scoring.bad-model" });
  });

  check("a graph that fails on its rows rejects that call only", async (scoring) => {
    const session = await scoring.open(gatherGraph());
    await assert.rejects(session.score(frame({ x: [99] })), { code: "scoring.failed" });
    assert.deepEqual([...(await session.score(frame({ x: [1] }))).values], [20]);
    await session.close();
  });

  check("closing answers the calls in progress, then refuses more, and may be repeated", async (scoring) => {
    const session = await scoring.open(castGraph("float64"));
    const scored = session.score(frame({ x: [3] }));
    await Promise.all([session.close(), session.close()]);
    assert.deepEqual([...(await scored).values], [3]);
    await assert.rejects(session.score(frame({ x: [3] })), { code: "scoring.closed" });
    await session.close();
  });
}

/** A frame from plain lists: texts and nulls make a text column. */
export function frame(columns: Readonly<Record<string, readonly (number | string | null)[]>>): Frame {
  const entries = Object.entries(columns).map(([name, list]): [string, Frame["columns"][string]] => {
    if (!list.some((value) => typeof value === "string"))
      return [name, { kind: "number", values: Float64Array.from(list as number[]) }];
    const texts = [...new Set(list.filter((value) => value !== null))] as string[];
    return [name, { kind: "text", codes: Int32Array.from(list, (value) => texts.indexOf(value as string)), texts }];
  });
  return { rowCount: Object.values(columns)[0]?.length ?? 0, columns: Object.fromEntries(entries) };
}

const DOUBLE = { to: { int: 11 } };

export function castGraph(type: ElementType): Uint8Array {
  const g = createGraph("cast");
  g.output(g.add("Cast", [g.input("x", type)], DOUBLE), "value", "float64", ["N", 1]);
  return encodeOnnx(g.model());
}

export function rankGraph(): Uint8Array {
  const g = createGraph("rank");
  const rank = g.addMl("LabelEncoder", [g.input("origin", "string")], {
    keys_strings: { strings: ["", "SEA", "é"] },
    values_floats: { floats: [0, 1, 2] },
    default_float: { float: -1 },
  });
  g.output(rank, "value", "float32", ["N", 1]);
  return encodeOnnx(g.model());
}

/** Columns a - b and a. */
function differenceGraph(): Uint8Array {
  const g = createGraph("difference");
  const [a, b] = [g.input("a", "float64"), g.input("b", "float64")];
  const both = g.add("Concat", [g.add("Sub", [a, b]), a], { axis: { int: 1 } });
  g.output(both, "probabilities", "float64", ["N", 2]);
  return encodeOnnx(g.model());
}

/** A product of matrices that takes a good part of a second for 4,096 rows. */
export function slowGraph(): Uint8Array {
  const g = createGraph("slow");
  const width = 512;
  let h = g.add("MatMul", [
    g.add("Cast", [g.input("x", "float64")], { to: { int: 1 } }),
    g.constant("float32", new Float32Array(width).fill(1), [1, width]),
  ]);
  const weights = g.constant("float32", new Float32Array(width * width).fill(1 / width), [width, width]);
  for (let layer = 0; layer < 12; layer++) h = g.add("MatMul", [h, weights]);
  g.output(g.add("ReduceMean", [h], { axes: { ints: [1] } }), "value", "float32", ["N", 1]);
  return encodeOnnx(g.model());
}

function twoOutputsGraph(): Uint8Array {
  const g = createGraph("two");
  const x = g.input("x", "float64");
  g.output(g.add("Neg", [x]), "a", "float64", ["N", 1]);
  g.output(g.add("Abs", [x]), "b", "float64", ["N", 1]);
  return encodeOnnx(g.model());
}

function wideGraph(): Uint8Array {
  const g = createGraph("wide");
  g.output(g.add("Neg", [g.input("x", "float64", ["N", 3])]), "value", "float64", ["N", 3]);
  return encodeOnnx(g.model());
}

function unknownOperatorGraph(): Uint8Array {
  const g = createGraph("unknown");
  g.output(g.add("NoSuchOperator", [g.input("x", "float64")]), "value", "float64", ["N", 1]);
  return encodeOnnx(g.model());
}

/** Looks a number up in a table of three. */
function gatherGraph(): Uint8Array {
  const g = createGraph("gather");
  const table = g.constant("float64", [10, 20, 30]);
  g.output(g.add("Gather", [table, g.input("x", "int64")]), "value", "float64", ["N", 1]);
  return encodeOnnx(g.model());
}
