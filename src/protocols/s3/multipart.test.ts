import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { checksumOf, compositeChecksum } from "./checksums.ts";
import { openDoor, type TestDoor } from "./fixtures/open-door.ts";

const Bucket = "uploads";
const MIB = 1024 ** 2;
const FIRST = randomBytes(5 * MIB);
const LAST = randomBytes(1000);

let door: TestDoor;
let s3: S3Client;

before(async () => {
  door = await openDoor();
  s3 = door.client();
  await door.repositories.create({ name: Bucket, actor: "tests", bucketBranch: "main" });
});
after(() => door.close());

const begin = async (Key: string, more: Partial<CreateMultipartUploadCommandInput> = {}) =>
  (await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))).UploadId!;
const part = (Key: string, UploadId: string, PartNumber: number, Body: Uint8Array | string) =>
  s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
type Named = NonNullable<NonNullable<CompleteMultipartUploadCommandInput["MultipartUpload"]>["Parts"]>;
const complete = (Key: string, UploadId: string, Parts: Named, more: Partial<CompleteMultipartUploadCommandInput> = {}) =>
  s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }));
const read = async (Key: string, more: object = {}) =>
  Buffer.from(await (await s3.send(new GetObjectCommand({ Bucket, Key, ...more }))).Body!.transformToByteArray());
const codeOf = (asked: Promise<unknown>) =>
  asked.then(
    () => assert.fail("it was not refused"),
    (error) => [error.name, error.$metadata.httpStatusCode],
  );
const md5 = (bytes: Uint8Array | string) => createHash("md5").update(bytes).digest();

/** Begun, with two parts in it. */
async function twoParts(key: string, more: Partial<CreateMultipartUploadCommandInput> = {}) {
  const id = await begin(key, more);
  const [one, two] = [await part(key, id, 1, FIRST), await part(key, id, 2, LAST)];
  return {
    id,
    parts: [
      { PartNumber: 1, ETag: one.ETag! },
      { PartNumber: 2, ETag: two.ETag! },
    ],
  };
}

test("parts become one object with the ETag of parts, and each can be asked for again", async () => {
  const { id, parts } = await twoParts("joined", { ContentType: "x/y", Metadata: { a: "1" } });
  const done = await complete("joined", id, parts);
  const etag = `"${md5(Buffer.concat([md5(FIRST), md5(LAST)])).toString("hex")}-2"`;
  assert.deepEqual([done.ETag, done.Key, done.Bucket], [etag, "joined", Bucket]);
  assert.ok((await read("joined")).equals(Buffer.concat([FIRST, LAST])));
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "joined" }));
  assert.deepEqual([head.ContentType, head.Metadata, head.ETag, head.ContentLength], ["x/y", { a: "1" }, etag, 5 * MIB + 1000]);

  const second = await s3.send(new GetObjectCommand({ Bucket, Key: "joined", PartNumber: 2 }));
  assert.ok(Buffer.from(await second.Body!.transformToByteArray()).equals(LAST));
  assert.deepEqual([second.PartsCount, second.ContentRange], [2, `bytes ${5 * MIB}-${5 * MIB + 999}/${5 * MIB + 1000}`]);
  assert.deepEqual(await codeOf(read("joined", { PartNumber: 3 })), ["InvalidPartNumber", 416]);
  const attributes = await s3.send(new GetObjectAttributesCommand({ Bucket, Key: "joined", ObjectAttributes: ["ObjectParts"] }));
  assert.deepEqual(
    attributes.ObjectParts?.Parts?.map(({ Size }) => Size),
    [5 * MIB, 1000],
  );
});

test("completing again gives the same answer, also at the same time; other parts do not", async () => {
  const { id, parts } = await twoParts("again");
  const [one, two] = await Promise.all([complete("again", id, parts), complete("again", id, parts)]);
  const three = await complete("again", id, parts, { IfNoneMatch: "*" });
  assert.deepEqual([two.ETag, three.ETag], [one.ETag, one.ETag]);
  assert.deepEqual(await codeOf(complete("again", id, parts.slice(0, 1))), ["NoSuchUpload", 404]);
  assert.deepEqual(await codeOf(part("again", id, 3, "x")), ["NoSuchUpload", 404]);
});

test("parts in another order, unknown, changed, too small or none are refused, and the upload stays", async () => {
  const { id, parts } = await twoParts("refused");
  const [one, two] = parts as [Named[0], Named[0]];
  assert.deepEqual(await codeOf(complete("refused", id, [two, one])), ["InvalidPartOrder", 400]);
  assert.deepEqual(await codeOf(complete("refused", id, [one, one])), ["InvalidPartOrder", 400]);
  assert.deepEqual(await codeOf(complete("refused", id, [one, { PartNumber: 3, ETag: two.ETag! }])), ["InvalidPart", 400]);
  assert.deepEqual(await codeOf(complete("refused", id, [{ PartNumber: 1, ETag: two.ETag! }])), ["InvalidPart", 400]);
  assert.deepEqual(await codeOf(complete("refused", id, [])), ["MalformedXML", 400]);
  assert.deepEqual(await codeOf(complete("refused", id, parts, { MpuObjectSize: 7 })), ["InvalidRequest", 400]);
  const three = await part("refused", id, 3, "end");
  const small = [...parts, { PartNumber: 3, ETag: three.ETag! }];
  assert.deepEqual(await codeOf(complete("refused", id, small)), ["EntityTooSmall", 400]);
  assert.deepEqual(await codeOf(read("refused")), ["NoSuchKey", 404]);
  await complete("refused", id, parts);
});

test("a part sent again replaces the one before, and a part that is not named is left out", async () => {
  const id = await begin("replaced");
  await part("replaced", id, 1, "first");
  const again = await part("replaced", id, 1, "second");
  await part("replaced", id, 9, "left out");
  await complete("replaced", id, [{ PartNumber: 1, ETag: again.ETag! }]);
  assert.equal((await read("replaced")).toString(), "second");
});

test("conditions hold at the moment of completing", async () => {
  const { id, parts } = await twoParts("conditional");
  await s3.send(new PutObjectCommand({ Bucket, Key: "conditional", Body: "first" }));
  assert.deepEqual(await codeOf(complete("conditional", id, parts, { IfNoneMatch: "*" })), ["PreconditionFailed", 412]);
  assert.deepEqual(await codeOf(complete("conditional", id, parts, { IfMatch: '"other"' })), ["PreconditionFailed", 412]);
  const { ETag } = await s3.send(new HeadObjectCommand({ Bucket, Key: "conditional" }));
  await complete("conditional", id, parts, { IfMatch: ETag! });
});

test("checksums of the whole are made of the parts', composite or full, and a wrong one is refused", async () => {
  const whole = Buffer.concat([FIRST, LAST]);
  for (const [algorithm, type] of [
    ["crc32", "COMPOSITE"],
    ["crc32", "FULL_OBJECT"],
    ["crc32c", "FULL_OBJECT"],
    ["crc64nvme", "FULL_OBJECT"],
    ["sha1", "COMPOSITE"],
    ["sha256", "COMPOSITE"],
  ] as const) {
    const key = `checksum/${algorithm}/${type}`;
    const named = { ChecksumAlgorithm: algorithm.toUpperCase() as "CRC32", ChecksumType: type };
    const { id, parts } = await twoParts(key, named);
    const values = [FIRST, LAST].map((bytes) => checksumOf(algorithm, bytes));
    const expected = type === "COMPOSITE" ? compositeChecksum(algorithm, values) : checksumOf(algorithm, whole);
    const field = `Checksum${algorithm.toUpperCase()}` as "ChecksumCRC32";
    const wrong = complete(key, id, parts, { [field]: checksumOf(algorithm, LAST) });
    assert.deepEqual(await codeOf(wrong), ["BadDigest", 400], key);
    const done = await complete(key, id, parts, { [field]: expected, ChecksumType: type });
    assert.deepEqual([done[field], done.ChecksumType], [expected, type], key);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: key, ChecksumMode: "ENABLED" }));
    assert.deepEqual([head[field], head.ChecksumType], [expected, type], key);
  }
  assert.deepEqual(await codeOf(begin("x", { ChecksumAlgorithm: "SHA256", ChecksumType: "FULL_OBJECT" })), [
    "InvalidRequest",
    400,
  ]);
  assert.deepEqual(await codeOf(begin("x", { ChecksumAlgorithm: "CRC64NVME", ChecksumType: "COMPOSITE" })), [
    "InvalidRequest",
    400,
  ]);
});

test("parts are copied out of objects, whole or a range of them; a range outside is refused", async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: "from", Body: FIRST }));
  const id = await begin("copied", { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" });
  const copy = async (PartNumber: number, CopySourceRange?: string, CopySource = `${Bucket}/from`) =>
    (
      await s3.send(
        new UploadPartCopyCommand({
          ...{ Bucket, Key: "copied", UploadId: id, PartNumber, CopySource },
          ...(CopySourceRange !== undefined && { CopySourceRange }),
        }),
      )
    ).CopyPartResult!.ETag!;
  const [one, two] = [await copy(1), await copy(2, "bytes=10-19")];
  for (const [range, code] of [
    ["bytes=0-", "InvalidArgument"],
    ["bytes=5-1", "InvalidArgument"],
    ["0-5", "InvalidArgument"],
    [`bytes=0-${5 * MIB}`, "InvalidRange"],
  ] as const)
    assert.equal((await codeOf(copy(3, range)))[0], code, range);
  assert.equal((await codeOf(copy(3, undefined, `${Bucket}/missing`)))[0], "NoSuchKey");
  const done = await complete("copied", id, [
    { PartNumber: 1, ETag: one },
    { PartNumber: 2, ETag: two },
  ]);
  const expected = Buffer.concat([FIRST, FIRST.subarray(10, 20)]);
  assert.ok((await read("copied")).equals(expected));
  assert.equal(done.ChecksumCRC32, checksumOf("crc32", expected));
});

test("an aborted upload is gone, with its parts", async () => {
  const { id, parts } = await twoParts("aborted");
  const abort = () => s3.send(new AbortMultipartUploadCommand({ Bucket, Key: "aborted", UploadId: id }));
  await abort();
  assert.deepEqual(await codeOf(abort()), ["NoSuchUpload", 404]);
  assert.deepEqual(await codeOf(complete("aborted", id, parts)), ["NoSuchUpload", 404]);
  assert.deepEqual(await door.uploads.parts(id, { limit: 10 }), []);
  assert.deepEqual(await codeOf(part("aborted", "no-such-id", 1, "x")), ["NoSuchUpload", 404]);
  const other = await begin("other-key");
  assert.deepEqual(await codeOf(part("aborted", other, 1, "x")), ["NoSuchUpload", 404]);
});

test("parts and uploads are listed in pages", async () => {
  const id = await begin("paged");
  for (const number of [1, 5, 7]) await part("paged", id, number, `part ${number}`);
  const list = (more: object) => s3.send(new ListPartsCommand({ Bucket, Key: "paged", UploadId: id, ...more }));
  const first = await list({ MaxParts: 2 });
  assert.deepEqual(
    [first.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size]), first.IsTruncated],
    [
      [
        [1, 6],
        [5, 6],
      ],
      true,
    ],
  );
  const rest = await list({ PartNumberMarker: first.NextPartNumberMarker });
  assert.deepEqual([rest.Parts?.map(({ PartNumber }) => PartNumber), rest.IsTruncated], [[7], false]);

  await door.repositories.create({ name: "many", actor: "tests", bucketBranch: "main" });
  for (const Key of ["a", "b/1", "b/2", "c", "c"]) await s3.send(new CreateMultipartUploadCommand({ Bucket: "many", Key }));
  const shown: (string | undefined)[] = [];
  let marker: object = {};
  for (let pages = 0; pages < 10; pages++) {
    const page = await s3.send(new ListMultipartUploadsCommand({ Bucket: "many", MaxUploads: 1, Delimiter: "/", ...marker }));
    shown.push(...(page.Uploads ?? []).map(({ Key }) => Key), ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix));
    if (!page.IsTruncated) break;
    marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
  assert.deepEqual(shown, ["a", "b/", "c", "c"]);
  const within = await s3.send(new ListMultipartUploadsCommand({ Bucket: "many", Prefix: "b/" }));
  assert.deepEqual(
    within.Uploads?.map(({ Key }) => Key),
    ["b/1", "b/2"],
  );
});

test("a part's number is 1 to 10,000", async () => {
  const id = await begin("numbers");
  for (const number of [0, 10_001]) assert.deepEqual(await codeOf(part("numbers", id, number, "x")), ["InvalidArgument", 400]);
  const last = await part("numbers", id, 10_000, "x");
  await complete("numbers", id, [{ PartNumber: 10_000, ETag: last.ETag! }]);
});
