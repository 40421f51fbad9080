import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom } from "../../base/index.ts";
import { createTree } from "./create-tree.ts";
import { createMemoryStore } from "./fixtures/memory-store.ts";
import { all, build, byBytes, bytes, collect, type Model, many, SEED, sorted, texts } from "./fixtures/models.ts";
import { decodeNode } from "./node.ts";
import type { Difference, Edit, NodeStore, Tree } from "./tree.ts";

const pairs = (differences: readonly Difference[]) =>
  differences.map(({ path, before, after }) => [
    path,
    before && Buffer.from(before).toString(),
    after && Buffer.from(after).toString(),
  ]);

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
