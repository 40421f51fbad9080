/** The SDK of AWS for JavaScript, as its users call it, in the same places as the other clients. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent } from "node:https";
import { test } from "node:test";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { openClientDoor } from "./fixtures/start-clients.ts";

const NAMES = [
  "plain",
  "sp ace",
  "pl+us",
  "per%20cent%",
  "ünïcode-日本-😀",
  "a&b=c;d",
  "quotes'\"<>",
  "double//slash",
  "a/../b",
  "trailing/",
];
const MIB = 1024 ** 2;

for (const [kind, scheme] of [
  ["branch", "http"],
  ["refs", "http"],
  ["dotted", "https"],
] as const)
  test(`the SDK for JavaScript over ${scheme}, bucket of kind ${kind}: names, pages, ranges, parts, copies, conditions, deletes, a tag`, async () => {
    const client = await openClientDoor({ https: scheme === "https" });
    const { bucket: Bucket, prefix, tagBucket, tagPrefix } = await client.place(kind);
    const s3 = new S3Client({
      endpoint: client.door.url,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId: client.door.key.id, secretAccessKey: client.door.key.secret },
      ...(client.certificate && { requestHandler: { httpsAgent: new Agent({ ca: readFileSync(client.certificate) }) } }),
    });
    const get = async (Key: string, more = {}) =>
      Buffer.from(await (await s3.send(new GetObjectCommand({ Bucket, Key, ...more }))).Body!.transformToByteArray());
    const list = async (Prefix: string) => {
      const keys: string[] = [];
      for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix }))
        for (const { Key } of Contents) keys.push(Key!);
      return keys;
    };

    const keys = NAMES.map((name) => `${prefix}sdk/${name}`);
    for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key, Metadata: { n: "1" } }));
    for (const Key of keys) assert.equal((await get(Key)).toString(), Key);
    assert.deepEqual(
      await list(`${prefix}sdk/`),
      keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    );
    assert.equal((await list(`${prefix}many/`)).length, 2500);
    assert.equal((await get(keys[0]!, { Range: "bytes=-3" })).toString(), "ain");

    const Key = `${prefix}parts ü`;
    const parts = [randomBytes(5 * MIB), randomBytes(1000)];
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: "CRC32" }));
    const Parts = [];
    for (const [index, Body] of parts.entries()) {
      const part = await s3.send(
        new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: index + 1, Body, ChecksumAlgorithm: "CRC32" }),
      );
      Parts.push({ PartNumber: index + 1, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 });
    }
    const CopySource = encodeURIComponent(`${Bucket}/${Key}`);
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
    assert.ok((await get(Key)).equals(Buffer.concat(parts)));
    const again = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: `${Key}-2` }));
    const copied = await s3.send(
      new UploadPartCopyCommand({
        Bucket,
        Key: `${Key}-2`,
        UploadId: again.UploadId,
        PartNumber: 1,
        CopySource,
        CopySourceRange: "bytes=5-1004",
      }),
    );
    const one = { PartNumber: 1, ETag: copied.CopyPartResult!.ETag };
    await s3.send(
      new CompleteMultipartUploadCommand({
        Bucket,
        Key: `${Key}-2`,
        UploadId: again.UploadId,
        MultipartUpload: { Parts: [one] },
      }),
    );
    assert.ok((await get(`${Key}-2`)).equals(parts[0]!.subarray(5, 1005)));
    await s3.send(
      new CopyObjectCommand({ Bucket, Key: `${Key}-3`, CopySource, MetadataDirective: "REPLACE", Metadata: { m: "2" } }),
    );
    assert.deepEqual((await s3.send(new HeadObjectCommand({ Bucket, Key: `${Key}-3` }))).Metadata, { m: "2" });

    await assert.rejects(s3.send(new PutObjectCommand({ Bucket, Key, Body: "x", IfNoneMatch: "*" })), {
      name: "PreconditionFailed",
    });
    const deleted = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }));
    assert.deepEqual([deleted.Deleted!.length, deleted.Errors], [keys.length, undefined]);
    assert.deepEqual(await list(`${prefix}sdk/`), []);
    const tagged = { Bucket: tagBucket, Key: `${tagPrefix}tagged.txt` };
    assert.equal(await (await s3.send(new GetObjectCommand(tagged))).Body!.transformToString(), "as it was");
    await assert.rejects(
      s3.send(new PutObjectCommand({ ...tagged, Body: "new" })),
      /is a tag, which never changes: write to a branch/,
    );
    s3.destroy();
    await client.close();
  });
