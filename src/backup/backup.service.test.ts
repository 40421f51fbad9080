import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { digestOf } from "../base/index.ts";
import { newBucket, skip } from "../ports/objects/fixtures/s3-server.ts";
import { newFolder, openAt, openFilled, placesOf } from "./fixtures/workspaces.ts";
import { restoreBackup, takeBackup } from "./index.ts";

const version = "0.1.0";

/** A workspace whose objects lie in a bucket of its own. */
async function placesOnS3() {
  const { credentials, ...bucket } = await newBucket();
  process.env.AWS_ACCESS_KEY_ID = credentials!.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = credentials!.secretAccessKey;
  const own = placesOf(newFolder("on-s3"));
  await mkdir(own.workspace, { recursive: true, mode: 0o700 });
  const cacheFolder = join(own.workspace, "cache");
  return {
    ...own,
    store: { kind: "s3" as const, ...bucket, prefix: "mill", cacheFolder, cacheBytes: 1 << 26, encrypted: false },
  };
}

test("objects on S3 stay there: the restored workspace finds them, and one that is gone is told before anything is restored", {
  skip,
}, async () => {
  const original = await openFilled(await placesOnS3());
  const backup = newFolder("backup");
  const { objects } = await takeBackup(backup, original.places, { version });
  assert.equal(objects.copied, false);
  const at = (workspace: string) => ({
    ...placesOf(workspace),
    store: { ...original.places.store, cacheFolder: join(workspace, "cache") },
  });
  const restored = at(newFolder("restored"));
  await restoreBackup(backup, restored);
  const open = await openAt(restored);
  assert.equal(Buffer.from(await open.objects.get(digestOf("staged"))).toString(), "staged");
  await open.close();

  await original.objects.remove(digestOf("staged"));
  await assert.rejects(restoreBackup(backup, at(newFolder("lacking"))), {
    code: "backup.object-missing",
    at: digestOf("staged"),
  });
  await original.close();
});

test("objects on S3 are copied when asked, and restored into a folder", { skip }, async () => {
  const original = await openFilled(await placesOnS3());
  const backup = newFolder("backup");
  const { objects } = await takeBackup(backup, original.places, { version, copyObjects: true });
  assert.deepEqual([objects.copied, objects.count > 60], [true, true]);
  await original.close();
  const restored = placesOf(newFolder("restored"));
  await restoreBackup(backup, restored);
  const open = await openAt(restored);
  for await (const line of open.lake.verify({ content: true })) assert.notEqual(line.event, "fault", JSON.stringify(line));
  await open.close();

  const onto = { ...placesOf(newFolder("onto")), store: original.places.store };
  await assert.rejects(restoreBackup(backup, onto), { code: "backup.not-empty" });
});
