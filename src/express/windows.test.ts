import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { createRandom } from "../base/index.ts";
import type { Row, Value } from "../contract/index.ts";
import { featureQuery } from "./feature-query.ts";
import type { Node, WindowNode } from "./node.ts";
import { quoteDouble, quoteIdentifier, quoteLiteral } from "./quote.ts";
import { compileRow } from "./rows.ts";
import type { Shape } from "./shape.ts";
import { createWindow, onlineFields } from "./windows.ts";

const SEED = 20010602;
const MINUTE = 60e6;

const column = (name: string): Node => ({ op: "column", name });
const literal = (value: number | string | boolean): Node => ({ op: "literal", value });
const apply = (op: Exclude<Node["op"], "column" | "literal" | "window">, ...args: Node[]): Node => ({ op, args });
const window = (aggregate: WindowNode["aggregate"], value: Node | null, by: Node[], minutes: number): WindowNode => ({
  op: "window",
  aggregate,
  value,
  by,
  spanMicros: minutes * MINUTE,
});

/** Two outcomes, known late or never; values of every width. */
const shape: Shape = {
  columns: {
    at: { type: "timestamp", nullable: true },
    origin: { type: "string", nullable: true },
    "gate no": { type: "float64", nullable: true },
    delay: { type: "int32", nullable: true },
    wide: { type: "int64", nullable: true },
    cost: { type: "float64", nullable: true },
    good: { type: "boolean", nullable: true },
    lag: { type: "int32", nullable: true },
    seen: { type: "timestamp", nullable: true },
  },
  time: "at",
  outcomes: { delay: apply("plusMinutes", column("at"), column("lag")), cost: column("seen") },
};

const late = apply("gt", column("delay"), literal(0));
const fields: Record<string, Node> = {
  rows: window("count", null, [], 10),
  "rows by origin": window("count", null, [column("origin")], 7),
  "known delays": window("count", column("delay"), [column("origin")], 10),
  "mean delay": window("mean", column("delay"), [column("origin")], 10),
  "mean delay of all": window("mean", column("delay"), [], 30),
  "sum of wide": window("sum", column("wide"), [column("origin")], 10),
  "mean of wide": window("mean", column("wide"), [], 5),
  "sum of cost": window("sum", column("cost"), [], 20),
  "mean of cost": window("mean", column("cost"), [column("gate no")], 60),
  late: window("share", late, [column("origin")], 10),
  good: window("share", column("good"), [], 10),
  "late and dear": window("share", apply("and", late, apply("gt", column("cost"), literal(0.5))), [column("origin")], 45),
  least: window("min", column("delay"), [column("origin")], 10),
  greatest: window("max", column("cost"), [], 12),
  widest: window("max", column("wide"), [column("origin")], 3),
  "least lag": window("min", column("lag"), [column("gate no"), column("origin")], 100),
  "delay or none": apply("orElse", window("mean", column("delay"), [column("origin")], 10), literal(0)),
  trend: apply(
    "minus",
    window("mean", column("delay"), [column("origin")], 3),
    window("mean", column("delay"), [column("origin")], 30),
  ),
  "by half hour": window("sum", column("lag"), [apply("gte", apply("hour", column("at")), literal(1)), column("good")], 240),
  hour: apply("hour", column("at")),
  label: late,
};

const minutes = fc.oneof(fc.integer({ min: -20, max: 100 }), fc.integer({ min: 0, max: 6 })).map((count) => count * MINUTE);
const some = <T>(values: fc.Arbitrary<T>) => fc.option(values, { freq: 8 });
const dataset = fc.array(
  fc.record({
    at: some(fc.oneof({ weight: 20, arbitrary: minutes }, { weight: 1, arbitrary: fc.constant(2 ** 53 + 2) })),
    origin: some(fc.constantFrom("SEA", "LAX", "1", "")),
    "gate no": some(fc.constantFrom(1, 2.5, -0, 0)),
    delay: some(fc.integer({ min: -30, max: 30 })),
    wide: some(fc.constantFrom(5, -7, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 60n + 1n, 2 ** 53 - 1)),
    cost: some(
      fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constantFrom(0.1, 1e-13, 2 ** 53, -1e300, 2 ** 53 - 1)),
    ),
    good: some(fc.boolean()),
    lag: some(fc.integer({ min: -5, max: 15 })),
    seen: some(minutes),
  }),
  { maxLength: 45, size: "max" },
) as fc.Arbitrary<Row[]>;

const TYPES: Record<string, string> = {
  timestamp: "TIMESTAMP",
  string: "VARCHAR",
  float64: "DOUBLE",
  int32: "INTEGER",
  int64: "BIGINT",
  boolean: "BOOLEAN",
};

function engineLiteral(type: string, value: Value): string {
  if (value === null) return `NULL::${TYPES[type]}`;
  if (typeof value === "string") return quoteLiteral(value);
  if (type === "timestamp") return `make_timestamp(${value})`;
  return `${type === "float64" ? quoteDouble(Number(value)) : `(${value})`}::${TYPES[type]}`;
}

/** The definition, word for word: for each row, look at every row. */
function byDefinition(node: WindowNode, rows: readonly Row[], asking: Row): Value {
  const { keys, moments, value } = parts(node);
  const asOf = asking.at as number | null;
  const reckoned = (moment: Value): moment is number => moment !== null && Math.abs(moment as number) < 2 ** 53;
  const askingKeys = keys.map((key) => key(asking));
  const inside = rows.filter((row) => {
    const known = moments.map((moment) => moment(row));
    if (!reckoned(asOf) || !known.every(reckoned)) return false;
    if (keys.map((key) => key(row)).some((key, index) => key === null || key !== askingKeys[index])) return false;
    return asOf - node.spanMicros <= (row.at as number) && known.every((moment) => moment < asOf);
  });
  return aggregate(
    node.aggregate,
    inside.map(value).filter((given) => given !== null),
  );
}

const compiled = new Map<WindowNode, ReturnType<typeof compileParts>>();
function parts(node: WindowNode) {
  const kept = compiled.get(node) ?? compileParts(node);
  compiled.set(node, kept);
  return kept;
}

function compileParts(node: WindowNode) {
  const of = (part: Node) => compileRow(part, shape.columns);
  const read = JSON.stringify(node.value);
  const knownAt = Object.keys(shape.outcomes).filter((name) => read.includes(`"${name}"`));
  return {
    keys: node.by.map(of),
    moments: [column("at"), ...knownAt.map((name) => shape.outcomes[name]!)].map(of),
    value: node.value === null ? () => 1 : of(node.value),
  };
}

function aggregate(name: WindowNode["aggregate"], values: readonly Exclude<Value, null>[]): Value {
  if (name === "count") return values.length;
  if (values.length === 0) return null;
  if (name === "min") return values.reduce((a, b) => (b < a ? b : a));
  if (name === "max") return values.reduce((a, b) => (b > a ? b : a));
  if (name === "share") return values.filter((value) => value === true).length / values.length;
  const whole = values.every((value) => typeof value === "bigint" || Number.isSafeInteger(value));
  if (values.some((value) => typeof value === "number" && Math.abs(value) >= 2 ** 53)) return null;
  const fixed = values.map((value) => (whole ? BigInt(value) << 40n : BigInt(Math.floor(Number(value) * 2 ** 40 + 0.5))));
  const sum = Number(fixed.reduce((a, b) => a + b, 0n)) / 2 ** 40;
  return name === "sum" ? sum : sum / values.length;
}

/** A field by the definition: its windows are taken for what they are worth, the rest is row code. */
function expected(node: Node, rows: readonly Row[], asking: Row): Value {
  if (node.op === "window") return byDefinition(node, rows, asking);
  if (!("args" in node) || !JSON.stringify(node).includes('"window"')) return compileRow(node, shape.columns)(asking);
  const worth = node.args.map((arg) => expected(arg, rows, asking));
  const columns = Object.fromEntries(worth.map((_, index) => [`c${index}`, { type: "float64", nullable: true } as const]));
  const over = { op: node.op, args: worth.map((_, index) => column(`c${index}`)) } as Node;
  return compileRow(over, columns)(Object.fromEntries(worth.map((value, index) => [`c${index}`, value])));
}

const same = (a: Value, b: Value): boolean =>
  a === b || (a !== null && b !== null && typeof a !== typeof b && BigInt(a) === BigInt(b));

describe("windows", () => {
  let engine: DuckDBInstance;
  let sql: DuckDBConnection;
  before(async () => {
    engine = await DuckDBInstance.create(":memory:", { threads: "2" });
    sql = await engine.connect();
  });
  after(() => {
    sql.closeSync();
    engine.closeSync();
  });

  async function byEngine(rows: readonly Row[]): Promise<Value[][]> {
    const names = Object.keys(shape.columns);
    const tuple = (row: Row, index: number) =>
      `(${index}, ${names.map((name) => engineLiteral(shape.columns[name]!.type, row[name]!)).join(", ")})`;
    const types = names.map((name) => `${quoteIdentifier(name)} ${TYPES[shape.columns[name]!.type]}`);
    await sql.run(`CREATE OR REPLACE TEMP TABLE given ("row no" INTEGER, ${types.join(", ")})`);
    if (rows.length > 0) await sql.run(`INSERT INTO given VALUES ${rows.map(tuple).join(", ")}`);
    const query = featureQuery({ shape, relation: "given", fields, rowId: "row no", keep: ["origin"] });
    const found = await sql.runAndReadAll(`SELECT * FROM (${query}) ORDER BY "row no"`);
    return found.getRows().map((row) => row.slice(2)) as Value[][];
  }

  it("are the same by definition, by query and online, with ties, late and unknown outcomes, missing keys and exact sums", async () => {
    const datasets = fc.sample(dataset, { seed: SEED, numRuns: 16 });
    const random = createRandom(SEED);
    const worth = new Map<string, number>();
    for (const rows of datasets) {
      const found = await byEngine(rows);
      assert.equal(found.length, rows.length);
      const online = onlineFields(fields, shape);
      for (const row of shuffled(rows, random.below)) online.feed(row);
      for (const [index, row] of rows.entries()) {
        const answers = online.values(row, row.at === null ? Number.NaN : (row.at as number));
        for (const [at, [name, node]] of Object.entries(fields).entries()) {
          const value = expected(node, rows, row);
          const told = () => `${name} of ${show(row)} among ${show(rows)}`;
          if (!same(value, found[index]![at]!)) assert.deepEqual(found[index]![at], value, `query: ${told()}`);
          if (!same(value, answers[name]!)) assert.deepEqual(answers[name], value, `online: ${told()}`);
          if (value !== null && value !== 0) worth.set(name, (worth.get(name) ?? 0) + 1);
        }
      }
    }
    for (const name of Object.keys(fields)) assert.ok((worth.get(name) ?? 0) >= 5, `${name} was ever empty`);
  });

  it("answer the same online after forgetting what is too old, and refuse to answer for it", () => {
    for (const rows of fc.sample(dataset, { seed: SEED + 1, numRuns: 20 })) {
      const timed = rows
        .filter(({ at }) => at !== null && (at as number) < 2 ** 53)
        .sort((a, b) => (a.at as number) - (b.at as number));
      const [all, lean] = [onlineFields(fields, shape), onlineFields(fields, shape)];
      for (const [index, row] of timed.entries()) {
        for (const online of [all, lean]) online.feed(row);
        lean.forget(row.at as number);
        for (const later of timed.slice(index))
          assert.deepEqual(lean.values(later, later.at as number), all.values(later, later.at as number));
        assert.throws(() => lean.values(row, (row.at as number) - 1), { code: "express.forgotten" });
      }
    }
  });

  it("count a row from just after it is known until its span is over", () => {
    const counted = createWindow(window("count", column("delay"), [], 10), shape);
    counted.feed({ at: 0, delay: 1, lag: 3 });
    const asOf = [3 * MINUTE, 3 * MINUTE + 1, 10 * MINUTE, 10 * MINUTE + 1];
    assert.deepEqual(
      asOf.map((moment) => counted.value({}, moment)),
      [0, 1, 1, 0],
    );
  });

  it("sum doubles to the same value in any order", () => {
    const values = fc.sample(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { seed: SEED, numRuns: 300 });
    const random = createRandom(1);
    const sums = Array.from({ length: 5 }, () => {
      const sum = createWindow(window("sum", column("cost"), [], 10), shape);
      for (const cost of shuffled(values, random.below)) sum.feed({ at: 0, seen: 0, cost });
      return sum.value({}, MINUTE);
    });
    assert.equal(new Set(sums).size, 1);
  });

  for (const time of ["date", "instant"] as const) {
    it(`look back from rows whose time is ${time === "date" ? "a date" : "an instant"}`, async () => {
      const DAY = 1440 * MINUTE;
      const over: Shape = {
        columns: { at: { type: time, nullable: false }, n: { type: "int32", nullable: false } },
        time: "at",
        outcomes: { n: apply("plusMinutes", column("at"), literal(60)) },
      };
      const days = [0, 1, 1, 2, 4];
      const engineTime = time === "date" ? "make_timestamp(day)::DATE" : "make_timestamptz(day)";
      const relation = `(SELECT ${engineTime} AS "at", n, id FROM (VALUES ${days.map((day, n) => `(${day * DAY}, ${n + 1}, ${n})`).join(", ")}) AS v (day, n, id))`;
      const sums = { two: window("sum", column("n"), [], 2880), least: window("min", column("n"), [], 2880) };
      const found = await sql.runAndReadAll(
        `SELECT two, least FROM (${featureQuery({ shape: over, relation, fields: sums, rowId: "id" })}) ORDER BY id`,
      );
      const wanted = [
        [null, null],
        [1, 1],
        [1, 1],
        [6, 1],
        [4, 4],
      ];
      assert.deepEqual(
        found.getRows().map((row) => row.map((value) => (value === null ? null : Number(value)))),
        wanted,
      );
      const online = onlineFields(sums, over);
      for (const [n, day] of days.entries()) online.feed({ at: day * DAY, n: n + 1 });
      assert.deepEqual(
        days.map((day) => Object.values(online.values({}, day * DAY))),
        wanted,
      );
    });
  }

  it("keep thousands of keys apart, also where moments lie centuries apart", async () => {
    const keys = 3000;
    const over: Shape = {
      columns: { at: { type: "timestamp", nullable: false }, key: { type: "int64", nullable: false } },
      time: "at",
      outcomes: {},
    };
    const relation = `(SELECT make_timestamp((i // ${keys} - 1) * ${8e15}) AS "at", i % ${keys} AS key, i AS id FROM range(${3 * keys}) AS r (i))`;
    const fields = { before: window("count", null, [column("key")], 52_560_000) };
    const query = featureQuery({ shape: over, relation, fields, rowId: "id" });
    const sums = await sql.runAndReadAll(`SELECT count(*), sum(before), count(*) FILTER (before <> 0) FROM (${query})`);
    assert.deepEqual(sums.getRows()[0]!.map(Number), [3 * keys, 0, 0]);
    const twice = await sql.runAndReadAll(
      `SELECT count(*), sum(before) FROM (${featureQuery({ shape: over, relation: `(SELECT "at" + to_microseconds(i) AS "at", key, 2 * id + i AS id FROM ${relation}, range(2) AS s (i))`, fields, rowId: "id" })})`,
    );
    assert.deepEqual(twice.getRows()[0]!.map(Number), [6 * keys, 3 * keys]);
  });

  it("leave out rows that only ask, whatever these hold", async () => {
    for (const rows of fc.sample(dataset, { seed: SEED + 1, numRuns: 3 })) {
      const feeds = (index: number) => index % 3 !== 0;
      await byEngine(rows);
      const relation = `(SELECT *, ("row no" % 3 <> 0) AS "feeds it" FROM given)`;
      const query = featureQuery({ shape, relation, fields, rowId: "row no", feeds: "feeds it" });
      const found = (
        await sql.runAndReadAll(`SELECT * EXCLUDE ("row no") FROM (${query}) ORDER BY "row no"`)
      ).getRows() as Value[][];
      const online = onlineFields(fields, shape);
      for (const row of rows.filter((_, index) => feeds(index))) online.feed(row);
      for (const [index, row] of rows.entries()) {
        const values = Object.values(online.values(row, (row.at ?? Number.NaN) as number));
        assert.ok(
          values.every((value, field) => same(value, found[index]![field]!)),
          `${show(values)} is not ${show(found[index])}`,
        );
      }
    }
  });

  it("number the rows as they come when no column does", async () => {
    const query = featureQuery({
      shape,
      relation: "(SELECT * FROM given LIMIT 3)",
      fields: { hour: fields.hour!, rows: fields.rows! },
    });
    await byEngine([
      { at: 5, ...NOTHING },
      { at: 7, ...NOTHING },
      { at: 7, ...NOTHING },
    ]);
    const found = await sql.runAndReadAll(`SELECT * FROM (${query}) ORDER BY __row`);
    assert.deepEqual(found.getRows(), [
      [1n, 0n, 0n],
      [2n, 0n, 1n],
      [3n, 0n, 1n],
    ]);
  });

  it("are compiled without a pass over time where no field has one", async () => {
    await byEngine([{ at: 5, ...NOTHING }]);
    const query = featureQuery({ shape, relation: "given", fields: { hour: fields.hour! }, rowId: "row no" });
    assert.doesNotMatch(query, /ASOF|WITH/);
    assert.deepEqual((await sql.runAndReadAll(query)).getRows(), [[0, 0n]]);
  });
});

const NOTHING = { origin: null, "gate no": null, delay: null, wide: null, cost: null, good: null, lag: null, seen: null };
const show = (value: unknown) => JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}n` : part));

function shuffled<T>(values: readonly T[], below: (bound: number) => number): T[] {
  const order = [...values];
  for (let at = order.length - 1; at > 0; at--) {
    const other = below(at + 1);
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  return order;
}
