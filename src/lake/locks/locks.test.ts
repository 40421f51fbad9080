import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../base/index.ts";
import { entryOf, type Opened, openRepositories } from "../repositories/fixtures/open.ts";
import type { RepositoryGuards } from "../repositories/guards.ts";
import { createLocks, type Locks } from "./locks.ts";

const HOUR_MS = 3_600_000;

async function withLocks(body: (opened: Opened & { locks: Locks; later(ms: number): void }) => Promise<void>): Promise<void> {
  let nowMs = 1_750_000_000_000;
  let guards: RepositoryGuards | undefined;
  const late: RepositoryGuards = {
    before: async (event) => guards!.before(event),
    after: async () => undefined,
  };
  await using opened = await openRepositories({ guards: late, clock: () => nowMs });
  const locks = createLocks({ records: opened.records, clock: () => nowMs });
  guards = locks.guards;
  await opened.repositories.create({ name: "r", actor: "ann" });
  await body(Object.assign(opened, { locks, later: (ms: number) => void (nowMs += ms) }));
}

const lock = (holder: string, prefix = "", forMs = HOUR_MS) => ({
  repository: "r",
  branch: "main",
  prefix,
  holder,
  why: "relabelling",
  forMs,
});
const put = (path: string, text = path) => [{ path, entry: entryOf(text) }];
const by = (author: string) => ({ message: "m", author });

test("what others stage, commit, merge or reset below a lock is refused with who, why and until; the holder goes on", async () => {
  await withLocks(async ({ repositories, locks }) => {
    const r = repositories.of("r");
    await r.stage("main", put("cats/0"), [], "ann");
    await r.commit("main", by("ann"));
    await r.createBranch("side", "main");
    await r.stage("side", put("cats/0", "other"), [], "bob");
    const side = await r.commit("side", by("bob"));
    await r.stage("main", put("cats/1"), [], "bob");
    const { until } = await locks.take(lock("ann", "cats/"));
    const refused = {
      code: "lake.locked",
      message: new RegExp(`^ann has locked "r/main/cats/" until ${new Date(until).toISOString()}: relabelling$`),
    };
    await assert.rejects(r.stage("main", put("cats/2"), [], "bob"), refused);
    await assert.rejects(r.stage("main", [...put("dogs/1"), ...put("cats/2")], [], "bob"), refused);
    await assert.rejects(
      r.stageMany(
        "main",
        (async function* () {
          yield put("cats/2");
        })(),
        "bob",
      ),
      refused,
    );
    await assert.rejects(r.commit("main", by("bob")), refused);
    await assert.rejects(r.reset("main", "", "bob"), refused);
    await assert.rejects(r.cherryPick("main", side.id, by("bob")), refused);
    await assert.rejects(r.merge("side", "main", by("bob")), refused);
    await assert.rejects(r.resetTo("main", "main~1", { actor: "bob" }), refused);
    await assert.rejects(r.commitStatements("main", put("cats/3"), by("bob")), refused);
    await assert.rejects(r.deleteBranch("main"), { code: "lake.locked" });
    await r.stage("main", put("dogs/1"), [], "bob");
    await r.stage("main", put("cats/2"), [], "ann");
    await r.commit("main", by("ann"));
    await r.stage("side", put("cats/2"), [], "bob");
    assert.deepEqual(
      (await locks.list("r")).map(({ branch, prefix, holder }) => [branch, prefix, holder]),
      [["main", "cats/", "ann"]],
    );
  });
});

test("a lock that overlaps another one's is refused; it is renewed, released, broken, and ends by itself", async () => {
  await withLocks(async ({ repositories, locks, later }) => {
    const r = repositories.of("r");
    const first = await locks.take(lock("ann", "cats/"));
    for (const prefix of ["", "cats/", "cats/black/"])
      await assert.rejects(locks.take(lock("bob", prefix)), { code: "lake.locked" });
    await locks.take(lock("bob", "dogs/"));
    await locks.take(lock("ann", "cats/black/"));
    later(10);
    const renewed = await locks.take(lock("ann", "cats/"));
    assert.deepEqual([renewed.since, renewed.until], [first.since, first.until + 10]);

    await assert.rejects(locks.release(lock("ann", "cats/"), "bob"), { code: "lake.locked" });
    await assert.rejects(locks.release(lock("ann", "birds/"), "ann"), { code: "lake.not-locked" });
    await locks.release(lock("ann", "cats/"), "ann");
    await locks.release(lock("ann", "cats/black/")); // by force
    await r.stage("main", put("cats/1"), [], "bob");
    await assert.rejects(r.stage("main", put("dogs/1"), [], "ann"), { code: "lake.locked" });
    later(HOUR_MS);
    await r.stage("main", put("dogs/1"), [], "ann");
    assert.deepEqual(await locks.list("r"), []);
    assert.equal((await locks.take(lock("ann", "dogs/"))).holder, "ann");
    await assert.rejects(locks.take({ ...lock("ann"), branch: "nowhere" }), { code: "lake.unknown-ref" });
    await assert.rejects(locks.take({ ...lock("ann"), repository: "nowhere" }), { code: "lake.unknown-repository" });
  });
});

test("prefixes are matched as they are, whatever characters they have", async () => {
  await withLocks(async ({ repositories, locks }) => {
    const r = repositories.of("r");
    for (const prefix of ["100%_", "köln/", "🐈/", "a'b"]) {
      await locks.take(lock("ann", prefix));
      await assert.rejects(locks.take(lock("bob", `${prefix}x`)), { code: "lake.locked" });
      await assert.rejects(r.stage("main", put(`${prefix}x`), [], "bob"), { code: "lake.locked" });
    }
    await r.stage("main", put("100a"), [], "bob");
    await locks.take(lock("bob", "100a"));
  });
});

test("of many takers at once one wins, and what a lock forbids loses also when the lock comes between its check and its commit", async () => {
  await withLocks(async ({ repositories, locks }) => {
    const r = repositories.of("r");
    const takers = ["ann", "bob", "cyd", "dan", "eve"];
    const taken = await Promise.allSettled(takers.map((holder, index) => locks.take(lock(holder, index % 2 ? "" : "cats/"))));
    const winners = taken.filter(({ status }) => status === "fulfilled");
    const [held] = await locks.list("r");
    assert.ok(winners.length === 1 || held!.prefix !== "", "the whole branch is held by one alone");
    await locks.release(held!);

    const random = createRandom(7);
    for (let round = 0; round < 20; round++) {
      const path = `cats/${round}`;
      const writes = Array.from({ length: 8 }, (_, at) =>
        r.stage("main", put(`${path}-${at}`), [], "bob").then(
          () => at,
          () => null,
        ),
      );
      if (random.next() < 0.5) await new Promise((resolve) => setImmediate(resolve));
      await locks.take(lock("ann", "cats/"));
      const before = new Set((await r.list("main", { prefix: `${path}-`, limit: 100 })).entries.map(({ path }) => path));
      const done = (await Promise.all(writes)).filter((at) => at !== null);
      const after = (await r.list("main", { prefix: `${path}-`, limit: 100 })).entries.map(({ path }) => path);
      assert.deepEqual(new Set(after), before, "nothing came in after the lock was taken");
      assert.equal(done.length, after.length);
      await locks.release(lock("ann", "cats/"), "ann");
    }
  });
});

test("a lock that another process took counts, although this one knows of none", async () => {
  await withLocks(async ({ repositories, locks, records }) => {
    const r = repositories.of("r");
    await r.stage("main", put("a"), [], "bob"); // so that it knows: no locks
    const elsewhere = createLocks({ records, clock: () => 1_750_000_000_000 });
    await elsewhere.take(lock("ann"));
    await assert.rejects(r.stage("main", put("b"), [], "bob"), { code: "lake.locked" });
    await elsewhere.release(lock("ann"), "ann");
    await r.stage("main", put("b"), [], "bob");
    await locks.take(lock("bob"));
  });
});
