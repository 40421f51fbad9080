import assert from "node:assert/strict";
import { test } from "node:test";
import { type Digest, digestOf } from "../../base/index.ts";
import { pin, unpin } from "../../ports/objects/index.ts";
import { GRACE_MS } from "./collect.ts";
import { openStored, type StoredLake } from "./fixtures/stored.ts";
import type { Gone } from "./proof.ts";
import { writeRetention } from "./retention.ts";

const DAY_MS = 24 * 3_600_000;
const AUTHOR = { author: "tests" };

async function proofOf({ collector }: StoredLake, id: string): Promise<Gone[]> {
  const lines: Gone[] = [];
  for await (const line of collector.proof(id)) lines.push(line);
  return lines;
}

test("a dry run tells what would go and removes nothing; removing takes just that, and the proof names it", async () => {
  await using lake = await openStored();
  await lake.repositories.create({ name: "photos", actor: "tests" });
  const photos = lake.repositories.of("photos");
  const [kept, dropped] = [await lake.put("kept"), await lake.put("dropped")];
  await photos.stage("main", [
    { path: "kept.txt", entry: kept },
    { path: "dropped.txt", entry: dropped },
  ]);
  await photos.stage("main", [{ path: "dropped.txt", entry: null }]);
  const asked = lake.later(GRACE_MS + 1);

  const told = await lake.collector.collect();
  assert.deepEqual([told.dryRun, told.objects, told.bytes], [true, 1, dropped.sizeBytes]);
  assert.equal(await lake.objects.sizeOf(dropped.digest), dropped.sizeBytes);

  lake.later(1);
  const removed = await lake.collector.collect({ remove: true });
  assert.deepEqual([removed.dryRun, removed.objects, removed.bytes], [false, 1, dropped.sizeBytes]);
  assert.equal(await lake.objects.sizeOf(dropped.digest), null);
  assert.equal(Buffer.from(await lake.objects.get(kept.digest)).toString(), "kept");
  const line = { digest: dropped.digest, sizeBytes: dropped.sizeBytes, lastPut: asked - GRACE_MS - 1, why: "unreferenced" };
  assert.deepEqual(await proofOf(lake, told.id), [line]);
  assert.deepEqual(await proofOf(lake, removed.id), [line]);
  assert.deepEqual(
    (await lake.collector.collections({ limit: 10 })).map(({ id }) => id),
    [removed.id, told.id],
  );

  lake.later(GRACE_MS + 1);
  assert.equal((await lake.collector.collect({ remove: true })).objects, 0); // proofs are pinned
  assert.deepEqual(await proofOf(lake, removed.id), [line]);
  await assert.rejects(proofOf(lake, "nothing"), { code: "lake.unknown-collection" });
});

test("what was put within the grace period stays, and what is put again is as new", async () => {
  await using lake = await openStored();
  const [old, again, young] = [await lake.put("old"), await lake.put("again"), await lake.put("young")];
  lake.later(GRACE_MS - 10);
  await lake.put("again");
  await lake.put("young");
  lake.later(11);
  await lake.collector.collect({ remove: true });
  assert.deepEqual(
    await Promise.all([old, again, young].map(async ({ digest }) => (await lake.objects.sizeOf(digest)) !== null)),
    [false, true, true],
  );
});

test("an object that is put again while a collection runs is spared, and is not in the proof", async () => {
  let putAgain = async () => {};
  await using lake = await openStored({
    wrap: (objects) => ({
      ...objects,
      async remove(digest, options) {
        await putAgain();
        return objects.remove(digest, options);
      },
    }),
  });
  const [again, other] = [await lake.put("again"), await lake.put("other")];
  lake.later(GRACE_MS + 1);
  putAgain = async () => void (await lake.put("again"));
  const { id, objects } = await lake.collector.collect({ remove: true });
  assert.equal(objects, 1);
  assert.deepEqual(
    (await proofOf(lake, id)).map(({ digest }) => digest),
    [other.digest],
  );
  assert.notEqual(await lake.objects.sizeOf(again.digest), null);
});

test("staged rows, folded rows, commits, tags, parts of uploads and pins keep objects; a branch or repository that is gone does not", async () => {
  await using lake = await openStored();
  await lake.repositories.create({ name: "photos", actor: "tests" });
  await lake.repositories.create({ name: "gone", actor: "tests" });
  const photos = lake.repositories.of("photos");
  const entries = new Map<string, Digest>();
  const put = async (name: string) => {
    const entry = await lake.put(name);
    entries.set(name, entry.digest);
    return { path: name, entry };
  };
  await photos.stage("main", [await put("committed")]);
  await photos.commit("main", { message: "first", ...AUTHOR });
  await photos.createBranch("side", "main");
  await photos.stage("side", [await put("on a branch that is gone")]);
  await photos.deleteBranch("side");
  await photos.stageMany(
    "main",
    (async function* () {
      yield [await put("folded")];
    })(),
  );
  await photos.stage("main", [await put("staged")]);
  await lake.repositories.of("gone").stage("main", [await put("in a repository that is gone")]);
  await lake.repositories.remove("gone");
  const { digest, sizeBytes } = await lake.put("part");
  entries.set("part", digest);
  const upload = await lake.uploads.begin({ repository: "photos", branch: "main", path: "up", headers: "{}", actor: "tests" });
  await lake.uploads.putPart(upload.id, { number: 1, digest, sizeBytes, etag: "0".repeat(32), checksums: {} });
  await lake.records.commit(pin("result:1", [(await put("pinned")).entry.digest]));
  await lake.records.commit(pin("result:2", [(await put("pinned no more")).entry.digest]));
  await lake.records.commit(unpin("result:2"));

  lake.later(GRACE_MS + 1);
  await lake.collector.collect({ remove: true });
  const stored = await lake.stored();
  const left = [...entries].filter(([, digest]) => stored.has(digest)).map(([name]) => name);
  assert.deepEqual(left.sort(), ["committed", "folded", "part", "pinned", "staged"]);
  await photos.commit("main", { message: "second", ...AUTHOR });
  assert.equal(await photos.count("main"), 3);

  lake.later(8 * DAY_MS);
  const { id, uploads } = await lake.collector.collect({ remove: true });
  assert.equal(uploads, 1);
  assert.deepEqual(
    (await proofOf(lake, id)).filter(({ why }) => why === "upload").map(({ digest }) => digest),
    [digest],
  );
  await assert.rejects(lake.uploads.putPart(upload.id, { number: 2, digest, sizeBytes, etag: "", checksums: {} }), {
    code: "lake.unknown-upload",
  });
});

test("a rule gives up commits that are older; nobody can go back to them, and what they alone held goes", async () => {
  await using lake = await openStored();
  await lake.repositories.create({ name: "log", actor: "tests" });
  const log = lake.repositories.of("log");
  for (let day = 1; day <= 10; day++) {
    await log.stage("main", [{ path: "part", entry: await lake.put(`day ${day}`) }]);
    const { id } = await log.commit("main", { message: `day ${day}`, ...AUTHOR });
    await log.createTag(`v${day}`, id);
    lake.later(DAY_MS);
  }
  await writeRetention(lake.records, "log", { keepDays: 3.5, keepTags: false });
  const commits = await log.log("main", { limit: 20 });

  const told = await lake.collector.collect();
  assert.equal(told.commits, 7); // days 1 to 6, and the first commit of all
  assert.equal((await log.tags({ limit: 20 })).length, 10);
  const removed = await lake.collector.collect({ remove: true });
  assert.deepEqual([removed.commits, removed.objects, removed.bytes], [told.commits, told.objects, told.bytes]);
  const proof = await proofOf(lake, removed.id);
  assert.deepEqual(new Set(proof.map(({ why }) => why)), new Set(["retention"]));
  for (let day = 1; day <= 10; day++) {
    const isThere = (await lake.objects.sizeOf(digestOf(`day ${day}`))) !== null;
    assert.equal(isThere, day > 6, `day ${day}`);
  }
  assert.deepEqual(
    (await log.tags({ limit: 20 })).map(({ name }) => name),
    ["v10", "v7", "v8", "v9"],
  );
  assert.equal((await log.log("main", { limit: 20 })).length, 11); // the history can still be read
  assert.deepEqual(
    (await log.log("main", { limit: 20, path: "part" })).map(({ message }) => message),
    ["day 10", "day 9", "day 8", "day 7"],
  );
  const [freed] = commits.filter(({ message }) => message === "day 6");
  for (const attempt of [
    () => log.entry(freed!.id, "part"),
    () => log.createBranch("back", freed!.id),
    () => log.createTag("back", freed!.id),
    () => log.resetTo("main", freed!.id),
    () => log.revert("main", freed!.id, { message: "back", ...AUTHOR }),
    () => log.cherryPick("main", freed!.id, { message: "again", ...AUTHOR }),
    () => log.resolve("main~5"),
  ])
    await assert.rejects(attempt(), { code: "lake.freed" });
  assert.equal((await lake.collector.collect({ remove: true })).commits, 0);
});

test("a tag keeps its commit where the rule says so, and a repository without a rule keeps all", async () => {
  await using lake = await openStored();
  for (const name of ["ruled", "free"]) {
    await lake.repositories.create({ name, actor: "tests" });
    const one = lake.repositories.of(name);
    for (const text of ["first", "second", "third", "fourth"]) {
      await one.stage("main", [{ path: "file", entry: await lake.put(`${name} ${text}`) }]);
      const { id } = await one.commit("main", { message: text, ...AUTHOR });
      if (text === "first") await one.createTag("release", id);
      lake.later(10 * DAY_MS);
    }
  }
  await writeRetention(lake.records, "ruled", { branches: { "m*": 1 } });
  await lake.collector.collect({ remove: true });
  const texts = ["ruled first", "ruled second", "ruled third", "ruled fourth", "free first", "free second"];
  const there = await Promise.all(texts.map(async (text) => (await lake.objects.sizeOf(digestOf(text))) !== null));
  assert.deepEqual(there, [true, false, false, true, true, true]);
  await assert.rejects(writeRetention(lake.records, "ruled", { keepDays: -1 }), { code: "lake.bad-retention" });
  await assert.rejects(writeRetention(lake.records, "nowhere", { keepDays: 1 }), { code: "lake.unknown-repository" });
});

test("two collections at once: the second is refused", async () => {
  await using lake = await openStored();
  const first = lake.collector.collect();
  await assert.rejects(lake.collector.collect(), { code: "lake.collecting" });
  await first;
  await lake.collector.collect();
});

test("nothing is removed when something that is referred to cannot be read", async () => {
  await using lake = await openStored();
  await lake.repositories.create({ name: "photos", actor: "tests" });
  const photos = lake.repositories.of("photos");
  await photos.stage("main", [{ path: "a", entry: await lake.put("a") }]);
  const { root } = await photos.commit("main", { message: "first", ...AUTHOR });
  const garbage = await lake.put("garbage");
  await lake.objects.remove(root);
  await using other = await openStored({ folder: lake.folder }); // whose tree has no node in memory
  other.later(GRACE_MS + 1);
  await assert.rejects(other.collector.collect({ remove: true }), { code: "object.missing" });
  assert.notEqual(await lake.objects.sizeOf(garbage.digest), null);
});
