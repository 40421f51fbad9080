import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketAclCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { openDoor, type TestDoor } from "./fixtures/open-door.ts";

let door: TestDoor;
let s3: S3Client;

before(async () => {
  door = await openDoor();
  s3 = door.client();
});
after(() => door.close());

const create = (Bucket: string) => s3.send(new CreateBucketCommand({ Bucket }));
const remove = (Bucket: string) => s3.send(new DeleteBucketCommand({ Bucket }));
const codeOf = (asked: Promise<unknown>) =>
  asked.then(
    () => assert.fail("it was not refused"),
    (error) => [error.name, error.$metadata.httpStatusCode],
  );

test("a bucket that is made is a repository that shows its branch main, until it is deleted", async () => {
  await create("photos");
  assert.equal((await door.repositories.of("photos").info()).bucketBranch, "main");
  const head = await s3.send(new HeadBucketCommand({ Bucket: "photos" }));
  assert.equal(head.BucketRegion, "us-east-1");
  assert.deepEqual(await codeOf(create("photos")), ["BucketAlreadyOwnedByYou", 409]);
  assert.deepEqual(await codeOf(create("photos.main")), ["BucketAlreadyOwnedByYou", 409]);

  await s3.send(new PutObjectCommand({ Bucket: "photos", Key: "x", Body: "x" }));
  assert.deepEqual(await codeOf(remove("photos")), ["BucketNotEmpty", 409]);
  await s3.send(new DeleteObjectCommand({ Bucket: "photos", Key: "x" }));
  assert.deepEqual(await codeOf(remove("photos.main")), ["MethodNotAllowed", 405]);
  await remove("photos");
  assert.deepEqual(await codeOf(s3.send(new HeadBucketCommand({ Bucket: "photos" }))), ["NotFound", 404]);
  assert.deepEqual(await codeOf(remove("photos")), ["NoSuchBucket", 404]);
  await create("photos");
});

test("a bucket whose history would be lost is not deleted as a bucket", async () => {
  await create("history");
  await s3.send(new PutObjectCommand({ Bucket: "history", Key: "x", Body: "x" }));
  await door.repositories.of("history").commit("main", { message: "x", author: "tests" });
  await s3.send(new DeleteObjectCommand({ Bucket: "history", Key: "x" }));
  await assert.rejects(remove("history"), (error: Error) => error.name === "BucketNotEmpty" && /commits/.test(error.message));
});

test("names that no bucket can have are refused", async () => {
  for (const name of ["ab", "Upper", "-a-", "a_b", "x".repeat(64), "has.dot"])
    assert.equal((await door.ask({ method: "PUT", url: `/${name}` })).status, 400, name);
});

test("buckets are listed by name, in pages and by prefix", async () => {
  for (const name of ["pages-a", "pages-b", "pages-c"]) await create(name);
  const first = await s3.send(new ListBucketsCommand({ Prefix: "pages-", MaxBuckets: 2 }));
  assert.deepEqual(
    first.Buckets?.map(({ Name }) => Name),
    ["pages-a", "pages-b"],
  );
  const rest = await s3.send(new ListBucketsCommand({ Prefix: "pages-", ContinuationToken: first.ContinuationToken! }));
  assert.deepEqual([rest.Buckets?.map(({ Name }) => Name), rest.ContinuationToken], [["pages-c"], undefined]);
  assert.ok(rest.Buckets![0]!.CreationDate! <= new Date());
});

test("what a bucket has beside objects is answered as by one that has none of it", async () => {
  await create("plain");
  assert.equal((await s3.send(new GetBucketLocationCommand({ Bucket: "plain" }))).LocationConstraint, undefined);
  assert.equal((await s3.send(new GetBucketVersioningCommand({ Bucket: "plain" }))).Status, undefined);
  assert.equal((await s3.send(new GetBucketAclCommand({ Bucket: "plain" }))).Grants?.[0]?.Permission, "FULL_CONTROL");
  for (const [name, code] of Object.entries({
    policy: "NoSuchBucketPolicy",
    cors: "NoSuchCORSConfiguration",
    lifecycle: "NoSuchLifecycleConfiguration",
    website: "NoSuchWebsiteConfiguration",
    tagging: "NoSuchTagSet",
    ownershipControls: "OwnershipControlsNotFoundError",
    publicAccessBlock: "NoSuchPublicAccessBlockConfiguration",
    encryption: "ServerSideEncryptionConfigurationNotFoundError",
    "object-lock": "ObjectLockConfigurationNotFoundError",
    replication: "ReplicationConfigurationNotFoundError",
  })) {
    const answer = await door.ask({ url: `/plain?${name}` });
    assert.deepEqual([answer.status, /<Code>(.*)<\/Code>/.exec(answer.body.toString())?.[1]], [404, code]);
    assert.equal((await door.ask({ url: `/missing?${name}` })).body.toString().includes("NoSuchBucket"), true);
  }
  await s3.send(new PutObjectCommand({ Bucket: "plain", Key: "x", Body: "x" }));
  assert.deepEqual((await s3.send(new GetObjectTaggingCommand({ Bucket: "plain", Key: "x" }))).TagSet, []);
  assert.deepEqual(await codeOf(s3.send(new GetObjectTaggingCommand({ Bucket: "plain", Key: "y" }))), ["NoSuchKey", 404]);
});

test("what is not offered is refused by its name", async () => {
  await create("limits");
  const versioning = (Status: "Enabled" | "Suspended") =>
    s3.send(new PutBucketVersioningCommand({ Bucket: "limits", VersioningConfiguration: { Status } }));
  await versioning("Suspended");
  assert.deepEqual(await codeOf(versioning("Enabled")), ["NotImplemented", 501]);
  for (const [method, name] of [
    ["PUT", "cors"],
    ["PUT", "lifecycle"],
    ["PUT", "policy"],
    ["PUT", "tagging"],
    ["GET", "inventory"],
    ["GET", "metrics"],
  ] as const) {
    const answer = await door.ask({ method, url: `/limits?${name}`, body: "" });
    assert.equal(answer.status, 501);
    assert.match(
      answer.body.toString(),
      new RegExp(`<Code>NotImplemented</Code><Message>${method} of a bucket with \\?${name} is not offered`),
    );
  }
  await s3.send(new PutObjectCommand({ Bucket: "limits", Key: "x", Body: "x" }));
  for (const url of ["/limits/x?torrent", "/limits/x?retention", "/limits/x?legal-hold"])
    assert.equal((await door.ask({ url })).status, 501, url);
  assert.equal((await door.ask({ method: "POST", url: "/limits/x?select&select-type=2", body: "" })).status, 501);
  assert.equal((await door.ask({ method: "PATCH", url: "/limits/x" })).status, 405);
  assert.equal((await door.ask({ method: "POST", url: "/" })).status, 405);
});
