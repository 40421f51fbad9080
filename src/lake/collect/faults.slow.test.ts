/** Collections that are killed or fail, and collections beside writers: what is referred to stays, and of what went there is a proof. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createRandom, type Digest, digestOf, type MillError } from "../../base/index.ts";
import { verify } from "../verify.ts";
import { openStored, type StoredLake } from "./fixtures/stored.ts";

const root = mkdtempSync(join(tmpdir(), "mill-collect-faults-"));
after(() => rmSync(root, { recursive: true, force: true }));

const by = { message: "m", author: "ann" };
const COLLECTING = join(import.meta.dirname, "fixtures", "collecting.ts");

async function faultsOf(lake: StoredLake): Promise<unknown[]> {
  const faults: unknown[] = [];
  for await (const line of verify(lake, { content: true })) if (line.event === "fault") faults.push(line);
  return faults;
}

async function proofs(lake: StoredLake): Promise<Set<Digest>> {
  const found = new Set<Digest>();
  for (const { id, endedAt } of await lake.collector.collections({ limit: 1000 })) {
    assert.notEqual(endedAt, null, "every collection came to an end");
    for await (const { digest } of lake.collector.proof(id)) {
      assert.ok(!found.has(digest), "what went is told once");
      found.add(digest);
    }
  }
  return found;
}

/** A folder with a commit of some paths, and as much garbage, small and large. */
async function furnished(name: string, garbage: number): Promise<string> {
  const folder = join(root, name);
  await using lake = await openStored({ folder, clock: Date.now });
  await lake.repositories.create({ name: "r", actor: "ann" });
  const r = lake.repositories.of("r");
  const entries = await Promise.all(Array.from({ length: 300 }, (_, index) => lake.put(`kept ${index}`)));
  await r.stage(
    "main",
    entries.map((entry, index) => ({ path: `${index}`, entry })),
  );
  await r.commit("main", by);
  for (let at = 0; at < garbage; at++) await lake.put(at % 20 === 0 ? `${at} `.repeat(20_000) : `garbage ${at}`);
  return folder;
}

test("a collection that is killed leaves all that is referred to, and the next one tells what went", async () => {
  const original = await furnished("killed", 1500);
  await delay(20);
  for (const afterMs of [0, 1, 5, 15, 40, 80]) {
    const folder = join(root, `killed-${afterMs}`);
    cpSync(original, folder, { recursive: true });
    const before = await withLake(folder, (lake) => lake.stored());
    const child = spawn(process.execPath, [COLLECTING, folder, "0"], { stdio: ["ignore", "pipe", "inherit"] });
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    assert.match(said.toString(), /^removing/);
    await delay(afterMs);
    child.kill("SIGKILL");
    await once(child, "exit");

    await withLake(folder, async (lake) => {
      const cut = await lake.stored();
      assert.deepEqual(await faultsOf(lake), []);
      await lake.collector.collect({ remove: true, graceMs: 0 });
      assert.deepEqual(await faultsOf(lake), []);
      const left = await lake.stored();
      const gone = [...before].filter((digest) => !left.has(digest));
      const listed = await proofs(lake);
      assert.deepEqual(new Set(gone.filter((digest) => !listed.has(digest))), new Set(), "the proofs name all that went");
      for (const digest of listed) assert.ok(!left.has(digest), "and nothing that is there");
      assert.ok(gone.length >= 1500 && before.size - [...before].filter((digest) => cut.has(digest)).length <= gone.length);
    });
  }
});

async function withLake<T>(folder: string, body: (lake: StoredLake) => Promise<T>): Promise<T> {
  await using lake = await openStored({ folder, clock: Date.now });
  return await body(lake);
}

test("a removal that fails ends the collection with the fault; what went is proven, and the next one goes on", async () => {
  for (const nth of [1, 2, 130, 400]) {
    let left = Number.POSITIVE_INFINITY;
    const folder = await furnished(`failing-${nth}`, 400);
    await using lake = await openStored({
      folder,
      clock: Date.now,
      wrap: (objects) => ({
        ...objects,
        async remove(digest, options) {
          if (--left === 0) throw Object.assign(new Error("the disk is gone"), { code: "EIO" });
          return objects.remove(digest, options);
        },
      }),
    });
    const before = await lake.stored();
    await delay(5);
    left = nth;
    await assert.rejects(lake.collector.collect({ remove: true, graceMs: 0 }), /the disk is gone/);
    const now = await lake.stored();
    const gone = [...before].filter((digest) => !now.has(digest));
    assert.deepEqual(await proofs(lake), new Set(gone));
    const [cut] = await lake.collector.collections({ limit: 1 });
    assert.equal(cut!.objects, gone.length);
    assert.deepEqual(await faultsOf(lake), []);
    await delay(5);
    await lake.collector.collect({ remove: true, graceMs: 0 });
    assert.equal((await proofs(lake)).size >= 400, true);
    assert.deepEqual(await faultsOf(lake), []);
  }
});

test("beside writers that put, put again, remove, copy, fold, commit and branch nothing that is referred to goes", async () => {
  const GRACE_MS = 1500;
  const folder = join(root, "beside");
  await using lake = await openStored({ folder, clock: Date.now, foldAt: { rows: 40, removed: 20 } });
  await lake.repositories.create({ name: "r", actor: "ann" });
  await lake.collector.setRetention("r", { keepDays: 2 / 86_400, keepTags: false });
  const r = lake.repositories.of("r");
  const end = Date.now() + 12_000;
  const expected = new Map<string, Digest | null>();

  /** What is put must be referred to within the grace: a writer that was held up too long puts it again, as any would that gets no answer. */
  async function stagePut(branch: string, path: string, text: string): Promise<void> {
    for (;;) {
      const began = Date.now();
      const entry = await lake.put(text);
      if (Date.now() - began > GRACE_MS / 3) continue;
      await r.stage(branch, [{ path, entry }]);
      expected.set(path, entry.digest);
      return;
    }
  }

  async function writer(number: number): Promise<void> {
    const random = createRandom(number);
    const pick = (count: number) => Math.floor(random.next() * count);
    for (let step = 0; Date.now() < end; step++) {
      const path = `${number}/${pick(40)}`;
      const what = random.next();
      if (what < 0.5)
        await stagePut("main", path, `text ${pick(300)}`); // four writers, the same contents
      else if (what < 0.65) {
        await r.stage("main", [{ path, entry: null }]);
        expected.set(path, null);
      } else if (what < 0.8) {
        const source = await r.entry("main", `${pick(4)}/${pick(40)}`);
        if (!source || !(await lake.objects.touch(source.digest))) continue;
        await r.stage("main", [{ path, entry: source }]);
        expected.set(path, source.digest);
      } else if (what < 0.9) await r.commit("main", by).catch(expectedOf("lake.nothing-staged", "lake.moved"));
      else if (what < 0.95) {
        const name = `b${number}-${step}`;
        await r.createBranch(name, `main~${pick(3)}`).catch(expectedOf("lake.freed", "lake.unknown-ref"));
        if (random.next() < 0.5) await r.deleteBranch(name).catch(expectedOf("lake.unknown-ref"));
      } else await r.createTag(`t${number}-${step}`, "main").catch(expectedOf("lake.ref-exists"));
    }
  }

  let [collections, objects, commits] = [0, 0, 0];
  async function collector(): Promise<void> {
    while (Date.now() < end) {
      const done = await lake.collector.collect({ remove: true, graceMs: GRACE_MS });
      collections++;
      objects += done.objects;
      commits += done.commits;
    }
  }
  await Promise.all([collector(), ...[0, 1, 2, 3].map(writer)]);
  await delay(GRACE_MS);
  await lake.collector.collect({ remove: true, graceMs: GRACE_MS });

  assert.deepEqual(await faultsOf(lake), []);
  for (const [path, digest] of expected) {
    const entry = await r.entry("main", path);
    assert.equal(entry?.digest ?? null, digest, path);
    if (entry) assert.equal(digestOf(await lake.objects.get(entry.digest)), digest);
  }
  assert.ok(collections > 3 && objects > 50 && commits > 5, `${collections} collections, ${objects} objects, ${commits} commits`);
});

const expectedOf =
  (...codes: string[]) =>
  (thrown: MillError) => {
    if (!codes.includes(thrown.code)) throw thrown;
  };
