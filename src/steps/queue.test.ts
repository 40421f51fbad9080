import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { onWorkspaces, type TestWorkspace } from "./fixtures/workspace.ts";
import type { Ledger, StepRequest } from "./index.ts";
import { type Place, startable } from "./queue.ts";

const root = mkdtempSync(join(tmpdir(), "mill-queue-"));
after(() => rmSync(root, { recursive: true, force: true }));
const withWorkspace = onWorkspaces(root);

const ask = (name: string, more: Partial<StepRequest> = {}): StepRequest => ({
  ...{ kind: "write", input: { name, parts: 1, waitMs: 30 }, target: "dataset/flights" },
  ...{ runId: null, memoryMb: 300, threads: 1, ...more },
});
const ENDLESS = { input: { name: "endless", parts: 1, waitMs: 60_000 } };

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    assert.ok(tries < 2000, `waited in vain: ${what}`);
    await delay(5);
  }
}

const hasState = (ledger: Ledger, state: "queued" | "running", count = 1) =>
  until(async () => (await ledger.listSteps({ state })).items.length === count, `${count} ${state}`);

/** The most attempts that ran at one moment, by their recorded times. */
async function mostAtOnce({ records }: TestWorkspace): Promise<number> {
  const spans = await records.query<{ from: number; to: number }>(
    `SELECT started_at AS "from", ended_at AS "to" FROM attempts WHERE ended_at IS NOT NULL`,
  );
  return Math.max(...spans.map(({ from }) => spans.filter((other) => other.from <= from && from < other.to).length));
}

withWorkspace("no more steps of a pool run than it has places, over two servers of one record store", async (workspace) => {
  const servers = [workspace.ledgerWith({ pools: { training: 2 } }), workspace.ledgerWith({ pools: { training: 2 } })];
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, (_, i) => servers[i % 2]!.execute(ask(`step-${i}`, { pool: "training" }))),
  );
  assert.deepEqual(new Set(outcomes.map(({ state }) => state)), new Set(["succeeded"]));
  assert.ok((await mostAtOnce(workspace)) <= 2);
});

withWorkspace("steps that wait for a pool start in the order in which they came", async (workspace) => {
  const ledger = workspace.ledgerWith({ pools: { one: 1 } });
  const asked = [];
  for (let i = 0; i < 5; i++) {
    asked.push(ledger.execute(ask(`step-${i}`, { pool: "one" })));
    await until(async () => (await ledger.listSteps()).items.length === i + 1, "its row");
    await delay(2); // within a millisecond ids have no order
  }
  await Promise.all(asked);
  const rows = await workspace.records.query<{ input: string }>(
    "SELECT s.input AS input FROM steps s JOIN attempts a ON a.step_id = s.id ORDER BY a.started_at, s.id",
  );
  assert.deepEqual(
    rows.map(({ input }) => JSON.parse(input).name),
    [0, 1, 2, 3, 4].map((i) => `step-${i}`),
  );
});

withWorkspace("of steps with one value one runs at a time, and others pass them", async (workspace) => {
  const ledger = workspace.ledgerWith({ pools: { wide: 10 } });
  const stopping = new AbortController();
  const first = ledger.execute(ask("first", { ...ENDLESS, exclusive: "late", pool: "wide", signal: stopping.signal }));
  await hasState(ledger, "running");
  const second = ledger.execute(ask("second", { exclusive: "late", pool: "wide" }));
  await hasState(ledger, "queued");
  const other = await ledger.execute(ask("other", { exclusive: "early", pool: "wide" }));
  assert.equal(other.state, "succeeded");
  assert.equal((await ledger.listSteps({ state: "queued" })).items.length, 1);
  stopping.abort();
  assert.equal((await first).state, "cancelled");
  assert.equal((await second).state, "succeeded");
});

withWorkspace("a step in the queue can be left, and times out when it does not start", async (workspace) => {
  const ledger = workspace.ledgerWith({ pools: { one: 1 } });
  const stopping = new AbortController();
  const blocking = ledger.execute(ask("blocking", { ...ENDLESS, pool: "one", signal: stopping.signal }));
  await hasState(ledger, "running");
  const leaving = new AbortController();
  const left = ledger.execute(ask("left", { pool: "one", signal: leaving.signal }));
  await hasState(ledger, "queued");
  leaving.abort();
  assert.equal((await left).state, "cancelled");
  const late = await ledger.execute(ask("late", { pool: "one", timeouts: { scheduleToStartMs: 300 } }));
  assert.ok(late.state === "failed");
  assert.deepEqual([late.error.code, late.error.expected], ["step.timeout", "scheduleToStartMs: at most 300 ms"]);
  stopping.abort();
  await blocking;
  const { items } = await ledger.listSteps();
  assert.deepEqual(
    items.map(({ state }) => state),
    ["failed", "cancelled", "cancelled"],
  );
});

withWorkspace("what waited for a server that died holds nobody up once its lease is over, and is taken up", async (workspace) => {
  const pools = { one: 1 };
  let passedMs = 0;
  const elapsedMs = () => passedMs;
  const blocker = workspace.ledgerWith({ pools, elapsedMs, owner: { name: "blocker", alive: () => true } });
  const stopping = new AbortController();
  const blocking = blocker.execute(ask("blocking", { ...ENDLESS, pool: "one", signal: stopping.signal }));
  await hasState(blocker, "running");
  const dead = { sql: "UPDATE steps SET owner = 'dead' WHERE state = 'queued'" };
  const abandoned = blocker.execute(ask("abandoned", { pool: "one" }));
  await hasState(blocker, "queued");
  await workspace.records.commit([dead]);
  const alive = { name: "alive", alive: () => true };
  const ledger = workspace.ledgerWith({ pools, elapsedMs, owner: alive });
  const next = ledger.execute(ask("next", { pool: "one" }));
  await hasState(ledger, "queued", 2);
  stopping.abort();
  await blocking;
  await delay(300);
  assert.equal((await ledger.listSteps({ state: "queued" })).items.length, 2, "the one before it may still be waited for");
  passedMs += 31_000;
  assert.equal((await next).state, "succeeded");
  assert.equal((await abandoned).state, "succeeded", "its own ledger takes it up again");
});

withWorkspace("a paused pool or run starts nothing until it is resumed, and what runs goes on", async (workspace) => {
  const ledger = workspace.ledgerWith({ pools: { one: 1 } });
  const another = workspace.ledgerWith({ pools: { one: 1 } });
  const run = await ledger.startRun({ actor: "admin", targets: [], reason: "asked" });
  const running = ledger.execute(ask("running", { runId: run }));
  await hasState(ledger, "running");
  assert.equal(await another.pause("run", run, "operator"), true);
  assert.equal(await another.pause("run", run, "operator"), false);
  assert.equal(await another.pause("pool", "one", "operator"), true);
  assert.equal((await running).state, "succeeded");
  const waiting = [ledger.execute(ask("of-run", { runId: run })), ledger.execute(ask("of-pool", { pool: "one" }))];
  await hasState(ledger, "queued", 2);
  assert.equal((await ledger.execute(ask("free"))).state, "succeeded");
  assert.deepEqual((await ledger.listPauses()).map(({ what, name, actor }) => `${what} ${name} by ${actor}`).sort(), [
    "pool one by operator",
    `run ${run} by operator`,
  ]);
  await another.resume("run", run);
  assert.equal((await waiting[0]!).state, "succeeded");
  assert.equal((await ledger.listSteps({ state: "queued" })).items.length, 1);
  assert.equal(await another.resume("pool", "one"), true);
  assert.equal(await another.resume("pool", "one"), false);
  assert.equal((await waiting[1]!).state, "succeeded");
});

withWorkspace("a step or a run is cancelled from another process, whether it waits or runs", async (workspace) => {
  const ledger = workspace.ledgerWith({ pools: { one: 1 } });
  const another = workspace.ledgerWith({});
  const run = await ledger.startRun({ actor: "admin", targets: [], reason: "asked" });
  const running = ledger.execute(ask("running", { ...ENDLESS, pool: "one", runId: run }));
  await hasState(ledger, "running");
  const waiting = ledger.execute(ask("waiting", { pool: "one" }));
  await hasState(ledger, "queued");
  const [queued] = (await ledger.listSteps({ state: "queued" })).items;
  assert.equal(await another.cancelStep(queued!.id), true);
  assert.equal((await waiting).state, "cancelled");
  assert.equal(await another.cancelStep(queued!.id), false);
  assert.equal(await another.cancelRun(run), true);
  assert.equal((await running).state, "cancelled");
  assert.equal((await ledger.execute(ask("later", { runId: run }))).state, "cancelled", "no new step of the run starts");
  await ledger.endRun(run, { state: "cancelled" });
  assert.equal(await another.cancelRun(run), false);
  await assert.rejects(another.cancelStep("no-such-step"), { code: "step.unknown" });
  await assert.rejects(another.cancelRun("no-such-run"), { code: "run.unknown" });
});

withWorkspace("an unknown pool or engine is named, with the one that was meant", async (workspace) => {
  const ledger = workspace.ledgerWith({ pools: { training: 2 } });
  await assert.rejects(ledger.execute(ask("a", { pool: "trainin" })), {
    code: "step.unknown-pool",
    message: /Did you mean "training"\?/,
  });
  await assert.rejects(ledger.execute(ask("a", { on: "inlin" })), { code: "engine.unknown", message: /Did you mean "inline"\?/ });
});

test("whatever waits, a look at the queue breaks no limit, keeps the order, and starts the first that nothing holds", () => {
  const place = fc.record({
    state: fc.constantFrom("queued" as const, "running" as const),
    pool: fc.constantFrom(null, "a", "b", "elsewhere"),
    exclusive: fc.constantFrom(null, null, "x", "y"),
    deserted: fc.boolean(),
    due: fc.boolean(),
    cancelled: fc.constantFrom(0, 0, 1),
    paused: fc.constantFrom(0, 0, 1),
  });
  const pools: Record<string, number> = { a: 1, b: 3 };
  fc.assert(
    fc.property(fc.array(place, { maxLength: 20 }), (drawn) => {
      const places = drawn.map(
        (one, i): Place => ({ ...one, id: String(i).padStart(3, "0"), fence: 0, owner: "me", runId: null }),
      );
      const ids = startable(places, pools);
      const started = ids.map((id) => places.find((one) => one.id === id)!);
      const running = [...places.filter(({ state }) => state === "running"), ...started];
      assert.deepEqual(ids, ids.toSorted());
      assert.ok(started.every((one) => one.state === "queued" && !one.cancelled && !one.paused && one.due && !one.deserted));
      for (const [pool, limit] of Object.entries(pools)) {
        const of = (all: readonly Place[]) => all.filter((one) => one.pool === pool).length;
        assert.ok(of(started) === 0 || of(running) <= limit, `${pool}: ${of(running)}`);
      }
      for (const value of ["x", "y"]) {
        const of = (all: readonly Place[]) => all.filter((one) => one.exclusive === value).length;
        assert.ok(of(started) === 0 || of(running) === 1, value);
      }
      const free = places.find(
        (one) =>
          one.state === "queued" &&
          !one.cancelled &&
          !one.paused &&
          !one.deserted &&
          one.due &&
          one.pool === null &&
          one.exclusive === null,
      );
      if (free) assert.ok(ids.includes(free.id), "nothing holds it");
    }),
  );
});
