/** What the ledger does about jobs that its owner no longer looks after, on an engine whose jobs outlive it. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { attemptFolder, type Care, writeInput } from "./attempt-folder.ts";
import { begin } from "./claim.ts";
import { type Cluster, createCluster } from "./fixtures/cluster-engine.ts";
import { faultsOf, openTestWorkspace, type TestWorkspace } from "./fixtures/workspace.ts";
import { createFolders } from "./folders.ts";
import type { Ledger, StepRequest } from "./index.ts";
import type { Surroundings } from "./surroundings.ts";
import { createTime } from "./time.ts";

const root = mkdtempSync(join(tmpdir(), "mill-reconcile-"));
after(() => rmSync(root, { recursive: true, force: true }));
let made = 0;

interface Place extends TestWorkspace {
  readonly cluster: Cluster;
  /** A ledger of another server, which knows the owner of the first to be dead. */
  server(name: string): Ledger;
}

const withCluster = (title: string, body: (place: Place) => Promise<void>) =>
  test(title, async () => {
    const workspace = await openTestWorkspace(join(root, `${made++}`));
    const cluster = createCluster(workspace.objects);
    const server = (name: string) =>
      workspace.ledgerWith({ engines: [cluster], owner: { name, alive: (other) => other !== "dead" } });
    try {
      await body({ ...workspace, cluster, server });
      assert.deepEqual(await faultsOf(workspace), []);
    } finally {
      cluster.away = false;
      await workspace.close();
    }
  });

const SLOW = { name: "slow", parts: 6, waitMs: 50 };
const NONE = { published: 0, failed: 0, lost: 0, adopted: 0, orphans: 0, runs: 0 };
const NEVER_AGAIN = { attempts: 1, backoffMs: 1, backoffMaxMs: 1 };
const ask = (input: unknown, more: Partial<StepRequest> = {}): StepRequest => ({
  ...{ kind: "write", input, target: "dataset/flights", runId: null, memoryMb: 300, threads: 1, ...more },
});

/** Begins a step as a server would that then dies: its job runs on. */
async function abandon({ records, objects, cluster, folder, ledger }: Place, input: unknown, care?: Care) {
  const surroundings: Surroundings = {
    ...{ records, objects, engines: [cluster], folder: join(folder, "steps"), clock: Date.now, leaseMs: 30_000, pools: {} },
    ...{
      owner: { name: "dead", alive: () => true },
      infrastructure: () => null,
      folders: createFolders(),
      time: createTime(Date.now),
    },
  };
  const step = { key: ledger.keyOf("write", input), kind: "write", revision: 1, target: "dataset/flights", runId: null, input };
  const attempt = (await begin(surroundings, { ...step, sealed: [], engine: "cluster", pool: null, exclusive: null }, null))!;
  const { stepId, fence } = attempt;
  const job = { stepId, fence, folder: attemptFolder(surroundings.folder, stepId, fence), memoryMb: 300 };
  surroundings.folders.make(job.folder);
  await writeInput(job.folder, { kind: "write", revision: 1, input, threads: 1, memoryMb: 300, ...(care && { care }) });
  return { attempt, job, running: await cluster.start(job, () => undefined) };
}

const attemptsOf = async (ledger: Ledger, id: string) =>
  (await ledger.getStep(id)).attempts.map(({ fence, outcome }) => ({ fence, outcome }));

withCluster("a job whose server died is adopted: same attempt, same fence, and whoever asks shares it", async (place) => {
  const { attempt } = await abandon(place, SLOW);
  const ledger = place.server("second");
  assert.deepEqual(await ledger.recover(), { ...NONE, adopted: 1 });
  const heard: number[] = [];
  const outcome = await ledger.execute(ask(SLOW, { onProgress: ({ done }) => heard.push(done) }));
  assert.ok(outcome.state === "succeeded");
  assert.equal(outcome.stepId, attempt.stepId);
  assert.equal(heard.at(-1), 6);
  assert.deepEqual(await attemptsOf(ledger, attempt.stepId), [{ fence: 1, outcome: "succeeded" }]);
  const { log } = (await ledger.getStep(attempt.stepId)).attempts[0]!;
  assert.match(log[0]!.text, /^Reconciled: .* It goes on, looked after by another\.$/);
  assert.equal(log.at(-1)!.text, "stored 6");
});

withCluster(
  "a job that was adopted and that nobody waits for goes on when its server closes, and the next takes it up",
  async (place) => {
    const { attempt } = await abandon(place, { ...SLOW, parts: 1000 });
    const first = place.ledgerWith({ engines: [place.cluster], owner: { name: "dead", alive: () => false } });
    assert.deepEqual(await first.recover(), { ...NONE, adopted: 1 });
    await first.close();
    assert.equal((await place.cluster.list()).length, 1);
    const next = place.server("next");
    assert.deepEqual(await next.recover(), { ...NONE, adopted: 1 });
    assert.equal(await next.cancelStep(attempt.stepId), true);
    await next.close();
    assert.deepEqual(await attemptsOf(next, attempt.stepId), [{ fence: 1, outcome: "cancelled" }]);
  },
);

withCluster(
  "what a server that died had running is cancelled from a process that opens its records for that alone",
  async (place) => {
    const run = await place
      .ledgerWith({ owner: { name: "dead", alive: () => true } })
      .startRun({ actor: "a", targets: [], reason: "asked" });
    for (const what of ["run", "step"] as const) {
      const { attempt } = await abandon(place, { ...SLOW, name: what, parts: 1000 });
      await place.records.commit([{ sql: "UPDATE steps SET run_id = ? WHERE id = ?", params: [run, attempt.stepId] }]);
      const ledger = place.server(`to cancel a ${what}`);
      await ledger.recover();
      assert.equal((await ledger.getRun(run)).run.state, "lost");
      await assert.rejects(ledger.pause("run", run, "a"), { code: "run.ended", got: "lost" });
      assert.equal(await (what === "run" ? ledger.cancelRun(run) : ledger.cancelStep(attempt.stepId)), true);
      await ledger.close();
      assert.deepEqual(await place.cluster.list(), []);
      assert.equal((await ledger.getStep(attempt.stepId)).step.state, "cancelled");
      assert.equal(await (what === "run" ? ledger.cancelRun(run) : ledger.cancelStep(attempt.stepId)), false);
    }
  },
);

withCluster("a job that was adopted has the tries that it had, also when nobody asks for it", async (place) => {
  const retry = { attempts: 3, backoffMs: 1, backoffMaxMs: 1 };
  const { attempt, running } = await abandon(place, SLOW, { retry, timeouts: {}, tries: 2 });
  const ledger = place.server("second");
  assert.deepEqual(await ledger.recover(), { ...NONE, adopted: 1 });
  running.cancel();
  while ((await ledger.listSteps({ state: "succeeded" })).items.length === 0) await delay(10);
  assert.deepEqual(await attemptsOf(ledger, attempt.stepId), [
    { fence: 1, outcome: "failed" },
    { fence: 2, outcome: "succeeded" },
  ]);
  const last = await abandon(place, { ...SLOW, name: "last" }, { retry, timeouts: {}, tries: 3 });
  assert.deepEqual(await ledger.recover(), { ...NONE, adopted: 1 });
  last.running.cancel();
  while ((await ledger.listSteps({ state: "failed" })).items.length === 0) await delay(10);
  const { step } = await ledger.getStep(last.attempt.stepId);
  assert.match(step.error!.message, /It was tried 3 times\.$/);
});

withCluster("a job that was adopted has the rest of its time", async (place) => {
  const { attempt } = await abandon(
    place,
    { ...SLOW, parts: 1000 },
    { retry: NEVER_AGAIN, timeouts: { startToCloseMs: 1 }, tries: 1 },
  );
  const ledger = place.server("second");
  await delay(2);
  assert.deepEqual(await ledger.recover(), { ...NONE, adopted: 1 });
  while ((await ledger.listSteps({ state: "failed" })).items.length === 0) await delay(10);
  assert.equal((await ledger.getStep(attempt.stepId)).step.error!.code, "step.timeout");
});

withCluster("who asks for a step whose server died takes up its job", async (place) => {
  const { attempt } = await abandon(place, SLOW);
  const ledger = place.server("second");
  assert.equal((await ledger.execute(ask(SLOW))).state, "succeeded");
  assert.deepEqual(await attemptsOf(ledger, attempt.stepId), [{ fence: 1, outcome: "succeeded" }]);
});

withCluster("of two servers that reconcile at once one adopts, and the result is published once", async (place) => {
  const { attempt } = await abandon(place, SLOW);
  const servers = [place.server("second"), place.server("third")];
  const found = await Promise.all(servers.map((ledger) => ledger.recover()));
  assert.equal(found[0]!.adopted + found[1]!.adopted, 1);
  const outcomes = await Promise.all(servers.map((ledger) => ledger.execute(ask(SLOW))));
  assert.deepEqual(outcomes.map(({ state }) => state).sort(), ["reused", "succeeded"]);
  assert.deepEqual(await attemptsOf(servers[0]!, attempt.stepId), [{ fence: 1, outcome: "succeeded" }]);
});

withCluster("a server that slept over its lease lets go of the job that another has adopted", async (place) => {
  let passedMs = 0;
  const asleep = place.ledgerWith({ engines: [place.cluster], owner: { name: "asleep", alive: () => true } });
  const input = { ...SLOW, parts: 30 };
  const first = asleep.execute(ask(input));
  while ((await place.cluster.list()).length === 0) await delay(2);
  const second = place.ledgerWith({
    engines: [place.cluster],
    owner: { name: "second", alive: () => true },
    elapsedMs: () => passedMs,
  });
  assert.deepEqual(await second.recover(), NONE, "it may still be looked after");
  passedMs += 31_000; // before its next heartbeat
  assert.deepEqual(await second.recover(), { ...NONE, adopted: 1 });
  const outcomes = await Promise.all([first, second.execute(ask(input))]);
  assert.deepEqual(
    outcomes.map(({ state }) => state),
    ["reused", "succeeded"],
  );
  const [step] = (await second.listSteps()).items;
  assert.deepEqual(await attemptsOf(second, step!.id), [{ fence: 1, outcome: "succeeded" }], "its job was not ended");
});

withCluster("a job that no running attempt names is ended, and one that somebody looks after is not", async (place) => {
  const running = place.server("second").execute(ask(SLOW));
  while ((await place.cluster.list()).length === 0) await delay(2);
  const orphan = await abandon(place, { ...SLOW, name: "orphan", parts: 1000 });
  await place.records.commit([{ sql: "DELETE FROM steps WHERE id = ?", params: [orphan.attempt.stepId] }]);
  const ledger = place.server("third");
  assert.deepEqual(await ledger.recover(), { ...NONE, orphans: 1 });
  assert.equal((await place.cluster.list()).length, 1);
  assert.equal((await running).state, "succeeded");
  await place.records.commit([{ sql: "DELETE FROM attempts WHERE step_id = ?", params: [orphan.attempt.stepId] }]);
});

withCluster("what the engine no longer has is lost, and taken up by the next who asks", async (place) => {
  const { attempt, running } = await abandon(place, SLOW);
  running.cancel();
  await running.exit;
  const ledger = place.server("second");
  assert.deepEqual(await ledger.recover(), { ...NONE, lost: 1 });
  const [told] = (await ledger.getStep(attempt.stepId)).attempts;
  assert.match(told!.log.at(-1)!.text, /^Reconciled: .* it is lost\.$/);
  assert.equal((await ledger.execute(ask(SLOW))).state, "succeeded");
  assert.deepEqual(await attemptsOf(ledger, attempt.stepId), [
    { fence: 1, outcome: "lost" },
    { fence: 2, outcome: "succeeded" },
  ]);
});

withCluster("while the engine does not answer nothing of it is settled, and its job is adopted when it does", async (place) => {
  const { attempt } = await abandon(place, { ...SLOW, parts: 20 });
  const ledger = place.server("second");
  place.cluster.away = true;
  assert.deepEqual(await ledger.recover(), NONE);
  const asked = ledger.execute(ask({ ...SLOW, parts: 20 }));
  await delay(150);
  place.cluster.away = false;
  assert.equal((await asked).state, "succeeded");
  assert.deepEqual(await attemptsOf(ledger, attempt.stepId), [{ fence: 1, outcome: "succeeded" }]);
});

withCluster("what lost its owner while the server is up is found by the next round", async (place) => {
  const ledger = place.server("second");
  await ledger.recover();
  ledger.reconcileEvery(20);
  const { attempt } = await abandon(place, SLOW);
  while ((await ledger.listSteps({ state: "succeeded" })).items.length === 0) await delay(20);
  assert.deepEqual(await attemptsOf(ledger, attempt.stepId), [{ fence: 1, outcome: "succeeded" }]);
});
