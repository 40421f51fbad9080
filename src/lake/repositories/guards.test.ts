import assert from "node:assert/strict";
import { test } from "node:test";
import { MillError } from "../../base/index.ts";
import type { Records, Statement } from "../../ports/records/index.ts";
import { entryOf, openRepositories } from "./fixtures/open.ts";
import type { RepositoryEvent, RepositoryGuards } from "./guards.ts";
import type { Repository } from "./repository.ts";

const AUTHOR = { message: "m", author: "ann" };

/** Tells what it is asked, and refuses what `refuse` says. */
function watch(refuse: (event: RepositoryEvent) => boolean = () => false) {
  const asked: string[] = [];
  const told: string[] = [];
  let statements: readonly Statement[] = [];
  const guards: RepositoryGuards = {
    async before(event) {
      const touched: string[] = [];
      if (event.kind === "stage") for await (const batch of event.paths()) touched.push(...batch);
      else
        for await (const batch of event.changed())
          touched.push(...batch.map(({ path, before, after }) => `${before ? "-" : ""}${after ? "+" : ""}${path}`));
      asked.push(`${event.kind} ${event.branch} by ${event.actor}: ${touched.join(" ")}`);
      if (refuse(event)) throw new MillError("lake.protected", "Refused by a test.");
      return statements;
    },
    async after(event, commit) {
      told.push(`${event.kind} ${commit.message}`);
      throw new Error("what a guard throws afterwards is dropped");
    },
  };
  return { asked, told, guards, add: (added: readonly Statement[]) => (statements = added) };
}

async function withGuards(watched: ReturnType<typeof watch>, body: (repository: Repository, records: Records) => Promise<void>) {
  await using opened = await openRepositories({ guards: watched.guards });
  await opened.repositories.create({ name: "r", actor: "ann" });
  await body(opened.repositories.of("r"), opened.records);
}

const put = (repository: Repository, branch: string, path: string, content: string | null, actor = "ann") =>
  repository.stage(branch, [{ path, entry: content === null ? null : entryOf(content) }], [], actor);

test("guards are asked before everything that happens to a branch, with who does it and what changes, and told of commits", async () => {
  const watched = watch();
  await withGuards(watched, async (repository) => {
    await repository.createBranch("fix", "main");
    await put(repository, "fix", "a", "1");
    await repository.commit("fix", { message: "one", author: "bob" });
    await repository.merge("fix", "main", { message: "two", author: "cyd" });
    await repository.revert("main", "fix", { message: "three", author: "dan" });
    await repository.cherryPick("main", "fix", { message: "four", author: "eve" });
    await repository.stageMany(
      "main",
      (async function* () {
        yield [{ path: "b", entry: entryOf("1") }];
      })(),
      "fay",
    );
    await repository.reset("main", "", "gus");
    await repository.resetTo("main", "main~1", { actor: "hal" });
    const prepared = await repository.commitStatements("main", [{ path: "c", entry: entryOf("1") }], {
      message: "five",
      author: "ida",
    });
    await prepared.committed();
  });
  assert.deepEqual(watched.asked, [
    "stage fix by ann: a",
    "commit fix by bob: +a",
    "merge main by cyd: +a",
    "revert main by dan: -a",
    "cherry-pick main by eve: +a",
    "stage main by fay: b",
    "reset main by gus: -b",
    "reset main by hal: -a",
    "commit main by ida: +c",
  ]);
  assert.deepEqual(watched.told, ["commit one", "merge two", "revert three", "cherry-pick four", "commit five"]);
});

test("what a guard refuses does not happen, and spares what came with it", async () => {
  const watched = watch(({ kind, actor }) => kind === "merge" || actor === "mallory" || actor === "nobody");
  await withGuards(watched, async (repository) => {
    const refused = { code: "lake.protected", message: "Refused by a test." };
    const [a, b, c] = await Promise.allSettled([
      put(repository, "main", "a", "1"),
      put(repository, "main", "b", "1", "mallory"),
      put(repository, "main", "c", "1"),
    ]);
    assert.deepEqual([a.status, b.status, c.status], ["fulfilled", "rejected", "fulfilled"]);
    await repository.createBranch("fix", "main");
    await assert.rejects(repository.commit("main", { message: "m", author: "mallory" }), refused);
    await assert.rejects(repository.reset("main", "", "mallory"), refused);
    await assert.rejects(repository.resetTo("main", "fix", { actor: "mallory" }), refused);
    await repository.commit("main", AUTHOR);
    await put(repository, "fix", "d", "1");
    await repository.commit("fix", AUTHOR);
    await assert.rejects(repository.merge("fix", "main", AUTHOR), refused);
    const { entries } = await repository.list("main", { limit: 10 });
    assert.deepEqual(
      entries.map(({ path }) => path),
      ["a", "c"],
    );
  });
  assert.deepEqual(watched.told, ["commit m", "commit m"]);
});

test("the statements of a guard are committed with the change, and when they do not hold it is asked again", async () => {
  const watched = watch();
  await withGuards(watched, async (repository, records) => {
    const note = (digest: string) => [{ sql: "INSERT INTO pins (digest, holder) VALUES (?, 'guard')", params: [digest] }];
    watched.add(note("staged"));
    await put(repository, "main", "a", "1");
    watched.add(note("committed"));
    await repository.commit("main", AUTHOR);
    assert.deepEqual(await records.query("SELECT digest FROM pins ORDER BY digest"), [
      { digest: "committed" },
      { digest: "staged" },
    ]);

    watched.add([{ sql: "DELETE FROM pins WHERE holder = 'nobody'", rows: 1 }]);
    await assert.rejects(put(repository, "main", "a", "2"), { code: "lake.moved" });
    await assert.rejects(
      repository.stageMany(
        "main",
        (async function* () {
          yield [{ path: "b", entry: entryOf("1") }];
        })(),
      ),
      { code: "lake.moved" },
    );
    const stands = put(repository, "nothing", "b", "1");
    await assert.rejects(stands, { code: "lake.unknown-ref" });
    watched.add([]);
    await put(repository, "main", "a", "2");
    watched.add([{ sql: "DELETE FROM pins WHERE holder = 'nobody'", rows: 1 }]);
    watched.asked.length = 0;
    setTimeout(() => watched.add([]), 20);
    await repository.commit("main", AUTHOR);
    assert.ok(watched.asked.length > 1);
  });
});
