import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, type Digest } from "../base/index.ts";
import { pin } from "../ports/objects/index.ts";
import { openStored, type StoredLake } from "./collect/fixtures/stored.ts";
import { encodeNode, encodeReference } from "./tree/node.ts";
import { type VerifyLine, type VerifyOptions, verify } from "./verify.ts";

const by = { message: "m", author: "ann" };

async function look(lake: StoredLake, options?: VerifyOptions) {
  const lines: VerifyLine[] = [];
  for await (const line of verify(lake, options)) lines.push(line);
  const end = lines.at(-1)!;
  assert.equal(end.event, "verified");
  const faults = lines.filter((line) => line.event === "fault");
  if (end.event === "verified") assert.equal(end.faults, faults.length);
  return { faults, counts: end as Extract<VerifyLine, { event: "verified" }> };
}

/** Two branches with some hundred paths each, commits, a merge, a tag, staged rows, a pin, and an upload. */
async function furnish(lake: StoredLake, rounds = 6): Promise<void> {
  await lake.repositories.create({ name: "r", actor: "ann" });
  const r = lake.repositories.of("r");
  for (let round = 0; round < rounds; round++) {
    const names = Array.from({ length: 120 }, (_, index) => `folder-${index % 7}/${round}-${index}`);
    const entries = await Promise.all(names.map((name) => lake.put(name)));
    await r.stage(
      "main",
      names.map((path, index) => ({ path, entry: entries[index]! })),
    );
    await r.commit("main", by);
    if (round === 2) await r.createBranch("side", "main");
  }
  await r.createTag("release", "main~1");
  await r.stage("side", [{ path: "only on side", entry: await lake.put("side") }]);
  await r.commit("side", by);
  await r.merge("side", "main", by);
  await r.stage("main", [{ path: "staged", entry: await lake.put("staged") }]);
  await lake.records.commit(pin("result:1", [(await lake.put("pinned")).digest]));
  const { digest, sizeBytes } = await lake.put("part");
  const upload = await lake.uploads.begin({ repository: "r", branch: "main", path: "up", headers: "{}", actor: "ann" });
  await lake.uploads.putPart(upload.id, { number: 1, digest, sizeBytes, etag: "", checksums: {} });
}

test("a lake that is whole has no fault, and every node and object is looked at once", async () => {
  await using lake = await openStored();
  await furnish(lake);
  for (const content of [false, true]) {
    const { faults, counts } = await look(lake, { content });
    assert.deepEqual(faults, []);
    assert.deepEqual([counts.repositories, counts.commits, counts.objects], [1, 9, 724]);
    assert.equal(counts.nodes + counts.objects, (await lake.stored()).size);
  }
  await assert.rejects(look(lake, { repository: "nowhere" }), { code: "lake.unknown-repository" });
});

test("whatever object is taken away, verification finds it and names it", async () => {
  await using lake = await openStored();
  await furnish(lake);
  const stored = [...(await lake.stored())];
  const random = createRandom(11);
  for (let round = 0; round < 25; round++) {
    const digest = stored[Math.floor(random.next() * stored.length)]!;
    const bytes = await lake.objects.get(digest);
    await lake.objects.remove(digest);
    const { faults } = await look(lake);
    assert.deepEqual(
      faults.map((fault) => [fault.digest, fault.what.includes("missing") || fault.what.includes("not stored")]),
      [[digest, true]],
    );
    await lake.objects.put(bytes);
  }
  assert.deepEqual((await look(lake)).faults, []);
});

test("bytes that are not those of the digest are found when the content is read", async () => {
  const swapped = new Map<Digest, Buffer>();
  await using lake = await openStored({
    wrap: (objects) => ({
      ...objects,
      async *read(digest, range) {
        const other = swapped.get(digest);
        if (other) yield other;
        else yield* objects.read(digest, range);
      },
    }),
  });
  await furnish(lake);
  const { digest } = await lake.put("folder-0/0-0");
  swapped.set(digest, Buffer.from("FOLDER-0/0-0"));
  assert.deepEqual((await look(lake)).faults, []);
  const { faults } = await look(lake, { content: true });
  assert.deepEqual(
    faults.map((fault) => [fault.path, fault.digest]),
    [["folder-0/0-0", digest]],
  );
});

test("rows that were altered are found: ids, parents, heads, tags, entries", async () => {
  const nowhere = `sha256:${"0".repeat(64)}`;
  const tries: readonly [sql: string, at: RegExp, what: RegExp][] = [
    ["UPDATE commits SET message = 'other' WHERE generation = 3 AND message = 'm'", /^commit sha256:/, /its id is not/],
    ["DELETE FROM commits WHERE generation = 2", /^commit sha256:/, /a parent is missing/],
    [
      "UPDATE commits SET generation = 77 WHERE generation = (SELECT max(generation) FROM commits)",
      /^commit/,
      /its generation is 77/,
    ],
    [`UPDATE branches SET head = '${nowhere}' WHERE name = 'side'`, /^branch side$/, /its commit is missing/],
    [`UPDATE branches SET root = '${nowhere}' WHERE name = 'side'`, /^branch side$/, /a node of the tree/],
    [`UPDATE tags SET commit_id = '${nowhere}'`, /^tag release$/, /its commit is missing/],
    ["UPDATE commits SET freed_at = 1 WHERE id IN (SELECT commit_id FROM tags)", /^tag release$/, /given up/],
    ["UPDATE staged SET entry = 'AAAA'", /^branch main, staged$/, /cannot be read/],
    [`UPDATE pins SET digest = '${nowhere}'`, /^pin result:1$/, /missing/],
    ["UPDATE upload_parts SET size_bytes = 5", /^upload /, /has 4 bytes, and should have 5/],
  ];
  for (const [sql, at, what] of tries) {
    await using lake = await openStored();
    await furnish(lake, 3);
    await lake.records.commit([{ sql }]);
    const { faults } = await look(lake);
    assert.ok(
      faults.some((fault) => at.test(fault.at) && what.test(fault.what)),
      `${sql}: ${JSON.stringify(faults)}`,
    );
  }
});

test("trees that are not as they must be are found: order, counts, levels, ends, and bytes that say the same otherwise", async () => {
  await using lake = await openStored();
  const value = await lake.put("x").then(async (entry) => {
    await lake.repositories.create({ name: "r", actor: "ann" });
    await lake.repositories.of("r").stage("main", [{ path: "a", entry }]);
    const { root } = await lake.repositories.of("r").commit("main", by);
    return (await lake.tree.get(root, "a"))!;
  });
  const node = (level: number, items: readonly (readonly [key: string, value: Uint8Array])[]) => {
    const parts = items.flatMap(([key, value]) => [Buffer.from(key), value]);
    const ends: number[] = [];
    for (const part of parts) ends.push((ends.at(-1) ?? 0) + part.length);
    const at = (odd: number) => ends.filter((_, index) => index % 2 === odd);
    return encodeNode(level, Buffer.concat(parts), items.length, at(0), at(1));
  };
  const put = (bytes: Uint8Array) => lake.objects.put(bytes);
  const leaf = async (...keys: string[]) =>
    put(
      node(
        0,
        keys.map((key) => [key, value] as const),
      ),
    );
  const inner = async (level: number, ...children: (readonly [key: string, child: Digest, entries: number])[]) =>
    put(
      node(
        level,
        children.map(([key, child, entries]) => [key, encodeReference(child, entries)] as const),
      ),
    );
  const long = Array.from({ length: 400 }, (_, index) => `path-${String(index).padStart(5, "0")}`);
  const unfolded = Buffer.from(node(0, [["same-a", value]])); // with its prefix kept with the item
  const tries: readonly [root: Digest, what: RegExp][] = [
    [await inner(1, ["b", await leaf("a", "b"), 2], ["d", await leaf("c", "d"), 2]), /it ends too early/],
    [await inner(1, ["b", await leaf("a", "b"), 3], ["d", await leaf("c", "d"), 2]), /holds 2 paths, and 3 are promised/],
    [await inner(1, ["b", await leaf("a", "b"), 2], ["e", await leaf("c", "d"), 2]), /does not end with the path/],
    [await inner(1, ["b", await leaf("a", "b"), 2], ["d", await leaf("b", "d"), 2]), /begins before/],
    [await inner(2, ["b", await leaf("a", "b"), 2], ["d", await leaf("c", "d"), 2]), /level 0, and level 1 is promised/],
    [await inner(1, ["b", await leaf("a", "b"), 2]), /a single child/],
    [await leaf(...long), /should have ended behind item/],
    [await put(Buffer.from("no node at all")), /bytes of another kind/],
    [await put(unfolded.subarray(0, unfolded.length - 1)), /not a node of a tree/],
  ];
  for (const [root, what] of tries) {
    await lake.records.commit([{ sql: "UPDATE branches SET root = ?", params: [root] }]);
    const { faults } = await look(lake);
    assert.ok(
      faults.some((fault) => fault.at === "branch main" && what.test(fault.what)),
      `${what}: ${JSON.stringify(faults)}`,
    );
  }
});
