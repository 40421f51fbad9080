import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Digest, MillError } from "../../base/index.ts";
import { diffTables } from "./diff.ts";
import { openTables, type TextRow } from "./fixtures/tables.ts";
import type { TableFile } from "./table.ts";

const { objects, tables, file, content } = openTables();
const resources = { tables, objects };
const TYPES = { k: "INTEGER", x: "DOUBLE", s: "VARCHAR" };

test("with a key, rows are found again: added, removed, and changed with the columns that differ, in pages", async () => {
  const before = await file("a.parquet", TYPES, [
    { k: "1", x: "1", s: "a" },
    { k: "2", x: "nan", s: null },
    { k: "3", x: "3", s: "c" },
    { k: null, x: "0", s: "none" },
  ]);
  const after = await file("b.parquet", TYPES, [
    { k: null, x: "0", s: "other" },
    { k: "4", x: "4", s: "d" },
    { k: "2", x: "nan", s: null },
    { k: "1", x: null, s: "z" },
  ]);
  const found = await diffTables(content([before]), content([after]), resources, { limit: 3 });
  assert.deepEqual(
    [found.keyed, found.added, found.removed, found.changed, found.changedColumns],
    [true, 1, 1, 2, { x: 1, s: 2 }],
  );
  assert.deepEqual(found.rows, [
    { kind: "changed", before: { k: null, x: 0, s: "none" }, after: { k: null, x: 0, s: "other" }, columns: ["s"], times: 1 },
    { kind: "changed", before: { k: 1, x: 1, s: "a" }, after: { k: 1, x: null, s: "z" }, columns: ["x", "s"], times: 1 },
    { kind: "removed", before: { k: 3, x: 3, s: "c" }, after: null, columns: [], times: 1 },
  ]);
  const rest = await diffTables(content([before]), content([after]), resources, { limit: 3, after: found.next! });
  assert.deepEqual(rest.rows, [{ kind: "added", before: null, after: { k: 4, x: 4, s: "d" }, columns: [], times: 1 }]);
  assert.equal(rest.next, null);
});

test("without a key, it counts how often each row is there", async () => {
  const row = { k: "1", x: "nan", s: null };
  const before = await file("a.parquet", TYPES, [row, row, row, { k: "2", x: "1", s: "b" }]);
  const after = await file("a.parquet", TYPES, [{ k: "2", x: "1", s: "B" }, row, { k: "2", x: "1", s: "B" }]);
  const found = await diffTables(content([before], null), content([after], null), resources, { limit: 10 });
  assert.deepEqual([found.keyed, found.added, found.removed, found.changed], [false, 2, 3, 0]);
  assert.deepEqual(
    found.rows.map(({ kind, times, before, after }) => [kind, times, (before ?? after)!.s]),
    [
      ["removed", 2, null],
      ["added", 2, "B"],
      ["removed", 1, "b"],
    ],
  );
});

test("files that both versions have are not read, and what was only appended is only counted", async () => {
  const shared: TableFile = { path: "part-0.parquet", digest: `sha256:${"0".repeat(64)}` as Digest };
  const one = await file("part-1.parquet", TYPES, [{ k: "1", x: "1", s: "a" }]);
  const two = await file("part-1.parquet", TYPES, [{ k: "1", x: "2", s: "a" }]);
  const changed = await diffTables(content([shared, one]), content([shared, two]), resources);
  assert.deepEqual([changed.added, changed.removed, changed.changed], [0, 0, 1]);
  const known = { ...shared, path: "part-2.parquet", digest: `sha256:${"1".repeat(64)}` as Digest, rowCount: 7 };
  const appended = await diffTables(content([shared]), content([shared, known, one]), resources);
  assert.deepEqual([appended.added, appended.removed, appended.changed], [8, 0, 0]);
  const nothing = await diffTables(content([shared]), content([{ ...shared, path: "moved.parquet" }]), resources, { limit: 5 });
  assert.deepEqual([nothing.added, nothing.removed, nothing.rows], [0, 0, []]);
});

test("a column that came, went or changed its type is told; of a row that is else the same a new column's null is no change", async () => {
  const before = await file("a.parquet", { k: "INTEGER", gone: "INTEGER", n: "DOUBLE" }, [
    { k: "1", gone: null, n: "1" },
    { k: "2", gone: "5", n: "2" },
  ]);
  const after = await file("a.parquet", { k: "INTEGER", n: "VARCHAR", late: "BOOLEAN" }, [
    { k: "1", n: "1.0", late: null },
    { k: "2", n: "2.0", late: null },
  ]);
  const found = await diffTables(content([before]), content([after]), resources, { limit: 5 });
  assert.deepEqual(found.columns, {
    added: ["late"],
    removed: ["gone"],
    retyped: [{ name: "n", before: "DOUBLE", after: "VARCHAR" }],
  });
  assert.deepEqual([found.changed, found.changedColumns], [1, { gone: 1 }]);
  assert.deepEqual(found.rows[0]!.after, { k: 2, n: "2.0", late: null });
});

test("a key that names two rows is refused with the key, and so is a file without the key's column", async () => {
  const sound = await file("a.parquet", TYPES, [{ k: "1", x: "1", s: "a" }]);
  const twice = await file("b.parquet", TYPES, [
    { k: "7", x: "1", s: "a" },
    { k: "7", x: "2", s: "a" },
  ]);
  await assert.rejects(diffTables(content([sound]), content([twice]), resources), (error: MillError) => {
    assert.equal(error.code, "table.duplicate-key");
    assert.deepEqual([error.got, error.at, error.expected], ['["7"]', "b.parquet", "one row for each k"]);
    return true;
  });
  const other = await file("c.parquet", { id: "INTEGER" }, [{ id: "1" }]);
  await assert.rejects(diffTables(content([sound]), content([other]), resources), { code: "table.key-missing" });
});

test("names of columns may be any text", async () => {
  const types = { 'a "b"': "INTEGER", c0: "INTEGER", home: "VARCHAR", here: "BOOLEAN" };
  const before = await file("a.parquet", types, [{ 'a "b"': "1", c0: "1", home: "x", here: null }]);
  const after = await file("a.parquet", types, [{ 'a "b"': "1", c0: "2", home: "x", here: "true" }]);
  const found = await diffTables(content([before], ['a "b"']), content([after], ['a "b"']), resources, { limit: 5 });
  assert.deepEqual(found.rows[0]!.columns, ["c0", "here"]);
});

const cell = fc.constantFrom(null, "0.0", "1.0", "nan");
const text = fc.constantFrom(null, "", "x");
const row = fc.record({ k: fc.constantFrom(null, "0", "1", "2", "3"), x: cell, s: text });
const nameOf = ({ k, x, s }: TextRow) => JSON.stringify([k, x, s]);
const splitInTwo = async (rows: readonly TextRow[], at: number) => [
  await file("part-0.parquet", TYPES, rows.slice(0, at)),
  await file("part-1.parquet", TYPES, rows.slice(at)),
];

test("any two tables: differences are those of a naive comparison", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 8 }),
      fc.array(row, { maxLength: 8 }),
      fc.nat(8),
      fc.nat(8),
      async (a, b, i, j) => {
        const [before, after] = [await splitInTwo(a, i), await splitInTwo(b, j)];
        const bags = await diffTables(content(before, null), content(after, null), resources);
        const counts = new Map<string, number>();
        for (const [rows, sign] of [
          [a, -1],
          [b, 1],
        ] as const)
          for (const one of rows) counts.set(nameOf(one), (counts.get(nameOf(one)) ?? 0) + sign);
        const all = [...counts.values()];
        assert.equal(
          bags.added,
          all.filter((n) => n > 0).reduce((sum, n) => sum + n, 0),
        );
        assert.equal(
          bags.removed,
          all.filter((n) => n < 0).reduce((sum, n) => sum - n, 0),
        );

        const unique = (rows: readonly TextRow[]) => [...new Map(rows.map((one) => [one.k, one])).values()];
        const [ka, kb] = [unique(a), unique(b)];
        const [old, now] = [await splitInTwo(ka, i), await splitInTwo(kb, j)];
        const keyed = await diffTables(content(old), content(now), resources, { limit: 100 });
        const [was, is] = [new Map(ka.map((one) => [one.k, one])), new Map(kb.map((one) => [one.k, one]))];
        const changed = kb.filter(({ k }) => was.has(k) && nameOf(was.get(k)!) !== nameOf(is.get(k)!));
        assert.deepEqual(
          [keyed.added, keyed.removed, keyed.changed],
          [kb.filter(({ k }) => !was.has(k)).length, ka.filter(({ k }) => !is.has(k)).length, changed.length],
        );
        assert.equal(keyed.rows.length, keyed.added + keyed.removed + keyed.changed);
      },
    ),
    { seed: 11, numRuns: 25 },
  );
});
