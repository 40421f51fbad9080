import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Handlers, type InputOf, type OutputOf, VERBS } from "../../contract/index.ts";
import { checkJson } from "../../guard/index.ts";
import { createFileObjects } from "../../ports/objects/index.ts";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import { openDuckDb } from "../../ports/tables/index.ts";
import { createLake } from "../lake.ts";
import { entryOf } from "../repositories/fixtures/open.ts";
import { upkeepVerbs } from "./upkeep.ts";

const folder = mkdtempSync(join(tmpdir(), "mill-upkeep-"));
const records = await openTestRecords(join(folder, "mill.db"));
const objects = createFileObjects(join(folder, "objects"));
const tables = () => openDuckDb({ threads: 1, memoryMb: 200, tempFolder: join(folder, "temp") });
const lake = createLake({ records, objects, folder, tables });
await lake.repositories.create({ name: "photos", actor: "ann" });
after(async () => {
  await lake.close();
  await objects.close();
  await records.close();
  rmSync(folder, { recursive: true, force: true });
});

const verbs = upkeepVerbs(lake);
type UpkeepVerb = keyof typeof verbs;

const defaultsOf = (verb: UpkeepVerb) =>
  Object.fromEntries(
    Object.entries(VERBS[verb].input.properties!).flatMap(([name, field]) => ("default" in field ? [[name, field.default]] : [])),
  );

/** Asks as `call` does: input and output are of the form that the contract says. */
function asking<V extends UpkeepVerb>(verb: V, input: InputOf<V>, actor: string) {
  assert.equal(checkJson(VERBS[verb].input, input), null);
  const handler = verbs[verb] as unknown as (input: unknown, context: object) => ReturnType<Handlers[V]>;
  return handler(
    { ...defaultsOf(verb), ...(input as object) },
    { actor, rights: { roles: [], may: new Set<never>() }, requestId: "r", signal: new AbortController().signal },
  );
}

async function ask<V extends UpkeepVerb>(verb: V, input: InputOf<V>, actor = "ann"): Promise<OutputOf<V>> {
  const output = (await asking(verb, input, actor)) as OutputOf<V>;
  assert.equal(checkJson(VERBS[verb].output, JSON.parse(JSON.stringify(output))), null);
  return output;
}

async function lines<V extends "collect" | "showCollection" | "verify">(verb: V, input: InputOf<V>): Promise<OutputOf<V>[]> {
  const found: OutputOf<V>[] = [];
  for await (const line of asking(verb, input, "ann") as AsyncIterable<OutputOf<V>>) {
    assert.equal(checkJson(VERBS[verb].output, JSON.parse(JSON.stringify(line))), null);
    found.push(line);
  }
  return found;
}

test("a lock is taken, listed page by page, released by its holder and broken by force", async () => {
  const place = { repository: "photos", branch: "main" };
  const lock = await ask("takeLock", { ...place, prefix: "cats/", why: "relabelling", minutes: 5 });
  assert.equal(Date.parse(lock.until) - Date.parse(lock.since), 300_000);
  await ask("takeLock", { ...place, prefix: "dogs/", why: "relabelling" }, "bob");
  const first = await ask("listLocks", { repository: "photos", limit: 1 });
  const second = await ask("listLocks", { repository: "photos", limit: 1, cursor: first.next! });
  assert.deepEqual(
    [...first.items, ...second.items].map(({ prefix, holder }) => [prefix, holder]),
    [
      ["cats/", "ann"],
      ["dogs/", "bob"],
    ],
  );
  assert.equal(second.next, null);
  await assert.rejects(ask("releaseLock", { ...place, prefix: "dogs/" }), { code: "lake.locked" });
  await ask("releaseLock", { ...place, prefix: "cats/" });
  await ask("breakLock", { ...place, prefix: "dogs/" });
  await assert.rejects(ask("breakLock", place), { code: "lake.not-locked" });
});

test("a hook is made, shown with what it found last, and taken away; one rule is a hook", async () => {
  const fields = { repository: "photos", name: "images", event: "pre-commit" } as const;
  await assert.rejects(ask("putHook", fields), { code: "lake.bad-hook", got: "none" });
  await assert.rejects(ask("putHook", { ...fields, files: {}, table: { table: "" } }), { code: "lake.bad-hook" });
  await assert.rejects(ask("putHook", { ...fields, webhook: { url: "https://example.org" } }), { code: "lake.bad-hook" });
  await ask("putHook", { ...fields, branches: ["main"], files: { allow: ["*.png"] } });
  const photos = lake.repositories.of("photos");
  const { digest } = entryOf("x");
  await objects.put(Buffer.from("x"));
  await photos.stage("main", [{ path: "notes.txt", entry: { ...entryOf("x"), digest } }]);
  await assert.rejects(photos.commit("main", { message: "m", author: "ann" }), { code: "lake.hook-refused" });
  await photos.stage("main", [
    { path: "notes.txt", entry: null },
    { path: "a.png", entry: { ...entryOf("x"), digest } },
  ]);
  await photos.commit("main", { message: "m", author: "ann" });
  const [hook] = (await ask("listHooks", { repository: "photos" })).items;
  assert.deepEqual([hook!.files, hook!.table, hook!.last!.passed], [{ allow: ["*.png"] }, undefined, true]);
  const runs = await ask("listHookRuns", { repository: "photos", limit: 1 });
  assert.deepEqual([runs.items[0]!.passed, runs.next !== null], [true, true]);
  const older = await ask("listHookRuns", { repository: "photos", hook: "images", cursor: runs.next! });
  assert.match(older.items[0]!.detail, /notes.txt/);
  await ask("deleteHook", { repository: "photos", hook: "images" });
  assert.deepEqual((await ask("listHooks", { repository: "photos" })).items, []);
});

test("retention is set and shown; a collection tells, removes, and names what went; the lake verifies", async () => {
  assert.equal((await ask("getRetention", { repository: "photos" })).rule, null);
  const rule = { keepDays: 7, branches: [{ branch: "main", keepDays: 365 }], keepTags: false };
  await ask("setRetention", { repository: "photos", rule });
  assert.deepEqual((await ask("getRetention", { repository: "photos" })).rule, rule);
  await ask("setRetention", { repository: "photos", rule: null });

  const garbage = await objects.put(Buffer.from("garbage"));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await lines("collect", { graceHours: 0 })).at(-1)!.event, "collected");
  assert.notEqual(await objects.sizeOf(garbage), null);
  const end = (await lines("collect", { graceHours: 0, remove: true })).at(-1)!;
  assert.ok(end.event === "collected" && end.collection.objects >= 1);
  const gone = await lines("showCollection", { collection: end.collection.id });
  assert.ok(gone.some(({ digest, why }) => digest === garbage && why === "unreferenced"));
  assert.equal(await objects.sizeOf(garbage), null);
  const page = await ask("listCollections", { limit: 1 });
  assert.deepEqual([page.items[0]!.id, page.items[0]!.dryRun, page.next === null], [end.collection.id, false, false]);

  const verified = await lines("verify", { content: true });
  assert.deepEqual(
    verified.map((line) => line.event),
    ["verified"],
  );
  await objects.remove((await lake.repositories.of("photos").entry("main", "a.png"))!.digest);
  const [fault] = await lines("verify", { repository: "photos" });
  assert.ok(fault?.event === "fault" && fault.path === "a.png" && fault.what === "the object is missing");
});

test("whoever begins a backup is told when all that was acknowledged is sealed; until it leaves nothing is collected", async () => {
  await lake.append("orders", [{ amount: 1 }]);
  const asker = new AbortController();
  const context = { actor: "ann", rights: { roles: [], may: new Set<never>() }, requestId: "r", signal: asker.signal };
  const lines = verbs.beginBackup({}, context)[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value.event, "ready");
  assert.equal((await lake.head("orders"))?.rowCount, 1);
  await assert.rejects(lake.collector.collect(), { code: "lake.collecting" });
  asker.abort();
  assert.equal((await lines.next()).done, true);
  await lake.collector.collect();
});
