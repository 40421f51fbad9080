import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { MillError } from "../base/index.ts";
import type { Engine, RunningJob } from "../ports/engines/index.ts";
import type { Records } from "../ports/records/index.ts";
import { kinds } from "./fixtures/kinds.ts";
import { onWorkspaces, type TestWorkspace } from "./fixtures/workspace.ts";
import { createInlineEngine, type Ledger, type StepRequest } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "mill-tries-"));
after(() => rmSync(root, { recursive: true, force: true }));
const withWorkspace = onWorkspaces(root);

const ask = (kind: string, input: unknown, more: Partial<StepRequest> = {}): StepRequest => ({
  ...{ kind, input, target: "dataset/flights", runId: null, memoryMb: 300, threads: 1, ...more },
});
const RETRY = { attempts: 3, backoffMs: 1, backoffMaxMs: 5 };

/** The inline engine under another name, which does not answer the first times. */
function engineOf({ objects }: TestWorkspace, { name = "inline", away = 0 } = {}): Engine {
  const engine = createInlineEngine(kinds, { objects });
  let left = away;
  return {
    ...engine,
    name,
    async start(job, onLine) {
      if (left-- > 0) throw new MillError("engine.not-started", "The engine does not answer.", { at: name, fix: "Wait." });
      return engine.start(job, onLine);
    },
  };
}

async function attemptsOf(ledger: Ledger) {
  const { items } = await ledger.listSteps();
  const { attempts } = await ledger.getStep(items[0]!.id);
  return { steps: items.length, attempts: attempts.map(({ fence, engine, outcome }) => [fence, engine, outcome]) };
}

withWorkspace(
  "a step runs on the engine that is asked for, and its result is the same wherever it is made",
  async (workspace) => {
    const cluster = { ...engineOf(workspace, { name: "cluster" }), jobId: (handle: string) => `job of ${handle}` };
    const ledger = workspace.ledgerWith({ engines: [engineOf(workspace), cluster] });
    const outcome = await ledger.execute(ask("write", { name: "a", parts: 1, waitMs: 300 }, { on: "cluster" }));
    assert.ok(outcome.state === "succeeded");
    const { step, attempts } = await ledger.getStep(outcome.stepId);
    assert.deepEqual([step.on, step.job, attempts[0]!.job], ["cluster", `job of ${step.id}-1`, `job of ${step.id}-1`]);
    assert.deepEqual((await attemptsOf(ledger)).attempts, [[1, "cluster", "succeeded"]]);
    assert.equal((await ledger.execute(ask("write", { name: "a", parts: 1, waitMs: 300 }))).state, "reused");
    await ledger.execute(ask("nothing", {}));
    const [first] = (await ledger.listSteps({ kind: "nothing" })).items;
    assert.deepEqual([first!.on, first!.job], [null, null], "the first engine is not named");
  },
);

withWorkspace("what is passing is tried again as another attempt of the same step", async (workspace) => {
  const ledger = workspace.ledgerWith({ engines: [engineOf(workspace, { away: 2 })] });
  const said: string[] = [];
  const outcome = await ledger.execute(ask("nothing", {}, { retry: RETRY, onLog: (text) => said.push(text) }));
  assert.equal(outcome.state, "succeeded");
  assert.deepEqual(await attemptsOf(ledger), {
    steps: 1,
    attempts: [
      [1, "inline", "failed"],
      [2, "inline", "failed"],
      [3, "inline", "succeeded"],
    ],
  });
  assert.match(said[0]!, /^Try 1 failed: The engine does not answer\./);
});

withWorkspace("the error of the last try says how many there were, and ends the step", async (workspace) => {
  const ledger = workspace.ledgerWith({ engines: [engineOf(workspace, { away: 3 })] });
  const outcome = await ledger.execute(ask("nothing", {}, { retry: RETRY }));
  assert.ok(outcome.state === "failed");
  assert.deepEqual([outcome.error.code, outcome.error.fix], ["engine.not-started", "Wait."]);
  assert.match(outcome.error.message, /It was tried 3 times\.$/);
  assert.equal((await attemptsOf(ledger)).attempts.length, 3);
  assert.equal((await ledger.execute(ask("nothing", {}))).state, "succeeded", "and it runs again when it is asked for again");
});

withWorkspace("what data or definitions say is told at once, unless the policy names it", async (workspace) => {
  const { ledger } = workspace;
  const once = await ledger.execute(ask("refuse", { reason: "no rows" }, { retry: RETRY }));
  assert.equal(once.state === "failed" && once.error.message, "no rows");
  assert.equal((await attemptsOf(ledger)).attempts.length, 1);
  const named = await ledger.execute(ask("refuse", { reason: "no rows" }, { retry: { ...RETRY, on: ["dataset.empty"] } }));
  assert.equal(named.state === "failed" && named.error.message, "no rows It was tried 3 times.");
});

withWorkspace(
  "records that are away when a step begins or ends are waited for, whether or not the commit happened",
  async (workspace) => {
    for (const happened of [false, true])
      for (const failing of [0, 1]) {
        let commits = 0;
        const records: Records = {
          ...workspace.records,
          async commit(statements) {
            const fails = commits++ === failing;
            const outcome = fails && !happened ? null : await workspace.records.commit(statements);
            if (outcome && !fails) return outcome;
            throw new MillError("records.away", "The records do not answer.");
          },
        };
        const outcome = await workspace
          .ledgerWith({ records })
          .execute(ask("write", { name: `${happened} ${failing}`, parts: 1 }));
        assert.ok(outcome.state === "succeeded" || outcome.state === "reused", `${happened} ${failing}: ${outcome.state}`);
      }
  },
);

for (const jumpMs of [3_600_000, -3_600_000])
  withWorkspace(`a step that waits for its next try waits no longer when the clock is set by ${jumpMs} ms`, async (workspace) => {
    let jumpedMs = 0;
    const engines = [engineOf(workspace, { away: 1 })];
    const ledger = workspace.ledgerWith({ engines, clock: () => Date.now() + jumpedMs });
    const onLog = () => (jumpedMs = jumpMs);
    const outcome = await ledger.execute(ask("nothing", {}, { retry: { ...RETRY, backoffMaxMs: 50, backoffMs: 50 }, onLog }));
    assert.equal(outcome.state, "succeeded");
    assert.equal((await attemptsOf(ledger)).attempts.length, 2);
  });

withWorkspace("a step that waits for its next try can be left, and is in the queue until then", async (workspace) => {
  const ledger = workspace.ledgerWith({ engines: [engineOf(workspace, { away: 9 })] });
  const stopping = new AbortController();
  const patient = { attempts: 9, backoffMs: 60_000, backoffMaxMs: 60_000 };
  const asked = ledger.execute(ask("nothing", {}, { retry: patient, signal: stopping.signal }));
  while ((await ledger.listSteps({ state: "queued" })).items.length === 0) await delay(2);
  const [step] = (await ledger.listSteps()).items;
  assert.equal(step!.error!.code, "engine.not-started");
  stopping.abort();
  assert.deepEqual(await asked, { state: "cancelled" });
  assert.equal((await ledger.listSteps()).items[0]!.state, "cancelled");
});

withWorkspace("each timeout ends the step, names itself, and may be tried again", async (workspace) => {
  const { ledger } = workspace;
  const slow = { name: "slow", parts: 1, waitMs: 60_000 };
  for (const which of ["startToCloseMs", "scheduleToCloseMs", "heartbeatMs"] as const) {
    const outcome = await ledger.execute(ask("write", slow, { timeouts: { [which]: 30 } }));
    assert.ok(outcome.state === "failed");
    assert.deepEqual(
      [outcome.error.code, outcome.error.at, outcome.error.expected],
      ["step.timeout", "write of dataset/flights", `${which}: at most 30 ms`],
    );
  }
  const retry = { ...RETRY, on: ["step.timeout"] };
  const again = await ledger.execute(ask("write", slow, { timeouts: { startToCloseMs: 10 }, retry }));
  assert.match(again.state === "failed" ? again.error.message : "", /It was tried 3 times/);
  const over = await ledger.execute(
    ask("write", slow, { timeouts: { startToCloseMs: 10, scheduleToCloseMs: 60 }, retry: { ...retry, attempts: 99 } }),
  );
  assert.match(over.state === "failed" ? over.error.expected! : "", /^s/, "tries end with the time for all of them");
});

withWorkspace("a step that says something every now and then is not silent", async (workspace) => {
  const input = { name: "talks", parts: 8, waitMs: 120 };
  const outcome = await workspace.ledger.execute(ask("write", input, { timeouts: { heartbeatMs: 900 } }));
  assert.equal(outcome.state, "succeeded");
});

withWorkspace("a graph that failed in the middle goes on from there: what succeeded is reused", async (workspace) => {
  const { ledger } = workspace;
  const runAll = async (retry: StepRequest["retry"], kind: string) => {
    const states: string[] = [];
    const first = await ledger.execute(ask("write", { name: "rows", parts: 2 }));
    states.push(first.state);
    const made = first.state === "cancelled" || first.state === "failed" ? {} : first.manifest.objects;
    const middle = await ledger.execute(
      ask(kind, kind === "refuse" ? { reason: "not yet" } : { from: made }, retry ? { retry } : {}),
    );
    states.push(middle.state);
    if (middle.state === "failed" || middle.state === "cancelled") return states;
    states.push((await ledger.execute(ask("count", { to: 2, after: middle.manifest.facts }))).state);
    return states;
  };
  assert.deepEqual(await runAll(undefined, "refuse"), ["succeeded", "failed"]);
  assert.deepEqual(await runAll(undefined, "nothing"), ["reused", "succeeded", "succeeded"]);
  assert.deepEqual(await runAll(undefined, "nothing"), ["reused", "reused", "reused"]);
});

withWorkspace(
  "many steps are carried out together: reused, run once each, failed, in the order of the askings",
  async (workspace) => {
    const { ledger, records } = workspace;
    await ledger.execute(ask("write", { name: "there", parts: 1 }));
    const requests = [
      ask("write", { name: "there", parts: 1 }),
      ...Array.from({ length: 150 }, (_, step) => ask("nothing", { step })),
      ask("refuse", { reason: "no" }),
      ask("nothing", { step: 0 }),
    ];
    const [outcomes, others] = await Promise.all([
      ledger.executeAll(requests, { concurrency: 40 }),
      workspace.ledgerWith({}).executeAll(requests, { concurrency: 40 }),
    ]);
    for (const states of [outcomes, others].map((all) => all.map(({ state }) => state))) {
      assert.equal(states[0], "reused");
      assert.ok(states.slice(1, 151).every((state) => state === "succeeded" || state === "reused"));
      assert.equal(states[151], "failed");
      assert.equal(states[152], states[1]);
    }
    assert.deepEqual(await records.query("SELECT count(*) AS n FROM steps WHERE kind = 'nothing'"), [{ n: 150 }]);
    await assert.rejects(ledger.executeAll([ask("nothing", {}), ask("nothin", {})]), { code: "step.unknown-kind" });
  },
);

withWorkspace(
  "a job that its engine lost is tried again, and what it printed on standard error is in its log",
  async (workspace) => {
    const stderr = "slurmstepd: the node is gone\n";
    let lost = 0;
    const engine: Engine = {
      ...workspace.engine,
      async start(job, onLine): Promise<RunningJob> {
        if (lost++ > 0) return workspace.engine.start(job, onLine);
        const exit = Promise.resolve({ code: null, signal: null, stderr, endedFor: "lost" as const, usage: null });
        return { handle: "1", exit, cancel() {} };
      },
    };
    const ledger = workspace.ledgerWith({ engines: [engine] });
    const outcome = await ledger.execute(ask("nothing", {}, { retry: RETRY }));
    assert.ok(outcome.state === "succeeded");
    const [first] = (await ledger.getStep(outcome.stepId)).attempts;
    assert.deepEqual([first!.error!.code, first!.log.map(({ text }) => text)], ["engine.lost", ["slurmstepd: the node is gone"]]);
  },
);
