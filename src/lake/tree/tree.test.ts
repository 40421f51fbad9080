import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom, type Digest } from "../../base/index.ts";
import { endsNode, hashKey, NODE_MAX_BYTES, NODE_MIN_BYTES } from "./boundary.ts";
import { createTree } from "./create-tree.ts";
import { createMemoryStore } from "./fixtures/memory-store.ts";
import { decodeNode } from "./node.ts";
import type { Difference, Edit, Item, NodeStore, Tree } from "./tree.ts";

const SEED = 20261121;
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const bytes = (text: string) => Buffer.from(text);

type Model = Map<string, string>;

const modelEdits = (model: Model): Edit[] =>
  [...model].sort(([a], [b]) => byBytes(a, b)).map(([path, value]) => ({ path, value: bytes(value) }));

async function build(tree: Tree, model: Model): Promise<Digest> {
  return tree.apply(await tree.empty(), modelEdits(model));
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const one of source) list.push(one);
  return list;
}

const collect = async <T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> => (await all(batches)).flat();

const texts = (items: readonly Item[]) => items.map(({ path, value }) => [path, Buffer.from(value).toString()]);
const pairs = (differences: readonly Difference[]) =>
  differences.map(({ path, before, after }) => [
    path,
    before && Buffer.from(before).toString(),
    after && Buffer.from(after).toString(),
  ]);

const sorted = (model: Model) => [...model].sort(([a], [b]) => byBytes(a, b));

function naiveDiff(before: Model, after: Model): (string | null)[][] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort(byBytes)
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => [path, before.get(path) ?? null, after.get(path) ?? null]);
}

/** Few different paths that lie close together, so that edits meet; big ones, so that few make a node; and the characters that UTF-16 orders wrongly. */
const path = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 400 }).map((n) => `data/${String(n).padStart(4, "0")}`) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 60 }).map((n) => `${String(n).padStart(4, "x")}/${"k".repeat(1019)}`) },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.constantFrom("a", "/", "é", "\u{1F600}", "\u{10FFFF}", "\uFFFD", "\uFFFF", "\uE000", "\uD7FF", "\u0001"), {
        minLength: 1,
        maxLength: 4,
      })
      .map((parts) => parts.join("")),
  },
);
const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("", "one", "two", "three") },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 3000 }).map((length) => "v".repeat(length)) },
);
const edits = fc.array(fc.tuple(path, fc.option(value, { freq: 2, nil: null })), { maxLength: 300 }).map((list) => new Map(list));

const apply = (model: Model, changes: ReadonlyMap<string, string | null>): Model => {
  const next = new Map(model);
  for (const [path, value] of changes) {
    if (value === null) next.delete(path);
    else next.set(path, value);
  }
  return next;
};

const asEdits = (changes: ReadonlyMap<string, string | null>): Edit[] =>
  [...changes].sort(([a], [b]) => byBytes(a, b)).map(([path, value]) => ({ path, value: value === null ? null : bytes(value) }));

async function* inBatches(list: readonly Edit[], size: number): AsyncIterable<readonly Edit[]> {
  for (let start = 0; start < list.length; start += size) yield list.slice(start, start + size);
}

test("any edits give what a map gives, and the root that a tree built at once from the result has", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(edits, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 50 }), async (rounds, size) => {
      const tree = createTree(createMemoryStore());
      let [model, root] = [new Map() as Model, await tree.empty()];
      for (const changes of rounds) {
        const before = { model, root };
        model = apply(model, changes);
        root = await tree.apply(root, inBatches(asEdits(changes), size));
        assert.deepEqual(texts(await collect(tree.scan(root))), sorted(model));
        assert.equal(await tree.count(root), model.size);
        assert.equal(root, await build(createTree(createMemoryStore()), model));
        assert.deepEqual(pairs(await collect(tree.diff(before.root, root))), naiveDiff(before.model, model));
        for (const path of changes.keys()) {
          const found = await tree.get(root, path);
          assert.equal(found === null ? undefined : Buffer.from(found).toString(), model.get(path));
        }
        assert.equal(
          await tree.apply(root, asEdits(new Map([...changes].map(([path]) => [path, model.get(path) ?? null])))),
          root,
        );
      }
      assert.equal(await tree.apply(root, asEdits(new Map([...model.keys()].map((path) => [path, null])))), await tree.empty());
    }),
    { seed: SEED, numRuns: 120 },
  );
});

test("a deep tree that grows, loses its tail, shrinks to a leaf and grows again has the roots that its content has at once", async () => {
  const tree = createTree(createMemoryStore());
  const random = createRandom(SEED);
  const everything = many(40_000);
  const ordered = sorted(everything);
  let [model, root] = [new Map() as Model, await tree.empty()];
  const steps: (() => Iterable<[string, string | null]>)[] = [
    () => everything,
    () => ordered.slice(-9000).map(([path]) => [path, null]),
    () =>
      Array.from({ length: 500 }, () => [ordered[random.below(40_000)]![0], random.below(2) ? null : `value ${random.below(9)}`]),
    () => ordered.slice(10, 12_000).map(([path]) => [path, null]),
    () => Array.from({ length: 3000 }, (_, at) => [`zz/${String(at).padStart(5, "0")}`, "v".repeat(40)]),
    () => ordered.slice(0, 3).map(([path, value]) => [path, `${value}!`]),
    () => [...model.keys()].slice(7).map((path) => [path, null]),
    () => ordered.slice(100, 30_000),
    () => ordered.map(([path]) => [path, null]),
    () => ordered.slice(0, 1),
  ];
  for (const step of steps) {
    const changes = new Map(step());
    model = apply(model, changes);
    root = await tree.apply(root, asEdits(changes));
    assert.equal(await tree.count(root), model.size);
    assert.equal(root, await build(createTree(createMemoryStore()), model));
  }
});

test("one edit after the other makes the root that all at once make", async () => {
  const tree = createTree(createMemoryStore());
  const start = await build(tree, many(10_000));
  const changes = asEdits(
    new Map(
      [...many(12_000)]
        .filter((_, at) => at % 60 === 0)
        .map(([path], at) => [`${path}${at % 3 ? "" : "x"}`, at % 2 ? null : "new"]),
    ),
  );
  let root = start;
  for (const edit of changes) root = await tree.apply(root, [edit]);
  assert.equal(root, await tree.apply(start, changes));
  for (const edit of changes.toReversed()) root = await tree.apply(root, [{ ...edit, value: await tree.get(start, edit.path) }]);
  assert.equal(root, start);
});

test("a store that is far is asked for several nodes at once, by scans, edits, diffs and the walk for collection", async () => {
  const store = createMemoryStore();
  const root = await build(createTree(store), many(50_000));
  const edits = sorted(many(50_000))
    .filter((_, at) => at % 2000 === 0)
    .map(([path]) => ({ path, value: bytes("new") }));
  const next = await createTree(store).apply(root, edits);
  let [underway, most] = [0, 0];
  const far: NodeStore = {
    put: store.put,
    async get(digest) {
      most = Math.max(most, ++underway);
      await new Promise((resolve) => setImmediate(resolve));
      underway--;
      return store.get(digest);
    },
  };
  const uses: ((tree: Tree) => Promise<unknown>)[] = [
    (tree) => collect(tree.scan(root)),
    (tree) => tree.apply(root, edits),
    (tree) => collect(tree.diff(root, next)),
    (tree) => all(tree.nodes(root, () => false)),
  ];
  for (const use of uses) {
    most = 0;
    await use(createTree(far));
    assert.ok(most >= 4, `${most} at once`);
  }
});

test("scan and diff keep to a prefix, and start behind a path or at one", async () => {
  const option = fc.option(fc.oneof(path, fc.constantFrom("data/", "data/01", "\u{1F600}", "a", "", "zzz")), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(edits, edits, option, option, option, async (first, changes, prefix, after, from) => {
      const options = {
        ...(prefix !== undefined && { prefix }),
        ...(after !== undefined && { after }),
        ...(from !== undefined && { from }),
      };
      const within = (path: string) =>
        path.startsWith(prefix ?? "") &&
        (after === undefined || byBytes(path, after) > 0) &&
        (from === undefined || byBytes(path, from) >= 0);
      const tree = createTree(createMemoryStore());
      const before = apply(new Map(), first);
      const now = apply(before, changes);
      const [a, b] = [await build(tree, before), await build(tree, now)];
      assert.deepEqual(
        texts(await collect(tree.scan(b, options))),
        sorted(now).filter(([path]) => within(path)),
      );
      assert.deepEqual(
        pairs(await collect(tree.diff(a, b, options))),
        naiveDiff(before, now).filter(([path]) => within(path!)),
      );
    }),
    { seed: SEED, numRuns: 150 },
  );
});

const many = (count: number) => {
  const random = createRandom(SEED);
  const model: Model = new Map();
  for (let entry = 0; entry < count; entry++)
    model.set(
      `images/train/${String(entry % 97).padStart(3, "0")}/${String(entry).padStart(8, "0")}.jpg`,
      `v${random.below(2 ** 31)}`.padEnd(60, "-"),
    );
  return model;
};

test("a tree of 100,000 paths: one edit writes a node a level and few more, reads as few, and only what differs is opened", async () => {
  const store = createMemoryStore();
  const model = many(100_000);
  const root = await build(createTree(store), model);
  const depth = decodeNode(root, store.nodes.get(root)!).level + 1;
  assert.equal(depth, 3);
  const random = createRandom(SEED);
  const paths = [...model.keys()];
  let written = 0;
  for (let round = 0; round < 100; round++) {
    const path = paths[random.below(paths.length)]!;
    const edit = [
      { path, value: bytes("another".padEnd(60, "-")) },
      { path, value: null },
      { path: `${path}.json`, value: bytes("new") },
      { path: `~${path}`, value: bytes("at the tail") },
    ][round % 4]!;
    const tree = createTree(store); // nothing in its cache
    store.puts.length = store.gets.length = 0;
    const next = await tree.apply(root, [edit]);
    assert.ok(store.puts.length <= depth + 6, `${store.puts.length} nodes written`);
    assert.equal(new Set(store.puts).size, store.puts.length);
    written += store.puts.length;
    const reader = createTree(store);
    store.gets.length = 0;
    assert.equal((await collect(reader.diff(root, next))).length, 1);
    assert.ok(store.gets.length <= 2 * (depth + 6), `${store.gets.length} nodes read`);
    store.gets.length = 0;
    await createTree(store).get(next, edit.path);
    assert.equal(store.gets.length, depth);
  }
  assert.ok(written / 100 < depth + 1, `${written / 100} nodes written in the mean`);
});

test("edits that change nothing write nothing", async () => {
  const store = createMemoryStore();
  const tree = createTree(store);
  const model = many(20_000);
  const root = await build(tree, model);
  store.puts.length = 0;
  const same = [...model].slice(5000, 5100).map(([path, value]) => ({ path, value: bytes(value) }));
  const absent = [{ path: "absent", value: null }, ...same.sort((a, b) => byBytes(a.path, b.path)), { path: "zzz", value: null }];
  assert.equal(await tree.apply(root, absent), root);
  assert.equal(await tree.apply(root, []), root);
  assert.deepEqual(store.puts, []);
});

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
  assert.ok(Math.min(...early) > 0.9 * NODE_MIN_BYTES && Math.max(...early) < 6000, `${early}`);
  const late = await chosen((hash) => !endsNode(0, hash, 0, 8300, 2)); // 80 %
  assert.ok(Math.max(...late) < NODE_MAX_BYTES + 100 && Math.min(...late) > 0.9 * NODE_MAX_BYTES, `${late}`);
});

test("a value larger than a node has a node for itself or with few", async () => {
  const tree = createTree(createMemoryStore());
  const model: Model = new Map(Array.from({ length: 20 }, (_, at) => [`p${at}`, "v".repeat(at % 3 === 0 ? 200_000 : 10)]));
  assert.deepEqual(texts(await collect(tree.scan(await build(tree, model)))), sorted(model));
});

test("the walk for collection gives every node once, leaves out what was seen, and its items are the tree's", async () => {
  const store = createMemoryStore();
  const tree = createTree(store);
  const model = many(20_000);
  const root = await build(tree, model);
  const reachable = await all(tree.nodes(root, () => false));
  store.nodes.delete(await tree.empty());
  assert.deepEqual(new Set(reachable.map(({ node }) => node)), new Set(store.nodes.keys()));
  assert.equal(reachable.length, store.nodes.size);
  assert.deepEqual(texts(reachable.flatMap(({ items }) => items)), sorted(model));
  const next = await tree.apply(root, [{ path: "a", value: bytes("first") }]);
  const seen = new Set(reachable.map(({ node }) => node));
  const fresh = await all(tree.nodes(next, (node) => seen.has(node)));
  assert.ok(fresh.length <= 4, `${fresh.length} nodes`);
});

test("readers share a small cache, and one that holds nothing gives the same", async () => {
  const store = createMemoryStore();
  const model = many(20_000);
  const root = await build(createTree(store), model);
  for (const cacheBytes of [0, 50_000]) {
    const tree = createTree(store, { cacheBytes });
    const scans = await Promise.all([
      collect(tree.scan(root)),
      collect(tree.scan(root)),
      collect(tree.scan(root, { prefix: "images/train/05" })),
    ]);
    assert.deepEqual(texts(scans[0]!), sorted(model));
    assert.deepEqual(scans[1], scans[0]);
    const next = await tree.apply(root, [{ path: "images", value: bytes("v") }]);
    assert.equal(await tree.count(next), model.size + 1);
  }
});

test("a scan that is left reads no more than a few nodes", async () => {
  const store = createMemoryStore();
  const root = await build(createTree(store), many(100_000));
  store.gets.length = 0;
  for await (const items of createTree(store).scan(root, { after: "images/train/050" })) {
    assert.ok(items.length > 0);
    break;
  }
  assert.equal(store.gets.length, 3);
});

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

test("the cut of nodes is a promise to stored data: these roots never change", async () => {
  const tree = createTree(createMemoryStore());
  assert.equal(await tree.empty(), "sha256:5c502dc93dbc4ee46344408e56e191f50627e41d2480eba8c0cc8770b1d8dff3");
  assert.equal(await build(tree, many(20_000)), "sha256:6aebb7ab7342b27633e0094c77bcb76aabac404baa4017f3f223eaac43ba6ff7");
});
