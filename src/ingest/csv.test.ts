import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import type { MillError } from "../base/index.ts";
import { ingestText, schema } from "./fixtures/workshop.ts";

const people = schema({ id: "int32", name: "string?", weight: "float64?" });
const names = (rows: readonly Record<string, unknown>[]) => rows.map(({ name }) => name);

test("quoted fields keep delimiters, quotes and line ends; empty fields are null", async () => {
  const { rows, quarantine } = await ingestText(
    { "a.csv": 'id,name,weight\r\n1,"a ""q"", b",1.5\r\n2,"two\r\nlines",\r\n3,,2\r\n4,"",-1e3' },
    { columns: people },
  );
  assert.deepEqual(rows, [
    { id: 1, name: 'a "q", b', weight: 1.5 },
    { id: 2, name: "two\r\nlines", weight: null },
    { id: 3, name: null, weight: 2 },
    { id: 4, name: null, weight: -1000 },
  ]);
  assert.deepEqual(quarantine, []);
});

for (const [delimiter, what] of [
  [",", "a comma"],
  [";", "a semicolon"],
  ["\t", "a tab"],
  ["|", "a bar"],
] as const)
  test(`${what} is found to be the delimiter, though other marks stand in the texts`, async () => {
    const text = [
      ["id", "name", "weight"],
      ["1", '"a,b;c|d\te"', "1.5"],
      ["2", "x", "2"],
    ]
      .map((row) => row.join(delimiter))
      .join("\n");
    const { rows, facts } = await ingestText({ "a.csv": text }, { columns: people });
    assert.deepEqual(names(rows), ["a,b;c|d\te", "x"]);
    assert.equal(facts.sources[0]!.delimiter, delimiter);
  });

test("a delimiter that is stated is used, and so is one that no file is looked through for", async () => {
  const { rows } = await ingestText({ "a.csv": "id^name^weight\n1^a,b^2\n" }, { columns: people, delimiter: "^" });
  assert.deepEqual(names(rows), ["a,b"]);
});

for (const [encoding, bytes] of [
  ["utf-8", Buffer.from("id,name\n1,é漢\n")],
  ["utf-8", Buffer.from("\ufeffid,name\n1,é漢\n")],
  ["utf-16", Buffer.from("\ufeffid,name\n1,é漢\n", "utf16le")],
  ["utf-16", Buffer.from("\ufeffid,name\n1,é漢\n", "utf16le").swap16()],
  ["utf-16", Buffer.from("id,name\r\n1,é漢\r\n", "utf16le")],
] as const)
  test(`a file in ${encoding} that starts with ${bytes.subarray(0, 3).toString("hex")} is read by looking at it`, async () => {
    const { rows, facts } = await ingestText({ "a.csv": bytes }, { columns: schema({ id: "int32", name: "string" }) });
    assert.deepEqual(rows, [{ id: 1, name: "é漢" }]);
    assert.equal(facts.sources[0]!.encoding, encoding);
  });

test("bytes that are no UTF-8 are read as latin-1, found or stated", async () => {
  const bytes = Buffer.from("id,name\n1,Zürich €\n", "latin1");
  bytes[bytes.length - 2] = 0x80; // the euro sign of Windows
  const columns = schema({ id: "int32", name: "string" });
  for (const stated of [{}, { encoding: "latin-1" as const }]) {
    const { rows, facts } = await ingestText({ "a.csv": bytes }, { columns, ...stated });
    assert.deepEqual(rows, [{ id: 1, name: "Zürich €" }]);
    assert.equal(facts.sources[0]!.encoding, "latin-1");
  }
});

test("a row with broken bytes in a UTF-8 file goes to quarantine", async () => {
  const bytes = Buffer.concat([Buffer.from("id,name\n1,é\n2,"), Buffer.from([0xff, 0xfe]), Buffer.from("\n3,ü\n4,漢\n")]);
  const { rows, quarantine } = await ingestText({ "a.csv": bytes }, { columns: schema({ id: "int32", name: "string" }) });
  assert.deepEqual(names(rows), ["é", "ü", "漢"]);
  assert.deepEqual(
    quarantine.map(({ __reason, __line }) => [__reason, __line]),
    [["not text in UTF-8", 3]],
  );
});

test("ragged rows go to quarantine with their line and text, and nothing else is lost", async () => {
  const text = 'id,name,weight\n1,a,1\n2,b\n\n3,"two\nlines",3\n4,d,4,5\n5,"e"x,5\n6,f,6\n';
  const { rows, quarantine, facts } = await ingestText({ "a.csv": text }, { columns: people });
  assert.deepEqual(
    rows.map(({ id }) => id),
    [1, 3, 6],
  );
  assert.deepEqual(
    quarantine.map(({ __reason, __line, __text, __source }) => ({ __reason, __line, __text, __source })),
    [
      { __reason: "too few fields: expected 3, found 2", __line: 3, __text: "2,b", __source: "a.csv" },
      { __reason: "too many fields: expected 3, found 4", __line: 7, __text: "4,d,4,5", __source: "a.csv" },
      { __reason: "a quote is not closed, or text follows it", __line: 8, __text: '5,"e"x,5', __source: "a.csv" },
    ],
  );
  assert.deepEqual([facts.rowCount, facts.quarantined], [3, 3]);
});

test("the lines of rows with wrong values are told, whatever lies before them", async () => {
  const text = '\ufeffid,name,weight\r\n1,"a\r\nb",1\r\n\r\n2,short\r\nx,c,2\r\n4,d,4\r\ny,e,5\r\n';
  const { quarantine } = await ingestText({ "a.csv": text }, { columns: people });
  assert.deepEqual(
    quarantine.map(({ __line, __value, __row }) => [__line, __value, __row]),
    [
      [5, null, null],
      [6, "x", 2],
      [8, "y", 4],
    ],
  );
});

test("whatever stands in a file, every record is kept, left out or put aside, with its line", async () => {
  const cell = fc.constantFrom("1", "2", "-3", "x", "", '"q"', '"a,b"', '"two\nlines"', '"a""b"', "é");
  const record = fc.array(cell, { minLength: 2, maxLength: 4 }).filter((cells) => cells.join("") !== "");
  const ends = fc.constantFrom("\n", "\r\n");
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 40 }), ends, async (records, end) => {
      const good = ["1,good,1"];
      const body = [...good, ...records.map((cells) => cells.join(","))];
      const { facts, quarantine, rows } = await ingestText(
        { "a.csv": ["id,name,weight", ...body].join(end) },
        { columns: people },
      );
      assert.equal(facts.rowCount + facts.quarantined + facts.leftOut, body.length);
      assert.equal(rows.length + quarantine.length, body.length);
      const isGood = (cells: readonly string[]) =>
        (cells.length === 3 || (cells.length === 4 && cells[3] === "")) &&
        /^-?\d+$/.test(cells[0]!) &&
        /^(-?\d+)?$/.test(cells[2]!);
      const lineOf = (index: number) => 2 + body.slice(0, index).join("").split("\n").length - 1 + index;
      const expected = records.flatMap((cells, index) => (isGood(cells) ? [] : [lineOf(index + 1)]));
      assert.deepEqual(
        quarantine.map(({ __line }) => __line),
        expected,
      );
    }),
    { seed: 5, numRuns: 25 },
  );
});

test("line ends may be mixed", async () => {
  const { rows } = await ingestText({ "a.csv": "id,name,weight\n1,a,1\r\n2,b,2\r3,c,3\n" }, { columns: people });
  assert.deepEqual(names(rows), ["a", "b", "c"]);
});

test("an old Macintosh's line ends are read", async () => {
  const { rows, quarantine } = await ingestText({ "a.csv": "id,name,weight\r1,a,1\rx,b,2\r3,c,3\r" }, { columns: people });
  assert.deepEqual(names(rows), ["a", "c"]);
  assert.equal(quarantine[0]!.__line, 3);
});

test("a quote that is never closed puts aside no more than it must", async () => {
  const lines = Array.from({ length: 5000 }, (_, i) => (i === 500 ? `${i},"open,1` : `${i},"n${i}",1`));
  const { facts } = await ingestText({ "a.csv": `id,name,weight\n${lines.join("\n")}\n` }, { columns: people });
  assert.ok(facts.rowCount >= 4990, String(facts.rowCount));
  assert.ok(facts.quarantined >= 1);
});

test("a compressed file is read as it is", async () => {
  const { rows } = await ingestText({ "a.csv.gz": gzipSync("id,name,weight\n1,a,1\n") }, { columns: people });
  assert.deepEqual(names(rows), ["a"]);
});

test("a file that is not what its name says, by gzip, is named", async () => {
  await assert.rejects(ingestText({ "a.csv.gz": "id,name\n" }, { columns: people }), (error: MillError) => {
    assert.equal(error.code, "source.unreadable");
    assert.equal(error.at, "a.csv.gz");
    return true;
  });
});

test("white space around the header's names is no part of them; repeated and empty names do not hide a column", async () => {
  const { rows } = await ingestText({ "a.csv": " id , name,name,,weight\n1,a,b,c,2\n" }, { columns: people });
  assert.deepEqual(rows, [{ id: 1, name: "a", weight: 2 }]);
});

test("a column that the file does not have is named, with the near one and what to write", async () => {
  await assert.rejects(ingestText({ "a.csv": "id,Name,weight\n1,a,1\n" }, { columns: people }), (error: MillError) => {
    assert.equal(error.code, "dataset.column-missing");
    assert.match(error.message, /"a.csv" has no column "name". Did you mean "Name"\?/);
    assert.match(error.fix!, /name: \{ type: \.\.\., source: "\.\.\." \}/);
    return true;
  });
});

test("a column may have another name in the file; the file's other columns are passed over", async () => {
  const columns = schema({ number: { type: "int32", nullable: false, source: "id" } });
  const { rows } = await ingestText({ "a.csv": "id,name\n1,a\n" }, { columns });
  assert.deepEqual(rows, [{ number: 1 }]);
});

for (const [what, text] of [
  ["no bytes", ""],
  ["white space alone", "\n\n"],
] as const)
  test(`a file of ${what} is called empty`, async () => {
    await assert.rejects(ingestText({ "a.csv": text }, { columns: people }), (error: MillError) => {
      assert.equal(error.code, "dataset.empty");
      assert.match(error.message, /"a.csv" is empty/);
      return true;
    });
  });

test("a header without rows leaves an empty data set, which is refused", async () => {
  await assert.rejects(ingestText({ "a.csv": "id,name,weight\n" }, { columns: people }), { code: "dataset.empty" });
});

test("a data set whose rows all went to quarantine says why", async () => {
  await assert.rejects(ingestText({ "a.csv": "id,name,weight\nx,a,1\ny,b,2\n" }, { columns: people }), (error: MillError) => {
    assert.equal(error.code, "dataset.empty");
    assert.match(error.message, /id: not of type int32: a whole number from -2147483648 to 2147483647 \(2 rows, as "[xy]"\)/);
    return true;
  });
});
