import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Digest, type MillError, newId } from "../base/index.ts";
import { quoteLiteral } from "../express/index.ts";
import { createFileObjects } from "../ports/objects/index.ts";
import { openTestRecords } from "../ports/records/fixtures/open-test-records.ts";
import { openDuckDb } from "../ports/tables/index.ts";
import { createLake, type Lake, type VersionManifest } from "./index.ts";
import { PARQUET_TYPE, storedEntry } from "./stored-entry.ts";

const root = mkdtempSync(join(tmpdir(), "mill-datasets-"));
after(() => rmSync(root, { recursive: true, force: true }));
const tables = () => openDuckDb({ threads: 1, memoryMb: 200, tempFolder: join(root, "spill") });

async function openLake(folder = mkdtempSync(join(root, "lake-"))) {
  const records = await openTestRecords(join(folder, "mill.db"));
  const objects = createFileObjects(join(folder, "objects"));
  const lake = createLake({ records, objects, folder, tables });
  /** A part of these rows, as the SELECT of the engine gives them. */
  const part = async (sql: string): Promise<Digest> => {
    const path = join(folder, `${newId()}.parquet`);
    const engine = tables();
    await engine.run(`COPY (${sql}) TO ${quoteLiteral(path)} (FORMAT parquet)`);
    engine.close();
    return objects.putFile(path, { consume: true });
  };
  const putManifest = (manifest: VersionManifest) => objects.put(Buffer.from(JSON.stringify(manifest)));
  const ingest = async (parts: readonly { digest: Digest; rowCount: number }[], more: Partial<VersionManifest> = {}) => {
    const columns = { n: { type: "int32", nullable: false }, s: { type: "string", nullable: true } } as const;
    const rowCount = parts.reduce((sum, one) => sum + one.rowCount, 0);
    const manifest = await putManifest({ parts, columns, facts: { rowCount }, ...more });
    return lake.commit({
      ...{ dataset: "d", manifest, rowCount, madeBy: "run", parent: (await lake.head("d"))?.version ?? null },
    });
  };
  /** Puts a part on a branch, and commits it. */
  const correct = async (branch: string, path: string, digest: Digest) => {
    const repository = lake.repositories.of("d");
    await repository.stage(branch, [{ path, entry: await storedEntry(objects, digest, PARQUET_TYPE, 0) }]);
    return repository.commit(branch, { message: "Corrected", author: "ada" });
  };
  const close = async () => {
    await lake.close();
    await records.close();
    await objects.close();
  };
  return { folder, records, objects, lake, part, putManifest, ingest, correct, close };
}

const rowsOf = async (lake: Lake, version?: number) => {
  const { relation } = await lake.read("d", version);
  const engine = tables();
  const rows = await engine.rows(`SELECT n, s FROM ${relation} ORDER BY n`);
  engine.close();
  return rows.map(({ n, s }) => `${n}${s}`);
};
const SOME = "SELECT * FROM (VALUES (1::INTEGER, 'a'), (2, 'b')) AS t(n, s)";
const MORE = "SELECT 3::INTEGER AS n, 'c' AS s";

test("a version is a commit on the protected branch of the data set's repository, with its files and a tag", async () => {
  const { lake, objects, part, ingest, close } = await openLake();
  const [one, two, refused] = [await part(SOME), await part(MORE), await part("SELECT 9::INTEGER AS n, 'bad' AS s")];
  await ingest([{ digest: one, rowCount: 2 }], { quarantine: refused });
  await ingest([
    { digest: one, rowCount: 2 },
    { digest: two, rowCount: 1 },
  ]);
  const repository = lake.repositories.of("d");
  const { entries } = await repository.list("v1", { limit: 10 });
  assert.deepEqual(
    entries.map(({ path }) => path),
    ["manifest.json", "part-0.parquet", "quarantine.parquet"],
  );
  const bytes = await objects.get(one);
  const entry = entries[1]!.entry;
  assert.deepEqual(
    [entry.digest, entry.sizeBytes, entry.etag, entry.contentType],
    [one, bytes.length, createHash("md5").update(bytes).digest("hex"), "application/vnd.apache.parquet"],
  );
  const changed = await repository.diff("v1", "v2", { limit: 10 });
  assert.deepEqual(
    changed.map(({ path }) => path),
    ["manifest.json", "part-1.parquet", "quarantine.parquet"],
  );
  const [commit] = await repository.log("main", { limit: 1 });
  assert.deepEqual([commit!.message, commit!.author, commit!.metadata], ["Version 2 of d: 3 rows", "run", { version: "2" }]);
  assert.equal((await lake.head("d"))!.commit, commit!.id);
  await assert.rejects(repository.stage("main", [{ path: "part-0.parquet", entry: null }]), { code: "lake.protected" });
  await close();
});

test("a part that people corrected on a branch and merged is in the next version", async () => {
  const { lake, part, ingest, correct, close } = await openLake();
  await ingest([{ digest: await part(SOME), rowCount: 2 }], { facts: { rowCount: 2, from: "2001-01-01" } });
  const repository = lake.repositories.of("d");
  await repository.createBranch("fix", "main");
  await correct("fix", "part-0.parquet", await part("SELECT * FROM (VALUES (1::INTEGER, 'A'), (2, 'b'), (4, 'd')) AS t(n, s)"));
  const { merged } = await repository.merge("fix", "main", { message: "Corrected rows", author: "grace" });
  assert.ok(merged);
  assert.deepEqual(await rowsOf(lake), ["1A", "2b", "4d"]);
  const head = (await lake.head("d"))!;
  assert.deepEqual([head.version, head.parent, head.rowCount, head.madeBy], [2, 1, 3, "grace"]);
  assert.deepEqual((await lake.manifest(head)).facts, { rowCount: 3, from: "2001-01-01" });
  assert.equal((await repository.entry("v2", "manifest.json"))!.digest, head.manifest);
  assert.equal((await repository.resolve("main")).commit, head.commit);
  assert.equal(await lake.adopt("d"), null, "once");
  assert.deepEqual(await rowsOf(lake, 1), ["1a", "2b"]);

  const [mergeCommit] = (await repository.log("main", { limit: 2 })).slice(1);
  await repository.revert("main", mergeCommit!.id, { message: "Not so", author: "ada" });
  assert.deepEqual(await rowsOf(lake), ["1a", "2b"]);
  assert.equal((await lake.head("d"))!.version, 3);
  await close();
});

test("a version that was prepared before a merge is not added over it", async () => {
  const { lake, records, part, putManifest, ingest, correct, close } = await openLake();
  await ingest([{ digest: await part(SOME), rowCount: 2 }]);
  const manifest = await putManifest({ parts: [], columns: null });
  const prepared = await lake.commitStatements({ dataset: "d", manifest, rowCount: 0, parent: 1, madeBy: "run" });
  const repository = lake.repositories.of("d");
  await repository.createBranch("fix", "main");
  await correct("fix", "part-1.parquet", await part(MORE));
  await repository.merge("fix", "main", { message: "More", author: "ada" });
  assert.ok(!(await records.commit(prepared.statements)).committed);
  await assert.rejects(lake.commit({ dataset: "d", manifest, rowCount: 0, parent: 1, madeBy: "run" }), { code: "lake.moved" });
  assert.deepEqual(await rowsOf(lake), ["1a", "2b", "3c"]);
  await close();
});

test("what cannot be a version is not merged: no Parquet, a column that is missing or of another type", async () => {
  const { lake, objects, part, ingest, correct, close } = await openLake();
  await ingest([{ digest: await part(SOME), rowCount: 2 }]);
  const repository = lake.repositories.of("d");
  const unfit: [string, Digest, RegExp][] = [
    ["text", await objects.put(Buffer.from("no parquet")), /no part of the data set "d"/],
    ["narrow", await part("SELECT 1::INTEGER AS n"), /the column "s"/],
    ["retyped", await part("SELECT 1.5::DOUBLE AS n, 'a' AS s"), /the column "n"/],
  ];
  for (const [branch, digest, message] of unfit) {
    await repository.createBranch(branch, "main");
    await correct(branch, "part-0.parquet", digest);
    await assert.rejects(repository.merge(branch, "main", { message: "m", author: "ada" }), (error: MillError) => {
      assert.equal(error.code, "lake.unfit-parts");
      assert.match(error.message, message);
      return true;
    });
  }
  assert.equal((await lake.head("d"))!.version, 1);
  assert.deepEqual(await rowsOf(lake), ["1a", "2b"]);
  await close();
});

test("other files on the branch make no version, and stay when the next one comes", async () => {
  const { lake, objects, part, ingest, correct, close } = await openLake();
  await ingest([{ digest: await part(SOME), rowCount: 2 }]);
  const repository = lake.repositories.of("d");
  await repository.createBranch("words", "main");
  await correct("words", "README.md", await objects.put(Buffer.from("what it is")));
  await repository.merge("words", "main", { message: "Said what it is", author: "ada" });
  assert.equal((await lake.head("d"))!.version, 1);
  assert.equal(await ingest([{ digest: await part(MORE), rowCount: 1 }]), 2);
  assert.ok(await repository.entry("v2", "README.md"));
  assert.deepEqual(await rowsOf(lake), ["3c"]);
  await close();
});

test("two processes that look at the same merge add one version", async () => {
  const first = await openLake();
  const second = await openLake(first.folder);
  await first.ingest([{ digest: await first.part(SOME), rowCount: 2 }]);
  const repository = first.lake.repositories.of("d");
  await repository.createBranch("fix", "main");
  await first.correct("fix", "part-1.parquet", await first.part(MORE));
  await repository.merge("fix", "main", { message: "m", author: "ada" });
  const heads = await Promise.all([first, second, first, second].map(({ lake }) => lake.head("d")));
  assert.ok(heads.every((head) => head!.version === 2 || head!.version === 1));
  const ends = await Promise.all([first, second].map(({ lake }) => lake.head("d")));
  assert.deepEqual(
    ends.map((head) => head!.version),
    [2, 2],
  );
  assert.equal((await first.lake.versions("d", { limit: 10 })).length, 2);
  await first.close();
  await second.close();
});

test("a tag that somebody made is left, and the version is added all the same", async () => {
  const { lake, part, ingest, close } = await openLake();
  await ingest([{ digest: await part(SOME), rowCount: 2 }]);
  const repository = lake.repositories.of("d");
  const mine = await repository.createTag("v2", "v1");
  assert.equal(await ingest([{ digest: await part(MORE), rowCount: 1 }]), 2);
  assert.equal((await repository.resolve("v2")).commit, mine.commit);
  await close();
});

test("versions of an earlier Millwright get their commits, oldest first, once; one whose objects are gone is left and told", async () => {
  const opened = await openLake();
  const [one, two] = [await opened.part(SOME), await opened.part(MORE)];
  const insert = async (dataset: string, version: number, parts: readonly Digest[]) => {
    const manifest = await opened.putManifest({ parts: parts.map((digest) => ({ digest })), columns: null });
    await opened.records.commit([
      {
        sql: "INSERT INTO dataset_versions (dataset, version, parent, manifest, row_count, created_at, made_by) VALUES (?, ?, ?, ?, ?, ?, ?)",
        params: [dataset, version, version === 1 ? null : version - 1, manifest, 2, 500 + version, "old run"],
      },
    ]);
  };
  await insert("d", 1, [one]);
  await insert("d", 2, [two]);
  await insert("d", 3, [one, two]);
  await insert("gone", 1, [`sha256:${"0".repeat(64)}`]);
  await insert("gone", 2, [two]);
  await opened.close();

  const { lake, close } = await openLake(opened.folder);
  assert.deepEqual(await rowsOf(lake), ["1a", "2b", "3c"]);
  const { versions, left } = await lake.bringOver();
  assert.equal(versions, 4);
  assert.deepEqual(
    left.map(({ dataset, version }) => [dataset, version]),
    [["gone", 1]],
  );
  const repository = lake.repositories.of("d");
  const log = await repository.log("main", { limit: 10 });
  assert.deepEqual(
    log.map(({ metadata, author }) => [metadata.version, author]),
    [
      ["3", "old run"],
      ["2", "old run"],
      ["1", "old run"],
      [undefined, "old run"],
    ],
  );
  const all = await lake.versions("d", { limit: 10 });
  assert.deepEqual(
    all.map(({ version, commit, createdAt }) => [version, commit, createdAt]),
    log.slice(0, 3).map(({ id }, index) => [3 - index, id, 503 - index]),
  );
  assert.equal((await repository.resolve("v2")).commit, all[1]!.commit);
  assert.equal((await lake.version("gone", 2)).commit, (await lake.repositories.of("gone").resolve("main")).commit);
  await close();

  const again = await openLake(opened.folder);
  assert.deepEqual((await again.lake.bringOver()).versions, 0);
  assert.equal((await again.lake.repositories.of("d").log("main", { limit: 10 })).length, 4);
  const manifest = await again.putManifest({ parts: [{ digest: two }], columns: null });
  assert.equal(await again.lake.commit({ dataset: "d", manifest, rowCount: 1, parent: 3, madeBy: "run" }), 4);
  await again.close();
});

test("two versions are compared: by all that rows hold, or by the key that is named beside them", async () => {
  const { lake, objects, part, ingest, correct, close } = await openLake();
  const first = { digest: await part(SOME), rowCount: 2 };
  await ingest([first]);
  await ingest([{ digest: await part("SELECT * FROM (VALUES (2::INTEGER, 'B'), (1, 'a')) AS t(n, s)"), rowCount: 2 }]);
  const bags = await lake.diffVersions("d", 1, 2);
  assert.deepEqual([bags.keyed, bags.added, bags.removed, bags.changed], [false, 1, 1, 0]);

  const repository = lake.repositories.of("d");
  await repository.createBranch("key", "main");
  const descriptor = { columns: { n: { type: "int32" }, s: { type: "string" } }, key: ["n"] };
  await correct("key", "_table.json", await objects.put(Buffer.from(JSON.stringify(descriptor))));
  await repository.merge("key", "main", { message: "Key", author: "ada" });
  await ingest([first]);
  await ingest([{ digest: await part("SELECT * FROM (VALUES (1::INTEGER, 'A'), (3, 'c')) AS t(n, s)"), rowCount: 2 }]);
  const keyed = await lake.diffVersions("d", 3, 4, { limit: 10 });
  assert.deepEqual([keyed.keyed, keyed.added, keyed.removed, keyed.changed, keyed.changedColumns], [true, 1, 1, 1, { s: 1 }]);
  assert.equal(keyed.rows.length, 3);
  await assert.rejects(lake.diffVersions("d", 3, 9), { code: "lake.unknown-version" });
  await close();
});

test("of parts that a journal appended no row is read", async () => {
  const { lake, objects, close } = await openLake();
  for (const n of [2, 1]) {
    await lake.append(
      "d",
      Array.from({ length: n * 3 }, () => ({ n, s: "x" })),
    );
    await lake.seal("d");
  }
  for (const { digest } of (await lake.manifest((await lake.head("d"))!)).parts) await objects.remove(digest);
  const found = await lake.diffVersions("d", 1, 2);
  assert.deepEqual([found.added, found.removed], [3, 0]);
  await close();
});
