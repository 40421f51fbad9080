import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { entryOf, openRepositories } from "./fixtures/open.ts";
import { behindPrefix, comparePaths } from "./paths.ts";
import type { Listing, ListOptions, Repository } from "./repository.ts";

const text = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit: fc.constantFrom("a", "b", "/", "0"), maxLength: 6 }) },
  {
    weight: 1,
    arbitrary: fc.string({
      unit: fc.constantFrom("/", "é", "\uFFFD", "\uD7FF", "\uE000", "\u{10FFFF}", "\u{1F600}"),
      maxLength: 4,
    }),
  },
);
const path = text.filter((path) => path !== "");
const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

test("paths are compared as their UTF-8 bytes, and a prefix's end is the first text behind all that begin with it", () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      assert.equal(Math.sign(comparePaths(a, b)), bytewise(a, b));
      const end = behindPrefix(a);
      if (b.startsWith(a)) assert.ok(end === null || bytewise(b, end) < 0);
      else if (bytewise(b, a) > 0) assert.ok(end !== null && bytewise(b, end) >= 0);
    }),
    { numRuns: 5000, seed: 7 },
  );
});

test("pages of a branch tell its paths and common prefixes as a sorted list would, whatever is staged or folded", {
  timeout: 300_000,
}, async () => {
  await using opened = await openRepositories({ foldAt: { rows: 6, removed: 4 } });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(path, { maxLength: 30 }),
      fc.array(fc.tuple(path, fc.boolean()), { maxLength: 12 }),
      fc.record({
        prefix: fc.option(text, { nil: undefined }),
        delimiter: fc.option(fc.constantFrom("/", "a", "ab", "//", "é", ""), { nil: undefined }),
        after: fc.option(text, { nil: undefined }),
        limit: fc.integer({ min: 1, max: 5 }),
      }),
      async (committed, staged, asked) => {
        const name = `listing-${round++}`;
        await opened.repositories.create({ name, actor: "test" });
        const repository = opened.repositories.of(name);
        const held = new Set(committed);
        await repository.stage(
          "main",
          [...held].map((path) => ({ path, entry: entryOf(path) })),
        );
        if (held.size > 0) await repository.commit("main", { message: "m", author: "test" });
        for (const [path, isThere] of [...staged, ...committed.slice(0, 5).map((path) => [path, false] as const)]) {
          await repository.stage("main", [{ path, entry: isThere ? entryOf(path) : null }]);
          isThere ? held.add(path) : held.delete(path);
        }
        const { prefix, delimiter, after, limit } = asked;
        const options = {
          limit,
          ...(prefix !== undefined && { prefix }),
          ...(delimiter !== undefined && { delimiter }),
          ...(after !== undefined && { after }),
        };
        assert.deepEqual(await allPages(repository, options), naive([...held], options));
        const found = [];
        for await (const batch of repository.scan("main", prefix)) found.push(...batch.map(({ path }) => path));
        assert.deepEqual(found, [...held].filter((path) => path.startsWith(prefix ?? "")).sort(bytewise));
      },
    ),
    { numRuns: 150, seed: 20261121 },
  );
});

async function allPages(repository: Repository, options: ListOptions): Promise<string[]> {
  const told: string[] = [];
  let after = options.after;
  for (;;) {
    const page: Listing = await repository.list("main", { ...options, ...(after !== undefined && { after }) });
    const names = [...page.entries.map(({ path }) => path), ...page.prefixes.map((prefix) => `${prefix}...`)];
    assert.ok(names.length <= options.limit);
    if (page.next !== null) assert.equal(names.length, options.limit, "only the last page is short");
    told.push(...names.sort(bytewise));
    if (page.next === null) return told;
    after = page.next;
  }
}

function naive(paths: readonly string[], { prefix = "", delimiter = "", after }: ListOptions): string[] {
  const told = new Set<string>();
  for (const path of [...paths].sort(bytewise)) {
    if (!path.startsWith(prefix)) continue;
    const at = delimiter === "" ? -1 : path.indexOf(delimiter, prefix.length);
    const name = at < 0 ? path : path.slice(0, at + delimiter.length);
    if (after === undefined || bytewise(name, after) > 0) told.add(at < 0 ? path : `${name}...`);
  }
  return [...told];
}

test("what no path can begin with has nothing below it", async () => {
  await using opened = await openRepositories();
  await opened.repositories.create({ name: "r", actor: "test" });
  const repository = opened.repositories.of("r");
  await repository.stage("main", [
    { path: "x", entry: entryOf("1") },
    { path: "y", entry: entryOf("1") },
  ]);
  const nothing = { entries: [], prefixes: [], next: null };
  for (const prefix of ["\0", "x\0", "\ud800"]) {
    assert.deepEqual(await repository.list("main", { prefix, limit: 10 }), nothing);
    assert.deepEqual(await repository.list((await repository.commitOf("main")).id, { prefix, limit: 10 }), nothing);
    for await (const batch of repository.scan("main", prefix)) assert.fail(`${batch.length} entries`);
    assert.deepEqual(await repository.diff("main", "main", { prefix, limit: 10 }), []);
  }
  assert.deepEqual(await repository.list("main", { limit: 0 }), nothing);
  const after = async (after: string) => (await repository.list("main", { after, limit: 10 })).entries.map(({ path }) => path);
  assert.deepEqual(await after("x\0"), ["y"]);
  assert.deepEqual(await after("w\0z"), ["x", "y"]);
});

test("a page is found behind a hundred thousand removed paths, and behind a common prefix of as many", {
  timeout: 300_000,
}, async () => {
  await using opened = await openRepositories();
  await opened.repositories.create({ name: "r", actor: "test" });
  const repository = opened.repositories.of("r");
  const names = Array.from({ length: 100_000 }, (_, index) => `a/${String(index).padStart(6, "0")}`);
  const entry = entryOf("same");
  await repository.stage(
    "main",
    [...names, "b", "c/d"].map((path) => ({ path, entry })),
  );
  assert.deepEqual(await repository.list("main", { delimiter: "/", limit: 10 }), {
    entries: [{ path: "b", entry }],
    prefixes: ["a/", "c/"],
    next: null,
  });
  for (let at = 0; at < names.length; at += 1000)
    await repository.stage(
      "main",
      names.slice(at, at + 1000).map((path) => ({ path, entry: null })),
    );
  const { entries } = await repository.list("main", { limit: 10 });
  assert.deepEqual(
    entries.map(({ path }) => path),
    ["b", "c/d"],
  );
  const [left] = await opened.records.query<{ rows: number }>(`SELECT count(*) AS "rows" FROM staged`);
  assert.ok(left!.rows <= 6000, `${left!.rows} staged rows were left unfolded`);
});
