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

export function objectsSuite(driver: string, open: () => Promise<Objects>): void {
  const withObjects = (title: string, body: (objects: Objects, folder: string) => Promise<void>) =>
    test(`${driver}: ${title}`, async () => {
      const folder = mkdtempSync(join(tmpdir(), "mill-objects-"));
      try {
        await body(await open(), folder);
      } finally {
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
}
