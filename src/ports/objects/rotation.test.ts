import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Digest, Keyring } from "../../base/index.ts";
import { DISK } from "./disk.ts";
import { encryptedBy } from "./encrypted.ts";
import { createFileObjects } from "./files.ts";

const root = mkdtempSync(join(tmpdir(), "mill-rotation-"));
after(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
const newFolder = () => join(root, `${made++}`);
const keys: Record<string, Uint8Array> = { old: randomBytes(32), new: randomBytes(32) };
const underKeys = (...ids: string[]) => {
  const ring: Keyring = { current: ids[0]!, key: (id) => (ids.includes(id) ? keys[id]! : null) };
  return { codec: encryptedBy(ring), segmentBytesMax: 200_000 };
};

/** Objects of every kind that a folder knows: packed in several segments, put again, removed, and files of their own. */
async function filled(folder: string) {
  const objects = createFileObjects(folder, underKeys("old"));
  const contents = [
    ...Array.from({ length: 300 }, (_, i) => randomBytes(i * 7)),
    randomBytes(70_000),
    randomBytes(3_000_000),
    randomBytes(0),
  ];
  const kept = new Map<Digest, Buffer>();
  for (const bytes of contents) kept.set(await objects.put(bytes), bytes);
  for (const bytes of contents.slice(50, 60)) await objects.put(bytes);
  for (const digest of [...kept.keys()].slice(20, 30)) {
    await objects.remove(digest);
    kept.delete(digest);
  }
  await objects.close();
  return kept;
}

async function assertAll(folder: string, kept: ReadonlyMap<Digest, Buffer>): Promise<void> {
  const alone = createFileObjects(folder, underKeys("new"));
  for (const [digest, bytes] of kept) assert.ok(bytes.equals(await alone.get(digest)), digest);
  let count = 0;
  for await (const { digest } of alone.list()) if (kept.has(digest)) count++;
  assert.equal(count, kept.size);
  await alone.close();
}

test("a rotation brings packed objects and files under the new key; the old one can go, and leaves no trace where objects are", async () => {
  const folder = newFolder();
  const kept = await filled(folder);
  const keyless = createFileObjects(folder, underKeys("new"));
  await assert.rejects(keyless.get([...kept.keys()][5]!), { code: "envelope.unknown-key", got: "old" });
  await assert.rejects(keyless.rotate(), { code: "envelope.unknown-key" });
  await keyless.close();

  const objects = createFileObjects(folder, underKeys("new", "old"));
  const late = randomBytes(100);
  kept.set(await objects.put(late), late);
  assert.deepEqual(await objects.rotate(), { renewed: kept.size - 1, kept: 1, left: 0 });
  for (const [digest, bytes] of kept) assert.ok(bytes.equals(await objects.get(digest)));
  assert.deepEqual(await objects.rotate(), { renewed: 0, kept: kept.size, left: 0 });
  await objects.close();
  await assertAll(folder, kept);
  for (const file of globSync("{segments,[0-9a-f][0-9a-f]}/*", { cwd: folder }))
    assert.ok(!readFileSync(join(folder, file)).includes("MILLENV1old"), file);
});

test("wherever the disk refuses a write, a sync or a rename, every object can still be read, and the next rotation ends it", async () => {
  const folder = newFolder();
  const kept = await filled(folder);
  let refusals = 0;
  for (let failAt = 0; ; failAt += 1 + (failAt >> 2)) {
    let count = 0;
    const refuse = () => {
      if (count++ === failAt) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    };
    const failing =
      <T extends unknown[]>(effect: (...args: T) => Promise<void>) =>
      async (...args: T) => {
        refuse();
        await effect(...args);
      };
    const effects = {
      write: failing(DISK.write),
      sync: failing(DISK.sync),
      syncData: failing(DISK.syncData),
      rename: failing(DISK.rename),
    };
    const objects = createFileObjects(folder, { ...underKeys("new", "old"), effects });
    const outcome = await objects.rotate().then(
      ({ left }) => left,
      (error) => error.code,
    );
    await objects.close();
    const reader = createFileObjects(folder, underKeys("new", "old"));
    for (const [digest, bytes] of kept) assert.ok(bytes.equals(await reader.get(digest)), `after failure ${failAt}`);
    await reader.close();
    if (outcome === 0 && count <= failAt) break;
    refusals++;
  }
  assert.ok(refusals >= 3, `${refusals} places to fail`);
  await assertAll(folder, kept);
});

test("what another process is writing is left and counted, and renewed once that has ended", async () => {
  const folder = newFolder();
  const writing = createFileObjects(folder, underKeys("old"));
  const digests = await Promise.all([1, 2, 3].map((n) => writing.put(randomBytes(n))));
  const objects = createFileObjects(folder, underKeys("new", "old"));
  assert.deepEqual(await objects.rotate(), { renewed: 0, kept: 0, left: 3 });
  for (const digest of digests) await objects.get(digest);
  await writing.close();
  assert.deepEqual(await objects.rotate(), { renewed: 3, kept: 0, left: 0 });
  await objects.close();
});

test("bytes that two processes stored at the same time are renewed in both places", async () => {
  const folder = newFolder();
  const [a, b] = [createFileObjects(folder, underKeys("old")), createFileObjects(folder, underKeys("old"))];
  await Promise.all([a.put(Buffer.of(1)), b.put(Buffer.of(2))]); // both know the folder now
  const same = randomBytes(500);
  const [digest] = await Promise.all([a.put(same), b.put(same)]);
  await a.close();
  await b.close();
  const count = () => {
    const all = Buffer.concat(globSync("segments/*.seg", { cwd: folder }).map((file) => readFileSync(join(folder, file))));
    return all.toString("latin1").split("MILLENV1old").length - 1;
  };
  assert.equal(count(), 4);
  const objects = createFileObjects(folder, underKeys("new", "old"));
  assert.deepEqual(await objects.rotate(), { renewed: 3, kept: 0, left: 0 });
  await objects.close();
  assert.equal(count(), 0);
  await assertAll(folder, new Map([[digest, same]]));
});

test("damaged objects are told and do not hold the others up", async () => {
  const folder = newFolder();
  const kept = await filled(folder);
  const [large] = [...kept].find(([, { length }]) => length === 70_000)!;
  const path = join(folder, large.slice(7, 9), large.slice(9));
  const bytes = readFileSync(path);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(path, bytes);
  kept.delete(large);
  const segment = globSync(join(folder, "segments", "*.seg"))[0]!;
  const packed = readFileSync(segment);
  packed[packed.lastIndexOf("MILLENV1old") + 100]! ^= 1;
  writeFileSync(segment, packed);
  const objects = createFileObjects(folder, underKeys("new", "old"));
  await assert.rejects(objects.rotate(), { code: "object.corrupt" });
  await objects.close();
  const alone = createFileObjects(folder, underKeys("new"));
  const refused: string[] = [];
  for (const [digest, bytes] of kept)
    await alone.get(digest).then(
      (found) => assert.ok(bytes.equals(found)),
      (error) => refused.push(error.code),
    );
  assert.equal(refused.length, 1);
  await alone.close();
});
