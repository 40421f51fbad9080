/** What every object store must do. A driver's test calls `objectsSuite` with a way to open an empty store. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Digest } from "../../base/index.ts";
import type { Objects } from "./objects.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const digestOf = (bytes: Uint8Array): Digest => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** Around the sizes where a driver may change its way: packed or not, one write or several, one part or several. */
const SIZES = [0, 1, 1000, 65_535, 65_536, 65_537, 1 << 20, (1 << 20) + 1, 9_000_001];

async function* inChunks(bytes: Uint8Array, chunkBytes: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

async function drained(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

export function objectsSuite(driver: string, open: () => Promise<Objects>): void {
  const withObjects = (title: string, body: (objects: Objects, folder: string) => Promise<void>) =>
    test(`${driver}: ${title}`, async () => {
      const folder = mkdtempSync(join(tmpdir(), "mill-objects-"));
      const objects = await open();
      try {
        await body(objects, folder);
      } finally {
        await objects.close();
        rmSync(folder, { recursive: true, force: true });
      }
    });

  async function listed(objects: Objects): Promise<Digest[]> {
    const digests: Digest[] = [];
    for await (const { digest } of objects.list()) digests.push(digest);
    return digests.sort();
  }

  withObjects("bytes come back by the digest of their content, also none at all", async (objects) => {
    for (const bytes of [bytesOf("hello"), new Uint8Array(0), randomBytes(3_000_000)]) {
      const digest = await objects.put(bytes);
      assert.equal(digest, digestOf(bytes));
      assert.equal(Buffer.compare(await objects.get(digest), bytes), 0);
      assert.equal(await objects.sizeOf(digest), bytes.byteLength);
      assert.equal(Buffer.compare(readFileSync(await objects.pathOf(digest)), bytes), 0);
    }
  });

  withObjects("the same bytes, put many times at once and as a file, are one object", async (objects, folder) => {
    const file = join(folder, "same");
    writeFileSync(file, "same");
    const puts = Array.from({ length: 20 }, () => objects.put(bytesOf("same")));
    const digests = new Set(await Promise.all([...puts, objects.putFile(file)]));
    assert.deepEqual(await listed(objects), [...digests]);
    assert.equal(digests.size, 1);
  });

  withObjects(
    "what is touched is as new: a removal of what was put before leaves it; what is not there cannot be touched",
    async (objects) => {
      for (const bytes of [bytesOf("small"), randomBytes(300_000)]) {
        const digest = await objects.put(bytes);
        const modified = async () => {
          for await (const object of objects.list()) if (object.digest === digest) return object.modifiedMs;
          return null;
        };
        const put = (await modified())!;
        await new Promise((resolve) => setTimeout(resolve, 20));
        assert.equal(await objects.touch(digest), true);
        assert.ok((await modified())! >= put);
        assert.equal(await objects.remove(digest, { untouchedSinceMs: put }), false);
        assert.equal(Buffer.compare(await objects.get(digest), bytes), 0);
        assert.equal(await objects.remove(digest), true);
        assert.equal(await objects.touch(digest), false);
        assert.equal(await objects.sizeOf(digest), null);
      }
    },
  );

  withObjects("a file is copied, or consumed when asked", async (objects, folder) => {
    const bytes = randomBytes(2_500_000);
    const file = join(folder, "part.parquet");
    writeFileSync(file, bytes);
    assert.equal(await objects.putFile(file), digestOf(bytes));
    assert.ok(existsSync(file));
    assert.equal(await objects.putFile(file, { consume: true }), digestOf(bytes));
    assert.ok(!existsSync(file));
    writeFileSync(file, "another");
    const another = await objects.putFile(file, { consume: true });
    assert.ok(!existsSync(file));
    assert.equal(Buffer.from(await objects.get(another)).toString(), "another");
  });

  withObjects("what is not there is said to be missing", async (objects, folder) => {
    const digest = digestOf(bytesOf("never stored"));
    await assert.rejects(objects.get(digest), { code: "object.missing" });
    await assert.rejects(objects.pathOf(digest), { code: "object.missing" });
    assert.equal(await objects.sizeOf(digest), null);
    assert.equal(await objects.remove(digest), false);
    for (const consume of [false, true])
      await assert.rejects(objects.putFile(join(folder, "no-such-file"), { consume }), { code: "object.unreadable" });
    await assert.rejects(objects.putFile(folder), { code: "object.unreadable" });
    assert.deepEqual(await listed(objects), []);
  });

  withObjects("a removed object is gone, and can be put again", async (objects) => {
    const [a, b] = [await objects.put(bytesOf("a")), await objects.put(bytesOf("b"))];
    assert.equal(await objects.remove(a), true);
    assert.deepEqual(await listed(objects), [b]);
    assert.equal(await objects.put(bytesOf("a")), a);
    assert.deepEqual(await listed(objects), [a, b].sort());
  });

  withObjects("an object put again after a moment survives a removal of what was untouched since", async (objects) => {
    const digest = await objects.put(bytesOf("again"));
    const longAgo = Date.now() - 60_000;
    assert.equal(await objects.remove(digest, { untouchedSinceMs: longAgo }), false);
    assert.equal(await objects.remove(digest, { untouchedSinceMs: Date.now() + 60_000 }), true);
  });

  withObjects("a stream of any length is stored under the digest of all its bytes", async (objects) => {
    for (const sizeBytes of SIZES) {
      const bytes = randomBytes(sizeBytes);
      for (const chunkBytes of [777_777, 65_536]) {
        const stored = await objects.putStream(inChunks(bytes, chunkBytes));
        assert.deepEqual(stored, { digest: digestOf(bytes), sizeBytes });
      }
      assert.equal(Buffer.compare(await objects.get(digestOf(bytes)), bytes), 0);
      assert.equal(await objects.sizeOf(digestOf(bytes)), sizeBytes);
    }
    assert.equal((await listed(objects)).length, SIZES.length);
  });

  withObjects("a source that fails is told as it failed, is closed, and leaves nothing behind", async (objects) => {
    for (const sizeBytes of [100, 3_000_000]) {
      let closed = false;
      const failing = async function* () {
        try {
          yield* inChunks(randomBytes(sizeBytes), 65_536);
          throw new RangeError("the client went away");
        } finally {
          closed = true;
        }
      };
      await assert.rejects(objects.putStream(failing()), (error) => error instanceof RangeError);
      assert.ok(closed);
    }
    assert.deepEqual(await listed(objects), []);
  });

  withObjects("any range can be read, cut to what there is", async (objects) => {
    for (const sizeBytes of SIZES) {
      const bytes = randomBytes(sizeBytes);
      const digest = await objects.put(bytes);
      assert.equal(Buffer.compare(await drained(objects.read(digest)), bytes), 0);
      const ends = [0, 1, 2, sizeBytes >> 1, sizeBytes - 1, sizeBytes, sizeBytes + 1, sizeBytes + 5_000_000].filter(
        (end) => end >= 0,
      );
      for (const start of ends)
        for (const end of ends) {
          const wanted = start < end ? bytes.subarray(start, end) : bytes.subarray(0, 0);
          assert.equal(
            Buffer.compare(await drained(objects.read(digest, { start, end })), wanted),
            0,
            `${start} to ${end} of ${sizeBytes}`,
          );
        }
    }
  });

  withObjects("a reading can be left before its end", async (objects) => {
    const digest = await objects.put(randomBytes(9_000_000));
    for await (const chunk of objects.read(digest)) {
      assert.ok(chunk.byteLength > 0);
      break;
    }
    assert.equal(await objects.remove(digest), true);
  });

  withObjects("hundreds of small objects put at once are all there, with their own bytes", async (objects) => {
    const texts = Array.from({ length: 300 }, (_, number) => `object ${number} `.repeat(1 + (number % 40)));
    const digests = await Promise.all(texts.map((text) => objects.put(bytesOf(text))));
    assert.deepEqual(await listed(objects), [...digests].sort());
    const contents = await Promise.all(digests.map((digest) => objects.get(digest)));
    assert.deepEqual(
      contents.map((bytes) => Buffer.from(bytes).toString()),
      texts,
    );
  });

  withObjects("an object put while it is removed is there whenever its put came last", async (objects) => {
    for (const sizeBytes of [40, 100_000]) {
      const bytes = randomBytes(sizeBytes);
      const digest = await objects.put(bytes);
      for (let round = 0; round < 20; round++) {
        await Promise.all([objects.remove(digest, { untouchedSinceMs: Date.now() - 60_000 }), objects.put(bytes)]);
        assert.equal(Buffer.compare(await objects.get(digest), bytes), 0);
        assert.equal(await objects.remove(digest), true);
        assert.equal(await objects.sizeOf(digest), null);
        await assert.rejects(objects.get(digest), { code: "object.missing" });
        await objects.put(bytes);
        assert.equal(Buffer.compare(await objects.get(digest), bytes), 0);
      }
    }
  });

  withObjects("a listing tells sizes and when objects were last put", async (objects) => {
    const before = Date.now() - 2000; // a store's clock may count whole seconds
    const sizes = new Map([
      [await objects.put(bytesOf("small")), 5] as const,
      [await objects.put(randomBytes(200_000)), 200_000] as const,
    ]);
    for await (const { digest, sizeBytes, modifiedMs } of objects.list()) {
      assert.equal(sizeBytes, sizes.get(digest));
      assert.ok(modifiedMs >= before && modifiedMs <= Date.now() + 2000, `${modifiedMs}`);
      sizes.delete(digest);
    }
    assert.equal(sizes.size, 0);
  });

  withObjects("a missing object cannot be read, whatever the range", async (objects) => {
    const digest = digestOf(bytesOf("never stored"));
    for (const range of [undefined, { start: 0, end: 1 }, { start: 5, end: 5 }])
      await assert.rejects(drained(objects.read(digest, range)), { code: "object.missing" });
  });

  withObjects("closing waits for what is under way", async (objects) => {
    const puts = Array.from({ length: 20 }, (_, number) => objects.put(bytesOf(`late ${number}`)));
    puts.push(objects.putStream(inChunks(randomBytes(2_000_000), 100_000)).then(({ digest }) => digest));
    await Promise.all([objects.close(), ...puts]);
  });
}
