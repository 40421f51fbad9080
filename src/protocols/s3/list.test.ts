import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ListObjectsCommand, ListObjectsV2Command, ListObjectVersionsCommand, type S3Client } from "@aws-sdk/client-s3";
import fc from "fast-check";
import { openDoor, type TestDoor } from "./fixtures/open-door.ts";

let door: TestDoor;
let s3: S3Client;

before(async () => {
  door = await openDoor();
  s3 = door.client();
});
after(() => door.close());

async function bucketOf(keys: readonly string[], options: { bucketBranch?: string } = { bucketBranch: "main" }): Promise<string> {
  const name = `list-${Math.random().toString(36).slice(2)}`;
  await door.repositories.create({ name, actor: "tests", ...options });
  const digest = await door.objects.put(Buffer.from("x"));
  const entry = { digest, sizeBytes: 1, etag: "9dd4e461268c8034f5c8564e155c67a6", modifiedMs: 1_000_000_000_000 };
  if (keys.length > 0)
    await door.repositories.of(name).stage(
      "main",
      keys.map((path) => ({ path, entry })),
    );
  return name;
}

type Shown = string[];

/** Every page, by the marker or token of the one before; percent-encoded, as clients of odd keys ask for it. */
async function all(
  Bucket: string,
  version: 1 | 2,
  options: { Prefix?: string; Delimiter?: string; MaxKeys: number },
): Promise<Shown> {
  const shown: Shown = [];
  const asked = { Bucket, EncodingType: "url" as const, ...options };
  let after: string | undefined;
  for (let pages = 0; pages < 1000; pages++) {
    const page =
      version === 2
        ? await s3.send(new ListObjectsV2Command({ ...asked, ...(after !== undefined && { ContinuationToken: after }) }))
        : await s3.send(new ListObjectsCommand({ ...asked, ...(after !== undefined && { Marker: after }) }));
    const keys = (page.Contents ?? []).map(({ Key }) => decodeURIComponent(Key!));
    const prefixes = (page.CommonPrefixes ?? []).map(({ Prefix }) => decodeURIComponent(Prefix!));
    assert.ok(keys.length + prefixes.length <= options.MaxKeys);
    shown.push(...keys, ...prefixes);
    if (!page.IsTruncated) return shown;
    const { NextContinuationToken, NextMarker } = page as { NextContinuationToken?: string; NextMarker?: string };
    after = NextContinuationToken ?? (NextMarker === undefined ? keys.at(-1) : decodeURIComponent(NextMarker));
    assert.ok(after);
  }
  assert.fail("the listing does not end");
}

function expected(keys: readonly string[], prefix = "", delimiter?: string): Shown {
  const shown = keys
    .filter((key) => key.startsWith(prefix))
    .map((key) => {
      const cut = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
      return cut < 0 ? key : key.slice(0, cut + delimiter!.length);
    });
  return [...new Set(shown)];
}

test("both listings show what a naive one shows, whatever the prefix, the delimiter and the size of a page", async () => {
  const piece = fc.constantFrom("a", "b", "/", "-", "//", "é", "😀", "\uffff", "%", " ", "+", "&", "\u0001", "\n");
  const text = (min: number, max: number) => fc.array(piece, { minLength: min, maxLength: max }).map((pieces) => pieces.join(""));
  const keys = fc.uniqueArray(text(1, 5), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      keys,
      fc.option(text(0, 2), { nil: undefined }),
      fc.option(fc.constantFrom("/", "a", "//", "-a", "é"), { nil: undefined }),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      async (keys, prefix, delimiter, MaxKeys, byRef) => {
        const name = await bucketOf(keys, byRef ? {} : { bucketBranch: "main" });
        const before = byRef ? "main/" : "";
        const shown = byRef ? keys.map((key) => before + key) : keys;
        for (const version of [1, 2] as const) {
          const found = await all(name, version, {
            ...((byRef || prefix !== undefined) && { Prefix: before + (prefix ?? "") }),
            ...(delimiter !== undefined && { Delimiter: delimiter }),
            MaxKeys,
          });
          assert.deepEqual([...found].sort(), expected(shown, before + (prefix ?? ""), delimiter).sort());
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("keys come in the order of their UTF-8 bytes, and a page never has more than a thousand", async () => {
  const ordered = ["a", "a-b", "a/", "a/b", "b", "é", "\uffee", "😀"];
  const name = await bucketOf([...ordered].reverse());
  assert.deepEqual(await all(name, 2, { MaxKeys: 3 }), ordered);
  const many = await bucketOf(Array.from({ length: 1001 }, (_, index) => `k${index}`));
  const page = await s3.send(new ListObjectsV2Command({ Bucket: many, MaxKeys: 5000 }));
  assert.deepEqual([page.Contents?.length, page.KeyCount, page.MaxKeys, page.IsTruncated], [1000, 1000, 1000, true]);
});

test("a page of no keys is empty and not truncated; a count that is none is refused", async () => {
  const name = await bucketOf(["a", "b"]);
  const none = await s3.send(new ListObjectsV2Command({ Bucket: name, MaxKeys: 0 }));
  assert.deepEqual([none.Contents, none.KeyCount, none.IsTruncated], [undefined, 0, false]);
  for (const bad of ["-1", "x", "1.5", "99999999999"])
    assert.equal((await door.ask({ url: `/${name}?max-keys=${bad}` })).status, 400, bad);
  assert.equal((await door.ask({ url: `/${name}?list-type=2&continuation-token=nonsense` })).status, 400);
  assert.equal((await door.ask({ url: `/${name}?encoding-type=rot13` })).status, 400);
  assert.equal((await door.ask({ url: "/nothing-here?list-type=2" })).status, 404);
  assert.equal((await door.ask({ url: "/nothing-here?list-type=2&max-keys=0" })).status, 404);
});

test("the first listing names the next marker only with a delimiter; a token stands before start-after", async () => {
  const name = await bucketOf(["a", "b/c", "b/d", "c"]);
  const plain = await s3.send(new ListObjectsCommand({ Bucket: name, MaxKeys: 2 }));
  assert.deepEqual([plain.IsTruncated, plain.NextMarker], [true, undefined]);
  const folded = await s3.send(new ListObjectsCommand({ Bucket: name, MaxKeys: 2, Delimiter: "/" }));
  assert.deepEqual([folded.NextMarker, folded.CommonPrefixes], ["b/", [{ Prefix: "b/" }]]);
  const behind = await s3.send(new ListObjectsV2Command({ Bucket: name, StartAfter: "b/c", FetchOwner: true }));
  assert.deepEqual(
    behind.Contents?.map(({ Key, Owner }) => [Key, Owner?.ID]),
    [
      ["b/d", "millwright"],
      ["c", "millwright"],
    ],
  );
  const first = await s3.send(new ListObjectsV2Command({ Bucket: name, MaxKeys: 1 }));
  const second = await s3.send(
    new ListObjectsV2Command({ Bucket: name, StartAfter: "c", ContinuationToken: first.NextContinuationToken! }),
  );
  assert.deepEqual(
    second.Contents?.map(({ Key }) => Key),
    ["b/c", "b/d", "c"],
  );
});

test("keys are percent-encoded where that is asked for, and control characters survive where it is not", async () => {
  const name = await bucketOf(["a b+/é", "x\u0001y"]);
  const encoded = (await door.ask({ url: `/${name}?encoding-type=url&prefix=a%20b%2B&marker=%01` })).body.toString();
  assert.match(encoded, /<Key>a%20b%2B\/%C3%A9<\/Key>/);
  assert.match(encoded, /<Prefix>a%20b%2B<\/Prefix><Marker>%01<\/Marker>|<Prefix>a%20b%2B<\/Prefix>.*<Marker>%01<\/Marker>/);
  const plain = (await door.ask({ url: `/${name}?marker=%0A` })).body.toString();
  assert.match(plain, /<Marker>&#xA;<\/Marker>/);
  assert.match(plain, /<Key>x&#x1;y<\/Key>/);
  const formed = (await door.ask({ url: `/${name}?prefix=a+b` })).body.toString();
  assert.match(formed, /<Prefix>a b<\/Prefix>/);
});

test("each key has the one version null, in pages", async () => {
  const name = await bucketOf(["a", "b", "c"]);
  const first = await s3.send(new ListObjectVersionsCommand({ Bucket: name, MaxKeys: 2 }));
  assert.deepEqual(
    first.Versions?.map(({ Key, VersionId, IsLatest }) => [Key, VersionId, IsLatest]),
    [
      ["a", "null", true],
      ["b", "null", true],
    ],
  );
  const second = await s3.send(
    new ListObjectVersionsCommand({ Bucket: name, KeyMarker: first.NextKeyMarker!, VersionIdMarker: first.NextVersionIdMarker! }),
  );
  assert.deepEqual([second.Versions?.map(({ Key }) => Key), second.IsTruncated], [["c"], false]);
});
