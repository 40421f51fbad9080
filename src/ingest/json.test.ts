import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { MillError } from "../base/index.ts";
import { ingestText, schema } from "./fixtures/workshop.ts";

const columns = schema({ a: "int64", b: "string?", c: "float64?" });

test("NDJSON is read line by line: values are taken by their text, missing fields are null", async () => {
  const text =
    '{"a": 1, "b": "x, \\"y\\"", "c": 1.5}\n\n{"b": "", "a": "2"}\r\n{"a": 3.0, "b": {"d": [1, null]}, "c": null}\n{"a": 1e3, "b": true, "c": "NaN"}';
  const { rows, quarantine } = await ingestText({ "a.ndjson": text }, { columns });
  assert.deepEqual(rows, [
    { a: 1, b: 'x, "y"', c: 1.5 },
    { a: 2, b: "", c: null },
    { a: 3, b: '{"d":[1,null]}', c: null },
    { a: 1000, b: "true", c: null },
  ]);
  assert.deepEqual(quarantine, []);
});

test("lines that are no objects, and values that do not fit, go to quarantine with their line and text", async () => {
  const text = '{"a": 1}\n\nnot json\n[1]\n{"a": 2.5}\n{"a": {"x": 1}}\n{"b": "no a"}\n{"a": 7}\n{"a": 8';
  const { rows, quarantine } = await ingestText({ "a.jsonl": text }, { columns: schema({ a: "int64", b: "string?" }) });
  assert.deepEqual(
    rows.map(({ a }) => a),
    [1, 7],
  );
  assert.deepEqual(
    quarantine.map(({ __line, __text, __column }) => [__line, __text, __column]),
    [
      [3, "not json", null],
      [4, "[1]", null],
      [5, '{"a": 2.5}', "a"],
      [6, '{"a": {"x": 1}}', "a"],
      [7, '{"b": "no a"}', "a"],
      [9, '{"a": 8', null],
    ],
  );
});

test("a line that is too long goes to quarantine, and the lines behind it keep their numbers", async () => {
  const text = `{"a": 1}\n{"a": 2, "b": "${"x".repeat(3_000_000)}"}\n{"a": 3}\n{"a": "?"}\n`;
  const { rows, quarantine } = await ingestText({ "a.ndjson": text }, { columns: schema({ a: "int64" }) });
  assert.deepEqual(
    rows.map(({ a }) => a),
    [1, 3],
  );
  assert.deepEqual(
    quarantine.map(({ __line, __reason }) => [__line, String(__reason).slice(0, 16)]),
    [
      [2, "longer than 2 MB"],
      [4, "not of type int6"],
    ],
  );
});

for (const [what, text] of [
  ["an array", '[{"a": 1, "b": "x"},\n {"a": 2}, 7, {"a": "z"}]'],
  ["objects on lines", '{"a": 1, "b": "x"}\n{"a": 2}\n7\n{"a": "z"}\n'],
] as const)
  test(`a JSON file may be ${what}`, async () => {
    const { rows, quarantine } = await ingestText({ "a.json": text }, { columns: schema({ a: "int64", b: "string?" }) });
    assert.deepEqual(rows, [
      { a: 1, b: "x" },
      { a: 2, b: null },
    ]);
    assert.deepEqual(
      quarantine.map(({ __text, __column, __row }) => [String(__text).replaceAll(/\s/g, ""), __column, __row]),
      [
        ["7", null, 3],
        ['{"a":"z"}', "a", 4],
      ],
    );
  });

test("a JSON file may be objects that each take several lines", async () => {
  const { rows, quarantine } = await ingestText(
    { "a.json": '{\n "a": 1\n}\n{\n "a":\n 2\n}\n{"a":\n"z"}\n' },
    { columns: schema({ a: "int64" }) },
  );
  assert.deepEqual(rows, [{ a: 1 }, { a: 2 }]);
  assert.deepEqual([quarantine[0]!.__value, quarantine[0]!.__row], ["z", 3]);
});

test("a JSON array that is cut off is unreadable", async () => {
  await assert.rejects(ingestText({ "a.json": '[{"a": 1}, {"a": 2' }, { columns }), (error: MillError) => {
    assert.equal(error.code, "source.unreadable");
    assert.match(error.message, /"a.json" is not JSON/);
    return true;
  });
});

test("a key that no record has is a missing column; one that stands far down is found", async () => {
  const lines = Array.from({ length: 25_000 }, (_, i) => (i === 24_999 ? `{"a": ${i}, "late": 1}` : `{"a": ${i}}`)).join("\n");
  const { facts } = await ingestText({ "a.ndjson": lines }, { columns: schema({ a: "int64", late: "int32?" }) });
  assert.equal(facts.profile.late!.nulls, 24_999);
  await assert.rejects(
    ingestText({ "a.ndjson": '{"a": 1, "Later": 2}\n' }, { columns: schema({ a: "int64", later: "int32?" }) }),
    (error: MillError) => {
      assert.equal(error.code, "dataset.column-missing");
      assert.match(error.message, /Did you mean "Later"\?/);
      return true;
    },
  );
});

test("keys with dots, quotes and slashes are names", async () => {
  const { rows } = await ingestText(
    { "a.ndjson": '{"a.b": 1, "c\\"d": 2, "e/f~g": 3, "$.h": 4}\n' },
    { columns: schema({ "a.b": "int32", 'c"d': "int32", "e/f~g": "int32", "$.h": "int32" }) },
  );
  assert.deepEqual(rows, [{ "a.b": 1, 'c"d': 2, "e/f~g": 3, "$.h": 4 }]);
});

test("compressed and UTF-16 NDJSON, with a byte order mark, is read", async () => {
  const files = {
    "a.ndjson.gz": gzipSync('{"a": 1}\n'),
    "b.ndjson": Buffer.from('\ufeff{"a": 2}\n'),
    "c.ndjson": Buffer.from('\ufeff{"a": 3}\n', "utf16le"),
  };
  const { rows } = await ingestText(files, { columns: schema({ a: "int64" }) });
  assert.deepEqual(
    rows.map(({ a }) => a),
    [1, 2, 3],
  );
});
