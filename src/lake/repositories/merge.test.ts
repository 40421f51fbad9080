import assert from "node:assert/strict";
import { test } from "node:test";
import { entryOf, openRepositories } from "./fixtures/open.ts";
import type { MergeOptions, Repository } from "./repository.ts";

const AUTHOR = { message: "m", author: "ann" };

type Files = Record<string, string | null>;

/** `main` and `fix` part at `base`, then each makes its own changes. */
async function withParted(
  base: Files,
  ours: Files,
  theirs: Files,
  body: (repository: Repository) => Promise<void>,
): Promise<void> {
  await using opened = await openRepositories();
  await opened.repositories.create({ name: "r", actor: "ann" });
  const repository = opened.repositories.of("r");
  await commit(repository, "main", base);
  await repository.createBranch("fix", "main");
  await commit(repository, "main", ours);
  await commit(repository, "fix", theirs);
  await body(repository);
}

async function commit(repository: Repository, branch: string, files: Files): Promise<void> {
  if (Object.keys(files).length === 0) return;
  await stage(repository, branch, files);
  await repository.commit(branch, AUTHOR);
}

const stage = (repository: Repository, branch: string, files: Files) =>
  repository.stage(
    branch,
    Object.entries(files).map(([path, content]) => ({ path, entry: content === null ? null : entryOf(content) })),
  );

const names = new Map(["1", "2", "3", "same"].map((content) => [entryOf(content).etag, content]));

async function filesOf(repository: Repository, ref: string): Promise<Files> {
  const { entries } = await repository.list(ref, { limit: 1000 });
  return Object.fromEntries(entries.map(({ path, entry }) => [path, names.get(entry.etag)!]));
}

const merge = (repository: Repository, options: Partial<MergeOptions> = {}) =>
  repository.merge("fix", "main", { ...AUTHOR, ...options });

test("conflicts of every kind are told with their three sides, and nothing is merged", () =>
  withParted(
    { changed: "1", deletedHere: "1", deletedThere: "1", tail: "1" },
    { changed: "2", deletedHere: null, deletedThere: "2", added: "2", fine: "2" },
    { changed: "3", deletedHere: "3", deletedThere: null, added: "3", theirs: "3" },
    async (repository) => {
      const head = await repository.commitOf("main");
      const outcome = await merge(repository);
      assert.ok(!outcome.merged);
      const side = (entry: { etag: string } | null) => (entry ? names.get(entry.etag) : null);
      assert.deepEqual(
        outcome.conflicts.map(({ path, base, ours, theirs }) => [path, side(base), side(ours), side(theirs)]),
        [
          ["added", null, "2", "3"],
          ["changed", "1", "2", "3"],
          ["deletedHere", "1", null, "3"],
          ["deletedThere", "1", "2", null],
        ],
      );
      assert.equal(outcome.conflictCount, 4);
      assert.deepEqual(await repository.commitOf("main"), head);
      const page = await merge(repository, { conflicts: { limit: 1, after: "added" } });
      assert.ok(!page.merged);
      assert.deepEqual([page.conflicts.map(({ path }) => path), page.conflictCount], [["changed"], 4]);
    },
  ));

test("each conflict ends as its path says, the others by the strategy; deletions on either side too", () =>
  withParted(
    { changed: "1", deletedHere: "1", deletedThere: "1", both: "1" },
    { changed: "2", deletedHere: null, deletedThere: "2", added: "2", both: null },
    { changed: "3", deletedHere: "3", deletedThere: null, added: "3", both: null },
    async (repository) => {
      await repository.createBranch("again", "main");
      assert.equal((await merge(repository, { strategy: "theirs" })).merged, true);
      assert.deepEqual(await filesOf(repository, "main"), { added: "3", changed: "3", deletedHere: "3" });
      const resolutions = {
        added: { entry: entryOf("same") },
        deletedHere: "theirs" as const,
        deletedThere: { entry: null },
        elsewhere: "theirs" as const,
      };
      assert.equal((await repository.merge("fix", "again", { ...AUTHOR, strategy: "ours", resolutions })).merged, true);
      assert.deepEqual(await filesOf(repository, "again"), { added: "same", changed: "2", deletedHere: "3" });
    },
  ));

test("a path that a resolution does not name is not taken from the object's prototype", () =>
  withParted(
    { constructor: "1", toString: "1" },
    { constructor: "2", toString: "2" },
    { constructor: "3", toString: "3" },
    async (repository) => {
      const outcome = await merge(repository, { resolutions: {} });
      assert.deepEqual(outcome.merged ? [] : outcome.conflicts.map(({ path }) => path), ["constructor", "toString"]);
    },
  ));

test("many paths of one content merge each by its own path", () =>
  withParted(
    { "a/_SUCCESS": "same", "b/_SUCCESS": "same", "z/_SUCCESS": "same" },
    { "a/_SUCCESS": null, "c/_SUCCESS": "same" },
    { "b/_SUCCESS": null, "z/_SUCCESS": null, "d/_SUCCESS": "same", "zz/_SUCCESS": "same" },
    async (repository) => {
      assert.equal((await merge(repository)).merged, true);
      assert.deepEqual(Object.keys(await filesOf(repository, "main")), ["c/_SUCCESS", "d/_SUCCESS", "zz/_SUCCESS"]);
    },
  ));

test("the same change on both sides is no conflict, whenever each was written", () =>
  withParted({ a: "1" }, { a: "2", b: "3" }, { a: "2", b: "3", c: "1" }, async (repository) => {
    assert.equal((await merge(repository)).merged, true);
    assert.deepEqual(await filesOf(repository, "main"), { a: "2", b: "3", c: "1" });
    const again = await merge(repository);
    assert.deepEqual([again.merged, again.merged ? null : again.conflicts], [false, []]);
    assert.equal(again.commit?.id, (await repository.commitOf("main")).id);
  }));

test("a merge has both heads as parents, also when the branch had nothing of its own", () =>
  withParted({ a: "1" }, {}, { b: "1" }, async (repository) => {
    const [ours, theirs] = [await repository.commitOf("main"), await repository.commitOf("fix")];
    const outcome = await merge(repository);
    assert.ok(outcome.merged);
    assert.deepEqual(outcome.commit.parents, [ours.id, theirs.id]);
    assert.equal(outcome.commit.generation, 3);
  }));

test("a merge of what was merged before looks at what came since", () =>
  withParted({ a: "1", b: "1" }, { a: "2" }, { b: "2" }, async (repository) => {
    await merge(repository);
    await commit(repository, "fix", { b: "3" });
    assert.equal((await merge(repository)).merged, true);
    assert.deepEqual(await filesOf(repository, "main"), { a: "2", b: "3" });
    await repository.merge("main", "fix", AUTHOR);
    await commit(repository, "fix", { a: null });
    assert.equal((await merge(repository)).merged, true);
    assert.deepEqual(await filesOf(repository, "main"), { b: "3" });
  }));

test("what is staged survives a merge, unless the merge changes the same path otherwise", () =>
  withParted({ a: "1", b: "1", c: "1" }, {}, { b: "2" }, async (repository) => {
    await stage(repository, "main", { b: "3" });
    await assert.rejects(merge(repository), { code: "lake.uncommitted", at: "r/main/b" });
    await stage(repository, "main", { b: "1", c: null, d: "3" }); // b as it was, but written anew
    assert.equal((await merge(repository)).merged, true);
    assert.deepEqual(await filesOf(repository, "main"), { a: "1", b: "2", d: "3" });
    const staged = await repository.uncommitted("main", { limit: 10 });
    assert.deepEqual(
      staged.map(({ path }) => path),
      ["c", "d"],
    );
    assert.deepEqual(await filesOf(repository, (await repository.commitOf("main")).id), { a: "1", b: "2", c: "1" });
  }));

test("a revert takes back one commit, a cherry-pick makes one elsewhere, and both meet conflicts", () =>
  withParted({ a: "1", b: "1" }, { a: "2" }, { b: "2", c: "3" }, async (repository) => {
    const picked = await repository.cherryPick("main", "fix", AUTHOR);
    assert.ok(picked.merged);
    assert.equal(picked.commit.parents.length, 1);
    assert.deepEqual(await filesOf(repository, "main"), { a: "2", b: "2", c: "3" });
    assert.equal((await repository.cherryPick("main", "fix", AUTHOR)).merged, false);
    assert.equal((await repository.revert("main", "main~1", AUTHOR)).merged, true);
    assert.deepEqual(await filesOf(repository, "main"), { a: "1", b: "2", c: "3" });
    await commit(repository, "main", { c: "1" });
    const conflicting = await repository.revert("main", picked.commit.id, AUTHOR);
    assert.deepEqual(conflicting.merged ? [] : conflicting.conflicts.map(({ path }) => path), ["c"]);
    const resolved = await repository.revert("main", picked.commit.id, { ...AUTHOR, resolutions: { c: "ours" } });
    assert.ok(resolved.merged);
    assert.deepEqual(await filesOf(repository, "main"), { a: "1", b: "1", c: "1" });
    const first = (await repository.log("main", { limit: 100 })).at(-2)!; // the commit that added all
    assert.equal((await repository.revert("main", first.id, { ...AUTHOR, strategy: "theirs" })).merged, true);
  }));

test("a merge onto another head than expected is refused", () =>
  withParted({ a: "1" }, { b: "1" }, { c: "1" }, async (repository) => {
    const seen = await repository.commitOf("main");
    await commit(repository, "main", { d: "1" });
    await assert.rejects(merge(repository, { expect: seen.id }), { code: "lake.moved" });
    await assert.rejects(repository.resetTo("main", "fix", { expect: seen.id }), { code: "lake.moved" });
    await assert.rejects(repository.merge("nothing", "main", AUTHOR), { code: "lake.unknown-ref" });
    await assert.rejects(repository.merge("fix", "nothing", AUTHOR), { code: "lake.unknown-ref" });
  }));

test("a reset to another commit drops what is staged", () =>
  withParted({ a: "1" }, { b: "1" }, {}, async (repository) => {
    await stage(repository, "main", { c: "1" });
    const head = (await repository.resolve("main~1")).commit;
    assert.deepEqual(await repository.resetTo("main", "main~1"), { name: "main", head, protected: false });
    assert.deepEqual(await filesOf(repository, "main"), { a: "1" });
  }));
