import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Digest, MillError } from "../../base/index.ts";
import { openTables, type TextRow } from "./fixtures/tables.ts";
import { type MergedTable, mergeTable } from "./merge.ts";
import type { TableContent, TableFile } from "./table.ts";
import type { Choices } from "./three-way.ts";

const { objects, tables, folder, file, content, rowsOf } = openTables();
const TYPES = { k: "INTEGER", x: "DOUBLE", s: "VARCHAR" };

const merge = (base: TableContent, ours: TableContent, theirs: TableContent, choices: Choices = {}) =>
  mergeTable({ base, ours, theirs }, choices, { tables, objects, folder });

/** Our files with what the merge made of them. */
function applied(ours: readonly TableFile[], result: MergedTable): TableFile[] {
  assert.ok(result.merged, JSON.stringify(result));
  const written = new Map(result.files.map((one) => [one.path, one]));
  return [
    ...ours.map((one) => written.get(one.path) ?? one),
    ...result.files.filter(({ path }) => !ours.some((one) => one.path === path)),
  ];
}
const byKey = (rows: readonly TextRow[]) => rows.toSorted((a, b) => Number(a.k ?? -1) - Number(b.k ?? -1));

test("what the sides changed in different rows and columns comes together; a file in which nothing changes stays, order is kept", async () => {
  const still = await file("part-0.parquet", TYPES, [{ k: "100", x: "1", s: "still" }]);
  const base = await file("part-1.parquet", TYPES, [
    { k: "3", x: "3", s: "c" },
    { k: "1", x: "1", s: "a" },
    { k: "2", x: "2", s: "b" },
    { k: "4", x: "4", s: "d" },
  ]);
  const ours = await file("part-1.parquet", TYPES, [
    { k: "3", x: "30", s: "c" },
    { k: "1", x: "1", s: "a" },
    { k: "2", x: "2", s: "b" },
  ]);
  const alone = await file("part-2.parquet", TYPES, [{ k: "9", x: "9", s: "ours" }]);
  const theirs = await file("part-1.parquet", TYPES, [
    { k: "8", x: "8", s: "theirs" },
    { k: "3", x: "3", s: "C" },
    { k: "2", x: "2", s: "b" },
    { k: "4", x: "4", s: "d" },
  ]);
  const result = await merge(content([still, base]), content([still, ours, alone]), content([still, theirs]));
  const files = applied([still, ours, alone], result);
  assert.deepEqual(
    files.map(({ path }) => path),
    ["part-0.parquet", "part-1.parquet", "part-2.parquet"],
  );
  assert.deepEqual([files[0], files[2]], [still, alone]);
  assert.deepEqual(await rowsOf(files), [
    { k: "100", x: "1.0", s: "still" },
    { k: "3", x: "30.0", s: "C" },
    { k: "2", x: "2.0", s: "b" },
    { k: "8", x: "8.0", s: "theirs" },
    { k: "9", x: "9.0", s: "ours" },
  ]);
  assert.ok(result.merged && result.rowCount === 3 && result.resolved === 0);
});

test("conflicts are told with the row of each side, and end by a side, for all or for one key", async () => {
  const row = (k: string, x: string, s: string) => ({ k, x, s });
  const base = await file("a.parquet", TYPES, [row("1", "1", "a"), row("2", "2", "b"), row("3", "3", "c"), row("5", "5", "e")]);
  const ours = await file("a.parquet", TYPES, [
    row("1", "10", "A"),
    row("3", "30", "c"),
    row("4", "4", "ours"),
    row("5", "5", "E"),
  ]);
  const theirs = await file("a.parquet", TYPES, [
    row("1", "11", "a"),
    row("2", "22", "b"),
    row("4", "4", "theirs"),
    row("5", "55", "e"),
  ]);
  const versions = [content([base]), content([ours]), content([theirs])] as const;
  const told = await merge(...versions);
  assert.ok(!told.merged);
  assert.equal(told.conflictCount, 4);
  assert.deepEqual(
    told.conflicts.map(({ id, base, ours, theirs, columns }) => [
      id,
      base?.x ?? null,
      ours?.x ?? null,
      theirs?.x ?? null,
      columns,
    ]),
    [
      ['["1"]', 1, 10, 11, ["x"]],
      ['["2"]', 2, null, 22, []],
      ['["3"]', 3, 30, null, []],
      ['["4"]', null, 4, 4, ["s"]],
    ],
  );
  const ends = async (choices: Choices) => {
    const result = await merge(...versions, choices);
    return byKey(await rowsOf(applied([ours], result))).map(({ k, x, s }) => [k, x, s].join(" "));
  };
  assert.deepEqual(await ends({ strategy: "ours" }), ["1 10.0 A", "3 30.0 c", "4 4.0 ours", "5 55.0 E"]);
  assert.deepEqual(await ends({ strategy: "theirs" }), ["1 11.0 A", "2 22.0 b", "4 4.0 theirs", "5 55.0 E"]);
  const some = { '["1"]': "theirs", '["3"]': "theirs" } as const;
  assert.deepEqual(await ends({ strategy: "ours", resolutions: some }), ["1 11.0 A", "4 4.0 ours", "5 55.0 E"]);
  const left = await merge(...versions, { resolutions: some });
  assert.ok(!left.merged);
  assert.deepEqual(
    left.conflicts.map(({ id }) => id),
    ['["2"]', '["4"]'],
  );
});

test("a row that moved to another file of theirs is changed where it lies with us", async () => {
  const base = await file("a.parquet", TYPES, [
    { k: "1", x: "1", s: "a" },
    { k: "2", x: "2", s: "b" },
  ]);
  const ours = await file("a.parquet", TYPES, [
    { k: "1", x: "1", s: "ours" },
    { k: "2", x: "2", s: "b" },
  ]);
  const theirs = [
    await file("x.parquet", TYPES, [{ k: "2", x: "20", s: "b" }]),
    await file("y.parquet", TYPES, [{ k: "1", x: "10", s: "a" }]),
  ];
  const result = await merge(content([base]), content([ours]), content(theirs));
  assert.deepEqual(await rowsOf(applied([ours], result)), [
    { k: "1", x: "10.0", s: "ours" },
    { k: "2", x: "20.0", s: "b" },
  ]);
});

test("rows that theirs added in a file that ours does not have lie there", async () => {
  const base = await file("a.parquet", TYPES, [{ k: "1", x: "1", s: "a" }]);
  const ours = await file("a.parquet", TYPES, [{ k: "1", x: "2", s: "a" }]);
  const theirs = [
    base,
    await file("b.parquet", TYPES, [
      { k: "7", x: "7", s: "z" },
      { k: "6", x: "6", s: "y" },
    ]),
  ];
  const result = await merge(content([base]), content([ours]), content(theirs));
  assert.deepEqual(result.merged && result.files.map(({ path, rowCount }) => [path, rowCount]), [["b.parquet", 2]]);
  assert.deepEqual(
    (await rowsOf(applied([ours], result))).map(({ k }) => k),
    ["1", "7", "6"],
  );
});

test("a column that one side gained comes along; of the other side's rows it is null", async () => {
  const base = await file("a.parquet", TYPES, [{ k: "1", x: "1", s: "a" }]);
  const wide = { ...TYPES, late: "INTEGER" };
  const gained = await file("a.parquet", wide, [
    { k: "1", x: "1", s: "a", late: "7" },
    { k: "2", x: "2", s: "b", late: "8" },
  ]);
  const narrow = await file("a.parquet", TYPES, [
    { k: "1", x: "10", s: "a" },
    { k: "2", x: "2", s: "b" },
    { k: "3", x: "3", s: "c" },
  ]);
  const expected = [
    { k: "1", x: "10.0", s: "a", late: "7" },
    { k: "2", x: "2.0", s: "b", late: "8" },
    { k: "3", x: "3.0", s: "c", late: null },
  ];
  for (const [ours, theirs] of [
    [gained, narrow],
    [narrow, gained],
  ] as const) {
    const result = await merge(content([base]), content([ours]), content([theirs]));
    assert.deepEqual(byKey(await rowsOf(applied([ours], result))), expected);
  }
});

test("tables that do not fit together are told as such: types, columns that went, keys, columns that may not be null", async () => {
  const base = await file("a.parquet", TYPES, [{ k: "1", x: "1", s: "a" }]);
  const whole = await file("a.parquet", { ...TYPES, x: "BIGINT" }, [{ k: "1", x: "1", s: "b" }]);
  const without = await file("a.parquet", { k: "INTEGER", x: "DOUBLE" }, [{ k: "1", x: "2" }]);
  const told = async (ours: TableContent, theirs: TableContent) => {
    const result = await merge(content([base]), ours, theirs);
    assert.ok(!result.merged);
    return result.table;
  };
  const changed = content([await file("a.parquet", TYPES, [{ k: "1", x: "9", s: "a" }])]);
  assert.deepEqual(await told(changed, content([whole])), [{ column: "x", why: "type", ours: "DOUBLE", theirs: "BIGINT" }]);
  assert.deepEqual(await told(changed, content([without])), [{ column: "s", why: "removed", ours: "VARCHAR", theirs: null }]);
  assert.deepEqual(await told(changed, { ...changed, key: ["k", "s"] }), [
    { column: "k", why: "key", ours: "k", theirs: "k, s" },
  ]);
  const column = (nullable: boolean) => ({ type: "int32", nullable }) as const;
  const columns = { k: column(false) };
  assert.deepEqual(await told({ ...changed, columns: { ...columns, must: column(false) } }, { ...changed, columns }), [
    { column: "must", why: "not-nullable", ours: "int32", theirs: null },
  ]);
});

test("a row that theirs added under a key of a file that nobody changed is refused", async () => {
  const still = await file("still.parquet", TYPES, [{ k: "1", x: "1", s: "a" }]);
  const base = await file("a.parquet", TYPES, [{ k: "2", x: "2", s: "b" }]);
  const theirs = await file("a.parquet", TYPES, [
    { k: "1", x: "9", s: "again" },
    { k: "2", x: "2", s: "b" },
  ]);
  const ours = await file("a.parquet", TYPES, [{ k: "2", x: "20", s: "b" }]);
  await assert.rejects(
    merge(content([still, base]), content([still, ours]), content([still, theirs])),
    (error: MillError) => error.code === "table.duplicate-key" && error.got === '["1"]',
  );
});

test("files that all three have are not read", async () => {
  const away: TableFile = { path: "away.parquet", digest: `sha256:${"0".repeat(64)}` as Digest };
  const version = async (x: string, s: string) => content([away, await file("a.parquet", TYPES, [{ k: "1", x, s }])]);
  const ours = await version("2", "a");
  const result = await merge(await version("1", "a"), ours, await version("1", "b"));
  assert.deepEqual(await rowsOf(applied(ours.files.slice(1), result)), [{ k: "1", x: "2.0", s: "b" }]);
});

const row: fc.Arbitrary<TextRow> = fc.record(
  {
    k: fc.constantFrom(null, "0", "1", "2", "3"),
    x: fc.constantFrom(null, "0.0", "1.0", "nan"),
    s: fc.constantFrom(null, "", "x"),
  },
  { noNullPrototype: true },
);
const version = fc.uniqueArray(row, { maxLength: 5, selector: ({ k }) => k });
const same = (a: TextRow | undefined, b: TextRow | undefined) => JSON.stringify(a) === JSON.stringify(b);

type Versions = [TextRow | undefined, TextRow | undefined, TextRow | undefined];

/** The same merge over maps: a row, null where it is removed, or "conflict". */
function naive(b: TextRow | undefined, o: TextRow | undefined, t: TextRow | undefined, side?: "ours" | "theirs") {
  if (same(o, t)) return o ?? null;
  if (o && t) {
    const cells = ["k", "x", "s"].map((name) => {
      const [bv, ov, tv] = [b?.[name], o[name], t[name]];
      if (ov === tv || (b && tv === bv)) return [name, ov];
      if (b && ov === bv) return [name, tv];
      return [name, side === undefined ? undefined : side === "ours" ? ov : tv];
    });
    return cells.some(([, value]) => value === undefined) ? "conflict" : (Object.fromEntries(cells) as TextRow);
  }
  if (b === undefined) return o ?? t ?? null;
  if (same(o ?? t, b)) return null;
  return side === undefined ? "conflict" : ((side === "ours" ? o : t) ?? null);
}

test("any three versions: rows and conflicts are those of a merge over maps, however they lie in files", async () => {
  const split = async (rows: readonly TextRow[], at: number) => [
    await file("part-0.parquet", TYPES, rows.slice(0, at)),
    await file("part-1.parquet", TYPES, rows.slice(at)),
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(version, version, version),
      fc.tuple(fc.nat(5), fc.nat(5), fc.nat(5)),
      fc.constantFrom("ours", "theirs"),
      async (rows, at, side) => {
        const [b, o, t] = await Promise.all(rows.map((some, index) => split(some, at[index]!)));
        const maps = rows.map((some) => new Map(some.map((one) => [one.k, one])));
        const keys = [...new Set(rows.flat().map(({ k }) => k))];
        const sidesOf = (k: string | null | undefined) => maps.map((map) => map.get(k));
        const expected = (choice?: "ours" | "theirs") => keys.map((k) => naive(...(sidesOf(k) as Versions), choice));
        const conflicts = expected().filter((end) => end === "conflict").length;
        const versions = [content(b!), content(o!), content(t!)] as const;
        const told = await merge(...versions);
        assert.equal(told.merged ? 0 : told.conflictCount, conflicts);
        const ended = await merge(...versions, { strategy: side });
        const found = await rowsOf(applied(o!, ended));
        const ends = expected(side).filter((end) => end !== null) as TextRow[];
        assert.deepEqual(byKey(found), byKey(ends));
        assert.ok(ended.merged && ended.resolved === conflicts);
      },
    ),
    { seed: 5, numRuns: 30 },
  );
});
