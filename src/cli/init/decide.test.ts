import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { MillError } from "../../base/index.ts";
import { askQuestion, chooseFeatures, chooseLabel, chooseSplit, chooseTime, type NamedColumn } from "./decide.ts";
import { columnNames, projectName } from "./names.ts";

const column = (name: string, about: Partial<NamedColumn> = {}): NamedColumn => ({
  name,
  source: name,
  type: "float64",
  values: 100,
  misfits: 0,
  missing: 0,
  missingWords: [],
  misfitWords: [],
  distinct: 90,
  unique: false,
  numbered: false,
  ...about,
});
const text = (name: string, distinct: number, about: Partial<NamedColumn> = {}) =>
  column(name, { type: "category", distinct, ...about });
const counted = (values: Readonly<Record<string, number>>) => Object.entries(values).map(([value, count]) => ({ value, count }));
const code = (wanted: string, said: RegExp) => (error: MillError) => {
  assert.equal(error.code, wanted);
  assert.match(`${error.message} ${error.got}`, said);
  return true;
};

test("any headers become different names that definitions and fields may have", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.string(),
          fc.string({ unit: "grapheme" }),
          fc.constantFrom("a", "A", "constructor", "then", "__proto__", "42", ""),
        ),
        { maxLength: 30 },
      ),
      (headers) => {
        const names = columnNames(headers);
        for (const name of names) assert.match(name, /^[A-Za-z][A-Za-z0-9_]{0,62}$/);
        for (const name of names) assert.ok(!(name in {}) && name !== "then", name);
        assert.equal(new Set(names.map((name) => name.toLowerCase())).size, headers.length);
      },
    ),
    { seed: 5, numRuns: 300 },
  );
  assert.deepEqual(columnNames(["Beak Length (mm)", "BMI", "café", "a", "A", "2nd", "漢字", "toString"]), [
    "beakLengthMm",
    "bmi",
    "cafe",
    "a",
    "a2",
    "column2nd",
    "column7",
    "toStringColumn",
  ]);
});

test("any file's name becomes a project's name", () => {
  fc.assert(
    fc.property(fc.string(), (fileName) => assert.match(projectName(fileName), /^[a-z][a-z0-9-]{0,62}$/)),
    { seed: 5, numRuns: 300 },
  );
  assert.deepEqual(["Kunden & Verträge.csv", "2024_sales.parquet", "rows.json.gz", "___"].map(projectName), [
    "kunden-vertrage",
    "data-2024-sales",
    "rows",
    "data",
  ]);
});

test("the last column that can be predicted is the label, unless another one is named by its name in the file or ours", () => {
  const columns = [
    column("price", { source: "Price (EUR)" }),
    text("city", 12),
    column("id", { numbered: true }),
    text("note", 900),
  ];
  assert.equal(chooseLabel(columns, undefined).name, "city");
  assert.equal(chooseLabel(columns, "Price (EUR)").name, "price");
  assert.equal(chooseLabel(columns, "price").name, "price");
  assert.throws(() => chooseLabel(columns, "citty"), code("cli.label-unknown", /Did you mean "city"/));
});

for (const [about, fault] of [
  [{ numbered: true }, /numbers the rows/],
  [{ distinct: 1 }, /same value/],
  [{ distinct: 0, values: 0 }, /no value/],
  [{ type: "date" }, /moments/],
  [{ type: "string", distinct: 5000 }, /5000 different texts/],
  [{ type: null }, /cannot be read/],
] as const)
  test(`a label that cannot be predicted is refused with the reason: ${fault.source}`, () => {
    assert.throws(() => chooseLabel([column("a"), column("b", about)], "b"), code("cli.label-unfit", fault));
    assert.throws(() => chooseLabel([column("b", about)], undefined), code("cli.label-unfit", fault));
  });

test("the label's values decide the task, and what is a yes", () => {
  assert.deepEqual(askQuestion(column("x"), counted({ "1.5": 4, "2": 3, "3": 2 })).task, "regression");
  assert.deepEqual(askQuestion(column("x", { type: "boolean", distinct: 2 }), []).task, "binary-classification");
  const marks = askQuestion(column("x", { type: "int32", distinct: 3 }), counted({ "1": 40, "2": 30, "3": 20 }));
  assert.equal(marks.task, "multiclass-classification");
  const numbers = [0, 1].map((value) => ({ value, count: 50 }));
  assert.equal(askQuestion(column("x", { type: "int32", distinct: 2 }), numbers).positive, 1);
  assert.equal(askQuestion(text("x", 2), counted({ positive: 60, negative: 40 })).positive, "positive");
  assert.equal(askQuestion(text("x", 2), counted({ stays: 60, leaves: 40 })).positive, "leaves");
});

test("classes with too few rows to be in every part are left out; when two are left it is a yes or no", () => {
  const three = askQuestion(text("x", 4), counted({ a: 50, b: 40, c: 30, d: 3 }));
  assert.deepEqual([three.task, three.kept, three.rare], ["multiclass-classification", ["a", "b", "c"], counted({ d: 3 })]);
  assert.equal(askQuestion(text("x", 3), counted({ a: 50, b: 40, c: 3 })).task, "binary-classification");
  assert.throws(() => askQuestion(text("x", 2), counted({ a: 50, b: 2 })), code("cli.label-unfit", /"b": 2/));
});

test("rows are split by a moment that each of them has, unless a part would lack a class", () => {
  const [label, day] = [text("x", 3), column("day", { type: "date", distinct: 60 })];
  assert.equal(chooseTime([label, column("seen", { type: "date", missing: 1 }), day], label), day);
  assert.equal(chooseTime([label, column("year", { type: "date", distinct: 5 })], label), null);
  assert.equal(chooseSplit(1000, label, day, [3, 2, 3]).by, "time");
  assert.equal(chooseSplit(1000, label, day, [2, 3, 3]).by, "hash");
  assert.equal(chooseSplit(1000, label, day, [3, 3, 1]).by, "hash");
  assert.equal(chooseSplit(1000, label, null, null).by, "hash");
  assert.deepEqual([chooseSplit(1000, label, null, null).test, chooseSplit(100, label, null, null).test], [0.15, 0.2]);
});

test("columns that say nothing are left out with the reason; moments become their parts", () => {
  const label = column("y");
  const columns = [
    column("amount"),
    column("when", { type: "instant" }),
    column("whenHour"),
    column("customerId", { type: "int32", unique: true }),
    column("fixed", { distinct: 1 }),
    column("gone", { distinct: 0, values: 0 }),
    text("mail", 100, { unique: true }),
    text("sum", 80),
    label,
  ];
  const { features, leftOut } = chooseFeatures(columns, label, 100, { mail: "a@b.c", sum: "1.234,5" });
  assert.deepEqual(
    features.map(({ name, expression }) => `${name} = ${expression}`),
    [
      "amount = f.amount",
      'whenHour2 = f.when.hour("UTC")',
      'whenWeekday = f.when.weekday("UTC")',
      'whenMonth = f.when.month("UTC")',
      "whenHour = f.whenHour",
    ],
  );
  assert.deepEqual(
    leftOut.map(({ column: { name }, why }) => `${name}: ${why}`),
    [
      "customerId: another value in every row",
      "fixed: one value in all rows",
      "gone: no value in any row",
      'mail: another text in every row, as "a@b.c"',
      'sum: about 80 different texts, as "1.234,5": numbers are read with a point, as 1.5',
    ],
  );
  assert.throws(() => chooseFeatures([label, columns[4]!], label, 100, {}), code("cli.nothing-to-learn", /fixed: one value/));
});
