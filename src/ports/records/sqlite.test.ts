import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { migrations, openSqlite } from "./index.ts";
import { recordsSuite } from "./suite.ts";

const folder = mkdtempSync(join(tmpdir(), "mill-records-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let opened = 0;
const newPath = () => join(folder, `${opened++}`, "mill.db");

recordsSuite("sqlite", newPath, (path) => openSqlite(path));

test("the file and its folder are for the owner alone", async () => {
  const path = newPath();
  const records = await openSqlite(path);
  await records.commit([{ sql: "DELETE FROM pins" }]);
  const modes = [join(path, ".."), path, `${path}-wal`].map((file) => (statSync(file).mode & 0o777).toString(8));
  assert.deepEqual(modes, ["700", "600", "600"]);
  await records.close();
});

test("migrations run once, in order, and a database opens again with its rows", async () => {
  const path = newPath();
  const first = { number: 1, name: "one", sql: ["CREATE TABLE a (x INTEGER)"] };
  const second = { number: 2, name: "two", sql: ["ALTER TABLE a ADD COLUMN y INTEGER", "CREATE TABLE b (x INTEGER)"] };
  const before = await openSqlite(path, { migrations: [first] });
  await before.commit([{ sql: "INSERT INTO a (x) VALUES (1)" }]);
  await before.close();
  const both = await openSqlite(path, { migrations: [second, first] });
  assert.deepEqual(await both.query("SELECT x, y FROM a"), [{ x: 1, y: null }]);
  assert.deepEqual(await both.query("SELECT number, name FROM migrations ORDER BY number"), [
    { number: 1, name: "one" },
    { number: 2, name: "two" },
  ]);
  await both.close();

  await assert.rejects(openSqlite(path, { migrations: [first] }), { code: "records.newer", got: "schema 2" });
  const edited = { ...first, sql: ["CREATE TABLE a (x TEXT)"] };
  await assert.rejects(openSqlite(path, { migrations: [edited, second] }), { code: "records.migration-edited" });
});

test("a migration that fails leaves the database as it was", async () => {
  const path = newPath();
  const wrong = { number: 1, name: "wrong", sql: ["CREATE TABLE a (x INTEGER)", "CREATE TABLE a (x INTEGER)"] };
  await assert.rejects(openSqlite(path, { migrations: [wrong] }), { code: "records.statement" });
  const records = await openSqlite(path);
  assert.deepEqual(await records.query("SELECT name FROM sqlite_master WHERE name = 'a'"), []);
  await records.close();
});

test("a database that another program holds is said to be locked, and works again afterwards", async () => {
  const path = newPath();
  const records = await openSqlite(path, { busyTimeoutMs: 20 });
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  await assert.rejects(records.commit([{ sql: "DELETE FROM pins" }]), { code: "records.locked", at: path });
  await assert.rejects(openSqlite(path, { busyTimeoutMs: 20 }), { code: "records.locked" });
  other.exec("ROLLBACK");
  other.close();
  assert.deepEqual(await records.commit([{ sql: "DELETE FROM pins" }]), { committed: true });
  await records.close();
});

test("a file that is no database is refused and left alone", async () => {
  const path = join(folder, "notes.txt");
  writeFileSync(path, "these are notes, not a database ".repeat(100));
  await assert.rejects(openSqlite(path), { code: "records.corrupt", at: path });
  assert.match(readFileSync(path, "utf8"), /^these are notes/);
  await assert.rejects(openSqlite(join(path, "below", "mill.db")), { code: "records.not-openable" });
});

test("a full database refuses the commit that is too large, keeps its neighbours and goes on", async () => {
  const path = newPath();
  const full = { number: migrations.length + 1, name: "small", sql: ["CREATE TABLE big (bytes BLOB)"] };
  const records = await openSqlite(path, { migrations: [...migrations, full] });
  await records.commit([{ sql: "PRAGMA max_page_count = 120" }]);
  const put = (size: number) => records.commit([{ sql: "INSERT INTO big VALUES (?)", params: [new Uint8Array(size)] }]);
  const outcomes = await Promise.allSettled([put(10), put(2_000_000), put(20)]);
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value.committed : outcome.reason.code)),
    [true, "records.disk-full", true],
  );
  assert.deepEqual(await records.query("SELECT length(bytes) AS size FROM big ORDER BY size"), [{ size: 10 }, { size: 20 }]);
  await records.close();
});

test("records left open do not keep the process alive", async () => {
  const code = `import { openSqlite } from ${JSON.stringify(join(import.meta.dirname, "sqlite.ts"))};
    const records = await openSqlite(${JSON.stringify(newPath())});
    console.log(JSON.stringify(await records.query("SELECT 1 AS one")));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  const output = child.stdout.setEncoding("utf8").toArray();
  assert.deepEqual(await once(child, "close"), [0, null]);
  assert.equal((await output).join(""), '[{"one":1}]\n');
});

test("a writer killed in the middle of its commits has lost none that it acknowledged and left none half done", async () => {
  const path = newPath();
  const acknowledged = new Set<string>();
  for (const [round, delayMs] of [5, 23, 60, 111].entries()) {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, "fixtures", "crashing-writer.ts"), path, String(round * 1e6)],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const output: string[] = [];
    child.stdout.setEncoding("utf8").on("data", (text: string) => output.push(text));
    await once(child.stdout, "data");
    await delay(delayMs);
    child.kill("SIGKILL");
    await once(child, "close");
    for (const number of output.join("").split("\n").slice(0, -1)) acknowledged.add(number);
  }
  const records = await openSqlite(path);
  const rows = await records.query<{ digest: string; halves: number }>(
    "SELECT digest, count(*) AS halves FROM pins GROUP BY digest",
  );
  assert.ok(acknowledged.size >= 4, `only ${acknowledged.size} commits were acknowledged`);
  assert.deepEqual(
    rows.filter(({ halves }) => halves !== 2),
    [],
  );
  const kept = new Set(rows.map(({ digest }) => digest));
  assert.deepEqual(
    [...acknowledged].filter((number) => !kept.has(number)),
    [],
  );
  await records.close();
});
