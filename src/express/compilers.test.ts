import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import type { Row, Schema, TypeName, Value } from "../contract/index.ts";
import { resolve } from "./infer.ts";
import { logarithm } from "./logarithm.ts";
import type { LiteralNode, Node, OperationName } from "./node.ts";
import { OPERATIONS } from "./operations.ts";
import { compilePattern } from "./pattern.ts";
import { quoteDouble, quoteIdentifier, quoteLiteral } from "./quote.ts";
import { compileRow } from "./rows.ts";
import { compileSql } from "./sql.ts";
import { lower } from "./text.ts";
import { isMoment } from "./value-type.ts";
import { inWords } from "./words.ts";
import { zoneTable } from "./zones.ts";

const SEED = 20010601;

/** A column of each type, under names that would break a careless quotation. */
const schema: Schema = Object.fromEntries(
  (
    [
      ["x", "float64"],
      ["select", "float64"],
      ['a"b', "float32"],
      ["small", "int8"],
      ["count", "int32"],
      ["; --", "int64"],
      ["u", "uint32"],
      ["yes", "boolean"],
      ["no'", "boolean"],
      ["text", "string"],
      ["größe ", "string"],
      ["kind", "category"],
      ["day", "date"],
      ["at", "timestamp"],
      ["then", "timestamp"],
      ["instant", "instant"],
    ] satisfies [string, TypeName][]
  ).map(([name, type]) => [name, { type, nullable: true }]),
);

const TEXTS = [
  "",
  "SEA",
  "sea",
  "Ärger",
  "İstanbul",
  "ΑΣ ς",
  "𝒳𐐀",
  "a'b",
  'q"r',
  "nul\0in",
  "a\nb\r",
  "ǅ",
  "🤦🏼‍♂️",
  "\u2028\t",
  "x_9-Z",
];
const NUMBERS = [0, 1, -1, 2, 7.5, 15, 0.1, -0.5, 1e-300, 5e-324, 1e300, -1.7976931348623157e308, 2 ** 53, 1e15, 3e9];
const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Africa/Casablanca",
  "Pacific/Apia",
];
const DAY = 86_400e6;
/** Moments at which clocks change in Berlin, New York, Lord Howe and Apia, and the ends of what is reckoned exactly. */
const MOMENTS = [
  985_482_000e6,
  1_004_230_800e6,
  1_301_752_800e6,
  1_325_239_200e6,
  1_143_300_600e6,
  0,
  -1,
  -Number.MAX_SAFE_INTEGER,
  Number.MAX_SAFE_INTEGER,
];

const oneOf = <T>(values: readonly T[]) => fc.constantFrom(...values);
const moments = fc.oneof(
  fc
    .tuple(oneOf(MOMENTS), fc.integer({ min: -3, max: 3 }))
    .map(([at, by]) => Math.max(-(2 ** 53), Math.min(2 ** 53, at + by * 600e6))),
  fc.integer({ min: -3e15, max: 4e15 }),
);
const doubles = fc.oneof(
  oneOf(NUMBERS),
  fc.integer({ min: -100, max: 100 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const whole = (min: number, max: number) => fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max, 0, 15));
const int64 = fc
  .oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constantFrom(2n ** 53n, 2n ** 53n + 1n, -(2n ** 63n), 15n))
  .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
const texts = fc.oneof(oneOf(TEXTS), fc.string({ unit: "binary", maxLength: 4 }));

const valuesOf: Record<TypeName, fc.Arbitrary<Value>> = {
  int8: whole(-128, 127),
  int16: whole(-32768, 32767),
  int32: whole(-(2 ** 31), 2 ** 31 - 1),
  int64,
  uint8: whole(0, 255),
  uint16: whole(0, 65535),
  uint32: whole(0, 2 ** 32 - 1),
  float32: fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: -9, max: 9 })),
  float64: doubles,
  boolean: fc.boolean(),
  string: texts,
  category: texts,
  date: moments.map((micros) => Math.floor(micros / DAY) * DAY),
  timestamp: moments,
  instant: moments,
};
const rows = fc.record(
  Object.fromEntries(Object.entries(schema).map(([name, { type }]) => [name, fc.option(valuesOf[type], { freq: 6 })])),
);

const literal = (values: fc.Arbitrary<LiteralNode["value"]>) => values.map((value): Node => ({ op: "literal", value }));
const columns = (...types: TypeName[]) =>
  oneOf(Object.keys(schema).filter((name) => types.includes(schema[name]!.type))).map((name): Node => ({ op: "column", name }));
const momentText = fc
  .date({ min: new Date("1900-01-01"), max: new Date("2100-01-01"), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 19));

/** Patterns of the common language, from its parts. */
const patterns = fc.letrec<{ pattern: string; part: string }>((tie) => ({
  pattern: fc.array(tie("part"), { minLength: 1, maxLength: 3 }).map((parts) => parts.join("")),
  part: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    oneOf([
      ".",
      "\\d",
      "\\w",
      "\\s",
      "\\S",
      "\\b",
      "\\B",
      "\\W",
      "a",
      "S",
      "ä",
      "𝒳",
      "\\.",
      "-",
      "^",
      "$",
      "[a-z]",
      "[^\\s\\d]",
      "[A-Zä-ü_-]",
      "\\n",
    ]),
    fc
      .tuple(oneOf([".", "\\w", "[^a]", "S"]), oneOf(["*", "+", "?", "{2}", "{1,}", "{0,3}?", "*?"]))
      .map((pair) => pair.join("")),
    tie("pattern").map((inner) => `(${inner})`),
    fc.tuple(tie("pattern"), tie("pattern")).map(([a, b]) => `(?:${a}|${b})?`),
  ),
})).pattern;

type Kinds = Record<"number" | "boolean" | "string" | "date" | "timestamp" | "instant", Node>;
/** Expressions by type, of any operation at any depth. */
const expressions = fc.letrec<Kinds>((tie) => {
  const operation = (op: OperationName, ...args: fc.Arbitrary<Node>[]) => fc.tuple(...args).map((args): Node => ({ op, args }));
  const [number, boolean, string] = [tie("number"), tie("boolean"), tie("string")];
  const kinds = ["number", "boolean", "string", "date", "timestamp", "instant"] as const;
  const sameKind = (op: OperationName, ...of: (keyof Kinds)[]) => of.map((kind) => operation(op, tie(kind), tie(kind)));
  const textOf = {
    date: momentText.map((text) => text.slice(0, 10)),
    timestamp: momentText,
    instant: momentText.map((text) => `${text}+02:00`),
  };
  const moment = (op: OperationName) =>
    (["date", "timestamp", "instant"] as const).flatMap((kind) => [
      operation(op, tie(kind), tie(kind)),
      operation(op, tie(kind), literal(textOf[kind])),
    ]);
  const calendar = (op: OperationName, ...of: ("date" | "timestamp")[]) => [
    ...of.map((kind) => operation(op, tie(kind))),
    operation(op, tie("instant"), literal(oneOf(ZONES))),
  ];
  const some = (leaf: fc.Arbitrary<Node>[], ...inner: fc.Arbitrary<Node>[]) =>
    fc.oneof({ maxDepth: 3, depthIdentifier: "expression" }, fc.oneof(...leaf), ...inner);
  return {
    number: some(
      [columns("float64", "float32"), columns("int8", "int32", "int64", "uint32"), literal(doubles)],
      ...(["plus", "minus", "times", "dividedBy"] as const).flatMap((op) => sameKind(op, "number")),
      operation("log", number),
      operation("abs", number),
      operation("orElse", number, number),
      operation("length", string),
      ...calendar("hour", "timestamp"),
      ...(["weekday", "month", "dayOfYear"] as const).flatMap((op) => calendar(op, "date", "timestamp")),
      ...moment("minutesUntil"),
    ),
    boolean: some(
      [columns("boolean"), literal(fc.boolean())],
      ...(["gt", "gte", "lt", "lte"] as const).flatMap((op) => sameKind(op, "number")),
      operation("between", number, number, number),
      operation("between", columns("int64", "int8"), literal(whole(-9, 0)), literal(whole(1, 1000))),
      ...(["eq", "ne"] as const).flatMap((op) => sameKind(op, ...kinds)),
      operation("and", boolean, boolean),
      operation("or", boolean, boolean),
      operation("not", boolean),
      ...kinds.map((kind) => operation("isNull", tie(kind))),
      operation("orElse", boolean, boolean),
      operation("in", string, literal(fc.array(oneOf(TEXTS), { minLength: 1, maxLength: 4 }))),
      operation("matches", string, literal(patterns)),
      ...moment("before"),
      ...moment("after"),
    ),
    string: some(
      [columns("string", "category"), literal(texts)],
      operation("lower", string),
      operation("orElse", string, string),
    ),
    date: some([columns("date")], ...sameKind("orElse", "date")),
    timestamp: some(
      [columns("timestamp")],
      operation("plusMinutes", tie("timestamp"), number),
      operation("plusMinutes", tie("date"), number),
      ...sameKind("orElse", "timestamp"),
    ),
    instant: some([columns("instant")], operation("plusMinutes", tie("instant"), number), ...sameKind("orElse", "instant")),
  };
});

const ENGINE_TYPES: Record<TypeName, string> = {
  int8: "TINYINT",
  int16: "SMALLINT",
  int32: "INTEGER",
  int64: "BIGINT",
  uint8: "UTINYINT",
  uint16: "USMALLINT",
  uint32: "UINTEGER",
  float32: "FLOAT",
  float64: "DOUBLE",
  boolean: "BOOLEAN",
  string: "VARCHAR",
  category: "VARCHAR",
  date: "DATE",
  timestamp: "TIMESTAMP",
  instant: "TIMESTAMPTZ",
};

function engineLiteral(type: TypeName, value: Value): string {
  if (value === null) return "NULL";
  if (typeof value === "string") return quoteLiteral(value);
  if (type === "date") return `make_timestamp(${value})::DATE`;
  if (type === "timestamp") return `make_timestamp(${value})`;
  if (type === "instant") return `make_timestamptz(${value})`;
  return typeof value === "number" && type.startsWith("float") ? quoteDouble(value) : String(value);
}

const tableSql = (given: readonly Row[]) =>
  given.map(
    (row, index) =>
      `(${index}, ${Object.keys(schema)
        .map((name) => engineLiteral(schema[name]!.type, row[name]!))
        .join(", ")})`,
  );

describe("expressions as SQL and as functions of a row", () => {
  let engine: DuckDBInstance;
  let sql: DuckDBConnection;
  const given = fc.sample(rows, { seed: SEED, numRuns: 80 }) as Row[];
  const query = async (text: string): Promise<Value[][]> => (await sql.runAndReadAll(text)).getRows() as Value[][];

  before(async () => {
    engine = await DuckDBInstance.create(":memory:", { threads: "2" });
    sql = await engine.connect();
    const columnTypes = Object.entries(schema).map(([name, { type }]) => `${quoteIdentifier(name)} ${ENGINE_TYPES[type]}`);
    await sql.run(`CREATE TABLE given (__row INTEGER, ${columnTypes.join(", ")})`);
    await sql.run(`INSERT INTO given VALUES ${tableSql(given).join(", ")}`);
  });
  after(() => {
    sql.closeSync();
    engine.closeSync();
  });

  /** The values of expressions for the given rows, by the engine. Moments come as microseconds. */
  async function byEngine(nodes: readonly Node[]): Promise<Value[][]> {
    const selected = nodes.map((node) => {
      const text = compileSql(node, schema);
      return isMoment(resolve(node, schema).is.type) ? `epoch_us(${text})` : text;
    });
    return query(`SELECT ${selected.join(",\n")} FROM given ORDER BY __row`);
  }

  it("agree in every operation on every kind of value, to the last bit", async () => {
    const kinds = ["number", "boolean", "string", "date", "timestamp", "instant"] as const;
    const nodes = kinds.flatMap((kind) =>
      fc.sample(expressions[kind], { seed: SEED, numRuns: kind === "number" || kind === "boolean" ? 240 : 40 }),
    );
    const answered = new Map<string, boolean>();
    for (let from = 0; from < nodes.length; from += 30) {
      const together = nodes.slice(from, from + 30);
      const found = await byEngine(together);
      for (const [at, node] of together.entries()) {
        const evaluate = compileRow(node, schema);
        const values = given.map(evaluate);
        const row = values.findIndex((value, row) => !same(value, found[row]![at]!));
        if (row >= 0) {
          const message = `${inWords(node)}\nof ${show(given[row]!)}\n${compileSql(node, schema)}`;
          assert.deepEqual(values[row], found[row]![at], message);
        }
        for (const name of operationsIn(node))
          answered.set(name, answered.get(name) || (isOf(node, name) && values.some((value) => value !== null)));
      }
    }
    const silent = Object.keys(OPERATIONS).filter((name) => !answered.get(name));
    assert.deepEqual(silent, [], "operations that the generator never brought to an answer");
  });

  it("agree on the logarithm in every binade, and keep near the true one", async () => {
    const near = fc.sample(fc.double({ min: 5e-324, noDefaultInfinity: true, noNaN: true }), { seed: SEED, numRuns: 3000 });
    const powers = Array.from({ length: 2098 }, (_, k) => 2 ** (k - 1074));
    const values = [...near, ...powers, ...powers.map((power) => Math.min(power * (2 - 2 ** -52), Number.MAX_VALUE))];
    const text = compileSql({ op: "log", args: [{ op: "column", name: "x" }] }, schema);
    const found = await query(
      `SELECT ${text} FROM (VALUES ${values.map((value, at) => `(${at}, ${quoteDouble(value)})`).join(", ")}) AS v (n, x) ORDER BY n`,
    );
    for (const [at, value] of values.entries()) {
      assert.equal(logarithm(value), found[at]![0], `log ${value}`);
      assert.ok(Math.abs(logarithm(value)! - Math.log(value)) <= 2 ** -51 * Math.abs(Math.log(value)), `log ${value}`);
    }
  });

  it("lower each character of Unicode alike", async () => {
    const lowered =
      "SELECT n, unicode(lower(chr(n::INTEGER))) FROM range(1, 1114112) AS r (n) WHERE n NOT BETWEEN 55296 AND 57343";
    const found = await query(lowered);
    const different = found.filter(([code, low]) => lower(String.fromCodePoint(Number(code))).codePointAt(0) !== low);
    assert.deepEqual(different, []);
  });

  it("find the same matches for patterns made of the whole common language", async () => {
    const sampled = fc.sample(patterns, { seed: SEED, numRuns: 400 });
    const among = [...TEXTS, "a1 b2", "line\n", "\u000b\u00a0", "SSSä", "foo.bar"];
    const tests = sampled.map((pattern) => `regexp_matches(t, ${quoteLiteral(pattern)})`);
    const found = await query(
      `SELECT ${tests.join(", ")} FROM (VALUES ${among.map((text, at) => `(${at}, ${quoteLiteral(text)})`).join(", ")}) AS v (n, t) ORDER BY n`,
    );
    for (const [at, pattern] of sampled.entries())
      for (const [n, text] of among.entries())
        assert.equal(compilePattern(pattern).test(text), found[n]![at], `${pattern} on ${JSON.stringify(text)}`);
  });

  it("know the zones as the engine does, for instants of the past", async () => {
    const instants = Array.from(
      { length: 60 },
      (_, at) => (Date.UTC(1970, 0, 1) + at * 337 * 86_400_000 + at * 3_600_000) * 1000,
    ).filter((micros) => micros < Date.UTC(2024, 0, 1) * 1000);
    const days: Node = {
      op: "plusMinutes",
      args: [
        { op: "column", name: "instant" },
        { op: "literal", value: 0 },
      ],
    };
    for (const zone of ZONES) {
      const hour = compileRow({ op: "hour", args: [days, { op: "literal", value: zone }] }, schema);
      const found = await query(
        `SELECT hour(timezone(${quoteLiteral(zone)}, make_timestamptz(t))) FROM (VALUES ${instants.map((t) => `(${t})`).join(", ")}) AS v (t)`,
      );
      for (const [at, instant] of instants.entries())
        assert.equal(hour({ instant }), Number(found[at]![0]), `${zone} at ${instant}`);
    }
  });

  it("hold a NaN and an infinity of a column to be missing", async () => {
    const node: Node = { op: "isNull", args: [{ op: "column", name: "x" }] };
    const found = await query(
      `SELECT ${compileSql(node, schema)} FROM (VALUES ('NaN'::DOUBLE), ('-Infinity'::DOUBLE), (1e0)) AS v (x)`,
    );
    assert.deepEqual(
      found.map(([value]) => value),
      [true, true, false],
    );
    assert.deepEqual(
      [Number.NaN, Number.NEGATIVE_INFINITY, 1].map((x) => compileRow(node, schema)({ x })),
      [true, true, false],
    );
  });

  it("read columns where a query names them", async () => {
    const node: Node = {
      op: "gt",
      args: [
        { op: "column", name: "count" },
        { op: "literal", value: 1 },
      ],
    };
    const text = compileSql(node, schema, { columnRef: (name) => `a.${quoteIdentifier(name)}` });
    assert.deepEqual(await query(`SELECT ${text} FROM (SELECT 2 AS count) AS a, (SELECT 0 AS count) AS b`), [[true]]);
  });
});

it("a zone is a table of changes whose offsets are less than a day", () => {
  for (const zone of ["UTC", "Asia/Tokyo", ...ZONES]) {
    const { starts, offsets } = zoneTable(zone);
    assert.ok(
      offsets.every((offset) => Math.abs(offset) < DAY),
      zone,
    );
    assert.ok(
      starts.every((start, at) => at === 0 || start > starts[at - 1]!),
      zone,
    );
  }
});

/** The engine gives every 64-bit integer as a bigint; -0 is 0. */
const same = (ours: Value, engines: Value): boolean =>
  ours === engines || (typeof ours === "number" && typeof engines === "bigint" && ours === Number(engines));
const show = (row: Row) => JSON.stringify(row, (_, value) => (typeof value === "bigint" ? `${value}n` : value));

function operationsIn(node: Node): string[] {
  return "args" in node ? [node.op, ...node.args.flatMap(operationsIn)] : [];
}
const isOf = (node: Node, name: string) => operationsIn(node).includes(name);
