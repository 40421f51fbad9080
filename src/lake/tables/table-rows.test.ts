import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Digest, MillError } from "../../base/index.ts";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import { openDuckDb } from "../../ports/tables/index.ts";
import { createRepositories } from "../repositories/create-repositories.ts";
import { PARQUET_TYPE, storedEntry } from "../stored-entry.ts";
import { createTree } from "../tree/create-tree.ts";
import { openTables, type TextRow } from "./fixtures/tables.ts";
import { createTableRows } from "./table-rows.ts";

const { folder, objects, file, rowsOf } = openTables();
const records = await openTestRecords(join(mkdtempSync(join(tmpdir(), "mill-table-rows-")), "mill.db"));
const repositories = createRepositories({ records, tree: createTree(objects) });
const tables = () => openDuckDb({ threads: 1, memoryMb: 200, tempFolder: join(folder, "spill") });
const rows = createTableRows({ records, objects, folder, tables, clock: () => 1000 });
after(async () => {
  await repositories.close();
  await records.close();
  rmSync(folder, { recursive: true, force: true });
});

const TYPES = { k: "INTEGER", x: "INTEGER", s: "VARCHAR" };
const COLUMNS = { k: { type: "int32" }, x: { type: "int32" }, s: { type: "string" } };
const row = (k: number, x: number, s: string) => ({ k: String(k), x: String(x), s });
const by = (author: string) => ({ message: "m", author });

let made = 0;
async function newRepository() {
  const name = `tables-${made++}`;
  await repositories.create({ name, actor: "ada" });
  const repository = repositories.of(name);
  const put = async (
    branch: string,
    path: string,
    content: readonly TextRow[] | string | null,
    types: Record<string, string> = TYPES,
  ) => {
    const digestOf = async (): Promise<Digest> =>
      typeof content === "string" ? objects.put(Buffer.from(content)) : (await file(path, types, content!)).digest;
    const entry = content === null ? null : await storedEntry(objects, await digestOf(), PARQUET_TYPE, 0);
    await repository.stage(branch, [{ path, entry }]);
  };
  const describe = (branch: string, path: string, columns: object = COLUMNS, key = ["k"]) =>
    put(branch, path, JSON.stringify({ columns, key }));
  const commit = (branch: string) => repository.commit(branch, by("ada"));
  const rowsAt = async (ref: string, prefix: string) => {
    const found: TextRow[] = [];
    for await (const batch of repository.scan(ref, prefix))
      for (const { path, entry } of batch)
        if (path.endsWith(".parquet")) found.push(...(await rowsOf([{ path, digest: entry.digest }])));
    return found.map(({ k, x, s }) => `${k} ${x} ${s}`).sort();
  };
  return { repository, put, describe, commit, rowsAt };
}

/** A table `orders/` of two files, and a branch `fix` from there. */
async function withOrders() {
  const made = await newRepository();
  await made.describe("main", "orders/_table.json");
  await made.put("main", "orders/a.parquet", [row(1, 1, "a"), row(2, 2, "b"), row(3, 3, "c")]);
  await made.put("main", "orders/b.parquet", [row(10, 10, "j"), row(11, 11, "k")]);
  await made.put("main", "notes.txt", "notes");
  await made.commit("main");
  await made.repository.createBranch("fix", "main");
  return made;
}

test("rows of a table that two branches changed in the same file come together", async () => {
  const { repository, put, commit, rowsAt } = await withOrders();
  await put("fix", "orders/a.parquet", [row(1, 1, "A"), row(2, 2, "b"), row(3, 3, "c"), row(4, 4, "d")]);
  await put("fix", "orders/b.parquet", null);
  await put("fix", "orders/c.parquet", [row(10, 10, "J"), row(11, 11, "k")]);
  await commit("fix");
  await put("main", "orders/a.parquet", [row(1, 100, "a"), row(3, 3, "c")]);
  await put("main", "notes.txt", "more notes");
  await commit("main");
  assert.equal((await repository.merge("fix", "main", by("ada"))).merged, false, "as files they conflict");

  const outcome = await rows.merge(repository, "fix", "main", by("grace"));
  assert.ok(outcome.merged);
  assert.deepEqual(
    outcome.tables.map(({ table, paths, outcome }) => [table, paths, outcome.merged && outcome.rowCount]),
    [["orders/", ["orders/a.parquet"], 3]],
  );
  assert.deepEqual(await rowsAt("main", "orders/"), ["1 100 A", "10 10 J", "11 11 k", "3 3 c", "4 4 d"]);
  const { entries } = await repository.list("main", { prefix: "orders/", limit: 10 });
  assert.deepEqual(
    entries.map(({ path }) => path),
    ["orders/_table.json", "orders/a.parquet", "orders/b.parquet"],
    "files stay as they are with us, though they moved rows to another one",
  );
  assert.equal(outcome.commit.parents.length, 2);
  const again = await rows.merge(repository, "fix", "main", by("grace"));
  assert.ok(!again.merged && again.conflicts.length === 0);
});

test("rows in conflict are told with the file's conflict, and end by a side, by their key, or by the file", async () => {
  const { repository, put, commit, rowsAt } = await withOrders();
  await put("fix", "orders/a.parquet", [row(1, 7, "a"), row(2, 2, "b"), row(3, 33, "c")]);
  await commit("fix");
  await put("main", "orders/a.parquet", [row(1, 8, "a"), row(2, 2, "B")]);
  await put("main", "orders/b.parquet", [row(10, 10, "j")]);
  await commit("main");
  const told = await rows.merge(repository, "fix", "main", by("ada"));
  assert.ok(!told.merged);
  assert.deepEqual(
    told.conflicts.map(({ path }) => path),
    ["orders/a.parquet"],
  );
  const [table] = told.tables;
  assert.ok(table && !table.outcome.merged);
  assert.deepEqual(
    table.outcome.conflicts.map(({ id, base, ours, theirs, columns }) => [id, base?.x, ours?.x ?? null, theirs?.x, columns]),
    [
      ['["1"]', 1, 8, 7, ["x"]],
      ['["3"]', 3, null, 33, []],
    ],
  );
  const ends = async (branch: string, options: object) => {
    await repository.createBranch(branch, "main");
    assert.ok((await rows.merge(repository, "fix", branch, { ...by("ada"), ...options })).merged);
    return rowsAt(branch, "orders/");
  };
  assert.deepEqual(await ends("side", { strategy: "ours" }), ["1 8 a", "10 10 j", "2 2 B"]);
  const chosen = { "orders/": { '["1"]': "theirs", '["3"]': "theirs" } };
  assert.deepEqual(await ends("keys", { rows: chosen }), ["1 7 a", "10 10 j", "2 2 B", "3 33 c"]);
  const whole = { resolutions: { "orders/a.parquet": "theirs" } };
  assert.deepEqual(await ends("whole", whole), ["1 7 a", "10 10 j", "2 2 b", "3 33 c"]);
});

test("a column that one branch gained, in the description and the rows, comes along", async () => {
  const { repository, put, describe, commit } = await withOrders();
  await describe("fix", "orders/_table.json", { ...COLUMNS, late: { type: "boolean" } });
  const late = (one: TextRow, value: string) => ({ ...one, late: value });
  await put(
    "fix",
    "orders/a.parquet",
    [late(row(1, 1, "a"), "true"), late(row(2, 2, "b"), "false"), late(row(3, 3, "c"), "false")],
    {
      ...TYPES,
      late: "BOOLEAN",
    },
  );
  await commit("fix");
  await describe("main", "orders/_table.json", { ...COLUMNS, s: { type: "string", about: "what it says" } });
  await put("main", "orders/a.parquet", [row(1, 9, "a"), row(2, 2, "b"), row(5, 5, "e")]);
  await commit("main");
  const outcome = await rows.merge(repository, "fix", "main", { ...by("ada"), strategy: "ours" });
  assert.ok(outcome.merged);
  const { entry } = (await repository.list("main", { prefix: "orders/_", limit: 1 })).entries[0]!;
  const { columns } = JSON.parse(Buffer.from(await objects.get(entry.digest)).toString("utf8"));
  assert.deepEqual([columns.late.type, columns.s.about], ["boolean", "what it says"]);
  const digest = (await repository.entry("main", "orders/a.parquet"))!.digest;
  assert.deepEqual(await rowsOf([{ path: "a", digest }]), [
    { k: "1", x: "9", s: "a", late: "true" },
    { k: "2", x: "2", s: "b", late: "false" },
    { k: "5", x: "5", s: "e", late: null },
  ]);
});

test("a column of another type is told as a conflict of the table, and the file's stays", async () => {
  const { repository, put, commit } = await withOrders();
  await put("fix", "orders/a.parquet", [{ k: "1", x: "1.5", s: "a" }], { ...TYPES, x: "DOUBLE" });
  await commit("fix");
  await put("main", "orders/a.parquet", [row(1, 2, "a")]);
  await commit("main");
  const told = await rows.merge(repository, "fix", "main", by("ada"));
  assert.ok(!told.merged && !told.tables[0]!.outcome.merged);
  assert.deepEqual(told.tables[0]!.outcome.table, [{ column: "x", why: "type", ours: "INTEGER", theirs: "DOUBLE" }]);
  assert.equal(told.conflicts.length, 1);
});

test("a commit is taken back, and made elsewhere, by rows too", async () => {
  const { repository, put, commit, rowsAt } = await withOrders();
  await put("main", "orders/a.parquet", [row(1, 1, "a"), row(2, 20, "b"), row(3, 3, "c")]);
  const changed = await commit("main");
  await put("main", "orders/a.parquet", [row(1, 1, "later"), row(2, 20, "b"), row(3, 3, "c")]);
  await commit("main");
  assert.ok((await rows.revert(repository, "main", changed.id, by("ada"))).merged);
  assert.deepEqual((await rowsAt("main", "orders/a")).slice(0, 2), ["1 1 later", "2 2 b"]);
  await put("fix", "orders/a.parquet", [row(1, 1, "a"), row(2, 2, "b"), row(3, 30, "c")]);
  await commit("fix");
  assert.ok((await rows.cherryPick(repository, "fix", changed.id, by("ada"))).merged);
  assert.deepEqual(await rowsAt("fix", "orders/a"), ["1 1 a", "2 20 b", "3 30 c"]);
});

test("it is told of each table that differs how many rows do; what cannot be compared says why", async () => {
  const { repository, put, describe, commit } = await withOrders();
  await put("fix", "orders/late/a.parquet", [row(50, 50, "new")]);
  await put("fix", "orders/a.parquet", [row(1, 1, "A"), row(3, 3, "c")]);
  await put("fix", "raw/x.parquet", [row(1, 1, "x"), row(1, 1, "x")]);
  await describe("fix", "twice/_table.json");
  await put("fix", "twice/a.parquet", [row(1, 1, "a"), row(1, 2, "b")]);
  await put("fix", "broken/a.parquet", "no parquet");
  await put("fix", "notes.txt", "other notes");
  await commit("fix");
  const told = await rows.counts(repository, "main", "fix");
  assert.deepEqual(
    told.map(({ table, rows, note }) => [table, rows, note === undefined]),
    [
      ["broken/", null, false],
      ["orders/", { added: 1, removed: 1, changed: 1 }, true],
      ["raw/", { added: 2, removed: 0, changed: 0 }, true],
      ["twice/", { added: 2, removed: 0, changed: 0 }, true],
    ],
  );
  assert.deepEqual(
    (await rows.counts(repository, "main", "fix", "raw/")).map(({ table }) => table),
    ["raw/"],
  );
  const page = await rows.diff(repository, "orders/", "main", "fix", { limit: 10 });
  assert.deepEqual(
    page.rows.map(({ kind }) => kind),
    ["changed", "removed", "added"],
  );
  await assert.rejects(rows.diff(repository, "twice/", "main", "fix", { limit: 10 }), { code: "table.duplicate-key" });
  await describe("fix", "orders/_table.json", COLUMNS, ["nothing"]);
  await commit("fix");
  await assert.rejects(rows.diff(repository, "orders/", "main", "fix", { limit: 1 }), (error: MillError) => {
    assert.deepEqual([error.code, error.at], ["table.bad-descriptor", "orders/_table.json"]);
    return true;
  });
});

test("a table within a table is its own", async () => {
  const { repository, put, describe, commit, rowsAt } = await withOrders();
  await describe("main", "orders/inner/_table.json", COLUMNS, ["k"]);
  await put("main", "orders/inner/a.parquet", [row(1, 1, "inner")]);
  await commit("main");
  await repository.createBranch("other", "main");
  await put("other", "orders/inner/a.parquet", [row(1, 2, "inner")]);
  await commit("other");
  await put("main", "orders/inner/a.parquet", [row(1, 1, "INNER")]);
  await commit("main");
  const outcome = await rows.merge(repository, "other", "main", by("ada"));
  assert.deepEqual(
    outcome.tables.map(({ table }) => table),
    ["orders/inner/"],
  );
  assert.deepEqual(await rowsAt("main", "orders/inner/"), ["1 2 INNER"]);
  assert.equal((await rowsAt("main", "orders/a")).length, 3);
});

test("files of a table without a key conflict as files", async () => {
  const { repository, put, commit } = await newRepository();
  await put("main", "a.parquet", [row(1, 1, "a")]);
  await commit("main");
  await repository.createBranch("fix", "main");
  await put("fix", "a.parquet", [row(1, 2, "a")]);
  await commit("fix");
  await put("main", "a.parquet", [row(1, 1, "A")]);
  await commit("main");
  const told = await rows.merge(repository, "fix", "main", by("ada"));
  assert.deepEqual([told.merged, told.tables.length], [false, 0]);
  assert.ok((await rows.merge(repository, "fix", "main", { ...by("ada"), strategy: "theirs" })).merged);
  assert.deepEqual((await repository.entry("main", "a.parquet"))!.digest, (await repository.entry("fix", "a.parquet"))!.digest);
});
