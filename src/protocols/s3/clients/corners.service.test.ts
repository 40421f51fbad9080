/**
 * Corners of S3 that clients lean on, in the spirit of ceph's s3-tests: what the door does stands in `corners.json`, and where a RADOS gateway
 * (`.ci/s3-server`) does otherwise is listed here and told in the README.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { type ClientDoor, type ClientPlace, clientPath, missingPackage, openClientDoor } from "./fixtures/start-clients.ts";

let client: ClientDoor;
const skip = missingPackage("boto3");
const expected: Found = JSON.parse(readFileSync(join(import.meta.dirname, "corners.json"), "utf8"));

/** Corner or "corner/case": what the gateway does not do as AWS documents it, or does another way. */
const GATEWAY_DIFFERS = [
  "bodies_that_were_damaged/kept",
  "bodies_that_were_damaged/wrong crc32",
  "bodies_that_were_damaged/wrong sha256",
  "conditions_of_reads/match any",
  "conditions_of_writes/content",
  "conditions_of_writes/match",
  "conditions_of_writes/match, not there",
  "copies/if match another",
  "copies/if none match",
  "deletes/more than 1000",
  "deletes/none",
  "max_keys_negative",
  "metadata_too_large",
  "next_marker_only_with_a_delimiter",
  "ranges/bytes=-0",
  "ranges/bytes=0-1,4-5",
  "ranges/bytes=7-4",
  "ranges/bytes=abc",
  "ranges/lines=1-2",
  "token_that_is_none",
  "uploads_in_parts/number 0",
  "uploads_in_parts/number 10001",
  "uploads_in_parts/order",
  "uploads_in_parts/second part",
  "uploads_in_parts/third part",
  "what_is_not_there/version",
  "what_is_not_there/website",
];

before(async () => {
  if (!skip) client = await openClientDoor();
});
after(() => client?.close());

type Found = Readonly<Record<string, unknown>>;

async function ask(place: Pick<ClientPlace, "bucket" | "prefix">, env: Readonly<Record<string, string>> = {}): Promise<Found> {
  const program = join(import.meta.dirname, "corners_program.py");
  const where = { S3_BUCKET: place.bucket, S3_PREFIX: place.prefix, ...env };
  return JSON.parse((await client.must(clientPath("python/bin/python"), [program], where)).stdout);
}

/** One level down, where a corner has cases. */
const cases = (found: Found): Map<string, string> =>
  new Map(
    Object.entries(found).flatMap(([corner, value]) =>
      value !== null && typeof value === "object" && !Array.isArray(value)
        ? Object.entries(value).map(([name, one]) => [`${corner}/${name}`, JSON.stringify(one)] as const)
        : [[corner, JSON.stringify(value)] as const],
    ),
  );

for (const kind of ["branch", "refs", "dotted"] as const)
  test(`corners of listings, ranges, conditions, copies, parts and deletes are as they are told: bucket of kind ${kind}`, {
    skip,
  }, async () => {
    const found = cases(await ask(await client.place(kind)));
    for (const [name, value] of cases(expected)) assert.equal(found.get(name), value, name);
    assert.equal(found.size, cases(expected).size);
  });

const gateway = process.env.MILL_TEST_S3;
const skipGateway = skip || (gateway ? false : "MILL_TEST_S3 names no S3 server: `.ci/s3-server start DIR` starts one");

test("a RADOS gateway does the same in all corners but the ones that are listed", { skip: skipGateway }, async () => {
  const { origin, username, password } = new URL(gateway!);
  const credentials = { accessKeyId: decodeURIComponent(username), secretAccessKey: decodeURIComponent(password) };
  const bucket = `corners-${Date.now()}`;
  const s3 = new S3Client({ endpoint: origin, region: "us-east-1", forcePathStyle: true, credentials });
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  s3.destroy();
  const found = cases(
    await ask(
      { bucket, prefix: "p/" },
      { S3_URL: origin, AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
    ),
  );
  const differs = [...cases(expected)].filter(([name, value]) => found.get(name) !== value).map(([name]) => name);
  assert.deepEqual(differs.sort(), GATEWAY_DIFFERS.toSorted());
});
