import assert from "node:assert/strict";
import { test } from "node:test";
import { entryOf, openRepositories } from "./fixtures/open.ts";
import type { Repository } from "./repository.ts";

const AUTHOR = { message: "m", author: "ann" };

async function withRepository(body: (repository: Repository) => Promise<void>): Promise<void> {
  await using opened = await openRepositories();
  await opened.repositories.create({ name: "pictures", actor: "ann" });
  await body(opened.repositories.of("pictures"));
}

const put = (repository: Repository, branch: string, files: Record<string, string | null>) =>
  repository.stage(
    branch,
    Object.entries(files).map(([path, content]) => ({ path, entry: content === null ? null : entryOf(content) })),
  );

const paths = async (repository: Repository, ref: string) =>
  (await repository.list(ref, { limit: 1000 })).entries.map(({ path }) => path);

test("a repository is made once, listed by name, opened with its bucket's branch, and removed with all that is in it", async () => {
  await using opened = await openRepositories({ clock: () => 5 });
  const { repositories, records } = opened;
  const info = await repositories.create({ name: "b", actor: "ann", bucketBranch: "live" });
  assert.deepEqual(info, { name: "b", defaultBranch: "live", bucketBranch: "live", createdAt: 5, createdBy: "ann" });
  assert.deepEqual(await repositories.of("b").info(), info);
  await repositories.create({ name: "a", actor: "ann" });
  await assert.rejects(repositories.create({ name: "a", actor: "bob" }), { code: "lake.repository-exists" });
  for (const name of ["", "A", "a.b", "a/b", "-a", "é", "a".repeat(101)])
    await assert.rejects(repositories.create({ name, actor: "ann" }), { code: "lake.bad-name" });
  assert.deepEqual(
    (await repositories.list({ limit: 10 })).map(({ name }) => name),
    ["a", "b"],
  );
  assert.deepEqual(
    (await repositories.list({ limit: 10, after: "a" })).map(({ name }) => name),
    ["b"],
  );

  const a = repositories.of("a");
  await put(a, "main", { x: "1" });
  await a.createTag("t", "main");
  await repositories.remove("a");
  await assert.rejects(repositories.remove("a"), { code: "lake.unknown-repository" });
  for (const table of ["branches", "staged", "tags", "commits"])
    assert.deepEqual(await records.query(`SELECT * FROM ${table} WHERE repository = 'a'`), []);
  const gone: (() => Promise<unknown>)[] = [
    () => a.info(),
    () => a.resolve("main"),
    () => a.branches({ limit: 1 }),
    () => a.tags({ limit: 1 }),
    () => a.list("main", { limit: 1 }),
    () => a.entry("main", "x"),
    () => put(a, "main", { x: "1" }),
    () => a.commit("main", AUTHOR),
  ];
  await assert.rejects(repositories.of("a\0b").info(), { code: "lake.unknown-repository" });
  await assert.rejects(repositories.remove("a\0b"), { code: "lake.unknown-repository" });
  assert.equal((await repositories.list({ limit: 10, after: "a\0" })).length, 1);
  for (const ask of gone) await assert.rejects(ask(), { code: "lake.unknown-repository" });
});

test("a ref is a branch, a tag, a commit by its first digits, or steps back from one", () =>
  withRepository(async (repository) => {
    await put(repository, "main", { x: "1" });
    const one = await repository.commit("main", AUTHOR);
    await put(repository, "main", { x: "2" });
    const two = await repository.commit("main", AUTHOR);
    assert.deepEqual(await repository.createTag("v1", "main~1"), { ...(await repository.tags({ limit: 9 }))[0] });
    const commitOf = async (ref: string) => (await repository.resolve(ref)).commit;
    for (const [ref, commit] of [
      ["main", two],
      ["v1", one],
      ["main~1", one],
      ["v1~0", one],
      [two.id, two],
      [two.id.slice(7), two],
      [two.id.slice(7, 15), two],
      [`${two.id.slice(7, 20)}~1`, one],
    ] as const)
      assert.equal(await commitOf(ref), commit.id, ref);
    assert.deepEqual(await repository.resolve("v1"), { kind: "tag", name: "v1", commit: one.id });
    for (const ref of ["", "main~3", "nothing", two.id.slice(7, 14), "0123456789abcdef", "main~", "ma\0in", "~1", "__proto__"])
      await assert.rejects(repository.resolve(ref), { code: "lake.unknown-ref" }, ref);
    assert.equal((await repository.entry("v1", "x"))?.etag, entryOf("1").etag);
    assert.equal((await repository.entry("main~1", "x"))?.etag, entryOf("1").etag);
    assert.equal(await repository.count("main"), 1);
  }));

test("names and positions that no database takes lead nowhere", () =>
  withRepository(async (repository) => {
    await put(repository, "main", { x: "1" });
    await repository.createTag("v1", "main");
    for (const name of ["ma\0in", "\ud800"]) {
      const asks: (() => Promise<unknown>)[] = [
        () => repository.branch(name),
        () => put(repository, name, { x: "1" }),
        () => repository.entry(name, "x"),
        () => repository.list(name, { limit: 1 }),
        () => repository.uncommitted(name, { limit: 1 }),
        () => repository.commit(name, AUTHOR),
        () => repository.merge("main", name, AUTHOR),
        () => repository.protect(name, true),
        () => repository.deleteBranch(name),
        () => repository.deleteTag(name),
      ];
      for (const ask of asks) await assert.rejects(ask(), { code: "lake.unknown-ref" });
    }
    assert.equal((await repository.branches({ limit: 9, after: "a\0" })).length, 1);
    assert.equal((await repository.tags({ limit: 9, after: "\0" })).length, 1);
    assert.equal((await repository.uncommitted("main", { limit: 9, after: "a\0b" })).length, 1);
    assert.equal((await repository.diff("main", "v1", { limit: 9, after: "a\0b" })).length, 0);
    assert.equal((await repository.commit("main", { message: "a\0b", author: "\ud800" })).message, "a\uFFFDb");
  }));

test("branches and tags share their names, which no commit's id can be", () =>
  withRepository(async (repository) => {
    await repository.createBranch("fix", "main");
    await repository.createTag("v1", "main");
    await assert.rejects(repository.createBranch("fix", "main"), { code: "lake.ref-exists" });
    await assert.rejects(repository.createBranch("v1", "main"), { code: "lake.ref-exists" });
    await assert.rejects(repository.createTag("fix", "main"), { code: "lake.ref-exists" });
    await assert.rejects(repository.createBranch("other", "nothing"), { code: "lake.unknown-ref" });
    for (const name of ["", "a/b", ".a", "a~1", "é", "a".repeat(101), "a b", "ab".repeat(32)])
      await assert.rejects(repository.createBranch(name, "main"), { code: "lake.bad-name" }, name);
    await assert.rejects(repository.deleteBranch("main"), { code: "lake.branch-needed" });
    await assert.rejects(repository.deleteBranch("v1"), { code: "lake.unknown-ref" });
    await assert.rejects(repository.deleteTag("fix"), { code: "lake.unknown-ref" });
    await put(repository, "fix", { x: "1" });
    await repository.deleteBranch("fix");
    await repository.deleteTag("v1");
    await repository.createBranch("fix", "main");
    assert.deepEqual(await paths(repository, "fix"), []);
  }));

test("a branch begins at the commit of a ref; what is staged there stays there", () =>
  withRepository(async (repository) => {
    await put(repository, "main", { x: "1" });
    await repository.createBranch("fix", "main");
    assert.deepEqual(await paths(repository, "fix"), []);
    assert.deepEqual(await paths(repository, "main"), ["x"]);
  }));

test("a protected branch takes merges, reverts and prepared commits, nothing else", () =>
  withRepository(async (repository) => {
    await repository.createBranch("fix", "main");
    await put(repository, "fix", { x: "1" });
    await repository.commit("fix", AUTHOR);
    await put(repository, "main", { y: "1" });
    await repository.protect("main", true);
    const many = async function* () {
      yield [{ path: "x", entry: null }];
    };
    const refused: (() => Promise<unknown>)[] = [
      () => put(repository, "main", { x: "1" }),
      () => repository.stage("main", [{ path: "x", entry: entryOf("1") }], [{ path: "x", ifNoneMatch: "*" }]),
      () => repository.stageMany("main", many()),
      () => repository.commit("main", AUTHOR),
      () => repository.reset("main"),
      () => repository.resetTo("main", "fix"),
      () => repository.deleteBranch("main"),
    ];
    for (const ask of refused) await assert.rejects(ask(), { code: "lake.protected" });
    assert.equal((await repository.merge("fix", "main", AUTHOR)).merged, true);
    assert.equal((await repository.revert("main", "fix", AUTHOR)).merged, true);
    assert.equal((await repository.cherryPick("main", "fix", AUTHOR)).merged, true);
    assert.deepEqual(await paths(repository, "main"), ["x", "y"]);
    await repository.protect("main", false);
    await repository.commit("main", AUTHOR);
    await assert.rejects(repository.protect("nothing", true), { code: "lake.unknown-ref" });
  }));

test("paths that no store can hold are refused, all others are plain names", () =>
  withRepository(async (repository) => {
    const longest = "é".repeat(512);
    const odd = [
      "..",
      "../../etc/passwd",
      "/",
      "//",
      "a//b",
      "a/../b",
      "\u0001\n",
      " ",
      "a%2Fb",
      "\u{10FFFF}",
      "__proto__",
      longest,
    ];
    await repository.stage(
      "main",
      odd.map((path) => ({ path, entry: entryOf(path) })),
    );
    await repository.commit("main", AUTHOR);
    const expected = odd.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(await paths(repository, "main"), expected);
    for (const path of odd) assert.equal((await repository.entry("main", path))?.etag, entryOf(path).etag);
    for (const path of ["", "a\0b", "\ud800", "a\udfff", `${longest}x`, "x".repeat(1025)]) {
      await assert.rejects(put(repository, "main", { [path]: "1" }), { code: "lake.bad-path" });
      await assert.rejects(repository.stage("main", [], [{ path, ifNoneMatch: "*" }]), { code: "lake.bad-path" });
      assert.equal(await repository.entry("main", path), null);
    }
    const metadata = { note: "x".repeat(9000) };
    await assert.rejects(repository.stage("main", [{ path: "x", entry: { ...entryOf("x"), metadata } }]), {
      code: "lake.bad-entry",
    });
  }));

test("a commit holds all that was staged, with what was said of it; with nothing new there is none", () =>
  withRepository(async (repository) => {
    const start = await repository.commitOf("main");
    await put(repository, "main", { a: "1", b: "2" });
    await put(repository, "main", { b: null, c: "3" });
    const commit = await repository.commit("main", { message: "first", author: "ann", metadata: { run: "7" } });
    assert.deepEqual([commit.parents, commit.generation, commit.message, commit.author], [[start.id], 1, "first", "ann"]);
    assert.deepEqual(await repository.commitOf("main"), commit);
    assert.deepEqual(commit.metadata, { run: "7" });
    assert.deepEqual(await paths(repository, commit.id), ["a", "c"]);
    await assert.rejects(repository.commit("main", AUTHOR), { code: "lake.nothing-staged" });
    await put(repository, "main", { a: "1", z: null }); // the same again, and a path removed that is not there
    assert.deepEqual(await repository.uncommitted("main", { limit: 10 }), []);
    await assert.rejects(repository.commit("main", AUTHOR), { code: "lake.nothing-staged" });
    await assert.rejects(repository.commit("main", { ...AUTHOR, expect: start.id }), { code: "lake.moved", got: commit.id });
    await assert.rejects(repository.commit(commit.id, AUTHOR), { code: "lake.unknown-ref" });
  }));

test("what is staged is told against the head in pages, and taken back whole or below a prefix", () =>
  withRepository(async (repository) => {
    await put(repository, "main", { "a/1": "1", "a/2": "2", b: "3" });
    await repository.commit("main", AUTHOR);
    await put(repository, "main", { "a/1": null, "a/2": "other", "a/3": "new", b: null });
    const shape = (found: readonly { path: string; before: unknown; after: unknown }[]) =>
      found.map(({ path, before, after }) => `${before ? "-" : ""}${after ? "+" : ""}${path}`);
    assert.deepEqual(shape(await repository.uncommitted("main", { limit: 10 })), ["-a/1", "-+a/2", "+a/3", "-b"]);
    assert.deepEqual(shape(await repository.uncommitted("main", { limit: 2, after: "a/1" })), ["-+a/2", "+a/3"]);
    await repository.reset("main", "a/");
    assert.deepEqual(shape(await repository.uncommitted("main", { limit: 10 })), ["-b"]);
    await repository.reset("main");
    assert.deepEqual(await repository.uncommitted("main", { limit: 10 }), []);
    assert.deepEqual(await paths(repository, "main"), ["a/1", "a/2", "b"]);
  }));

test("a commit prepared for another transaction holds while the branch stands, and can be tagged there", async () => {
  await using opened = await openRepositories();
  const { repositories, records } = opened;
  await repositories.create({ name: "flights", actor: "mill" });
  const flights = repositories.of("flights");
  await flights.protect("main", true);
  const changes = [
    { path: "part-0.parquet", entry: entryOf("rows") },
    { path: "manifest.json", entry: entryOf("{}") },
  ];
  const one = await flights.commitStatements("main", changes, { ...AUTHOR, tag: "v1" });
  const other = await flights.commitStatements("main", [], { ...AUTHOR, message: "other" });
  assert.deepEqual(await paths(flights, "main"), []);
  assert.deepEqual(await records.commit(one.statements), { committed: true });
  assert.equal((await records.commit(other.statements)).committed, false);
  assert.equal((await flights.resolve("v1")).commit, one.commit.id);
  assert.deepEqual(await paths(flights, "main"), ["manifest.json", "part-0.parquet"]);
  const tagged = await flights.commitStatements("main", [], { ...AUTHOR, tag: "v1" });
  assert.equal((await records.commit(tagged.statements)).committed, false);
  await assert.rejects(flights.commitStatements("main", [], { ...AUTHOR, expect: other.commit.id }), { code: "lake.moved" });
});

test("the log tells commits newest first, in pages, and of a path or prefix those that changed it", () =>
  withRepository(async (repository) => {
    const ids: string[] = [];
    for (const [index, files] of [{ a: "1" }, { "d/x": "1" }, { a: "2" }, { "d/y": "1" }, { "d/y": "2" }].entries()) {
      await put(repository, "main", files as Record<string, string>);
      ids.unshift((await repository.commit("main", { message: `${index}`, author: "ann" })).id);
    }
    const log = async (options: { path?: string; after?: string; limit?: number }) =>
      (await repository.log("main", { limit: 10, ...options })).map(({ message }) => message);
    assert.deepEqual(await log({}), ["4", "3", "2", "1", "0", "Repository created"]);
    assert.deepEqual(await log({ limit: 2, after: ids[1]! }), ["2", "1"]);
    assert.deepEqual(await log({ path: "a" }), ["2", "0"]);
    assert.deepEqual(await log({ path: "d/" }), ["4", "3", "1"]);
    assert.deepEqual(await log({ path: "d/", limit: 1, after: ids[0]! }), ["3"]);
    assert.deepEqual(await log({ path: "nothing" }), []);

    await repository.createBranch("side", "main~2");
    await put(repository, "side", { b: "1" });
    await repository.commit("side", { message: "side", author: "ann" });
    await repository.merge("side", "main", { message: "merged", author: "ann" });
    assert.deepEqual(await log({ path: "b" }), ["side"]);
    assert.equal((await log({})).length, 8);
  }));

test("long histories are walked to their first commit", () =>
  withRepository(async (repository) => {
    await repository.createBranch("old", "main");
    for (let index = 0; index < 150; index++) {
      await put(repository, "main", { counter: `${index}` });
      await repository.commit("main", AUTHOR);
    }
    assert.equal((await repository.log("main", { limit: 1000 })).length, 151);
    await put(repository, "old", { other: "1" });
    await repository.commit("old", AUTHOR);
    assert.equal((await repository.merge("old", "main", AUTHOR)).merged, true);
    assert.equal((await repository.merge("main", "old", AUTHOR)).merged, true);
    assert.deepEqual(await paths(repository, "old"), ["counter", "other"]);
  }));
