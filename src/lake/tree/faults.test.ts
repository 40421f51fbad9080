import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, type Digest } from "../../base/index.ts";
import { createTree } from "./create-tree.ts";
import { createMemoryStore } from "./fixtures/memory-store.ts";
import { build, bytes, collect, many, SEED } from "./fixtures/models.ts";
import { decodeNode } from "./node.ts";
import type { NodeStore } from "./tree.ts";

test("edits out of order or twice for a path are refused and change nothing", async () => {
  const tree = createTree(createMemoryStore());
  const root = await build(tree, many(1000));
  // U+FFFF is before U+1F600 in UTF-8 and behind it in UTF-16
  for (const paths of [
    ["b", "a"],
    ["a", "a"],
    ["\u{1F600}", "\uFFFF"],
  ])
    await assert.rejects(
      tree.apply(
        root,
        paths.map((path) => ({ path, value: bytes("v") })),
      ),
      { code: "lake.unsorted" },
    );
  assert.equal(
    await tree.count(
      await tree.apply(root, [
        { path: "\uFFFF", value: bytes("v") },
        { path: "\u{1F600}", value: bytes("v") },
      ]),
    ),
    1002,
  );
});

test("what is not a node is told as such, whatever its bytes", async () => {
  const store = createMemoryStore();
  const tree = createTree(store);
  const root = await build(tree, many(3000));
  const inner = store.nodes.get(root)!;
  const leaf = store.nodes.get(decodeNode(root, inner).child(0))!;
  const refused = async (content: Uint8Array) => {
    const digest = await store.put(content);
    await assert.rejects(collect(tree.scan(digest)), { code: "lake.corrupt-node" });
    await assert.rejects(tree.apply(digest, [{ path: "a", value: bytes("v") }]), { code: "lake.corrupt-node" });
  };
  await refused(Buffer.alloc(0));
  await refused(bytes('{"rows":1}'));
  await refused(leaf.subarray(0, leaf.length - 1));
  await refused(Buffer.concat([leaf, Buffer.from([0])]));
  await refused(Buffer.from(leaf).fill(9, 2, 3)); // another version
  await refused(Buffer.from(leaf).fill(1, 3, 4)); // a leaf that says it is above
  await refused(Buffer.from(leaf).fill(255, 4, 8)); // very many items
  await refused(Buffer.from(inner).fill(7, 3, 4)); // children of another level

  const random = createRandom(SEED);
  for (let round = 0; round < 2000; round++) {
    const content = Buffer.from(round % 2 ? leaf : inner);
    for (let flips = 0; flips <= random.below(3); flips++)
      content[random.below(Math.min(content.length, 3000))]! ^= 1 << random.below(8);
    try {
      const node = decodeNode(("sha256:" + "0".repeat(64)) as Digest, content);
      node.items(); // what passes can be read to the end
    } catch (error) {
      assert.equal((error as { code: string }).code, "lake.corrupt-node");
    }
  }
});

test("a store that fails fails the edits when nothing is under way any more, and the tree stays as it was", async () => {
  const store = createMemoryStore();
  const root = await build(createTree(store), many(5000));
  const edits = Array.from({ length: 3000 }, (_, at) => ({
    path: `new/${String(at).padStart(6, "0")}`,
    value: bytes("v".repeat(100)),
  }));
  store.puts.length = 0;
  await createTree(store).apply(root, edits);
  const puts = store.puts.length;
  assert.ok(puts > 20);
  for (let failing = 1; failing <= puts; failing += 3) {
    let [turns, underway] = [0, 0];
    const faulty: NodeStore = {
      get: store.get,
      async put(content) {
        underway++;
        const turn = ++turns;
        await new Promise((resolve) => setImmediate(resolve));
        underway--;
        if (turn === failing) throw new Error("no room");
        return store.put(content);
      },
    };
    const tree = createTree(faulty);
    await assert.rejects(tree.apply(root, edits), /no room/);
    assert.equal(underway, 0);
    assert.equal(await tree.count(await tree.apply(root, edits)), 8000);
    assert.equal(await tree.count(root), 5000);
  }
});

test("a node that is gone from the store is told by the store's error", async () => {
  const store = createMemoryStore();
  const root = await build(createTree(store), many(3000));
  store.nodes.delete(decodeNode(root, store.nodes.get(root)!).child(2));
  const tree = createTree(store);
  await assert.rejects(collect(tree.scan(root)), { code: "object.missing" });
  await assert.rejects(collect(tree.scan(root)), { code: "object.missing" });
});
