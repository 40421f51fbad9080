import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../base/index.ts";
import { endsNode, hashKey, NODE_MAX_BYTES, NODE_MIN_BYTES } from "./boundary.ts";
import { createTree } from "./create-tree.ts";
import { createMemoryStore } from "./fixtures/memory-store.ts";
import { all, build, bytes, collect, type Model, many, SEED, sorted, texts } from "./fixtures/models.ts";

test("nodes stay within their bounds, and most are near the target", async () => {
  const store = createMemoryStore();
  const tree = createTree(store);
  const random = createRandom(SEED);
  const model: Model = new Map();
  for (let entry = 0; entry < 4000; entry++)
    model.set(`${random.below(2 ** 31)}`.padEnd(5 + random.below(1020), "/"), "v".repeat(random.below(3000)));
  await build(tree, many(50_000));
  await build(tree, model);
  const sizes = [...store.nodes.values()].map(({ length }) => length);
  assert.ok(Math.max(...sizes) <= NODE_MAX_BYTES + 4200, `${Math.max(...sizes)} bytes`);
  const near = sizes.filter((size) => size > 4000 && size < 18_000).length;
  assert.ok(near > 0.9 * sizes.length, `${near} of ${sizes.length}`);
});

test("keys chosen so that all end a node early, or none ever does, still make nodes within the bounds", async () => {
  const chosen = async (choose: (hash: number) => boolean) => {
    const store = createMemoryStore();
    const model: Model = new Map();
    for (let n = 0; model.size < 2000; n++) {
      const key = bytes(`${n}`);
      if (choose(hashKey(key, 0, key.length))) model.set(`${n}`, "v".repeat(60));
    }
    const tree = createTree(store);
    const root = await build(tree, model);
    const leaves = (await all(tree.nodes(root, () => false))).filter(({ items }) => items.length > 0);
    return leaves.slice(0, -1).map(({ node }) => store.nodes.get(node)!.length);
  };
  const early = await chosen((hash) => endsNode(0, hash, 4000, 5000, 2)); // 1.6 % of all keys
  assert.ok(Math.min(...early) > 0.9 * NODE_MIN_BYTES && Math.max(...early) < 8000, `${early}`);
  const late = await chosen((hash) => !endsNode(0, hash, 0, 8300, 2)); // 80 %
  assert.ok(Math.max(...late) < NODE_MAX_BYTES + 100 && Math.min(...late) > 0.9 * NODE_MAX_BYTES, `${late}`);
});

test("a value larger than a node has a node for itself or with few", async () => {
  const tree = createTree(createMemoryStore());
  const model: Model = new Map(Array.from({ length: 20 }, (_, at) => [`p${at}`, "v".repeat(at % 3 === 0 ? 200_000 : 10)]));
  assert.deepEqual(texts(await collect(tree.scan(await build(tree, model)))), sorted(model));
});

test("the cut of nodes is a promise to stored data: these roots never change", async () => {
  const tree = createTree(createMemoryStore());
  assert.equal(await tree.empty(), "sha256:5c502dc93dbc4ee46344408e56e191f50627e41d2480eba8c0cc8770b1d8dff3");
  assert.equal(await build(tree, many(20_000)), "sha256:6aebb7ab7342b27633e0094c77bcb76aabac404baa4017f3f223eaac43ba6ff7");
});
