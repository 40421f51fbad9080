import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Digest } from "../../base/index.ts";
import { DISK } from "./disk.ts";
import { encryptedBy } from "./encrypted.ts";
import { createFileObjects, type FileEffects, type Objects } from "./index.ts";
import { objectsSuite } from "./suite.ts";

const root = mkdtempSync(join(tmpdir(), "mill-files-"));
after(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
const newFolder = () => join(root, `${made++}`);

objectsSuite("files", async () => createFileObjects(newFolder()));
const keyring = { current: "first", key: (id: string) => (id === "first" ? Buffer.alloc(32, 7) : null) };
objectsSuite("files, encrypted", async () => createFileObjects(newFolder(), { codec: encryptedBy(keyring) }));
objectsSuite("files, none in segments", async () => createFileObjects(newFolder(), { segments: "read" }));

async function listed(objects: Objects): Promise<Digest[]> {
  const digests: Digest[] = [];
  for await (const { digest } of objects.list()) digests.push(digest);
  return digests;
}

function segmentOf(folder: string): string {
  const names = readdirSync(join(folder, "segments")).filter((name) => name.endsWith(".seg"));
  return join(folder, "segments", names.sort()[0]!);
}

/** Turns one bit in the middle of these bytes over, where they lie in the file. */
function damage(path: string, bytes: Uint8Array): void {
  const content = readFileSync(path);
  const at = content.indexOf(bytes);
  assert.notEqual(at, -1);
  content[at + (bytes.byteLength >> 1)]! ^= 1;
  writeFileSync(path, content);
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test("folders and files are for the owner alone, also a file that was moved in", async () => {
  const folder = newFolder();
  const objects = createFileObjects(folder);
  const file = join(root, "open-to-all");
  writeFileSync(file, "moved in", { mode: 0o644 });
  const paths = [await objects.put(Uint8Array.of(1)), await objects.putFile(file, { consume: true })];
  for (const digest of paths) {
    const path = await objects.pathOf(digest);
    assert.deepEqual([modeOf(folder), modeOf(join(path, "..")), modeOf(path)], ["700", "700", "600"]);
  }
});

test("bytes that changed on the disk are never handed out, and are put right when they are put again", async () => {
  const folder = newFolder();
  const bytes = randomBytes(100_000);
  let objects = createFileObjects(folder);
  const [large, small, intact] = [
    await objects.put(bytes),
    await objects.put(bytes.subarray(0, 500)),
    await objects.put(Buffer.from("b")),
  ];
  const path = await objects.pathOf(large);
  writeFileSync(path, "the wrong bytes");
  await assert.rejects(objects.get(large), { code: "object.corrupt", at: path });
  damage(segmentOf(folder), bytes.subarray(0, 500));
  for (const reopened of [false, true]) {
    if (reopened) {
      await objects.close();
      objects = createFileObjects(folder);
    }
    await assert.rejects(objects.get(small), { code: "object.corrupt", at: segmentOf(folder) });
    assert.equal(Buffer.from(await objects.get(intact)).toString(), "b");
  }
  for (const right of [bytes, bytes.subarray(0, 500)])
    assert.deepEqual(await objects.get(await objects.put(right)), Buffer.from(right));
  await objects.close();
});

test("whichever write, sync or rename the disk refuses, the error says so, nothing half-written shows, and the next try succeeds", async () => {
  const bytes = Buffer.alloc(2_500_000, 7); // three chunks when copied
  const file = join(root, "source");
  writeFileSync(file, bytes);
  for (const consume of [undefined, false, true]) {
    let refusals = 0;
    for (let failAt = 0; ; failAt++) {
      const folder = newFolder();
      const refusing = createFileObjects(folder, { effects: failingDisk(failAt) });
      const store = (objects: Objects) => (consume === undefined ? objects.put(bytes) : objects.putFile(file, { consume }));
      const outcome = await store(refusing).then(
        () => "stored",
        (error) => error.code,
      );
      if (outcome === "stored") break;
      refusals++;
      assert.equal(outcome, "object.disk-full");
      assert.deepEqual(readdirSync(join(folder, "tmp")), []);
      const objects = createFileObjects(folder);
      for (const digest of await listed(objects)) await objects.get(digest);
      if (consume && !existsSync(file)) writeFileSync(file, bytes); // refused after the move: the object is whole
      await objects.get(await store(objects));
      if (consume) writeFileSync(file, bytes);
    }
    assert.ok(refusals >= 3, `${refusals} places to fail`);
  }
});

test("a real limit on file size is reported as a full disk, and leaves what was there", () => {
  const folder = newFolder();
  const child = join(import.meta.dirname, "fixtures", "filling-writer.ts");
  const output = execFileSync("bash", ["-c", 'ulimit -f 1000; exec "$0" "$1" "$2"', process.execPath, child, folder]);
  assert.equal(output.toString(), "object.disk-full\n");
  assert.deepEqual(readdirSync(join(folder, "tmp")), []);
});

test("a folder that cannot be made is named", () => {
  const file = join(root, "a-file");
  writeFileSync(file, "");
  assert.throws(() => createFileObjects(join(file, "objects")), { code: "object.not-writable", at: join(file, "objects") });
});

test("temporary files of a writer that died long ago are swept, fresh ones are not", () => {
  const folder = newFolder();
  createFileObjects(folder);
  const [stale, fresh] = [join(folder, "tmp", "stale"), join(folder, "tmp", "fresh")];
  for (const path of [stale, fresh]) writeFileSync(path, "half an obj");
  utimesSync(stale, new Date(0), new Date(0));
  createFileObjects(folder);
  assert.deepEqual([existsSync(stale), existsSync(fresh)], [false, true]);
});

test("what a process was removing when it was killed is there again; it may have been put again meanwhile", async () => {
  const folder = newFolder();
  const bytes = Buffer.alloc(200_000, 7);
  const objects = createFileObjects(folder);
  const digest = await objects.put(bytes);
  await objects.close();
  const place = join(folder, digest.slice(7, 9), digest.slice(9));
  const trash = join(folder, "tmp", `removed-${digest.slice(7)}-01a1fdf8-75d0-7200-abda-7b845955fd01`);
  renameSync(place, trash);
  const again = createFileObjects(folder);
  assert.equal(Buffer.compare(await again.get(digest), bytes), 0);
  linkSync(place, trash); // it was put once more, too
  const third = createFileObjects(folder);
  assert.deepEqual([existsSync(place), existsSync(trash)], [true, false]);
  assert.equal(await third.remove(digest), true);
  assert.equal(await third.sizeOf(digest), null);
});

function failingDisk(failAt: number): FileEffects {
  let count = 0;
  const refuse = () => {
    if (count++ === failAt) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  };
  return {
    write: async (file, chunks, position) => {
      if (count === failAt) await file.write(chunks[0]!, 0, 40, position); // a full disk takes a part
      refuse();
      await DISK.write(file, chunks, position);
    },
    sync: async (file) => {
      refuse();
      await file.sync();
    },
    syncData: async (file) => {
      refuse();
      await file.datasync();
    },
    rename: async (from, to) => {
      refuse();
      await rename(from, to);
    },
  };
}
