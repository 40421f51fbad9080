import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createWebhook } from "../../ports/notices/index.ts";
import { createFileObjects } from "../../ports/objects/index.ts";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import { openDuckDb } from "../../ports/tables/index.ts";
import { createLake, type Entry, type Lake } from "../index.ts";
import type { FilesRule, NewHook, TableRule } from "./hook.ts";

const root = mkdtempSync(join(tmpdir(), "mill-hooks-"));
after(() => rmSync(root, { recursive: true, force: true }));

const SECRET = "a secret of many characters";
const tables = () => openDuckDb({ threads: 1, memoryMb: 200, tempFolder: join(root, "spill") });

async function openLake() {
  const folder = mkdtempSync(join(root, "lake-"));
  const records = await openTestRecords(join(folder, "mill.db"));
  const objects = createFileObjects(join(folder, "objects"));
  const webhook = (url: string, timeoutMs: number) => createWebhook({ url, secret: SECRET, allowPrivate: true, timeoutMs });
  const lake = createLake({ records, objects, folder, tables, webhook });
  await lake.repositories.create({ name: "r", actor: "ann" });
  const entryOf = (digest: Entry["digest"], sizeBytes: number): Entry => ({
    digest,
    sizeBytes,
    etag: createHash("md5").update(digest).digest("hex"),
    modifiedMs: 0,
  });
  return {
    lake,
    r: lake.repositories.of("r"),
    objects,
    records,
    put: async (text: string) => entryOf(await objects.put(Buffer.from(text)), Buffer.byteLength(text)),
    /** The rows of a query as a Parquet file. */
    async rows(sql: string) {
      const engine = tables();
      const path = join(folder, "rows.parquet");
      await engine.run(`COPY (${sql}) TO '${path}' (FORMAT parquet)`);
      engine.close();
      const digest = await objects.putFile(path, { consume: true });
      return entryOf(digest, (await objects.sizeOf(digest))!);
    },
    async close() {
      await lake.close();
      await objects.close();
      await records.close();
    },
  };
}

const by = (author: string) => ({ message: "m", author });
const filesHook = (rule: FilesRule, more: Partial<NewHook> = {}): NewHook =>
  ({ name: "files", event: "pre-commit", branches: [], kind: "files", rule, ...more }) as NewHook;
const tableHook = (rule: TableRule, more: Partial<NewHook> = {}): NewHook =>
  ({ name: "rows", event: "pre-commit", branches: [], kind: "table", rule, ...more }) as NewHook;

const found = async ({ hooks }: Lake, limit = 10) =>
  (await hooks.runs("r", { limit })).map(({ hook, passed, detail }) => [hook, passed, detail]);

test("a hook refuses paths that do not fit, are too large or must stay; nothing is committed, and every run is told", async () => {
  const { lake, r, put, close } = await openLake();
  await lake.hooks.put("r", filesHook({ allow: ["images/*.png", "notes/**"], sizeBytesMax: 20, keep: ["notes/keep/**"] }));
  const head = (await r.branch("main")).head;
  await r.stage("main", [{ path: "images/deep/1.png", entry: await put("1") }]);
  const refused = { code: "lake.hook-refused" };
  await assert.rejects(r.commit("main", by("ann")), {
    ...refused,
    message: /"files" \(pre-commit\) refused it: "images\/deep\/1.png" fits none of/,
  });
  await r.reset("main");
  await r.stage("main", [{ path: "notes/long", entry: await put("x".repeat(21)) }]);
  await assert.rejects(r.commit("main", by("ann")), { ...refused, message: /has 21 bytes, more than the 20/ });
  assert.equal((await r.branch("main")).head, head);
  await r.reset("main");
  await r.stage("main", [
    { path: "images/1.png", entry: await put("1") },
    { path: "notes/keep/a", entry: await put("1") },
  ]);
  await r.commit("main", by("ann"));
  await r.stage("main", [{ path: "notes/keep/a", entry: null }]);
  await assert.rejects(r.commit("main", by("ann")), { ...refused, message: /"notes\/keep\/a" must not be removed/ });
  assert.deepEqual(
    (await found(lake)).map(([, passed]) => passed),
    [false, true, false, false],
  );
  assert.deepEqual((await found(lake))[1], ["files", true, "2 paths"]);
  await lake.hooks.remove("r", "files");
  await r.commit("main", by("ann"));
  assert.deepEqual(await found(lake), []);
  await assert.rejects(lake.hooks.remove("r", "files"), { code: "lake.unknown-hook" });
  await close();
});

test("hooks count for the events and branches that they name; a revert and a cherry-pick are asked as merges are", async () => {
  const { lake, r, put, close } = await openLake();
  await lake.hooks.put("r", filesHook({ allow: ["nothing"] }, { name: "release", event: "pre-merge", branches: ["release-*"] }));
  await r.createBranch("release-1", "main");
  await r.createBranch("work", "main");
  await r.stage("work", [{ path: "a", entry: await put("1") }]);
  const { id } = await r.commit("work", by("ann"));
  await assert.rejects(r.merge("work", "release-1", by("ann")), { code: "lake.hook-refused" });
  await assert.rejects(r.cherryPick("release-1", id, by("ann")), { code: "lake.hook-refused" });
  await r.merge("work", "main", by("ann"));
  await r.stage("release-1", [{ path: "b", entry: await put("1") }]);
  const { id: other } = await r.commit("release-1", by("ann"));
  await r.revert("release-1", other, by("ann")); // which only removes
  await close();
});

test("a table keeps its columns, its rows, its keys, and what must hold of them", async () => {
  const { lake, r, rows, close } = await openLake();
  await r.stage("main", [{ path: "t/a.parquet", entry: await rows("SELECT i AS id, i % 7 AS day FROM range(100) t(i)") }]);
  await r.commit("main", by("ann"));
  await lake.hooks.put(
    "r",
    tableHook({
      table: "t/",
      compatible: true,
      fallMax: 0.1,
      unique: [["id"]],
      checks: [{ sql: "day BETWEEN 0 AND 6", share: 0.9, text: "days are of a week" }, { sql: "id >= 0 -- all" }],
    }),
  );
  const tries: readonly [sql: string, refused: RegExp | null][] = [
    ["SELECT i AS id FROM range(100) t(i)", /the column "day" is missing/],
    ["SELECT i AS id, 'x' AS day FROM range(100) t(i)", /the column "day" was BIGINT and is VARCHAR/],
    ["SELECT i AS id, i % 7 AS day FROM range(89) t(i)", /100 rows would become 89/],
    ["SELECT i // 2 AS id, i % 7 AS day FROM range(100) t(i)", /2 rows have the same id: \["0"\]/],
    ["SELECT i AS id, i AS day FROM range(100) t(i)", /"days are of a week" does not hold for 93 of 100 rows/],
    ["SELECT i - 1 AS id, i % 7 AS day FROM range(100) t(i)", /"id >= 0 -- all" does not hold for 1 of 100 rows/],
    ["SELECT i AS id, CASE WHEN i > 10 THEN i % 7 END AS day, true AS more FROM range(95) t(i)", null],
  ];
  for (const [sql, refused] of tries) {
    await r.stage("main", [{ path: "t/a.parquet", entry: await rows(sql) }]);
    if (refused) await assert.rejects(r.commit("main", by("ann")), { code: "lake.hook-refused", message: refused }, sql);
    else await r.commit("main", by("ann"));
  }
  assert.deepEqual((await found(lake, 1))[0], ["rows", true, "95 rows"]);
  await close();
});

test("what a hook asks of rows sees these rows and nothing else, is one condition, and is stopped when it takes too long", async () => {
  const { lake, r, rows, objects, put, close } = await openLake();
  const secret = await objects.pathOf((await put("secret")).digest);
  await r.stage("main", [{ path: "a.parquet", entry: await rows("SELECT i AS id FROM range(10) t(i)") }]);
  const tries: readonly [sql: string, detail: RegExp][] = [
    [`(SELECT count(*) FROM read_text('${secret}')) > 0`, /Permission Error|Cannot access file/],
    ["(SELECT count(*) FROM read_text('/etc/hostname')) > 0", /Cannot access file/],
    ["(SELECT count(*) FROM 'http://127.0.0.1:9/x.parquet') > 0", /Cannot access file/],
    [`true) AS holds; COPY (SELECT 1) TO '${secret}'; SELECT (true`, /it could not be judged/],
    ["true) AS holds; SET lock_configuration = false; SELECT (true", /it could not be judged/],
    ["id", /is no condition: it gives BIGINT/],
    ["id > 0, true", /is no condition|could not be judged/],
    ["no_such_column", /it could not be judged.*no_such_column/s],
    [
      "(SELECT sum(a.range * b.range % 7) FROM range(1000000) a, range(1000000) b) > id",
      /it could not be judged: .*[Ii]nterrupt/,
    ],
  ];
  for (const [sql, detail] of tries) {
    await lake.hooks.put("r", tableHook({ table: "", checks: [{ sql }], timeoutSeconds: 1 }));
    await assert.rejects(r.commit("main", by("ann")), { code: "lake.hook-refused", message: detail }, sql);
  }
  assert.equal(Buffer.from(await objects.get((await put("secret")).digest)).toString(), "secret");
  await close();
});

/** A receiver that answers as it is told, and keeps what came. */
async function receiver(answers: number[]) {
  const bodies: Record<string, unknown>[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature } = request.headers;
    const expected = createHmac("sha256", SECRET).update(`${id}.${at}.`).update(body).digest("base64");
    assert.equal(signature, `v1,${expected}`);
    bodies.push(JSON.parse(body.toString()));
    response.statusCode = answers.shift() ?? 204;
    response.end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return { url, bodies, close: () => new Promise((resolve) => server.close(resolve)) };
}

test("a webhook is asked before with a signed post and refuses by its answer; it is told afterwards, until it answers", async () => {
  const { lake, r, put, records, close } = await openLake();
  const asked = await receiver([500, 200, 200]);
  const told = await receiver([503]);
  await lake.hooks.put("r", { name: "ask", event: "pre-commit", branches: [], kind: "webhook", rule: { url: asked.url } });
  await lake.hooks.put("r", { name: "tell", event: "post-commit", branches: ["main"], kind: "webhook", rule: { url: told.url } });
  await r.stage("main", [{ path: "a", entry: await put("1") }]);
  await assert.rejects(r.commit("main", by("ann")), { code: "lake.hook-refused", message: /it answered 500/ });
  const commit = await r.commit("main", by("ann"));
  await lake.hooks.settled();
  assert.equal(asked.bodies.length, 2);
  const { event, hook, repository, branch, actor, commit: sent } = asked.bodies[1]!;
  assert.deepEqual(
    [event, hook, repository, branch, actor, (sent as { id: string }).id],
    ["pre-commit", "ask", "r", "main", "ann", commit.id],
  );
  assert.equal(told.bodies.length, 1); // only of what was committed
  const [last] = await lake.hooks.runs("r", { limit: 1, hook: "tell" });
  assert.deepEqual([last!.passed, last!.commit], [false, commit.id]);
  assert.match(last!.detail, /it answered 503/);
  assert.equal((await r.branch("main")).head, commit.id); // and nothing is undone

  await records.commit([{ sql: "UPDATE notices SET next_at = 0" }]); // as if the time for another try had come
  await lake.hooks.deliver();
  const [again] = await lake.hooks.runs("r", { limit: 1, hook: "tell" });
  assert.deepEqual([again!.id, again!.passed], [last!.id, true]);
  assert.deepEqual(told.bodies[1], told.bodies[0]);
  await close();
  await asked.close();
  await told.close();
});

test("a hook that runs afterwards undoes nothing, and what it found is told", async () => {
  const { lake, r, put, close } = await openLake();
  await lake.hooks.put("r", filesHook({ allow: ["nothing"] }, { event: "post-commit" }));
  await r.stage("main", [{ path: "a", entry: await put("1") }]);
  const { id } = await r.commit("main", by("ann"));
  await lake.hooks.settled();
  assert.equal((await r.branch("main")).head, id);
  assert.deepEqual(await found(lake), [["files", false, '"a" fits none of nothing']]);
  await close();
});

test("hooks that are not of the form are refused, one of the same name is replaced, and a repository takes its hooks with it", async () => {
  const { lake, close } = await openLake();
  await assert.rejects(lake.hooks.put("r", filesHook({}, { name: "A b" })), { code: "lake.bad-hook" });
  await assert.rejects(lake.hooks.put("r", tableHook({ table: "t" })), { code: "lake.bad-hook" });
  await assert.rejects(lake.hooks.put("r", tableHook({ table: "", unique: [[]] })), { code: "lake.bad-hook" });
  const webhook: NewHook = { name: "w", event: "pre-commit", branches: [], kind: "webhook", rule: { url: "ftp://x" } };
  await assert.rejects(lake.hooks.put("r", webhook), { code: "notice.bad-target" });
  await assert.rejects(lake.hooks.put("nowhere", filesHook({})), { code: "lake.unknown-repository" });
  await lake.hooks.put("r", filesHook({ sizeBytesMax: 1 }));
  await lake.hooks.put("r", filesHook({ sizeBytesMax: 2 }));
  assert.deepEqual(
    (await lake.hooks.list("r")).map(({ rule }) => rule),
    [{ sizeBytesMax: 2 }],
  );
  await lake.repositories.remove("r");
  assert.deepEqual(await lake.hooks.list("r"), []);
  await close();
});
