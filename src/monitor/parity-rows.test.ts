import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { formatMoment } from "../base/index.ts";
import { type Column, type Row, TYPE_NAMES } from "../contract/index.ts";
import { quoteLiteral, readValue } from "../express/index.ts";
import { openDuckDb } from "../ports/tables/index.ts";
import { isRow, typedColumns } from "./parity-rows.ts";

const folder = mkdtempSync(join(tmpdir(), "mill-parity-rows-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const moment = fc.integer({ min: -9e15, max: 9e15 }).map((micros) => formatMoment(micros));
const clock = fc.tuple(moment, fc.constantFrom(10, 16, 19, 30)).map(([text, length]) => text.slice(0, length));
const zone = fc.constantFrom("", "", "", "Z", "Z", "+05:30", "-0800", "+00:00", "+5", "z", " Z");
const awkward = fc.constantFrom<unknown>(
  ...[
    "",
    "5",
    "05",
    "-7",
    "1e3",
    " 5",
    "+5",
    "true",
    "null",
    "2001-02-30",
    "2001-06-01T24:00:00",
    "2001-06-01T10:60",
    "2001-06-01x",
  ],
  ...[
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "12345678901234567890",
    "'; --",
    "a\nb",
    "\u0000",
    "ü😀",
  ],
  ...[
    0,
    -0,
    1,
    -1,
    127,
    128,
    255,
    256,
    -129,
    32768,
    65535,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 53,
    2 ** 53 + 2,
    1e18,
    1e19,
    1e21,
    1e300,
    0.1,
    3.4e38,
    3.5e38,
    5e-324,
  ],
  ...[true, false, null, [], {}, [1], { v: 1 }],
);
const json: fc.Arbitrary<unknown> = fc.oneof(
  awkward,
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String),
  fc.string({ unit: "grapheme" }),
  fc.tuple(clock, zone, fc.boolean()).map(([text, offset, spaced]) => `${spaced ? text.replace("T", " ") : text}${offset}`),
);

/** Beyond these years an instant counts differently in a double and in the engine: neither serves. */
const isReckoned = (value: Row[string]) => typeof value !== "number" || Math.abs(value) < Number.MAX_SAFE_INTEGER;

const NAME = "a/~'";

test("a logged row is read in SQL as the endpoint reads it, or refused as the endpoint refuses it", async () => {
  const tables = openDuckDb({ threads: 1, memoryMb: 200, tempFolder: folder });
  const values = fc.sample(json, { seed: 5, numRuns: 1500 });
  for (const type of TYPE_NAMES) {
    const column: Column = { type, nullable: type.length % 2 === 0 };
    const columns = { [NAME]: column };
    const rows = values.map((value) => quoteLiteral(JSON.stringify({ [NAME]: value })));
    const found = await tables.rows(`SELECT ${isRow("json", columns)} AS fits, ${typedColumns("json", columns)[0]}
      FROM (SELECT TRY_CAST(row AS JSON) AS json, nth FROM (SELECT unnest([${rows.join(", ")}]) AS row, unnest(range(${rows.length})) AS nth)) ORDER BY nth`);
    let fitting = 0;
    for (const [index, value] of values.entries()) {
      const expected = readValue(column, JSON.parse(JSON.stringify(value)));
      if (expected.ok && !isReckoned(expected.value) && type !== "float64" && type !== "float32") continue;
      const { fits, [NAME]: read } = found[index]!;
      const words = `${JSON.stringify(value)} as ${type}`;
      assert.equal(fits, expected.ok, words);
      if (expected.ok) assert.ok(read === expected.value, `${words}: ${read} is not ${expected.value}`);
      fitting += Number(expected.ok);
    }
    assert.ok(fitting > 5, `${fitting} values of ${type}`);
  }
  tables.close();
});

test("a row has all the columns, and no others; what is no JSON object is no row", async () => {
  const tables = openDuckDb({ threads: 1, memoryMb: 200, tempFolder: folder });
  const columns = { a: { type: "int8", nullable: true }, b: { type: "string", nullable: false } } as const;
  const fits = async (text: string | null) => {
    const json = `TRY_CAST(${text === null ? "NULL" : quoteLiteral(text)} AS JSON)`;
    const [row] = await tables.rows(`SELECT coalesce(${isRow("json", columns)}, false) AS fits FROM (SELECT ${json} AS json)`);
    return row!.fits;
  };
  for (const text of ['{"a":1,"b":"x"}', '{"b":"","a":null}']) assert.equal(await fits(text), true, text);
  for (const text of [
    '{"b":"x"}',
    '{"a":1,"b":null}',
    '{"a":1,"b":"x","c":1}',
    '{"a":1,"b":"x"',
    "[]",
    "1",
    "null",
    '""',
    "",
    null,
  ])
    assert.equal(await fits(text), false, String(text));
  tables.close();
});
