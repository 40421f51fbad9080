import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  globSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Digest, MillError } from "../../base/index.ts";
import { createCache } from "./cache.ts";
import { DISK } from "./disk.ts";

const root = mkdtempSync(join(tmpdir(), "mill-cache-"));
after(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
const newFolder = () => join(root, `${made++}`);
const digestOf = (bytes: Uint8Array): Digest => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** A far-away store that counts how often it was asked. */
function farStore(objects: readonly Uint8Array[]) {
  const byDigest = new Map(objects.map((bytes) => [digestOf(bytes), bytes]));
  const asked = new Map<Digest, number>();
  const fetch = (digest: Digest) =>
    async function* () {
      asked.set(digest, (asked.get(digest) ?? 0) + 1);
      const bytes = byDigest.get(digest)!;
      for (let at = 0; at < bytes.byteLength; at += 1000) {
        await new Promise(setImmediate);
        yield bytes.subarray(at, at + 1000);
      }
    };
  return { fetch, askedFor: (digest: Digest) => asked.get(digest) ?? 0 };
}

const copies = (folder: string) =>
  globSync("[0-9a-f][0-9a-f]/*", { cwd: folder }).map((path) => `sha256:${path.replace("/", "")}`);

test("many who ask at once for one object bring it once, and what was brought survives a restart", async () => {
  const folder = newFolder();
  const bytes = randomBytes(5000);
  const digest = digestOf(bytes);
  const far = farStore([bytes]);
  const cache = createCache(folder, { bytesMax: 1e6 });
  const paths = new Set(await Promise.all(Array.from({ length: 20 }, () => cache.pathOf(digest, far.fetch(digest)))));
  for (const path of paths) assert.ok(readFileSync(path).equals(bytes));
  const again = createCache(folder, { bytesMax: 1e6 });
  assert.ok(bytes.equals(await again.get(digest, far.fetch(digest))));
  assert.equal(far.askedFor(digest), 1);
  const [path] = paths;
  assert.equal((statSync(path!).mode & 0o777).toString(8), "600");
});

test("a download that breaks off or brings other bytes is not served, and leaves nothing behind", async () => {
  const folder = newFolder();
  const bytes = randomBytes(5000);
  const digest = digestOf(bytes);
  const cache = createCache(folder, { bytesMax: 1e6 });
  async function* broken() {
    yield bytes.subarray(0, 2000);
    throw new MillError("object.unreachable", "gone");
  }
  async function* short() {
    yield bytes.subarray(0, 2000);
  }
  for (const [fetch, code] of [
    [broken, "object.unreachable"],
    [short, "object.corrupt"],
  ] as const) {
    await assert.rejects(cache.pathOf(digest, fetch), { code });
    await assert.rejects(cache.get(digest, fetch), { code });
  }
  await cache.close();
  assert.deepEqual([copies(folder), readdirSync(join(folder, "tmp"))], [[], []]);
  assert.ok(readFileSync(await cache.pathOf(digest, farStore([bytes]).fetch(digest))).equals(bytes));
});

test("a copy that was damaged on the disk is brought again", async () => {
  const folder = newFolder();
  const bytes = randomBytes(3000);
  const digest = digestOf(bytes);
  const far = farStore([bytes]);
  const cache = createCache(folder, { bytesMax: 1e6 });
  await cache.get(digest, far.fetch(digest));
  await cache.close();
  writeFileSync(join(folder, digest.slice(7, 9), digest.slice(9)), "damaged");
  assert.ok(bytes.equals(await cache.get(digest, far.fetch(digest))));
  assert.equal(far.askedFor(digest), 2);
  await cache.close();
});

test("what was used least recently goes first, and the bound holds", async () => {
  let nowMs = Date.parse("2026-01-01");
  const folder = newFolder();
  const objects = Array.from({ length: 30 }, () => randomBytes(1000));
  const digests = objects.map(digestOf);
  const far = farStore(objects);
  const cache = createCache(folder, { bytesMax: 10_000, now: () => nowMs });
  for (const digest of digests) {
    nowMs += 120_000;
    await cache.get(digests[0]!, far.fetch(digests[0]!));
    await cache.get(digest, far.fetch(digest));
    await cache.close();
    assert.ok(copies(folder).length <= 10, `${copies(folder).length} copies`);
  }
  assert.equal(far.askedFor(digests[0]!), 1);
  assert.deepEqual(new Set(copies(folder).slice(0)).has(digests.at(-1)!), true);
  assert.ok(!copies(folder).includes(digests[1]!));
});

test("a path that was handed out is good for ten minutes, however much comes after it and from whichever process, and is gone later", async () => {
  let nowMs = Date.parse("2026-01-01T00:09:59Z"); // the end of a slot
  const folder = newFolder();
  const objects = Array.from({ length: 40 }, () => randomBytes(1000));
  const digests = objects.map(digestOf);
  const far = farStore(objects);
  const options = { bytesMax: 3000, now: () => nowMs };
  const [cache, other] = [createCache(folder, options), createCache(folder, options)];
  const handed = await cache.pathOf(digests[0]!, far.fetch(digests[0]!));
  const started = nowMs;
  for (const [i, digest] of digests.slice(1, 20).entries()) {
    nowMs = started + i * 30_000;
    await other.get(digest, far.fetch(digest));
    await other.close();
    assert.ok(readFileSync(handed).equals(objects[0]!), `after ${i * 30} s`);
  }
  nowMs = started + 30 * 60_000;
  for (const digest of digests.slice(20)) await other.get(digest, far.fetch(digest));
  await other.close();
  assert.ok(!existsSync(handed));
  assert.ok(readFileSync(await cache.pathOf(digests[0]!, far.fetch(digests[0]!))).equals(objects[0]!));
});

test("an object larger than the bound still gets a path", async () => {
  const bytes = randomBytes(50_000);
  const digest = digestOf(bytes);
  const far = farStore([bytes]);
  const cache = createCache(newFolder(), { bytesMax: 1000 });
  assert.ok(readFileSync(await cache.pathOf(digest, far.fetch(digest))).equals(bytes));
  assert.ok(bytes.equals(await cache.get(digest, far.fetch(digest))));
  await cache.close();
});

test("two processes that ask for more than fits, again and again, always get whole files", async () => {
  const folder = newFolder();
  const child = join(import.meta.dirname, "fixtures", "cache-user.ts");
  const ends = [1, 2].map(
    (seed) =>
      new Promise<string>((resolve) => {
        const process_ = spawn(process.execPath, [child, folder, String(seed)], { stdio: ["ignore", "pipe", "inherit"] });
        let output = "";
        process_.stdout.on("data", (text) => (output += text));
        process_.on("exit", (code) => resolve(`${output.trim()} ${code}`));
      }),
  );
  assert.deepEqual(await Promise.all(ends), ["300 whole 0", "300 whole 0"]);
});

test("a full disk fails the path but not the bytes, and leaves nothing half-written", async () => {
  const folder = newFolder();
  const bytes = randomBytes(5000);
  const digest = digestOf(bytes);
  const far = farStore([bytes]);
  const full = async () => {
    throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  };
  for (const effects of [
    { ...DISK, write: full },
    { ...DISK, sync: full },
  ]) {
    const cache = createCache(folder, { bytesMax: 1e6, effects });
    await assert.rejects(cache.pathOf(digest, far.fetch(digest)), { code: "object.disk-full" });
    assert.ok(bytes.equals(await cache.get(digest, far.fetch(digest))));
    await cache.close();
    assert.deepEqual([copies(folder), readdirSync(join(folder, "tmp"))], [[], []]);
  }
});

test("temporary files of a process that died long ago are swept, fresh ones are not", () => {
  const folder = newFolder();
  const cache = createCache(folder, { bytesMax: 1e6 });
  const [stale, fresh] = [cache.temporary(), cache.temporary()];
  for (const path of [stale, fresh]) writeFileSync(path, "half");
  utimesSync(stale, new Date(0), new Date(0));
  createCache(folder, { bytesMax: 1e6 });
  assert.deepEqual([existsSync(stale), existsSync(fresh)], [false, true]);
});
