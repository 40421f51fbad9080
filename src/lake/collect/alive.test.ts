import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Digest, digestOf } from "../../base/index.ts";
import { type CommitNode, givenUp } from "./alive.ts";
import { daysOf, type Retention } from "./retention.ts";

const DAY_MS = 24 * 3_600_000;
const NOW = 100 * DAY_MS;
const id = (name: string): Digest => digestOf(name);

/** Commits as `NAME: [age in days, parents]`, parents before children. */
function graph(commits: Readonly<Record<string, readonly [age: number, ...parents: string[]]>>): CommitNode[] {
  return Object.entries(commits)
    .map(([name, [age, ...parents]]) => ({
      id: id(name),
      parents: parents.map(id),
      createdAt: NOW - age * DAY_MS,
      freedAt: null,
    }))
    .reverse();
}

async function lost(
  rule: Retention,
  commits: ReturnType<typeof graph>,
  heads: Readonly<Record<string, string>>,
  held: readonly string[] = [],
): Promise<Set<Digest>> {
  const branches = Object.entries(heads).map(([name, head]) => ({ name, head: id(head) }));
  const found = new Set<Digest>();
  for await (const gone of givenUp(
    rule,
    (async function* () {
      yield* commits;
    })(),
    { branches, held: new Set(held.map(id)) },
    NOW,
  ))
    found.add(gone);
  return found;
}

const of = (...names: string[]) => new Set(names.map(id));

test("kept is what is young, and of each line the first that is older", async () => {
  const line = graph({ a: [50], b: [40, "a"], c: [30, "b"], d: [5, "c"], e: [1, "d"] });
  assert.deepEqual(await lost({ keepDays: 7 }, line, { main: "e" }), of("a", "b"));
  assert.deepEqual(await lost({ keepDays: 0.5 }, line, { main: "e" }), of("a", "b", "c", "d"));
  assert.deepEqual(await lost({ keepDays: 60 }, line, { main: "e" }), of());
  assert.deepEqual(await lost({}, line, { main: "e" }), of());
  assert.deepEqual(await lost({ keepDays: 7 }, line, { main: "e" }, ["a"]), of("b"));
});

test("within the time merged lines are followed too", async () => {
  const merged = graph({ a: [50], b: [40, "a"], x: [45, "a"], y: [42, "x"], z: [3, "y"], m: [2, "b", "z"] });
  assert.deepEqual(await lost({ keepDays: 7 }, merged, { main: "m" }), of("a", "x"));
});

test("branches have days of their own; a commit stays as long as any of them wants it", async () => {
  const two = graph({ a: [90], b: [60, "a"], c: [30, "b"], d: [10, "c"], r: [20, "b"], s: [8, "r"] });
  const heads = { main: "d", "release-1": "s" };
  assert.deepEqual(await lost({ keepDays: 5, branches: { "release-*": 15 } }, two, heads), of("a", "c"));
  assert.deepEqual(await lost({ keepDays: 5, branches: { "release-*": 80 } }, two, heads), of("c"));
  assert.deepEqual(await lost({ branches: { main: 1 } }, two, heads), of("c"));
});

test("where living branches parted stays, so that they can be merged; what only one has goes", async () => {
  const forked = graph({ a: [90], b: [80, "a"], x: [70, "b"], y: [60, "x"], p: [70, "b"], q: [60, "p"] });
  assert.deepEqual(await lost({ keepDays: 1 }, forked, { main: "y", side: "q" }), of("a", "x", "p"));
  assert.deepEqual(await lost({ keepDays: 1 }, forked, { main: "y" }), of("a", "b", "x", "p", "q"));
});

test("commits that no branch leads to are kept for the days of the others, or for ever without", async () => {
  const dangling = graph({ a: [50], b: [40, "a"], gone: [30, "a"], late: [3, "gone"] });
  assert.deepEqual(await lost({ keepDays: 7 }, dangling, { main: "b" }), of("a", "gone"));
  assert.deepEqual(await lost({ branches: { main: 7 } }, dangling, { main: "b" }), of("a"));
});

test("any graph is judged as by following every line from every branch", async () => {
  const graphs = fc
    .array(fc.tuple(fc.nat(60), fc.array(fc.nat(5), { maxLength: 2 })), { minLength: 1, maxLength: 25 })
    .map((rows) =>
      rows.map(([age, back], index) => ({
        id: id(`${index}`),
        parents: [...new Set(back.map((steps) => index - 1 - steps).filter((parent) => parent >= 0))].map((parent) =>
          id(`${parent}`),
        ),
        createdAt: NOW - (age + 60 - index) * DAY_MS,
        freedAt: null,
      })),
    );
  const rules = fc.record({
    keepDays: fc.option(fc.nat(80), { nil: undefined }),
    branches: fc.dictionary(fc.constantFrom("main", "s*"), fc.nat(80)),
  });
  const heads = fc.dictionary(fc.constantFrom("main", "side", "other"), fc.nat(24), { minKeys: 1 });
  await fc.assert(
    fc.asyncProperty(graphs, rules, heads, async (commits, given, numbers) => {
      const rule: Retention = { branches: given.branches, ...(given.keepDays !== undefined && { keepDays: given.keepDays }) };
      const branches = Object.fromEntries(
        Object.entries(numbers).map(([name, number]) => [name, String(number % commits.length)]),
      );
      const gone = await lost(rule, [...commits].reverse(), branches);
      const byId = new Map(commits.map((commit) => [commit.id, commit]));
      for (const [name, head] of Object.entries(branches)) {
        const days = daysOf(rule, name);
        const sinceMs = days === null ? Number.NEGATIVE_INFINITY : NOW - days * DAY_MS;
        const follow = (at: Digest) => {
          assert.ok(!gone.has(at), `${name} wants ${at}`);
          const { createdAt, parents } = byId.get(at)!;
          if (createdAt > sinceMs) parents.forEach(follow);
        };
        follow(id(head));
      }
      for (const base of bases(commits, Object.values(branches).map(id))) assert.ok(!gone.has(base), "two branches parted there");
    }),
    { numRuns: 300 },
  );
});

/** The newest commits that two heads have in common. */
function bases(commits: readonly CommitNode[], heads: readonly Digest[]): Set<Digest> {
  const parents = new Map(commits.map((commit) => [commit.id, commit.parents]));
  const above = (from: Digest, found = new Set<Digest>()): Set<Digest> => {
    if (!found.has(from)) {
      found.add(from);
      for (const parent of parents.get(from)!) above(parent, found);
    }
    return found;
  };
  const found = new Set<Digest>();
  for (const one of heads)
    for (const other of heads) {
      const shared = [...above(one)].filter((commit) => above(other).has(commit));
      for (const commit of shared) if (!shared.some((newer) => newer !== commit && above(newer).has(commit))) found.add(commit);
    }
  return found;
}
