import assert from "node:assert/strict";
import { appendFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Digest, MillError } from "../base/index.ts";
import { digestOfFile } from "../base/index.ts";
import type { Node } from "../express/index.ts";
import { contextIn, ingestPaths, ingestText, newFolder, pathOf, query, run, schema } from "./fixtures/workshop.ts";
import { ingest } from "./ingest.ts";

const column = (name: string): Node => ({ op: "column", name });
const value = (value: number | string): Node => ({ op: "literal", value });
const between = (name: string, low: number, high: number): Node => ({
  op: "between",
  args: [column(name), value(low), value(high)],
});
const gt = (name: string, than: number): Node => ({ op: "gt", args: [column(name), value(than)] });

const trips = schema({ at: "timestamp", who: "string", miles: "int32?" });
const CSV = `at,who,miles
2001-01-03,c,30
2001-01-01,a,10
2001-01-02,b,
2001-01-01,a2,-5
2001-01-04,d,900
`;

test("rows are sorted by time, equal moments and rows without a time stay in file order", async () => {
  const files = { "a.csv": CSV, "b.csv": "at,who,miles\n2001-01-01,later,1\n2000-01-01,first,1\n" };
  const sorted = await ingestText(files, { columns: trips, time: "at" });
  assert.deepEqual(
    sorted.rows.map(({ who }) => who),
    ["first", "a", "a2", "later", "b", "c", "d"],
  );
  assert.deepEqual([sorted.facts.from, sorted.facts.to], ["2000-01-01T00:00:00", "2001-01-04T00:00:00"]);
  const unsorted = await ingestText(files, { columns: trips });
  assert.deepEqual(
    unsorted.rows.map(({ who }) => who),
    ["c", "a", "b", "a2", "d", "later", "first"],
  );
  assert.deepEqual([unsorted.facts.from, unsorted.facts.to], [null, null]);
});

test("where leaves rows out before they are checked, without quarantine", async () => {
  const { facts, rows, quarantine } = await ingestText(
    { "a.csv": CSV },
    {
      columns: trips,
      where: gt("miles", 0),
      checks: [{ index: 0, text: "miles below 100", holds: { op: "lt", args: [column("miles"), value(100)] } }],
    },
  );
  assert.deepEqual(
    rows.map(({ who }) => who),
    ["c", "a"],
  );
  assert.deepEqual([facts.leftOut, facts.quarantined], [2, 1]);
  assert.equal(quarantine[0]!.who, "d");
});

test("a row whose value `where` cannot be asked of is put aside; one that is left out is not looked at", async () => {
  const text = "at,who,miles\n2001-01-01,a,many\n2001-01-01,b,1\nyesterday,c,-1\n";
  const { facts, quarantine } = await ingestText({ "a.csv": text }, { columns: trips, where: gt("miles", 0) });
  assert.deepEqual([facts.rowCount, facts.leftOut, facts.quarantined], [1, 1, 1]);
  assert.deepEqual([quarantine[0]!.who, quarantine[0]!.__value], ["a", "many"]);
});

test("a row that fails a check is put aside with the check; a null passes; every failed check is counted", async () => {
  const { facts, rows, quarantine, manifest } = await ingestText(
    { "a.csv": CSV },
    {
      columns: trips,
      checks: [
        { index: 0, text: "miles between 0 and 100", holds: between("miles", 0, 100) },
        { index: 1, text: "miles below 500", holds: { op: "lt", args: [column("miles"), value(500)] } },
      ],
    },
  );
  assert.deepEqual(
    rows.map(({ who }) => who),
    ["c", "a", "b"],
  );
  assert.deepEqual(
    quarantine.map(({ who, __reason, __column, __value, __line, __row }) => ({
      who,
      __reason,
      __column,
      __value,
      __line,
      __row,
    })),
    [
      { who: "a2", __reason: "fails the check: miles between 0 and 100", __column: "miles", __value: "-5", __line: 5, __row: 4 },
      { who: "d", __reason: "fails the check: miles between 0 and 100", __column: "miles", __value: "900", __line: 6, __row: 5 },
    ],
  );
  assert.deepEqual(
    facts.checks.map(({ index, failed, share }) => [index, failed, share]),
    [
      [0, 2, 0.6],
      [1, 1, 0.8],
    ],
  );
  assert.deepEqual(
    manifest.measurements.map(({ subject, measure, value, count }) => [subject, measure, value, count]),
    [
      ["dataset/d#check/0", "share", 0.6, 5],
      ["dataset/d#check/1", "share", 0.8, 5],
      ["dataset/d#fits", "share", 1, 5],
    ],
  );
});

test("of rows that are equal in a unique check's columns the first by file order stays; nulls pass", async () => {
  const files = { "a.csv": "k,n\na,1\nb,1\n,1\n,1\n", "b.csv": "k,n\nb,2\na,1\nc,1\n" };
  const columns = schema({ k: "string?", n: "int32" });
  const { rows, quarantine, facts } = await ingestText(files, {
    columns,
    checks: [{ index: 0, text: "unique k", holds: { unique: ["k"] } }],
  });
  assert.deepEqual(
    rows.map(({ k, n }) => [k, n]),
    [
      ["a", 1],
      ["b", 1],
      [null, 1],
      [null, 1],
      ["c", 1],
    ],
  );
  assert.deepEqual(
    quarantine.map(({ k, n, __source, __line, __reason }) => [k, n, __source, __line, __reason]),
    [
      ["b", "2", "b.csv", 2, "fails the check: unique k"],
      ["a", "1", "b.csv", 3, "fails the check: unique k"],
    ],
  );
  assert.equal(facts.checks[0]!.failed, 2);
});

test("a row that another check puts aside is not the first of its kind", async () => {
  const { rows } = await ingestText(
    { "a.csv": "k,n\na,-1\na,2\n" },
    {
      columns: schema({ k: "string", n: "int32" }),
      checks: [
        { index: 0, text: "unique k", holds: { unique: ["k"] } },
        { index: 1, text: "n above 0", holds: gt("n", 0) },
      ],
    },
  );
  assert.deepEqual(rows, [{ k: "a", n: 2 }]);
});

test("columns are profiled; what is personal only by counts; a column without any value is warned of and measured", async () => {
  const columns = schema({
    at: "date",
    miles: "int32?",
    ok: "boolean",
    who: { type: "string", nullable: false, personal: "direct" },
    none: "float64?",
  });
  const { facts, manifest } = await ingestText(
    { "a.csv": "at,miles,ok,who,none\n2001-01-01,1,true,a,\n2001-01-03,2,false,b,\n2001-01-02,,true,b,\n" },
    { columns },
  );
  assert.deepEqual(facts.profile, {
    at: { nulls: 0, distinct: 3, min: "2001-01-01", max: "2001-01-03" },
    miles: { nulls: 1, distinct: 2, min: 1, max: 2, mean: 1.5 },
    ok: { nulls: 0, distinct: 2, min: false, max: true, mean: 0.6666666667 },
    who: { nulls: 0, distinct: 2 },
    none: { nulls: 3, distinct: 0, min: null, max: null },
  });
  assert.deepEqual(facts.warnings, ["the column none has no value in any row"]);
  assert.ok(
    manifest.measurements.some(
      ({ subject, measure, value }) => subject === "dataset/d#column/none" && measure === "nullShare" && value === 1,
    ),
  );
});

test("the same files give the same bytes, whatever the threads do", async () => {
  const folder = newFolder();
  const path = join(folder, "a.parquet");
  await run(`COPY (SELECT i AS id, TIMESTAMP '2001-01-01' + to_minutes((i * 7919) % 5000) AS at, 'k' || (i % 300) AS k, i % 77 = 0 AS bad
    FROM range(400000) AS r(i)) TO '${path}' (FORMAT parquet)`);
  const asked = { columns: schema({ id: "int32", at: "timestamp", k: "string", bad: "boolean" }), time: "at" };
  const checks = [{ index: 0, text: "not bad", holds: { op: "not", args: [column("bad")] } as Node }];
  const digest = await digestOfFile(path);
  const input = {
    dataset: "d",
    sources: [{ path, name: "a.parquet", format: "parquet" as const, digest }],
    where: null,
    checks,
    ...asked,
  };
  const first = await ingest.run(input, contextIn());
  const second = await ingest.run(input, { ...contextIn(), threads: 1 });
  const third = await ingest.run(input, contextIn());
  assert.deepEqual(second.objects, first.objects);
  assert.deepEqual(third, first);
});

test("Parquet keeps its own types and is held to the stated ones", async () => {
  const path = join(newFolder(), "a.parquet");
  await run(`COPY (SELECT * FROM (VALUES
      (1::BIGINT, 1.0::DOUBLE, 2.5::DECIMAL(5, 2), 'NaN'::DOUBLE, TIMESTAMP '2001-01-01 00:00:00', 5::TINYINT, TIMESTAMPTZ '2001-01-01 02:00:00+02', 'x'),
      (3000000000, 2, 3, 1, TIMESTAMP '2001-01-02 00:00:00', 6, NULL, 'y'),
      (3, 2.5, 3, 1, TIMESTAMP '2001-01-02 00:00:00', 6, NULL, 'y'),
      (4, NULL, 3, 'inf', TIMESTAMP '2001-01-02 00:00:00', 6, NULL, 'y'),
      (5, 2, 3, 1, TIMESTAMP '2001-01-02 10:00:00', 6, NULL, 'y')) AS t(i, d, m, f, day, n, z, s)) TO '${path}' (FORMAT parquet)`);
  const columns = schema({
    i: "int32",
    d: "int32?",
    m: "float64",
    f: "float64?",
    day: "date",
    n: "string",
    z: "instant?",
    s: "category",
  });
  const { rows, quarantine } = await ingestPaths([path], { columns });
  assert.deepEqual(rows, [{ i: 1, d: 1, m: 2.5, f: null, day: 978307200000000, n: "5", z: 978307200000000, s: "x" }]);
  assert.deepEqual(
    quarantine.map(({ __column, __value, __row, __line, i }) => [__column, __value, __row, __line, i]),
    [
      ["i", "3000000000", 2, null, "3000000000"],
      ["d", "2.5", 3, null, "3"],
      ["f", "inf", 4, null, "4"],
      ["day", "2001-01-02 10:00:00", 5, null, "5"],
    ],
  );
});

for (const [type, sql, fix] of [
  ["int32", "[1, 2]", /State another type/],
  ["int32", "DATE '2001-01-01'", /State another type/],
  ["timestamp", "TIMESTAMPTZ '2001-01-01 00:00:00Z'", /state c as "instant"/],
  ["instant", "TIMESTAMP '2001-01-01 00:00:00'", /state c as "timestamp"/],
  ["string", "{a: 1}", /State another type/],
  ["boolean", "1.5::DOUBLE", /State another type/],
] as const)
  test(`a Parquet column of ${sql} can never be ${type}, and the error says what to do`, async () => {
    const path = join(newFolder(), "a.parquet");
    await run(`COPY (SELECT ${sql} AS c) TO '${path}' (FORMAT parquet)`);
    await assert.rejects(ingestPaths([path], { columns: schema({ c: type }) }), (error: MillError) => {
      assert.equal(error.code, "dataset.column-type");
      assert.match(error.fix!, fix);
      return true;
    });
  });

test("a Parquet file that is cut off, or none at all, is named", async () => {
  const folder = newFolder();
  const [cut, text, empty, torn] = ["cut", "text", "empty", "torn"].map((name) => join(folder, `${name}.parquet`));
  await run(`COPY (SELECT i, hash(i)::VARCHAR AS h FROM range(100000) AS r(i)) TO '${cut}' (FORMAT parquet)`);
  await run(`COPY (SELECT i, hash(i)::VARCHAR AS h FROM range(100000) AS r(i)) TO '${torn}' (FORMAT parquet)`);
  truncateSync(cut!, 5000);
  writeFileSync(text!, "id,name\n1,a\n");
  writeFileSync(empty!, "");
  const bytes = Buffer.alloc(20_000, 7);
  const { open } = await import("node:fs/promises");
  const handle = await open(torn!, "r+");
  await handle.write(bytes, 0, bytes.length, 4000);
  await handle.close();
  for (const path of [cut, text, empty, torn])
    await assert.rejects(ingestPaths([path!], { columns: schema({ i: "int64", h: "string" }) }), (error: MillError) => {
      assert.equal(error.code, "source.unreadable", path);
      assert.equal(error.at, path!.split("/").at(-1));
      return true;
    });
});

test("a file that is gone, or that changed since it was planned, stops the step", async () => {
  const path = join(newFolder(), "a.csv");
  writeFileSync(path, CSV);
  const source = { path, name: "a.csv", format: "csv" as const, digest: await digestOfFile(path) };
  const input = { dataset: "d", columns: trips, where: null, time: null, checks: [] };
  appendFileSync(path, "2001-01-05,e,1\n");
  await assert.rejects(ingest.run({ ...input, sources: [source] }, contextIn()), { code: "source.changed" });
  const gone = { ...source, path: `${path}.gone`, digest: "sha256:0" as Digest };
  await assert.rejects(ingest.run({ ...input, sources: [gone] }, contextIn()), { code: "source.missing" });
});

test("a row without a time is put aside", async () => {
  const { quarantine, rows } = await ingestText(
    { "a.csv": "at,who,miles\n,a,1\n2001-01-01,b,1\n" },
    { columns: { ...trips, at: { type: "timestamp", nullable: true } }, time: "at" },
  );
  assert.equal(rows.length, 1);
  assert.deepEqual([quarantine[0]!.who, quarantine[0]!.__column], ["a", "at"]);
});

test("names with quotes, spaces and other alphabets are names like any other", async () => {
  const columns = schema({ 'a "b"': "int32", "größe; DROP": "string" });
  const { rows, quarantine } = await ingestText({ "it's.csv": '"a ""b""",größe; DROP\n1,x\ny,z\n' }, { columns });
  assert.deepEqual(rows, [{ 'a "b"': 1, "größe; DROP": "x" }]);
  assert.equal(quarantine[0]!.__source, "it's.csv");
});

test("the quarantine of sources with different columns has them all", async () => {
  const { quarantine } = await ingestText(
    { "a.csv": "id,extra\nx,1\n1,2\n", "b.ndjson": '{"id": "y", "more": [1]}\n' },
    { columns: schema({ id: "int32" }) },
  );
  assert.deepEqual(
    quarantine.map(({ id, extra, more, __text }) => ({ id, extra, more, __text })),
    [
      { id: "x", extra: "1", more: null, __text: null },
      { id: "y", extra: null, more: "[1]", __text: '{"id": "y", "more": [1]}' },
    ],
  );
});

test("an aborted step stops", async () => {
  const path = join(newFolder(), "a.csv");
  writeFileSync(path, CSV);
  const source = { path, name: "a.csv", format: "csv" as const, digest: await digestOfFile(path) };
  const context = { ...contextIn(), signal: AbortSignal.abort() };
  await assert.rejects(
    ingest.run({ dataset: "d", columns: trips, where: null, time: null, checks: [], sources: [source] }, context),
    { name: "AbortError" },
  );
});

test("the part is compressed by zstd in row groups that a reader can skip", async () => {
  const path = join(newFolder(), "a.parquet");
  await run(`COPY (SELECT i AS id FROM range(300000) AS r(i)) TO '${path}' (FORMAT parquet)`);
  const { manifest } = await ingestPaths([path], { columns: schema({ id: "int32" }) });
  const groups = await query(
    `SELECT compression, row_group_num_rows AS n FROM parquet_metadata('${await pathOf(manifest, "part-0")}')`,
  );
  assert.deepEqual([groups.length, groups[0]], [3, { compression: "ZSTD", n: 122880 }]);
});
