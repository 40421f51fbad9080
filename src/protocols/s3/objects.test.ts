import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from "@aws-sdk/client-s3";
import fc from "fast-check";
import { openDoor, type TestDoor } from "./fixtures/open-door.ts";

const BUCKET = "objects";
let door: TestDoor;
let s3: S3Client;

before(async () => {
  door = await openDoor();
  s3 = door.client();
  await door.repositories.create({ name: BUCKET, actor: "tests", bucketBranch: "main" });
});
after(() => door.close());

const put = (Key: string, Body: string | Uint8Array, more: Partial<PutObjectCommandInput> = {}) =>
  s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ...more }));
const get = (Key: string, more: Partial<GetObjectCommandInput> = {}) =>
  s3.send(new GetObjectCommand({ Bucket: BUCKET, Key, ...more }));
const bytesOf = async (key: string, more: Partial<GetObjectCommandInput> = {}) =>
  Buffer.from(await (await get(key, more)).Body!.transformToByteArray());
const codeOf = (asked: Promise<unknown>) =>
  asked.then(
    () => assert.fail("it was not refused"),
    (error) => [error.name === "Unknown" ? error.Code : error.name, error.$metadata.httpStatusCode],
  );
const md5 = (bytes: Uint8Array | string) => createHash("md5").update(bytes).digest("hex");

test("what is put is got, with its type, metadata, headers, ETag and checksum", async () => {
  const answer = await put("a/b.txt", "hello", {
    ContentType: "text/plain",
    Metadata: { colour: "blue" },
    CacheControl: "no-cache",
    ContentDisposition: "attachment",
    ContentLanguage: "en",
    ContentEncoding: "identity",
  });
  assert.equal(answer.ETag, `"${md5("hello")}"`);
  const got = await get("a/b.txt", { ChecksumMode: "ENABLED" });
  assert.equal(await got.Body!.transformToString(), "hello");
  assert.deepEqual(
    [got.ContentType, got.Metadata, got.CacheControl, got.ContentDisposition, got.ContentLanguage, got.ContentEncoding],
    ["text/plain", { colour: "blue" }, "no-cache", "attachment", "en", "identity"],
  );
  assert.deepEqual([got.ETag, got.ChecksumCRC32, got.ChecksumType], [`"${md5("hello")}"`, answer.ChecksumCRC32, "FULL_OBJECT"]);
  const head = await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: "a/b.txt" }));
  assert.deepEqual([head.ContentLength, head.ChecksumCRC32, head.AcceptRanges], [5, undefined, "bytes"]);
});

test("objects of any size come back as they were, whole and in ranges, small and streamed", async () => {
  for (const size of [0, 1, 64 * 1024, 64 * 1024 + 1, 300_000, 3_000_000]) {
    const content = randomBytes(size);
    await put(`size/${size}`, content);
    assert.ok((await bytesOf(`size/${size}`)).equals(content), `${size} bytes`);
    if (size < 2) continue;
    for (const [range, start, end] of [
      ["bytes=0-0", 0, 1],
      ["bytes=1-", 1, size],
      ["bytes=-3", size - 3, size],
      [`bytes=5-${size * 2}`, 5, size],
    ] as const) {
      const got = await get(`size/${size}`, { Range: range });
      assert.equal(got.ContentRange, `bytes ${start}-${end - 1}/${size}`);
      assert.ok(Buffer.from(await got.Body!.transformToByteArray()).equals(content.subarray(start, end)), `${size}: ${range}`);
    }
  }
});

test("a range behind the end is refused, several ranges and one that cannot be read give the whole", async () => {
  await put("ranges", "0123456789");
  assert.deepEqual(await codeOf(get("ranges", { Range: "bytes=10-" })), ["InvalidRange", 416]);
  assert.deepEqual(await codeOf(get("ranges", { Range: "bytes=-0" })), ["InvalidRange", 416]);
  for (const Range of ["bytes=0-1,4-5", "bytes=5-2", "lines=1-2", "bytes=-"])
    assert.equal((await bytesOf("ranges", { Range })).toString(), "0123456789", Range);
});

test("any key of up to 1,024 bytes is a plain name", async () => {
  const hard = [
    "..",
    "../../etc/passwd",
    "a//b",
    "a/./b",
    "/",
    "end/",
    "tab\tnew\nline\u0001",
    "+ %2F&=?#",
    "日本語/😀",
    "x".repeat(1024),
  ];
  const keys = fc.oneof(fc.constantFrom(...hard), fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 }));
  await fc.assert(
    fc.asyncProperty(keys, async (key) => {
      fc.pre(!key.includes("\0") && key.isWellFormed() && Buffer.byteLength(key) <= 1024);
      await put(key, key);
      assert.equal((await bytesOf(key)).toString(), key);
      const listed = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: key, EncodingType: "url", MaxKeys: 1 }));
      assert.equal(decodeURIComponent(listed.Contents![0]!.Key!), key);
    }),
    { numRuns: 60, examples: hard.map((key): [string] => [key]) },
  );
  assert.deepEqual(await codeOf(put("é".repeat(513), "x")), ["KeyTooLongError", 400]);
});

test("conditions of a read follow the precedence of HTTP", async () => {
  const { ETag } = await put("read-if", "x");
  const past = new Date(Date.now() - 3600_000);
  const future = new Date(Date.now() + 3600_000);
  const status = async (more: Partial<GetObjectCommandInput>) =>
    get("read-if", more).then(
      (answer) => answer.Body!.transformToByteArray().then(() => 200),
      (error) => error.$metadata.httpStatusCode,
    );
  assert.equal(await status({ IfMatch: ETag! }), 200);
  assert.equal(await status({ IfMatch: '"other"' }), 412);
  assert.equal(await status({ IfNoneMatch: ETag! }), 304);
  assert.equal(await status({ IfNoneMatch: '"other"' }), 200);
  assert.equal(await status({ IfModifiedSince: past }), 200);
  assert.equal(await status({ IfUnmodifiedSince: past }), 412);
  assert.equal(await status({ IfMatch: ETag!, IfUnmodifiedSince: past }), 200);
  assert.equal(await status({ IfNoneMatch: '"other"', IfModifiedSince: future }), 200);
  assert.equal(await status({ IfNoneMatch: `"other", ${ETag}` }), 304);
});

test("of many writers that each want to be the first of a key one is, and the others are told", async () => {
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, writer) => put("first", `writer ${writer}`, { IfNoneMatch: "*" })),
  );
  const winners = outcomes.flatMap(({ status }, writer) => (status === "fulfilled" ? [writer] : []));
  assert.equal(winners.length, 1);
  assert.equal((await bytesOf("first")).toString(), `writer ${winners[0]}`);
  for (const outcome of outcomes)
    if (outcome.status === "rejected")
      assert.deepEqual(await codeOf(Promise.reject(outcome.reason)), ["PreconditionFailed", 412]);
});

test("a write or delete with If-Match happens to that version alone; where nothing is the key is missing", async () => {
  const { ETag } = await put("write-if", "one");
  assert.deepEqual(await codeOf(put("write-if", "two", { IfMatch: '"other"' })), ["PreconditionFailed", 412]);
  assert.deepEqual(await codeOf(put("not-there", "two", { IfMatch: ETag! })), ["NoSuchKey", 404]);
  const { ETag: second } = await put("write-if", "two", { IfMatch: ETag! });
  const remove = (IfMatch: string) => s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: "write-if", IfMatch }));
  assert.deepEqual(await codeOf(remove(ETag!)), ["PreconditionFailed", 412]);
  await remove(second!);
  assert.deepEqual(await codeOf(get("write-if")), ["NoSuchKey", 404]);
});

test("the query of a read says other headers than the object's, but none that breaks out of a header", async () => {
  await put("override", "x", { ContentType: "text/plain" });
  const got = await get("override", { ResponseContentType: "a/b", ResponseContentDisposition: "inline" });
  assert.deepEqual([got.ContentType, got.ContentDisposition], ["a/b", "inline"]);
  assert.deepEqual(await codeOf(get("override", { ResponseContentType: "a\r\nset-cookie: x" })), ["InvalidArgument", 400]);
});

test("a copy shares the bytes, takes what is said of them or says anew, and goes across buckets", async () => {
  await put("source +/%.txt", "to be copied", { ContentType: "text/plain", Metadata: { a: "1" } });
  await door.repositories.create({ name: "elsewhere", actor: "tests", bucketBranch: "main" });
  const stored = async () => {
    let count = 0;
    for await (const _ of door.objects.list()) count++;
    return count;
  };
  const copy = (Bucket: string, Key: string, more: object = {}) =>
    s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${BUCKET}/${encodeURIComponent("source +/%.txt")}`, ...more }));
  const before = await stored();
  await copy("elsewhere", "kept");
  await copy("elsewhere", "said", { MetadataDirective: "REPLACE", Metadata: { b: "2" }, ContentType: "x/y" });
  const [kept, said] = await Promise.all(
    ["kept", "said"].map((Key) => s3.send(new GetObjectCommand({ Bucket: "elsewhere", Key }))),
  );
  assert.equal(await kept!.Body!.transformToString(), "to be copied");
  assert.deepEqual([kept!.Metadata, kept!.ContentType], [{ a: "1" }, "text/plain"]);
  assert.deepEqual([said!.Metadata, said!.ContentType, said!.ETag], [{ b: "2" }, "x/y", kept!.ETag]);
  assert.equal(await stored(), before);

  assert.deepEqual(await codeOf(copy("elsewhere", "x", { CopySourceIfMatch: '"other"' })), ["PreconditionFailed", 412]);
  assert.deepEqual(await codeOf(copy("elsewhere", "x", { CopySource: `${BUCKET}/missing` })), ["NoSuchKey", 404]);
  assert.deepEqual(await codeOf(copy(BUCKET, "source +/%.txt")), ["InvalidRequest", 400]);
  await copy(BUCKET, "source +/%.txt", { MetadataDirective: "REPLACE", Metadata: { c: "3" } });
  assert.deepEqual((await get("source +/%.txt")).Metadata, { c: "3" });
});

test("metadata beyond 2 KB, tags, foreign encryption, public grants and storage classes are refused, not lost in silence", async () => {
  assert.deepEqual(await codeOf(put("m", "x", { Metadata: { a: "y".repeat(2100) } })), ["MetadataTooLarge", 400]);
  assert.deepEqual(await codeOf(put("m", "x", { Tagging: "a=b" })), ["NotImplemented", 501]);
  assert.deepEqual(await codeOf(put("m", "x", { ServerSideEncryption: "aws:kms" })), ["NotImplemented", 501]);
  assert.deepEqual(await codeOf(put("m", "x", { ACL: "public-read" })), ["AccessControlListNotSupported", 400]);
  assert.deepEqual(await codeOf(put("m", "x", { StorageClass: "GLACIER" })), ["InvalidStorageClass", 400]);
  assert.deepEqual(await codeOf(get("m")), ["NoSuchKey", 404]);
  await put("m", "x", { ACL: "private", StorageClass: "STANDARD" });
});

test("a delete of what is not there succeeds; many are deleted in one request, quietly or not, each with its own outcome", async () => {
  await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: "never was" }));
  const keys = ["d/1", "d/2", "d/&<>\u0001", "d/4"];
  const etags = await Promise.all(keys.map(async (key) => (await put(key, key)).ETag!));
  const remove = (Objects: { Key: string; ETag?: string }[], Quiet = false) =>
    s3.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects, Quiet } }));
  const loud = await remove([{ Key: keys[0]! }, { Key: "d/none" }, { Key: keys[2]! }, { Key: keys[1]!, ETag: etags[0]! }]);
  assert.deepEqual(
    loud.Deleted?.map(({ Key }) => Key),
    ["d/1", "d/none", "d/&<>\u0001"],
  );
  assert.deepEqual(
    loud.Errors?.map(({ Key, Code }) => [Key, Code]),
    [["d/2", "PreconditionFailed"]],
  );
  const quiet = await remove([{ Key: keys[3]! }, { Key: "x".repeat(2000) }], true);
  assert.deepEqual([quiet.Deleted, quiet.Errors?.map(({ Code }) => Code)], [undefined, ["KeyTooLongError"]]);
  const left = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: "d/" }));
  assert.deepEqual(
    left.Contents?.map(({ Key }) => Key),
    ["d/2"],
  );
  const many = Array.from({ length: 1001 }, (_, index) => ({ Key: `d/${index}` }));
  assert.deepEqual(await codeOf(remove(many)), ["MalformedXML", 400]);
});

test("attributes of an object are told as they are asked for", async () => {
  await put("attributes", "12345");
  const found = await s3.send(
    new GetObjectAttributesCommand({ Bucket: BUCKET, Key: "attributes", ObjectAttributes: ["ETag", "ObjectSize", "Checksum"] }),
  );
  assert.deepEqual([found.ETag, found.ObjectSize, found.StorageClass], [md5("12345"), 5, undefined]);
  assert.equal(found.Checksum?.ChecksumCRC32, "y/U6HA==");
});
