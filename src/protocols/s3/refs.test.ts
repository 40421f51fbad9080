import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { Repository } from "../../lake/index.ts";
import { openDoor, type TestDoor } from "./fixtures/open-door.ts";

let door: TestDoor;
let s3: S3Client;
let images: Repository;

before(async () => {
  door = await openDoor();
  s3 = door.client();
  await door.repositories.create({ name: "images", actor: "tests" });
  images = door.repositories.of("images");
  await put("images", "main/cats/1.png", "one");
  await put("images", "main/dogs/1.png", "woof");
  await images.commit("main", { message: "first", author: "tests" });
  await images.createTag("v1", "main");
  await images.createBranch("fix-1", "main");
  await put("images", "main/cats/2.png", "two");
});
after(() => door.close());

const put = (Bucket: string, Key: string, Body: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body }));
const read = async (Bucket: string, Key: string) =>
  (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString();
const codeOf = (asked: Promise<unknown>) =>
  asked.then(
    () => assert.fail("it was not refused"),
    (error) => [error.name, error.$metadata.httpStatusCode],
  );
const list = async (Bucket: string, more: object = {}) => {
  const { Contents = [], CommonPrefixes = [], IsTruncated } = await s3.send(new ListObjectsV2Command({ Bucket, ...more }));
  return { keys: Contents.map(({ Key }) => Key), prefixes: CommonPrefixes.map(({ Prefix }) => Prefix), more: IsTruncated };
};

test("the first element of a key is a branch with what is staged on it, a tag or a commit", async () => {
  assert.equal(await read("images", "main/cats/2.png"), "two");
  assert.equal(await read("images", "v1/cats/1.png"), "one");
  const { id } = await images.commitOf("v1");
  assert.equal(await read("images", `${id.slice(7, 19)}/cats/1.png`), "one");
  assert.equal(await read("images", "main~0/cats/1.png"), "one");
  for (const key of ["v1/cats/2.png", "fix-1/cats/2.png", "unknown/cats/1.png", "main", "main/"])
    assert.deepEqual(await codeOf(read("images", key)), ["NoSuchKey", 404], key);
});

test("a bucket of the name REPOSITORY.REF shows that one ref as an ordinary bucket", async () => {
  assert.equal(await read("images.main", "cats/2.png"), "two");
  assert.equal(await read("images.v1", "cats/1.png"), "one");
  assert.deepEqual(await list("images.fix-1"), { keys: ["cats/1.png", "dogs/1.png"], prefixes: [], more: false });
  await s3.send(new HeadBucketCommand({ Bucket: "images.v1" }));
  assert.deepEqual(await codeOf(list("images.nothing")), ["NoSuchBucket", 404]);
  assert.deepEqual(await codeOf(s3.send(new HeadBucketCommand({ Bucket: "nothing.main" }))), ["NotFound", 404]);
});

test("refs are the folders at the top, page by page, and keys of a listing begin with theirs", async () => {
  for (const more of [{}, { Delimiter: "/" }])
    assert.deepEqual(await list("images", more), { keys: [], prefixes: ["fix-1/", "main/", "v1/"], more: false });
  assert.deepEqual((await list("images", { Prefix: "ma" })).prefixes, ["main/"]);
  const prefixes: string[] = [];
  for (let Marker: string | undefined; ; ) {
    const page = await s3.send(
      new ListObjectsCommand({ Bucket: "images", Delimiter: "/", MaxKeys: 1, ...(Marker !== undefined && { Marker }) }),
    );
    prefixes.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix!));
    if (!page.IsTruncated) break;
    Marker = page.NextMarker;
  }
  assert.deepEqual(prefixes, ["fix-1/", "main/", "v1/"]);

  assert.deepEqual((await list("images", { Prefix: "main/" })).keys, ["main/cats/1.png", "main/cats/2.png", "main/dogs/1.png"]);
  assert.deepEqual((await list("images", { Prefix: "main/", Delimiter: "/" })).prefixes, ["main/cats/", "main/dogs/"]);
  assert.deepEqual((await list("images", { Prefix: "v1/c" })).keys, ["v1/cats/1.png"]);
  assert.deepEqual((await list("images", { Prefix: "main/", StartAfter: "main/cats/1.png" })).keys.length, 2);
  assert.deepEqual((await list("images", { Prefix: "main/", StartAfter: "a" })).keys.length, 3);
  assert.deepEqual((await list("images", { Prefix: "main/", StartAfter: "n" })).keys, []);
  assert.deepEqual(await list("images", { Prefix: "unknown/" }), { keys: [], prefixes: [], more: false });
});

test("tags and commits are read-only, which is said; an unknown branch is no bucket to write to", async () => {
  const { id } = await images.commitOf("v1");
  for (const ref of ["v1", id.slice(7, 19)]) {
    assert.deepEqual(await codeOf(put("images", `${ref}/x`, "x")), ["AccessDenied", 403]);
    await assert.rejects(put(`images.${ref}`, "x", "x"), /never changes: write to a branch/);
    await assert.rejects(put("images", `${ref}/x`, "x".repeat(100_000)), /never changes/);
    assert.deepEqual(await codeOf(s3.send(new DeleteObjectCommand({ Bucket: "images", Key: `${ref}/cats/1.png` }))), [
      "AccessDenied",
      403,
    ]);
    const begin = s3.send(new CreateMultipartUploadCommand({ Bucket: "images", Key: `${ref}/x` }));
    assert.deepEqual(await codeOf(begin), ["AccessDenied", 403]);
  }
  assert.deepEqual(await codeOf(put("images", "unknown/x", "x")), ["NoSuchBucket", 404]);
  assert.deepEqual(await codeOf(put("images", "x", "x")), ["InvalidRequest", 400]);
});

test("a protected branch refuses writes in words that say so", async () => {
  await images.createBranch("kept", "main");
  await images.protect("kept", true);
  await assert.rejects(
    put("images", "kept/x", "x"),
    (error: Error) => error.name === "AccessDenied" && /protected/.test(error.message),
  );
  const many = await s3.send(
    new DeleteObjectsCommand({ Bucket: "images", Delete: { Objects: [{ Key: "kept/cats/1.png" }, { Key: "main/none" }] } }),
  );
  assert.deepEqual(
    many.Errors?.map(({ Key, Code }) => [Key, Code]),
    [["kept/cats/1.png", "AccessDenied"]],
  );
  assert.deepEqual(
    many.Deleted?.map(({ Key }) => Key),
    ["main/none"],
  );
});

test("a copy goes from a tag to a branch, which restores what was", async () => {
  await put("images", "main/cats/1.png", "spoilt");
  await s3.send(new CopyObjectCommand({ Bucket: "images.main", Key: "cats/1.png", CopySource: "images/v1/cats/1.png" }));
  assert.equal(await read("images", "main/cats/1.png"), "one");
  assert.deepEqual(await images.uncommitted("main", { limit: 10 }).then((found) => found.map(({ path }) => path)), [
    "cats/2.png",
  ]);
});

test("a folder of a branch's name can be made sure of, because it is there", async () => {
  await put("images", "main/", "");
  assert.deepEqual(await codeOf(put("images", "unknown/", "")), ["NoSuchBucket", 404]);
  await put("images", "main/folder/", "");
  const head = await s3.send(new HeadObjectCommand({ Bucket: "images", Key: "main/folder/" }));
  assert.equal(head.ContentLength, 0);
});

test("a key that may read reads, and cannot write", async () => {
  const reader = door.client(door.reader);
  await reader.send(new GetObjectCommand({ Bucket: "images", Key: "main/cats/1.png" }));
  assert.equal((await reader.send(new ListObjectsV2Command({ Bucket: "images.main" }))).KeyCount! > 0, true);
  for (const command of [
    new PutObjectCommand({ Bucket: "images", Key: "main/x", Body: "x" }),
    new DeleteObjectCommand({ Bucket: "images", Key: "main/cats/1.png" }),
    new CreateMultipartUploadCommand({ Bucket: "images", Key: "main/x" }),
  ])
    assert.deepEqual(await codeOf(reader.send(command as PutObjectCommand)), ["AccessDenied", 403]);
});
