import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatMoment, parseMoment } from "../base/index.ts";
import type { TypeName } from "../contract/index.ts";
import { readValue } from "../express/index.ts";
import { ingestText, schema } from "./fixtures/workshop.ts";

/** Values as they stand in a CSV file, and what becomes of them; "aside" is quarantine. */
const CASES: Readonly<Partial<Record<TypeName, readonly (readonly [text: string, value: unknown])[]>>> = {
  int8: [
    ["127", 127],
    ["-128", -128],
    ["128", "aside"],
    ["1.0", 1],
    ["1.5", "aside"],
    ["abc", "aside"],
  ],
  int32: [
    ["7", 7],
    [" 7 ", 7],
    ["+7", 7],
    ["007", 7],
    ["-0", 0],
    ["1e3", 1000],
    ["1.5e1", 15],
    ["15e-1", "aside"],
    ["1_000", "aside"],
    ['"1,000"', "aside"],
    ["0x10", "aside"],
    ["2147483648", "aside"],
    ["1e99", "aside"],
    ["true", "aside"],
    ["", null],
    ["NA", null],
    ["null", null],
    ["NaN", null],
  ],
  int64: [
    ["9223372036854775807", 9223372036854775807n],
    ["9223372036854775808", "aside"],
    ["9007199254740993.0", 9007199254740993n],
  ],
  uint8: [
    ["255", 255],
    ["-1", "aside"],
  ],
  float32: [
    ["0.5", 0.5],
    ["1e39", "aside"],
  ],
  float64: [
    ["1.5", 1.5],
    [".5", 0.5],
    ["-1e-3", -0.001],
    ["1.", 1],
    ["1e400", "aside"],
    ["inf", "aside"],
    ["-Infinity", "aside"],
    ["nan", null],
    ["n/a", null],
    ["1_0.5", "aside"],
    ['"1,5"', "aside"],
    ["1 2", "aside"],
  ],
  boolean: [
    ["true", true],
    ["F", false],
    ["Yes", true],
    ["n", false],
    ["1", true],
    ["0", false],
    ["2", "aside"],
    ["maybe", "aside"],
  ],
  string: [
    ["NA", "NA"],
    [" x ", " x "],
    ["", null],
    ['"a""b"', 'a"b'],
  ],
  date: [
    ["2001-06-01", Date.UTC(2001, 5, 1) * 1000],
    ["2001-06-01T00:00:00", Date.UTC(2001, 5, 1) * 1000],
    ["2001-06-01T10:00:00", "aside"],
    ["2001-02-30", "aside"],
    ["1/6/2001", "aside"],
    ["2001-6-1", "aside"],
  ],
  timestamp: [
    ["2001-06-01T10:00:00", Date.UTC(2001, 5, 1, 10) * 1000],
    ["2001-06-01 10:00", Date.UTC(2001, 5, 1, 10) * 1000],
    ["2001-06-01", Date.UTC(2001, 5, 1) * 1000],
    ["2001-06-01T10:00:00.123456", Date.UTC(2001, 5, 1, 10) * 1000 + 123456],
    ["2001-06-01T10:00:00Z", "aside"],
    ["2001-06-01T10:00:00+02:00", "aside"],
    ["2001-06-01T24:00:00", "aside"],
    ["2001-06-01T23:59:60", "aside"],
    ["infinity", "aside"],
    ["now", "aside"],
  ],
  instant: [
    ["2001-06-01T10:00:00Z", Date.UTC(2001, 5, 1, 10) * 1000],
    ["2001-06-01T10:00:00+02:00", Date.UTC(2001, 5, 1, 8) * 1000],
    ["2001-06-01 10:00:00-0530", Date.UTC(2001, 5, 1, 15, 30) * 1000],
    ["2001-06-01T10:00Z", Date.UTC(2001, 5, 1, 10) * 1000],
    [" 2001-06-01 10:00+05:30 ", Date.UTC(2001, 5, 1, 4, 30) * 1000],
    ["2001-06-01T10:00-00:30", Date.UTC(2001, 5, 1, 10, 30) * 1000],
    ["2001-06-01T10:00:00.1234567+0000", Date.UTC(2001, 5, 1, 10) * 1000 + 123456],
    ["2001-06-01T10:00+5", "aside"],
    ["2001-06-01T10:60Z", "aside"],
    ["2001-02-30T10:00Z", "aside"],
    ["2001-06-01T10:00:00", "aside"],
    ["2001-06-01", "aside"],
  ],
};

for (const [type, cases] of Object.entries(CASES) as [TypeName, (typeof CASES)[TypeName] & {}][])
  test(`a text is a value of ${type}, or its row goes to quarantine`, async () => {
    const text = ["row,value", ...cases.map(([given], row) => `${row},${given}`), `${cases.length},`].join("\n");
    const { rows, quarantine } = await ingestText({ "a.csv": text }, { columns: schema({ row: "int32", value: `${type}?` }) });
    const found = new Map<number, unknown>(rows.map(({ row, value }) => [Number(row), value]));
    for (const { row, __column, __reason } of quarantine) {
      assert.equal(__column, "value");
      assert.match(String(__reason), new RegExp(`^not of type ${type}: `));
      found.set(Number(row), "aside");
    }
    cases.forEach(([given, value], row) => {
      assert.deepEqual(found.get(row), value, `${type} ${given}`);
    });
    assert.equal(found.size, cases.length + 1);
  });

const written = fc.tuple(
  fc.integer({ min: -9e15, max: 9e15 }).map((micros) => formatMoment(micros).padEnd(29, "0")),
  fc.constantFrom(10, 13, 16, 17, 19, 20, 22, 26, 29),
  fc.constantFrom(
    "",
    "",
    "",
    "Z",
    "Z",
    "z",
    "+05:30",
    "-0800",
    "+00:00",
    "-00:30",
    "+14:00",
    "+23:59",
    "+5",
    "+05",
    "-5:30",
    "UTC",
  ),
  fc.constantFrom("T", "T", "T", " ", "t", ""),
  fc.option(fc.tuple(fc.nat({ max: 18 }), fc.constantFrom("9", "6", "3", "0", ":", "-", "x")), { freq: 2 }),
);
const momentText = written.map(([text, length, zone, between, slip]) => {
  const whole = `${text.slice(0, length).replace("T", between)}${zone}`;
  return slip === null ? whole : `${whole.slice(0, slip[0])}${slip[1]}${whole.slice(slip[0] + 1)}`;
});

test("ingest and endpoints read the same texts as moments, and as the same ones", async () => {
  const texts = fc.sample(momentText, { seed: 7, numRuns: 6000 });
  const lines = texts.map((at, row) => JSON.stringify({ row, at })).join("\n");
  const counts = { timestamp: 0, instant: 0 };
  for (const type of ["timestamp", "instant"] as const) {
    const { rows } = await ingestText({ "a.ndjson": lines }, { columns: schema({ row: "int32", at: type }) });
    const found = new Map(rows.map(({ row, at }) => [Number(row), at]));
    for (const [row, text] of texts.entries()) {
      if (!Number.isSafeInteger(parseMoment(text)?.micros ?? 0)) continue; // endpoints take no fractions then
      const meant = readValue({ type, nullable: false }, text);
      assert.equal(found.get(row), meant.ok ? meant.value : undefined, `${text} as ${type}`);
      counts[type] += Number(meant.ok);
    }
  }
  assert.ok(counts.timestamp > 300 && counts.instant > 300, JSON.stringify(counts));
});

test("a missing value in a column that must have one puts the row aside", async () => {
  const columns = schema({ id: "int32", value: "float64" });
  const { rows, quarantine } = await ingestText({ "a.csv": "id,value\n1,\n2,NaN\n3,1\n" }, { columns });
  assert.deepEqual(rows, [{ id: 3, value: 1 }]);
  assert.deepEqual(
    quarantine.map(({ id, __column, __reason, __line }) => [id, __column, __reason, __line]),
    [
      ["1", "value", "missing, and the column must have a value", 2],
      ["2", "value", "missing, and the column must have a value", 3],
    ],
  );
});
