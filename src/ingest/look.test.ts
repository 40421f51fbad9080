import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { MillError } from "../base/index.ts";
import type { Schema } from "../contract/index.ts";
import { openDuckDb } from "../ports/tables/index.ts";
import { ingestPaths, newFolder, run } from "./fixtures/workshop.ts";
import { type Look, lookAt } from "./look.ts";

async function lookInto<T>(path: string, use: (look: Look) => T | Promise<T>): Promise<T> {
  const scratch = newFolder();
  const tables = openDuckDb({ threads: 2, memoryMb: 300, tempFolder: join(scratch, "spill") });
  try {
    return await use(await lookAt({ path, scratch }, tables));
  } finally {
    tables.close();
  }
}

function fileOf(name: string, content: string | Buffer): string {
  const path = join(newFolder(), name);
  writeFileSync(path, content);
  return path;
}

const csv = (columns: Readonly<Record<string, readonly unknown[]>>, delimiter = ",") => {
  const rows = Object.values(columns)[0]!.map((_, row) => Object.values(columns).map((values) => values[row]));
  return [Object.keys(columns), ...rows].map((cells) => cells.join(delimiter)).join("\n");
};

const typesOf = (look: Look) => Object.fromEntries(look.columns.map(({ source, type }) => [source, type]));

test("texts get the narrowest type that their values are written as", async () => {
  const path = fileOf(
    "a.csv",
    csv({
      whole: [1, -2, 3],
      large: [1, 9_000_000_000, 2],
      fraction: ["1.0", "2.5", "NA"],
      exponent: ["1e3", "2", "3"],
      bit: [0, 1, 0],
      answer: ["yes", "no", "1"],
      code: ["007", "120", "033"],
      digits: ["12345678901234567890", "1", "2"],
      day: ["2001-06-01", "2001-06-02", ""],
      moment: ["2001-06-01", "2001-06-01T10:00:00", ""],
      instant: ["2001-06-01T10:00:00Z", "2001-06-01T10:00:00+02:00", ""],
      comma: ['"1,5"', '"2,5"', '"3,5"'],
      nothing: ["", "NA", ""],
      empty: ["", "", ""],
    }),
  );
  await lookInto(path, (look) => {
    assert.deepEqual(typesOf(look), {
      whole: "int32",
      large: "int64",
      fraction: "float64",
      exponent: "float64",
      bit: "int32",
      answer: "boolean",
      code: "category",
      digits: "category",
      day: "date",
      moment: "timestamp",
      instant: "instant",
      comma: "category",
      nothing: "category",
      empty: "category",
    });
    assert.equal(look.columns.find(({ source }) => source === "empty")!.values, 0);
  });
});

test("words that mean no value, and the few values that do not fit, are told with their counts", async () => {
  const numbers = Array.from({ length: 100 }, (_, i) => (i < 12 ? "NA" : i < 15 ? "?" : i));
  const mixed = Array.from({ length: 100 }, (_, i) => (i < 20 ? "?" : i));
  await lookInto(fileOf("a.csv", csv({ numbers, mixed })), (look) => {
    const [first, second] = look.columns;
    assert.deepEqual([first!.type, first!.values, first!.misfits], ["int32", 85, 3]);
    assert.deepEqual(first!.missingWords, [{ value: "NA", count: 12 }]);
    assert.deepEqual(first!.misfitWords, [{ value: "?", count: 3 }]);
    assert.deepEqual([second!.type, second!.values, second!.misfits], ["category", 100, 0]);
  });
});

test("a value far down a long file counts", async () => {
  const values = Array.from({ length: 60_000 }, (_, i) => (i === 59_999 ? "1.5" : i % 1000));
  await lookInto(fileOf("a.csv", csv({ values, other: values })), (look) => assert.equal(look.columns[0]!.type, "float64"));
});

test("rows that are numbered, columns whose values are all different, and constants are known", async () => {
  const rows = Array.from({ length: 50 }, (_, i) => i);
  const path = fileOf(
    "a.csv",
    csv({
      row: rows,
      key: rows.map((i) => i * i),
      name: rows.map((i) => `n${i}`),
      kind: rows.map((i) => i % 3),
      same: rows.map(() => "x"),
    }),
  );
  await lookInto(path, ({ columns }) => {
    const [row, key, name, kind, same] = columns;
    assert.deepEqual([row!.numbered, key!.numbered], [true, false]);
    assert.deepEqual([key!.unique, name!.unique, kind!.unique], [true, true, false]);
    assert.deepEqual([kind!.distinct, same!.distinct], [3, 1]);
  });
});

test("a column's values are counted, also by parts of the time", async () => {
  const rows = Array.from({ length: 100 }, (_, i) => i);
  const day = rows.map((i) => new Date(i * 86_400_000).toISOString().slice(0, 10));
  const path = fileOf("a.csv", csv({ day, kind: rows.map((i) => (i < 80 ? "old" : i % 2 ? "new" : "odd")) }));
  await lookInto(path, async (look) => {
    assert.deepEqual(await look.values("kind", "category", 2), [
      { value: "old", count: 80 },
      { value: "new", count: 10 },
    ]);
    assert.deepEqual(await look.distinctOverTime("kind", "day", [0.7, 0.85]), [1, 3, 2]);
    assert.deepEqual(look.example, { day: "1970-01-01", kind: "old" });
  });
});

test("Parquet keeps its own types, those that cannot be read are told, and a fraction stays one", async () => {
  const path = join(newFolder(), "a.parquet");
  await run(`COPY (SELECT i::BIGINT AS small, i::DOUBLE AS real, i % 2 = 0 AS flag, DATE '2001-01-01' + i::INTEGER AS day, [i] AS list, i::DECIMAL(9, 2) AS money,
    TIMESTAMPTZ '2001-01-01 00:00:00+00' + to_hours(i) AS at, uuid() AS id FROM range(30) t(i)) TO '${path}' (FORMAT parquet)`);
  await lookInto(path, (look) =>
    assert.deepEqual(typesOf(look), {
      small: "int32",
      real: "float64",
      flag: "boolean",
      day: "date",
      list: null,
      money: "float64",
      at: "instant",
      id: "category",
    }),
  );
});

for (const [what, name, content] of [
  ["semicolons and a byte order mark", "a.csv", "\ufeffMaß;b\r\n1;x\r\n2;y"],
  ["tabs in UTF-16", "a.tsv", Buffer.from("\ufeffMaß\tb\n1\tx\n2\ty\n", "utf16le")],
  ["lines of JSON", "a.ndjson", '{"Maß": 1, "b": "x"}\n{"Maß": 2, "b": "y"}'],
] as const)
  test(`what is found in ${what} is what ingest accepts`, async () => {
    const path = fileOf(name, content);
    const columns = await lookInto(path, (look) => {
      assert.deepEqual(typesOf(look), { Maß: "int32", b: "category" });
      return Object.fromEntries(look.columns.map(({ source, type }) => [source, { type: type!, nullable: false }])) as Schema;
    });
    assert.deepEqual((await ingestPaths([path], { columns })).rows, [
      { Maß: 1, b: "x" },
      { Maß: 2, b: "y" },
    ]);
  });

for (const [what, code, path] of [
  ["no file", "source.missing", "/nowhere/a.csv"],
  ["an unknown format", "source.format", fileOf("a.xlsx", "x")],
  ["nothing", "dataset.empty", fileOf("a.csv", "")],
  ["a header alone", "dataset.empty", fileOf("a.csv", "a,b\n")],
  ["no Parquet", "source.unreadable", fileOf("a.parquet", "not parquet")],
] as const)
  test(`${what} is told as ${code}`, async () => {
    await assert.rejects(
      lookInto(path, () => undefined),
      (error: MillError) => error.code === code,
    );
  });
