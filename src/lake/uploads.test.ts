import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createFileObjects, type Objects } from "../ports/objects/index.ts";
import { openTestRecords } from "../ports/records/fixtures/open-test-records.ts";
import type { Records } from "../ports/records/index.ts";
import { createUploads, type Uploads } from "./uploads.ts";

let folder: string;
let records: Records;
let objects: Objects;
let uploads: Uploads;
let now = 1_000;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "mill-uploads-"));
  records = await openTestRecords(join(folder, "mill.db"));
  objects = createFileObjects(join(folder, "objects"));
  uploads = createUploads({ records, objects, clock: () => now });
});
after(async () => {
  await objects.close();
  await records.close();
  rmSync(folder, { recursive: true, force: true });
});

const begin = (repository: string, path: string, branch = "main") =>
  uploads.begin({ repository, branch, path, headers: "{}", actor: "tests" });

async function put(id: string, number: number, text: string) {
  const bytes = Buffer.from(text);
  const etag = createHash("md5").update(bytes).digest("hex");
  return uploads.putPart(id, {
    number,
    digest: await objects.put(bytes),
    sizeBytes: bytes.byteLength,
    etag,
    checksums: { crc32: "AAAAAA==" },
  });
}

test("parts are kept by number, the newest of each, and joined in the order given", async () => {
  const { id } = await begin("a", "x");
  await put(id, 3, "three");
  await put(id, 1, "old");
  const one = await put(id, 1, "one");
  const parts = await uploads.parts(id, { limit: 10 });
  assert.deepEqual(
    parts.map(({ number, sizeBytes }) => [number, sizeBytes]),
    [
      [1, 3],
      [3, 5],
    ],
  );
  assert.deepEqual(await uploads.parts(id, { after: 1, limit: 1 }), parts.slice(1));
  const joined = await uploads.join(parts);
  assert.equal(joined.sizeBytes, 8);
  assert.equal(Buffer.from(await objects.get(joined.digest)).toString(), "onethree");
  assert.deepEqual(await uploads.join([one]), { digest: one.digest, sizeBytes: 3 });
});

test("an upload ends once, whoever of many ends it, and then takes no part", async () => {
  const { id } = await begin("b", "x");
  await put(id, 1, "one");
  const ended = await Promise.all(Array.from({ length: 5 }, (_, index) => uploads.finish(id, `by ${index}`)));
  assert.equal(ended.filter(Boolean).length, 1);
  assert.equal((await uploads.find(id))?.completed, `by ${ended.indexOf(true)}`);
  assert.deepEqual(await uploads.parts(id, { limit: 10 }), []);
  await assert.rejects(put(id, 2, "two"), { code: "lake.unknown-upload" });
  await assert.rejects(uploads.abort(id), { code: "lake.unknown-upload" });
  await assert.rejects(put("none", 2, "two"), { code: "lake.unknown-upload" });
  assert.equal(await uploads.find("none"), null);
});

test("uploads under way are listed by key and age, of one branch or of all", async () => {
  const first = await begin("c", "k");
  now++;
  const second = await begin("c", "k");
  await begin("c", "k", "other");
  await begin("c", "é/😀");
  await uploads.abort((await begin("c", "gone")).id);
  const keys = async (options: Partial<Parameters<Uploads["list"]>[1]>) =>
    (await uploads.list("c", { branch: "main", limit: 10, ...options })).map(({ key }) => key);
  assert.deepEqual(await keys({}), ["k", "k", "é/😀"]);
  assert.deepEqual(await keys({ prefix: "é/" }), ["é/😀"]);
  assert.deepEqual(await keys({ after: { key: "k", id: first.id }, limit: 1 }), ["k"]);
  assert.deepEqual(await keys({ after: { key: "k", id: second.id } }), ["é/😀"]);
  assert.deepEqual(await keys({ branch: null }), ["main/k", "main/k", "main/é/😀", "other/k"]);
  assert.deepEqual(await keys({ branch: null, prefix: "other/" }), ["other/k"]);
});

test("what was left lying is aborted, and what ended long ago is forgotten", async () => {
  now = 10_000;
  const old = await begin("d", "old");
  await put(old.id, 1, "one");
  const done = await begin("d", "done");
  await uploads.finish(done.id, "{}");
  now = 20_000;
  const young = await begin("d", "young");
  assert.ok((await uploads.expire(15_000)) >= 1);
  assert.equal(await uploads.find(done.id), null);
  assert.deepEqual(await uploads.parts(old.id, { limit: 10 }), []);
  assert.equal((await uploads.find(old.id))?.endedAt, 20_000);
  assert.equal((await uploads.find(young.id))?.endedAt, null);
});
