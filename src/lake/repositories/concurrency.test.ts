import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { MillError } from "../../base/index.ts";
import type { Change } from "./entry.ts";
import { entryOf, openRepositories, openShared } from "./fixtures/open.ts";
import type { Repository } from "./repository.ts";

const AUTHOR = { message: "m", author: "ann" };
const SMALL = { rows: 20, removed: 10 };

const put = (repository: Repository, path: string, content: string) =>
  repository.stage("main", [{ path, entry: entryOf(content) }]);

async function pathsOf(repository: Repository, ref: string): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of repository.scan(ref)) found.push(...batch.map(({ path }) => path));
  return found;
}

async function withRepository(body: (repository: Repository) => Promise<void>): Promise<void> {
  await using opened = await openRepositories({ foldAt: SMALL });
  await opened.repositories.create({ name: "r", actor: "ann" });
  await body(opened.repositories.of("r"));
}

/** Two owners of one folder. */
async function withTwo(body: (one: Repository, two: Repository) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mill-two-"));
  try {
    await using one = await openShared(folder, { foldAt: SMALL });
    await using two = await openShared(folder, { foldAt: SMALL });
    await one.repositories.create({ name: "r", actor: "ann" });
    await body(one.repositories.of("r"), two.repositories.of("r"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "done",
    (error: MillError) => error.code ?? String(error),
  );

test("calls that arrive together are each whole, and the last change of a path stays", () =>
  withRepository(async (repository) => {
    await Promise.all(Array.from({ length: 300 }, (_, index) => put(repository, `p${index % 50}`, `${index}`)));
    assert.equal((await pathsOf(repository, "main")).length, 50);
    for (let index = 250; index < 300; index++)
      assert.equal((await repository.entry("main", `p${index % 50}`))?.etag, entryOf(`${index}`).etag);
  }));

test("a refused call spares those that came with it", () =>
  withRepository(async (repository) => {
    const codes = await Promise.all([
      codeOf(put(repository, "a", "1")),
      codeOf(repository.stage("main", [{ path: "b", entry: entryOf("1") }], [{ path: "b", ifMatch: "*" }])),
      codeOf(put(repository, "c", "1")),
      codeOf(put(repository, "", "1")),
      codeOf(repository.stage("nothing", [{ path: "d", entry: null }])),
    ]);
    assert.deepEqual(codes, ["done", "lake.condition", "done", "lake.bad-path", "lake.unknown-ref"]);
    assert.deepEqual(await pathsOf(repository, "main"), ["a", "c"]);
  }));

test("conditions look at what is staged, folded or committed, and tell what failed", () =>
  withRepository(async (repository) => {
    const { etag } = entryOf("1");
    const write = (condition: object) =>
      repository.stage("main", [{ path: "x", entry: entryOf("1") }], [{ path: "x", ...condition }]);
    const check = async (isThere: boolean) => {
      const failed = isThere
        ? { code: "lake.condition", at: "x", got: `etag ${etag}` }
        : { code: "lake.condition", at: "x", got: "nothing" };
      if (isThere)
        for (const condition of [{ ifMatch: etag }, { ifMatch: "*" }, { ifNoneMatch: "other" }]) await write(condition);
      await assert.rejects(write({ ifMatch: "other" }), { ...failed, expected: "if-match: other" });
      if (isThere) await assert.rejects(write({ ifNoneMatch: "*" }), { ...failed, expected: "if-none-match: *" });
      if (isThere) await assert.rejects(write({ ifNoneMatch: etag }), failed);
      if (!isThere) await assert.rejects(write({ ifMatch: "*" }), failed);
    };
    await check(false);
    await write({ ifNoneMatch: "*" });
    await check(true);
    await repository.stageMany("main", (async function* (): AsyncGenerator<Change[]> {})()); // folds
    await check(true);
    await repository.commit("main", AUTHOR);
    await check(true);
    await repository.stage("main", [{ path: "x", entry: null }], [{ path: "x", ifMatch: etag }]);
    await check(false);
  }));

test("of writers that want a path not to be there one wins, in one process and in two", { timeout: 120_000 }, () =>
  withTwo(async (one, two) => {
    const create = (repository: Repository, path: string) =>
      codeOf(repository.stage("main", [{ path, entry: entryOf("1") }], [{ path, ifNoneMatch: "*" }]));
    for (let round = 0; round < 15; round++) {
      const codes = await Promise.all([one, two, one, two].map((repository) => create(repository, `p${round}`)));
      assert.deepEqual(codes.sort(), ["done", "lake.condition", "lake.condition", "lake.condition"]);
    }
    assert.equal((await pathsOf(two, "main")).length, 15);
  }),
);

test("a counter kept by conditional writes loses no step, while others write and fold", { timeout: 120_000 }, () =>
  withTwo(async (one, two) => {
    const contents = new Map(Array.from({ length: 100 }, (_, count) => [entryOf(`${count}`).etag, count]));
    await put(one, "counter", "0");
    const step = async (repository: Repository) => {
      for (;;) {
        const { etag } = (await repository.entry("main", "counter"))!;
        const next = [{ path: "counter", entry: entryOf(`${contents.get(etag)! + 1}`) }];
        const code = await codeOf(repository.stage("main", next, [{ path: "counter", ifMatch: etag }]));
        if (code === "done") return;
        assert.match(code, /^lake\.(condition|moved)$/);
      }
    };
    const noise = async (repository: Repository, name: string) => {
      for (let index = 0; index < 60; index++) await put(repository, `${name}/${index}`, "x");
    };
    const steps = async (repository: Repository) => {
      for (let index = 0; index < 10; index++) await step(repository);
    };
    await Promise.all([steps(one), steps(two), steps(one), noise(one, "one"), noise(two, "two")]);
    assert.equal(contents.get((await two.entry("main", "counter"))!.etag), 30);
    assert.equal((await pathsOf(one, "main")).length, 121);
  }),
);

test(
  "committers of one branch each win, find nothing left, or are told that it moved; no change is lost",
  { timeout: 120_000 },
  () =>
    withTwo(async (one, two) => {
      const written: string[] = [];
      const commits = new Set<string>();
      const work = async (repository: Repository, name: string) => {
        for (let index = 0; index < 12; index++) {
          await put(repository, `${name}/${index}`, "x");
          written.push(`${name}/${index}`);
          const code = await codeOf(repository.commit("main", AUTHOR).then(({ id }) => commits.add(id)));
          assert.match(code, /^(done|lake\.nothing-staged|lake\.moved)$/);
        }
      };
      await Promise.all([work(one, "one"), work(two, "two"), work(one, "three"), work(two, "four")]);
      await one.commit("main", AUTHOR).then(
        ({ id }) => commits.add(id),
        () => undefined,
      );
      const log = await two.log("main", { limit: 1000 });
      assert.deepEqual(await pathsOf(two, log[0]!.id), written.sort());
      assert.deepEqual(new Set(log.slice(0, -1).map(({ id }) => id)), commits);
    }),
);

test("merges from several branches at once all come in", { timeout: 120_000 }, () =>
  withTwo(async (one, two) => {
    const names = ["a", "b", "c", "d"];
    for (const name of names) {
      await one.createBranch(name, "main");
      await one.stage(name, [{ path: name, entry: entryOf(name) }]);
      await one.commit(name, AUTHOR);
    }
    await put(one, "staged", "x");
    const merged = await Promise.all(names.map((name, index) => (index % 2 ? one : two).merge(name, "main", AUTHOR)));
    assert.ok(merged.every((outcome) => outcome.merged));
    assert.deepEqual(await pathsOf(one, "main"), [...names, "staged"]);
    assert.deepEqual(await pathsOf(one, (await one.commitOf("main")).id), names);
  }),
);

test("readers see every acknowledged path while rows are folded away under them", { timeout: 120_000 }, () =>
  withTwo(async (one, two) => {
    const acknowledged: string[] = [];
    let done = false;
    const write = async () => {
      for (let index = 0; index < 400; index++) {
        const path = `p${String(index).padStart(4, "0")}`;
        await put(index % 3 ? one : two, path, "x");
        acknowledged.push(path);
      }
      done = true;
    };
    const read = async (repository: Repository) => {
      while (!done) {
        const before = [...acknowledged];
        const found = new Set(await pathsOf(repository, "main"));
        assert.deepEqual(
          before.filter((path) => !found.has(path)),
          [],
        );
        const listed = new Set((await repository.list("main", { limit: 1000 })).entries.map(({ path }) => path));
        assert.deepEqual(
          before.filter((path) => !listed.has(path)),
          [],
        );
        const last = before.at(-1);
        if (last) assert.ok(await repository.entry("main", last));
        const staged = new Set((await repository.uncommitted("main", { limit: 1000 })).map(({ path }) => path));
        assert.deepEqual(
          before.filter((path) => !staged.has(path)),
          [],
        );
      }
    };
    await Promise.all([write(), read(one), read(two)]);
    const [left] = await Promise.all([one.uncommitted("main", { limit: 1000 })]);
    assert.equal(left.length, 400);
  }),
);

test("a reset that meets folds leaves nothing of what was staged before it", { timeout: 120_000 }, () =>
  withTwo(async (one, two) => {
    for (let round = 0; round < 60; round++) {
      await Promise.all(Array.from({ length: 25 }, (_, index) => put(index % 2 ? one : two, `p${index}`, "x"))); // starts folds
      await (round % 2 ? one : two).reset("main");
      assert.deepEqual(await pathsOf(one, "main"), []);
      await delay(1);
      assert.deepEqual(await pathsOf(two, "main"), []);
    }
  }),
);

test("a stream of changes is all there or not at all, over what came in meanwhile", { timeout: 120_000 }, () =>
  withTwo(async (one, two) => {
    const names = Array.from({ length: 3000 }, (_, index) => `p${String(index).padStart(5, "0")}`);
    await put(one, "p00001", "before");
    await put(one, "q", "before");
    async function* changes(): AsyncGenerator<Change[]> {
      for (let at = 0; at < names.length; at += 500) {
        yield names.slice(at, at + 500).map((path) => ({ path, entry: entryOf("streamed") }));
        await put(two, `meanwhile/${at}`, "x");
        if (at === 1000) await two.commit("main", AUTHOR);
      }
      yield [{ path: "q", entry: null }];
    }
    assert.equal(await one.stageMany("main", changes()), 3001);
    const found = await pathsOf(two, "main");
    assert.equal(found.length, 3006);
    assert.ok(!found.includes("q"));
    assert.equal((await two.entry("main", "p00001"))?.etag, entryOf("streamed").etag);

    async function* failing(): AsyncGenerator<Change[]> {
      yield [{ path: "a", entry: entryOf("x") }];
      throw new MillError("object.unreadable", "the source broke");
    }
    await assert.rejects(one.stageMany("main", failing()), { code: "object.unreadable" });
    async function* unsorted(): AsyncGenerator<Change[]> {
      yield [
        { path: "\u{1F600}", entry: entryOf("x") },
        { path: "\uFFFD", entry: entryOf("x") },
      ];
    }
    await assert.rejects(one.stageMany("main", unsorted()), { code: "lake.unsorted" });
    assert.deepEqual(await pathsOf(one, "main"), found);
  }),
);

test("far more changes than are kept staged go into the tree in one step", { timeout: 120_000 }, () =>
  withRepository(async (repository) => {
    const changes = Array.from({ length: 10_000 }, (_, index) => ({
      path: `p${(index * 7919) % 9000}`,
      entry: entryOf(`${index}`),
    }));
    await repository.stage("main", changes);
    assert.equal((await pathsOf(repository, "main")).length, 9000);
    assert.equal((await repository.entry("main", changes[9500]!.path))?.etag, changes[9500]!.entry.etag);
  }),
);
