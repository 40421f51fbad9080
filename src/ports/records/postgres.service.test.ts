import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";
import pg from "pg";
import type { MillError } from "../../base/index.ts";
import { dropSchemas, testAddress } from "./fixtures/open-test-records.ts";
import { openPostgres, openRecords, type Records } from "./index.ts";
import { recordsSuite } from "./suite.ts";

const server = process.env.MILL_TEST_POSTGRES ?? "";
const skip = server === "" && "needs a PostgreSQL server: MILL_TEST_POSTGRES=postgres://... (.ci/postgres start DIR)";
if (!skip) after(() => dropSchemas(server));

const CI = join(import.meta.dirname, "../../../.ci/postgres");
const newAddress = () => testAddress(server, randomUUID());

recordsSuite("postgres", newAddress, (address) => openPostgres(address), { skip });

const insert = (digest: string, holder: string) => ({
  sql: "INSERT INTO pins (digest, holder) VALUES (?, ?)",
  params: [digest, holder],
});

test("postgres: migrations run once, in order, also when two open it at once, and a schema opens again with its rows", {
  skip,
}, async () => {
  const address = newAddress();
  const first = { number: 1, name: "one", sql: ["CREATE TABLE a (x INTEGER, t TEXT, b BLOB)"] };
  const second = { number: 2, name: "two", sql: ["ALTER TABLE a ADD COLUMN y INTEGER", "CREATE TABLE b (x INTEGER)"] };
  const before = await openPostgres(address, { migrations: [first] });
  await before.commit([{ sql: "INSERT INTO a (x, t, b) VALUES (1, 'one', ?)", params: [Uint8Array.of(1, 2)] }]);
  await before.close();
  const both = await Promise.all([1, 2].map(() => openPostgres(address, { migrations: [second, first] })));
  for (const records of both) {
    const [row] = await records.query("SELECT x, t, y, b FROM a");
    assert.deepEqual({ ...row }, { x: 1, t: "one", y: null, b: Uint8Array.of(1, 2) });
    assert.equal((await records.query("SELECT number FROM migrations")).length, 2);
    await records.close();
  }
  await assert.rejects(openPostgres(address, { migrations: [first] }), { code: "records.newer", got: "schema 2" });
  const edited = { ...first, sql: ["CREATE TABLE a (x TEXT)"] };
  await assert.rejects(openPostgres(address, { migrations: [edited, second] }), { code: "records.migration-edited" });
});

test("postgres: a migration that fails leaves nothing, not even the schema", { skip }, async () => {
  const address = newAddress();
  const wrong = { number: 1, name: "wrong", sql: ["CREATE TABLE a (x INTEGER)", "CREATE TABLE a (x INTEGER)"] };
  await assert.rejects(openPostgres(address, { migrations: [wrong] }), { code: "records.statement" });
  const schema = new URL(address).searchParams.get("schema");
  assert.deepEqual(await asAdmin(`SELECT 1 FROM pg_namespace WHERE nspname = '${schema}'`), []);
});

test("postgres: a schema has one owner; one that lost its connection goes on only where nobody owned it in between", {
  skip,
}, async () => {
  const address = newAddress();
  const first = await openRecords(address);
  await assert.rejects(openRecords(address), (error: MillError) => {
    assert.equal(error.code, "records.locked");
    assert.match(error.got!, /connection from 127\.0\.0\.1 since/);
    return true;
  });
  await endConnections(address);
  assert.deepEqual(await first.commit([insert("a", "first")]), { committed: true });
  await endConnections(address);
  const second = await openRecords(address);
  await assert.rejects(first.commit([insert("b", "first")]), { code: "records.locked" });
  assert.deepEqual(await second.commit([insert("b", "second")]), { committed: true });
  await second.close();
  await assert.rejects(first.commit([insert("c", "first")]), { code: "records.locked", message: /took this schema over/ });
  await first.close();
  const third = await openRecords(address);
  assert.deepEqual(
    (await third.query<{ holder: string }>("SELECT holder FROM pins ORDER BY digest")).map(({ holder }) => holder),
    ["first", "second"],
  );
  await third.close();
});

test("postgres: a connection that the server ends again and again costs no commit and runs none twice", {
  skip,
  timeout: 120_000,
}, async () => {
  const address = newAddress();
  const records = await openPostgres(address);
  let running = true;
  const ending = (async () => {
    for (; running; await delay(30)) await endConnections(address);
  })();
  const acknowledged = await writeLanes(records, 16, 40);
  running = false;
  await ending;
  assert.deepEqual(acknowledged.failures, []);
  await requireEachOnce(records, acknowledged.done);
  await records.close();
});

test("postgres: answers lost on the way are looked up: a commit that happened is not run again, one that did not is", {
  skip,
  timeout: 120_000,
}, async () => {
  const address = newAddress();
  const network = await breakingNetwork(server);
  const through = new URL(address);
  [through.hostname, through.port] = ["127.0.0.1", String(network.port)];
  const records = await openPostgres(through.href);
  const direct = await openPostgres(address);
  try {
    const stop = network.breakEvery(120);
    const { done, failures } = await writeLanes(records, 8, 100);
    stop();
    assert.deepEqual(
      failures.filter(({ code }) => code !== "records.away"),
      [],
    );
    await requireEachOnce(direct, done, failures.length);
    assert.ok(network.cuts > 0, "the network never broke");
    assert.ok(done.length > failures.length, `${done.length} were acknowledged, of ${failures.length} nobody knows`);
  } finally {
    await Promise.all([records.close(), direct.close()]);
    network.close();
  }
});

test("postgres: a server that is killed and started again has every acknowledged commit, and the store goes on by itself", {
  skip: skip || !hasServer(),
  timeout: 180_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "mill-postgres-"));
  const ci = (action: string) => execFileSync(CI, [action, folder], { encoding: "utf8" });
  try {
    const address = ci("start").trim().replace("MILL_TEST_POSTGRES=", "");
    const records = await openPostgres(address, { exclusive: true, patienceMs: 30_000 });
    const writing = writeLanes(records, 8, 150);
    await delay(150);
    const killing = spawn(CI, ["kill", folder]);
    await once(killing, "close");
    await once(spawn(CI, ["again", folder]), "close");
    const { done, failures } = await writing;
    assert.deepEqual(failures, []);
    await requireEachOnce(records, done);

    const impatient = await openPostgres(address, { patienceMs: 200 });
    await once(spawn(CI, ["kill", folder]), "close");
    await assert.rejects(impatient.query("SELECT 1 AS one"), { code: "records.away" });
    await assert.rejects(impatient.commit([insert("x", "y")]), { code: "records.away" });
    await assert.rejects(openPostgres(address), { code: "records.away" });
    ci("again");
    assert.deepEqual({ ...(await impatient.query("SELECT 1 AS one"))[0] }, { one: 1 });
    assert.deepEqual(await impatient.commit([insert("x", "y")]), { committed: true });
    await Promise.all([records.close(), impatient.close()]);
  } finally {
    ci("stop");
    rmSync(folder, { recursive: true, force: true });
  }
});

test("postgres: no error shows the password", { skip }, async () => {
  const wrong = new URL(newAddress());
  wrong.password = "s3cret-word";
  const nowhere = new URL(wrong);
  nowhere.port = "1";
  const noDatabase = new URL(newAddress());
  noDatabase.pathname = "/no_such_database";
  const faults: [string, string][] = [
    [wrong.href, "records.not-openable"],
    [nowhere.href, "records.away"],
    [noDatabase.href, "records.not-openable"],
    [`${wrong.href}&schema=Not+Plain`.replace(/schema=test_[0-9a-f]+&/, ""), "records.address"],
    ["postgres://mill:s3cret-word@[broken", "records.address"],
  ];
  for (const [address, code] of faults)
    await assert.rejects(openPostgres(address), (error: MillError) => {
      assert.equal(error.code, code);
      const shown = inspect(error, { depth: 9, showHidden: true });
      assert.ok(!shown.includes("s3cret-word") && !shown.includes(new URL(server).password), shown);
      return true;
    });
});

test("postgres: records left open do not keep the process alive", { skip }, async () => {
  const code = `import { openPostgres } from ${JSON.stringify(join(import.meta.dirname, "postgres.ts"))};
    const records = await openPostgres(process.env.ADDRESS);
    await records.commit([{ sql: "DELETE FROM pins" }]);
    console.log(JSON.stringify(await records.query("SELECT 1 AS one")));`;
  const env = { ...process.env, ADDRESS: newAddress() };
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"], env });
  const output = child.stdout.setEncoding("utf8").toArray();
  assert.deepEqual(await once(child, "close"), [0, null]);
  assert.equal((await output).join(""), '[{"one":1}]\n');
});

async function asAdmin(sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: server });
  client.on("error", () => undefined);
  await client.connect();
  const { rows } = await client.query(sql);
  await client.end();
  return rows;
}

/** Ends the connections that commit to the schema, as an operator or a failing server would. */
const endConnections = (address: string) =>
  asAdmin(`SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a
    JOIN ${new URL(address).searchParams.get("schema")}.writers w ON a.application_name = 'millwright-' || w.id`);

interface Written {
  readonly done: string[];
  readonly failures: MillError[];
}

/** Lanes that each commit pairs of rows one after the other; a pair is refused by its primary key when it is run twice. */
async function writeLanes(records: Records, lanes: number, each: number): Promise<Written> {
  const written: Written = { done: [], failures: [] };
  const lane = async (name: number) => {
    for (let n = 0; n < each; n++) {
      const digest = `${name}-${n}`;
      await records.commit([insert(digest, "left"), insert(digest, "right")]).then(
        () => written.done.push(digest),
        (error) => written.failures.push(error),
      );
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, name) => lane(name)));
  return written;
}

async function requireEachOnce(records: Records, done: readonly string[], inDoubt = 0): Promise<void> {
  const rows = await records.query<{ digest: string; halves: number }>(
    "SELECT digest, count(*) AS halves FROM pins GROUP BY digest",
  );
  assert.deepEqual(
    rows.filter(({ halves }) => halves !== 2),
    [],
  );
  const kept = new Set(rows.map(({ digest }) => digest));
  assert.deepEqual(
    done.filter((digest) => !kept.has(digest)),
    [],
  );
  assert.ok(
    kept.size - done.length <= inDoubt,
    `${kept.size} commits are there, ${done.length} were acknowledged, ${inDoubt} in doubt`,
  );
}

/** A way to the server that can break so that what was sent arrives and the answers do not. */
async function breakingNetwork(address: string) {
  const target = new URL(address);
  const pairs = new Set<{ near: Socket; far: Socket; silent: boolean }>();
  const network = { port: 0, cuts: 0, breakEvery, close };
  const listener = createServer((near) => {
    const far = connect(Number(target.port || 5432), target.hostname);
    const pair = { near, far, silent: false };
    pairs.add(pair);
    near.pipe(far);
    far.on("data", (data) => pair.silent || near.write(data));
    for (const socket of [near, far])
      socket
        .on("error", () => undefined)
        .on("close", () => {
          pairs.delete(pair);
          near.destroy();
          if (!pair.silent) far.destroy();
        });
  });
  await once(listener.listen(0, "127.0.0.1"), "listening");
  const bound = listener.address();
  network.port = typeof bound === "object" && bound ? bound.port : 0;
  return network;

  function breakEvery(ms: number): () => void {
    const breaking = setInterval(cut, ms);
    return () => clearInterval(breaking);
  }

  function close(): void {
    listener.close();
    for (const { near, far } of pairs) for (const socket of [near, far]) socket.destroy();
  }

  /** Every other time nothing more comes back, and the client sees its end a little later; else both ends are gone at once. */
  function cut(): void {
    for (const pair of pairs) {
      network.cuts++;
      if (network.cuts % 2 === 0) {
        pair.near.destroy();
        continue;
      }
      pair.silent = true;
      setTimeout(() => pair.near.destroy(), 10);
      setTimeout(() => pair.far.destroy(), 60);
    }
  }
}

function hasServer(): boolean {
  try {
    execFileSync("sh", ["-c", "command -v initdb || ls /usr/lib/postgresql/*/bin/initdb"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
