/** What every SQL engine must do. A driver's test calls `tablesSuite` with a way to open one. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import type { MillError } from "../../base/index.ts";
import type { Frame } from "../../learn/index.ts";
import type { Tables } from "./tables.ts";

const textOf = (frame: Frame, name: string) => {
  const column = frame.columns[name]!;
  assert.equal(column.kind, "text");
  return column.kind === "text" ? [...column.codes].map((code) => (code < 0 ? null : column.texts[code]!)) : [];
};
const numbersOf = (frame: Frame, name: string) => {
  const column = frame.columns[name]!;
  assert.equal(column.kind, "number");
  return column.kind === "number" ? [...column.values] : [];
};

export function tablesSuite(driver: string, open: () => Tables): void {
  let folder: string;
  let tables: Tables;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "mill-tables-suite-"));
    tables = open();
  });
  after(async () => {
    tables.close();
    await rm(folder, { recursive: true, force: true });
  });

  test(`${driver}: rows come as plain values: moments in microseconds, small int64 as numbers, large ones as bigint, NaN and null as null`, async () => {
    const [row] = await tables.rows(
      `SELECT DATE '1970-01-02' d, TIMESTAMP '1970-01-01 00:00:01.5' t, TIMESTAMPTZ '1970-01-01 02:00:00+02' i, 7::BIGINT s, 9007199254740993 l,
       'NaN'::DOUBLE n, NULL::INTEGER z, true b, 'x' v, 1.25::DECIMAL(9, 2) m, TIMESTAMP_S '1970-01-01 00:00:02' ts`,
    );
    const expected = {
      d: 86_400_000_000,
      t: 1_500_000,
      i: 0,
      s: 7,
      l: 9007199254740993n,
      n: null,
      z: null,
      b: true,
      v: "x",
      m: 1.25,
    };
    assert.deepEqual({ ...row, ts: undefined }, { ...expected, ts: undefined });
    assert.equal(row!.ts, 2_000_000);
  });

  test(`${driver}: describe tells columns in order without running the query`, async () => {
    assert.deepEqual(await tables.describe("SELECT 1::TINYINT AS a, error('ran')::DATE AS b, CURRENT_TIMESTAMP AS c"), [
      { name: "a", type: "TINYINT" },
      { name: "b", type: "DATE" },
      { name: "c", type: "TIMESTAMP WITH TIME ZONE" },
    ]);
  });

  test(`${driver}: a frame holds numbers as doubles, booleans as 0 and 1, moments as microseconds, and NaN for missing`, async () => {
    const frame = await tables.frame(
      `SELECT * FROM (VALUES (1::BIGINT, true, 2.5::FLOAT, TIMESTAMP '1970-01-01 00:00:01', 3.5::DECIMAL(5, 1)), (NULL, NULL, NULL, NULL, NULL),
       (-9223372036854775807, false, 'inf', TIMESTAMP '1969-12-31 23:59:59', -1)) AS t(i, b, f, t, d)`,
    );
    assert.equal(frame.rowCount, 3);
    assert.deepEqual(numbersOf(frame, "i"), [1, Number.NaN, -(2 ** 63)]);
    assert.deepEqual(numbersOf(frame, "b"), [1, Number.NaN, 0]);
    assert.deepEqual(numbersOf(frame, "f"), [2.5, Number.NaN, Number.POSITIVE_INFINITY]);
    assert.deepEqual(numbersOf(frame, "t"), [1e6, Number.NaN, -1e6]);
    assert.deepEqual(numbersOf(frame, "d"), [3.5, Number.NaN, -1]);
  });

  test(`${driver}: texts of a frame are the query's, whatever their length, alphabet or nulls`, async () => {
    const text = fc.option(
      fc.oneof(fc.string({ unit: "binary" }), fc.string({ maxLength: 40 }), fc.constantFrom("", "abcdefghijkl", "abcdefghijklm")),
      {
        nil: null,
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ v: text, w: text }), { minLength: 1, maxLength: 200 }), async (rows) => {
        const path = join(folder, "texts.json");
        const sound = rows.map(({ v, w }) => ({
          v: v?.toWellFormed().replaceAll("\0", "") ?? null,
          w: w?.toWellFormed().replaceAll("\0", "") ?? null,
        }));
        await writeFile(path, JSON.stringify(sound));
        const frame = await tables.frame(`SELECT v, w FROM read_json('${path}', columns = {v: 'VARCHAR', w: 'VARCHAR'})`);
        assert.deepEqual(
          textOf(frame, "v"),
          sound.map(({ v }) => v),
        );
        assert.deepEqual(
          textOf(frame, "w"),
          sound.map(({ w }) => w),
        );
      }),
      { seed: 7, numRuns: 40 },
    );
  });

  test(`${driver}: a frame keeps the query's order over many chunks, and its distinct texts are listed once`, async () => {
    const frame = await tables.frame(
      `SELECT i, 'k' || (i % 5000) AS short, 'a text longer than twelve bytes ' || (i % 700) AS long, CASE WHEN i % 3 > 0 THEN i END AS gap
     FROM range(30000) AS r(i) ORDER BY i DESC`,
    );
    assert.equal(frame.rowCount, 30_000);
    const [i, gap, short, long] = [numbersOf(frame, "i"), numbersOf(frame, "gap"), textOf(frame, "short"), textOf(frame, "long")];
    for (let row = 0; row < 30_000; row++) {
      const at = 29_999 - row;
      assert.equal(i[row], at);
      assert.equal(short[row], `k${at % 5000}`);
      assert.equal(long[row], `a text longer than twelve bytes ${at % 700}`);
      assert.equal(gap[row], at % 3 > 0 ? at : Number.NaN);
    }
    const column = frame.columns.short!;
    assert.equal(column.kind === "text" && column.texts.length, 5000);
  });

  test(`${driver}: a frame of no rows has its columns`, async () => {
    const frame = await tables.frame("SELECT 1 AS a, 'x' AS b WHERE false");
    assert.equal(frame.rowCount, 0);
    assert.deepEqual(numbersOf(frame, "a"), []);
    assert.deepEqual(textOf(frame, "b"), []);
  });

  test(`${driver}: a type that a frame cannot hold is named`, async () => {
    await assert.rejects(tables.frame("SELECT [1, 2] AS list"), (error: MillError) => {
      assert.equal(error.code, "tables.frame-type");
      assert.equal(error.at, "list");
      return true;
    });
  });

  test(`${driver}: a wrong query names the place, and the next one runs`, async () => {
    await assert.rejects(tables.run("SELECT 1\nFROM nowhere"), (error: MillError) => {
      assert.equal(error.code, "tables.query");
      assert.match(error.message, /nowhere does not exist/);
      assert.equal(error.at, "line 2, column 6");
      return true;
    });
    assert.deepEqual(await tables.rows("SELECT 1 AS a"), [{ a: 1 }]);
  });

  test(`${driver}: queries at the same time each get their own answer`, async () => {
    const sums = await Promise.all(
      Array.from({ length: 8 }, async (_, k) => {
        const frame = await tables.frame(`SELECT i * ${k} AS v FROM range(5000) AS r(i)`);
        return numbersOf(frame, "v").reduce((sum, value) => sum + value, 0);
      }),
    );
    assert.deepEqual(
      sums,
      Array.from({ length: 8 }, (_, k) => (k * 5000 * 4999) / 2),
    );
  });

  test(`${driver}: instants are read and written in UTC`, async () => {
    assert.deepEqual(await tables.rows("SELECT (TIMESTAMP '2001-06-01 10:00:00'::TIMESTAMPTZ)::VARCHAR AS t"), [
      { t: "2001-06-01 10:00:00+00" },
    ]);
  });

  test(`${driver}: after closing, a query is refused`, async () => {
    const brief = open();
    assert.deepEqual(await brief.rows("SELECT 1 AS a"), [{ a: 1 }]);
    brief.close();
    await assert.rejects(brief.rows("SELECT 1"), { code: "tables.closed" });
  });
}
