/** Objects on a real S3 server; skipped without one. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { inspect } from "node:util";
import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { Digest, Keyring } from "../../base/index.ts";
import { openDuckDb } from "../tables/index.ts";
import { encryptedBy } from "./encrypted.ts";
import { startCuttingProxy } from "./fixtures/cutting-proxy.ts";
import { clientOf, newBucket, skip } from "./fixtures/s3-server.ts";
import type { Objects } from "./index.ts";
import { createS3Objects, type S3Options } from "./s3.ts";
import { objectsSuite } from "./suite.ts";

const root = mkdtempSync(join(tmpdir(), "mill-s3-"));
after(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
const newFolder = () => join(root, `${made++}`);
const keys: Record<string, Uint8Array> = { old: randomBytes(32), new: randomBytes(32) };
const ringOf = (current: string, ids = [current]): Keyring => ({ current, key: (id) => (ids.includes(id) ? keys[id]! : null) });
const codec = encryptedBy(ringOf("old"));
const digestOf = (bytes: Uint8Array): Digest => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const keyOf = (digest: Digest) => `objects/${digest.slice(7, 9)}/${digest.slice(9)}`;
const MARKER = Buffer.from("this-text-must-not-be-found-in-any-store ");

const newPlace = async (): Promise<S3Options> => ({
  ...(await newBucket()),
  prefix: "objects",
  cacheFolder: newFolder(),
  cacheBytes: 50e6,
});
const elsewhere = (place: S3Options): S3Options => ({ ...place, cacheFolder: newFolder() });

async function* inChunks(bytes: Uint8Array, chunkBytes = 100_000): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

async function drained(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

async function listed(objects: Objects): Promise<Digest[]> {
  const digests: Digest[] = [];
  for await (const { digest } of objects.list()) digests.push(digest);
  return digests;
}

async function keysIn(place: S3Options): Promise<string[]> {
  const client = clientOf(place);
  const page = await client.send(new ListObjectsV2Command({ Bucket: place.bucket }));
  client.destroy();
  return (page.Contents ?? []).map(({ Key }) => Key!);
}

async function storedUnder(place: S3Options, Key: string): Promise<Buffer> {
  const client = clientOf(place);
  const { Body } = await client.send(new GetObjectCommand({ Bucket: place.bucket, Key }));
  const bytes = await drained(Body as AsyncIterable<Uint8Array>);
  client.destroy();
  return bytes;
}

if (skip) test("objects on S3", { skip }, () => undefined);
else {
  objectsSuite("s3", async () => createS3Objects(await newPlace()));
  objectsSuite("s3, encrypted", async () => createS3Objects({ ...(await newPlace()), codec }));

  test("an object put again long after is there whatever a removal that had looked before removes, and keeps one second key", async () => {
    const place = await newPlace();
    for (const size of [50, 9_000_000]) {
      const bytes = randomBytes(size);
      const first = createS3Objects(place);
      const digest = await first.put(bytes);
      await first.close();
      for (let hour = 1; hour <= 3; hour++) {
        const later = createS3Objects({ ...place, now: () => Date.now() + hour * 3600_000 });
        await later.put(bytes);
        await later.close();
        assert.equal((await keysIn(place)).filter((key) => key.startsWith(keyOf(digest))).length, 2);
      }
      const client = clientOf(place);
      await client.send(new DeleteObjectCommand({ Bucket: place.bucket, Key: keyOf(digest) })); // as that removal does
      client.destroy();
      const reader = createS3Objects(elsewhere(place));
      assert.ok(bytes.equals(await reader.get(digest)));
      assert.ok(bytes.subarray(10, 20).equals(await drained(reader.read(digest, { start: 10, end: 20 }))));
      assert.equal(await reader.sizeOf(digest), size);
      assert.ok((await listed(reader)).includes(digest));
      assert.equal(await reader.put(bytes), digest);
      assert.ok((await keysIn(place)).includes(keyOf(digest)));
      assert.equal(await reader.remove(digest), true);
      assert.deepEqual(await keysIn(place), []);
      await reader.close();
    }
  });

  test("a part of a large object is brought alone; a whole one that was brought, or stored from here as a stream, is read from the disk", async () => {
    const place = await newPlace();
    const bytes = randomBytes(20_000_000);
    const writer = createS3Objects(place);
    const { digest } = await writer.putStream(inChunks(bytes));
    const proxy = await startCuttingProxy(place.endpoint!);
    for (const encrypted of [false, true]) {
      const reader = createS3Objects({
        ...elsewhere(place),
        endpoint: proxy.origin,
        ...(encrypted && { prefix: "encrypted", codec }),
      });
      if (encrypted) await reader.putFile(await writer.pathOf(digest));
      proxy.answered = 0;
      assert.ok(
        bytes.subarray(15_000_000, 15_000_100).equals(await drained(reader.read(digest, { start: 15_000_000, end: 15_000_100 }))),
      );
      assert.ok(proxy.answered < 100_000, `${proxy.answered} bytes`);
      assert.ok(readFileSync(await reader.pathOf(digest)).equals(bytes));
      proxy.answered = 0;
      assert.ok(bytes.subarray(7, 17_000_000).equals(await drained(reader.read(digest, { start: 7, end: 17_000_000 }))));
      assert.equal(proxy.answered, 0);
      await reader.close();
    }
    const again = createS3Objects({ ...place, endpoint: proxy.origin });
    assert.ok(bytes.equals(await again.get(digest)));
    assert.equal(proxy.answered, 0);
    await again.close();
    proxy.close();
    await writer.close();
  });

  test("the SQL engine reads objects through their local copies, and goes on while the bound makes others go", async () => {
    const place = await newPlace();
    const tables = await openDuckDb({ threads: 2, memoryMb: 256, tempFolder: newFolder() });
    const writer = createS3Objects(elsewhere(place));
    const digests: Digest[] = [];
    for (let part = 0; part < 5; part++) {
      const file = join(root, `part-${part}.parquet`);
      await tables.run(
        `COPY (SELECT range + ${part * 1000} AS id, random() AS x FROM range(1000)) TO '${file}' (FORMAT parquet)`,
      );
      digests.push(await writer.putFile(file));
    }
    const reader = createS3Objects({ ...elsewhere(place), cacheBytes: 20_000 }); // about one part
    const paths = await Promise.all(digests.map(reader.pathOf));
    for (let round = 0; round < 3; round++) {
      const list = paths.map((path) => `'${path}'`).join(", ");
      const [row] = await tables.rows(`SELECT count(*)::INTEGER AS n, sum(id)::DOUBLE AS s FROM read_parquet([${list}])`);
      assert.deepEqual(row, { n: 5000, s: (4999 * 5000) / 2 });
      await reader.get(await writer.put(randomBytes(15_000)));
    }
    tables.close();
    await writer.close();
    await reader.close();
  });

  test("a connection that breaks in the middle of an answer is taken up where it was; one that breaks always is told", async () => {
    const place = await newPlace();
    const bytes = randomBytes(18_000_000);
    const proxy = await startCuttingProxy(place.endpoint!);
    const writer = createS3Objects(place);
    const digest = await writer.putFile(fileWith(bytes));
    const reader = createS3Objects({ ...elsewhere(place), endpoint: proxy.origin });
    proxy.cut(2, 3_000_000);
    assert.ok(bytes.equals(await drained(reader.read(digest))));
    proxy.cut(3, 3_000_000);
    assert.ok(bytes.equals(readFileSync(await reader.pathOf(digest))));
    const unlucky = createS3Objects({ ...elsewhere(place), endpoint: proxy.origin });
    proxy.cut(1000, 3_000_000);
    await assert.rejects(unlucky.pathOf(digest), { code: "object.unreachable" });
    await assert.rejects(drained(unlucky.read(digest)), { code: "object.unreachable" });
    proxy.cut(0, 0);
    assert.ok(bytes.equals(readFileSync(await unlucky.pathOf(digest))));
    for (const objects of [writer, reader, unlucky]) await objects.close();
    proxy.close();
  });

  test("writes whose answers are lost are sent again, and in the end are there whole or not at all", async () => {
    const place = await newPlace();
    const proxy = await startCuttingProxy(place.endpoint!);
    const objects = createS3Objects({ ...place, endpoint: proxy.origin });
    for (const size of [1000, 20_000_000]) {
      const bytes = randomBytes(size);
      proxy.cut(2, 0);
      const { digest } = await objects.putStream(inChunks(bytes));
      assert.ok(bytes.equals(await createS3Objects(elsewhere(place)).get(digest)));
      const lost = randomBytes(size);
      proxy.cut(1000, 0);
      await assert.rejects(objects.putStream(inChunks(lost)), { code: "object.unreachable" });
      proxy.cut(0, 0);
      const stored = (await listed(objects)).includes(digestOf(lost));
      if (stored) assert.ok(lost.equals(await createS3Objects(elsewhere(place)).get(digestOf(lost))));
    }
    assert.deepEqual(readdirSync(join(place.cacheFolder, "tmp")), []);
    await objects.close();
    proxy.close();
  });

  test("a file that changes while it is sent is not stored", async () => {
    const place = await newPlace();
    const proxy = await startCuttingProxy(place.endpoint!);
    const objects = createS3Objects({ ...place, endpoint: proxy.origin });
    const file = fileWith(randomBytes(20_000_000));
    proxy.onRequest = (bytes) => {
      if (bytes.includes("uploads")) writeFileSync(file, randomBytes(20_000_000));
    };
    await assert.rejects(objects.putFile(file), { code: "object.unreadable", at: file });
    assert.deepEqual(await listed(objects), []);
    assert.deepEqual(await uploadsIn(place), []);
    await objects.close();
    proxy.close();
  });

  test("uploads that a process left behind a day ago are ended by a listing, younger ones are not", async () => {
    const place = await newPlace();
    const client = clientOf(place);
    await client.send(new CreateMultipartUploadCommand({ Bucket: place.bucket, Key: "objects/ab/left" }));
    client.destroy();
    await listed(createS3Objects(place));
    assert.deepEqual(await uploadsIn(place), ["objects/ab/left"]);
    await listed(createS3Objects({ ...place, now: () => Date.now() + 25 * 3600_000 }));
    assert.deepEqual(await uploadsIn(place), []);
  });

  test("encrypted objects show nothing of their bytes, and one that was altered or exchanged in the bucket is refused", async () => {
    const place = await newPlace();
    const objects = createS3Objects({ ...place, codec });
    const contents = [Buffer.alloc(1000, MARKER), Buffer.alloc(20_000_000, MARKER), Buffer.alloc(20_000_041, MARKER)];
    const digests: Digest[] = [];
    for (const bytes of contents) digests.push((await objects.putStream(inChunks(bytes))).digest);
    for (const key of await keysIn(place)) assert.ok(!(await storedUnder(place, key)).includes(MARKER), key);

    const client = clientOf(place);
    const overwrite = (digest: Digest, Body: Buffer) =>
      client.send(new PutObjectCommand({ Bucket: place.bucket, Key: keyOf(digest), Body }));
    const altered = await storedUnder(place, keyOf(digests[0]!));
    altered[500]! ^= 1;
    await overwrite(digests[0]!, altered);
    await overwrite(digests[1]!, await storedUnder(place, keyOf(digests[2]!)));
    client.destroy();
    const reader = createS3Objects({ ...elsewhere(place), codec });
    for (const digest of digests.slice(0, 2)) {
      await assert.rejects(reader.get(digest), { code: "object.corrupt" });
      await assert.rejects(reader.pathOf(digest), { code: "object.corrupt" });
      await assert.rejects(drained(reader.read(digest, { start: 10, end: 20 })), { code: "object.corrupt" });
    }
    const keyless = createS3Objects({ ...elsewhere(place), codec: encryptedBy(ringOf("new")) });
    await assert.rejects(keyless.get(digests[2]!), { code: "envelope.unknown-key", got: "old" });
    for (const each of [objects, reader, keyless]) await each.close();
  });

  test("a rotation that is interrupted and run again brings all objects under the new key, and the old one can go", async () => {
    const place = await newPlace();
    const writer = createS3Objects({ ...place, codec });
    const contents = [
      ...Array.from({ length: 10 }, (_, i) => randomBytes(100 + i)),
      randomBytes(9_000_000),
      randomBytes(25_000_000),
    ];
    const digests: Digest[] = [];
    for (const bytes of contents) digests.push(await writer.put(bytes));
    const bodies = await Promise.all(digests.map(async (digest) => (await storedUnder(place, keyOf(digest))).subarray(0, -112)));
    const rotating = (endpoint: string) =>
      createS3Objects({ ...elsewhere(place), endpoint, attemptsMax: 1, codec: encryptedBy(ringOf("new", ["old", "new"])) });

    const proxy = await startCuttingProxy(place.endpoint!);
    let puts = 0;
    proxy.onRequest = (bytes) => {
      if (bytes.includes("PUT ") && ++puts === 9) proxy.cut(1000, 0);
    };
    await assert.rejects(rotating(proxy.origin).rotate(), { code: "object.unreachable" });
    proxy.close();
    const { renewed, kept } = await rotating(place.endpoint!).rotate();
    assert.ok(kept >= 1 && renewed < digests.length && renewed + kept === digests.length, `${renewed} renewed, ${kept} kept`);
    assert.deepEqual(await rotating(place.endpoint!).rotate(), { renewed: 0, kept: digests.length, left: 0 });

    const alone = createS3Objects({ ...elsewhere(place), codec: encryptedBy(ringOf("new")) });
    for (const [i, digest] of digests.entries()) {
      assert.ok(contents[i]!.equals(await alone.get(digest)));
      assert.ok((await storedUnder(place, keyOf(digest))).subarray(0, -112).equals(bodies[i]!), "the body is what it was");
    }
    await writer.close();
    await alone.close();
  });

  test("a wrong secret, a missing bucket and a server that is away are told apart, and no message holds the secret", async () => {
    const place = await newPlace();
    const secretAccessKey = "wrong-secret-wrong-secret-wrong-secret";
    const cases: [string, Partial<S3Options>][] = [
      ["object.denied", { credentials: { ...place.credentials!, secretAccessKey } }],
      ["object.denied", { credentials: { accessKeyId: "NOSUCHKEY", secretAccessKey } }],
      ["object.unreachable", { bucket: "no-such-bucket-of-mill" }],
      ["object.unreachable", { endpoint: "http://127.0.0.1:1" }],
    ];
    for (const [code, change] of cases) {
      const objects = createS3Objects({ ...elsewhere(place), attemptsMax: 2, ...change });
      const attempts = [
        () => objects.put(Buffer.from("a")),
        () => listed(objects),
        () => objects.putFile(fileWith(randomBytes(9_000_000))),
      ];
      for (const attempt of attempts) {
        const error = await attempt().then(
          () => assert.fail("it was taken"),
          (error) => error,
        );
        assert.equal(error.code, code);
        const told = inspect(error, { depth: 10 });
        for (const secret of [secretAccessKey, place.credentials!.secretAccessKey]) assert.ok(!told.includes(secret));
      }
      await objects.close();
    }
  });
}

function fileWith(bytes: Uint8Array): string {
  const file = join(root, `file-${made++}`);
  writeFileSync(file, bytes);
  return file;
}

async function uploadsIn(place: S3Options): Promise<string[]> {
  const client = clientOf(place);
  const page = await client.send(new ListMultipartUploadsCommand({ Bucket: place.bucket }));
  client.destroy();
  return (page.Uploads ?? []).map(({ Key }) => Key!);
}
