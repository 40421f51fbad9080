import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type InputOf, type OutputOf, VERBS } from "../../contract/index.ts";
import { createFileObjects } from "../../ports/objects/index.ts";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import { openDuckDb } from "../../ports/tables/index.ts";
import { createLake } from "../lake.ts";
import { type LakeVerb, lakeVerbs } from "./index.ts";
import { upkeepVerbs } from "./upkeep.ts";

const folder = mkdtempSync(join(tmpdir(), "mill-lake-verbs-"));
const records = await openTestRecords(join(folder, "mill.db"));
const objects = createFileObjects(join(folder, "objects"));
const tables = () => openDuckDb({ threads: 1, memoryMb: 200, tempFolder: join(folder, "temp") });
const lake = createLake({ records, objects, folder, tables });
after(async () => {
  await lake.close();
  await objects.close();
  await records.close();
  rmSync(folder, { recursive: true, force: true });
});

const verbs = lakeVerbs(lake);
const context = {
  actor: "ann",
  rights: { roles: [], may: new Set<never>() },
  requestId: "r",
  signal: new AbortController().signal,
};
const asked = new Set<LakeVerb>();

/** Asks as `call` does, with defaults filled in. */
async function ask<V extends LakeVerb>(verb: V, input: InputOf<V>): Promise<OutputOf<V>> {
  asked.add(verb);
  const defaults = "limit" in VERBS[verb].input.properties! ? { limit: 100 } : {};
  const handler = verbs[verb] as unknown as (input: object, with_: typeof context) => Promise<OutputOf<V>>;
  return handler({ ...defaults, ...(input as object) }, context);
}

async function put(repository: string, branch: string, path: string, content: string | Uint8Array): Promise<void> {
  const bytes = Buffer.from(content as string);
  const etag = createHash("md5").update(bytes).digest("hex");
  const entry = { digest: await objects.put(bytes), sizeBytes: bytes.byteLength, etag, modifiedMs: Date.now() };
  await lake.repositories.of(repository).stage(branch, [{ path, entry }]);
}

/** Parquet of the rows that a SQL query gives. */
async function parquet(sql: string): Promise<Uint8Array> {
  const engine = tables();
  const path = join(folder, "rows.parquet");
  await engine.run(`COPY (${sql}) TO '${path}' (FORMAT parquet)`);
  engine.close();
  const digest = await objects.putFile(path, { consume: true });
  return objects.get(digest);
}

const paths = (items: readonly { readonly path: string }[]) => items.map(({ path }) => path);

test("a branch is made, changed, committed, compared, merged and tagged; the log tells it", async () => {
  assert.equal((await ask("createRepository", { name: "photos" })).createdBy, "ann");
  await put("photos", "main", "cats/1.png", "one");
  await put("photos", "main", "dogs/1.png", "two");
  assert.deepEqual(paths((await ask("listStaged", { repository: "photos", branch: "main" })).items), [
    "cats/1.png",
    "dogs/1.png",
  ]);
  const first = await ask("commit", { repository: "photos", branch: "main", message: "Begin" });
  assert.equal((await ask("getRepository", { repository: "photos" })).objects, 2);

  await ask("createBranch", { repository: "photos", branch: "more" });
  await put("photos", "more", "cats/2.png", "three");
  await ask("removeObjects", { repository: "photos", branch: "more", prefix: "dogs/" });
  await ask("commit", { repository: "photos", branch: "more", message: "More cats", expect: first.id });
  const { items } = await ask("diffRefs", { repository: "photos", before: "main", after: "more" });
  assert.deepEqual(
    items.map(({ kind, path }) => [kind, path]),
    [
      ["added", "cats/2.png"],
      ["removed", "dogs/1.png"],
    ],
  );
  const { merged, commit } = await ask("merge", { repository: "photos", branch: "main", from: "more" });
  assert.deepEqual([merged, commit?.message, commit?.parents.length], [true, "Merge more into main", 2]);
  await ask("createTag", { repository: "photos", tag: "r1", ref: "main" });
  assert.deepEqual(
    (await ask("listObjects", { repository: "photos", ref: "r1", delimiter: "/" })).items.map(({ path, entry }) => [path, entry]),
    [["cats/", null]],
  );
  const log = await ask("listCommits", { repository: "photos", ref: "main", path: "dogs/" });
  assert.ok(log.items.some(({ message }) => message === "More cats"));

  await ask("revert", { repository: "photos", branch: "main", commit: commit!.id.slice(7, 19) });
  assert.deepEqual(paths((await ask("listObjects", { repository: "photos", ref: "main" })).items), ["cats/1.png", "dogs/1.png"]);
  await ask("cherryPick", { repository: "photos", branch: "main", commit: "more" });
  await ask("resetBranch", { repository: "photos", branch: "more", to: "main" });
  await ask("protectBranch", { repository: "photos", branch: "main", on: true });
  await assert.rejects(put("photos", "main", "x", "x"), { code: "lake.protected" });
  await ask("deleteTag", { repository: "photos", tag: "r1" });
  await ask("deleteBranch", { repository: "photos", branch: "more" });
  assert.deepEqual((await ask("listTags", { repository: "photos" })).items, []);
  assert.deepEqual(
    (await ask("listBranches", { repository: "photos" })).items.map(({ name, protected: is }) => [name, is]),
    [["main", true]],
  );
});

test("conflicts are told and nothing is merged, until a side is chosen by path", async () => {
  await ask("createRepository", { name: "texts" });
  await put("texts", "main", "a", "base");
  await ask("commit", { repository: "texts", branch: "main", message: "Base" });
  await ask("createBranch", { repository: "texts", branch: "other" });
  await put("texts", "main", "a", "ours");
  await ask("commit", { repository: "texts", branch: "main", message: "Ours" });
  await put("texts", "other", "a", "theirs");
  await ask("commit", { repository: "texts", branch: "other", message: "Theirs" });

  const told = await ask("merge", { repository: "texts", branch: "main", from: "other" });
  assert.deepEqual([told.merged, told.commit, paths(told.conflicts)], [false, null, ["a"]]);
  const done = await ask("merge", { repository: "texts", branch: "main", from: "other", resolutions: { a: "theirs" } });
  assert.equal(done.merged, true);
  const [item] = (await ask("listObjects", { repository: "texts", ref: "main" })).items;
  assert.equal(Buffer.from(await objects.get(item!.entry!.digest as never)).toString(), "theirs");
});

test("rows of tables are counted in a diff, and merged by their key", async () => {
  await ask("createRepository", { name: "shop" });
  const type = (name: string) => ({ type: name, nullable: true });
  const descriptor = { columns: { id: type("int32"), price: type("int32"), note: type("string") }, key: ["id"] };
  const rows = (price: string, note: string) =>
    parquet(`SELECT range::INTEGER AS id, (${price})::INTEGER AS price, (${note})::VARCHAR AS note FROM range(10)`);
  await put("shop", "main", "orders/_table.json", JSON.stringify(descriptor));
  await put("shop", "main", "orders/all.parquet", await rows("1", "'-'"));
  await ask("commit", { repository: "shop", branch: "main", message: "Orders" });
  await ask("createBranch", { repository: "shop", branch: "notes" });
  await put("shop", "main", "orders/all.parquet", await rows("CASE range WHEN 3 THEN 9 ELSE 1 END", "'-'"));
  await ask("commit", { repository: "shop", branch: "main", message: "A price" });
  await put("shop", "notes", "orders/all.parquet", await rows("1", "CASE range WHEN 3 THEN 'late' ELSE '-' END"));
  await ask("commit", { repository: "shop", branch: "notes", message: "A note" });

  const diff = await ask("diffRefs", { repository: "shop", before: "main~1", after: "main", rows: true });
  assert.deepEqual(diff.tables, [{ table: "orders/", rows: { added: 0, removed: 0, changed: 1 } }]);
  const asFiles = await ask("merge", { repository: "shop", branch: "main", from: "notes", rows: false });
  assert.deepEqual(paths(asFiles.conflicts), ["orders/all.parquet"]);
  assert.equal((await ask("merge", { repository: "shop", branch: "main", from: "notes" })).merged, true);
  const both = await ask("diffRefs", { repository: "shop", before: "main~2", after: "main", rows: true });
  assert.deepEqual(both.tables?.[0]?.rows, { added: 0, removed: 0, changed: 1 });
});

test("a repository is listed page by page, and goes with all it has", async () => {
  const first = await ask("listRepositories", { limit: 2 });
  const second = await ask("listRepositories", { limit: 2, cursor: first.next! });
  assert.deepEqual(
    [...first.items, ...second.items].map(({ name }) => name),
    ["photos", "shop", "texts"],
  );
  await ask("deleteRepository", { repository: "photos" });
  await assert.rejects(ask("getRepository", { repository: "photos" }), { code: "lake.unknown-repository" });
  assert.deepEqual(
    (Object.keys(verbs) as LakeVerb[]).filter((verb) => !asked.has(verb) && !(verb in upkeepVerbs(lake))),
    [],
  );
});
