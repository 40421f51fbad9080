/** Collection where the objects lie on a real S3 server; skipped without one. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { newBucket, skip } from "../../ports/objects/fixtures/s3-server.ts";
import { openObjects } from "../../ports/objects/index.ts";
import { GRACE_MS } from "./collect.ts";
import { openStored } from "./fixtures/stored.ts";
import { writeRetention } from "./retention.ts";

const root = mkdtempSync(join(tmpdir(), "mill-collect-s3-"));
after(() => rmSync(root, { recursive: true, force: true }));

test("a collection frees what no branch names and leaves every other object, and is told by its proof", { skip }, async () => {
  let aheadMs = 0;
  const { credentials, ...bucket } = await newBucket();
  const cache = { cacheFolder: join(root, "cache"), cacheBytes: 50e6 };
  const stored = () => openObjects({ kind: "s3", prefix: "objects", encrypted: false, ...bucket, ...cache }, { credentials });
  await using lake = await openStored({ clock: () => Date.now() + aheadMs, wrap: stored });
  await lake.repositories.create({ name: "photos", actor: "tests" });
  await writeRetention(lake.records, "photos", { keepDays: 1 });
  const photos = lake.repositories.of("photos");
  const names = Array.from({ length: 300 }, (_, at) => `photo-${at}`);
  const entries = await Promise.all(names.map((name) => lake.put(name)));
  await photos.stage(
    "main",
    names.map((path, at) => ({ path, entry: entries[at]! })),
  );
  await photos.commit("main", { author: "tests", message: "300 photos" });
  await photos.createBranch("short", "main");
  const dropped = await Promise.all(["x", "y", "z"].map((name) => lake.put(name)));
  await photos.stage(
    "short",
    dropped.map((entry, at) => ({ path: `dropped-${at}`, entry })),
  );
  await photos.commit("short", { author: "tests", message: "three more" });
  await photos.deleteBranch("short");

  aheadMs = GRACE_MS + 2 * 24 * 3_600_000;
  const told = await lake.collector.collect();
  assert.ok(told.dryRun && told.objects >= dropped.length);
  const before = await lake.stored();
  const removed = await lake.collector.collect({ remove: true });
  assert.equal(removed.objects, told.objects);
  const gone = new Set<string>();
  for await (const { digest } of lake.collector.proof(removed.id)) gone.add(digest);
  assert.ok(dropped.every(({ digest }) => gone.has(digest)));

  const left = await lake.stored();
  for (const digest of before) assert.equal(left.has(digest), !gone.has(digest), digest);
  for (const [at, { digest }] of entries.entries())
    assert.equal(Buffer.from(await lake.objects.get(digest)).toString(), names[at]);
  const listed: string[] = [];
  for await (const page of photos.scan("main")) listed.push(...page.map(({ path }) => path));
  assert.deepEqual(listed, names.toSorted());
});
