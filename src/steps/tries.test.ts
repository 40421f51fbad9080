import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { MillError } from "../base/index.ts";
import type { Engine, RunningJob } from "../ports/engines/index.ts";
import type { Objects } from "../ports/objects/index.ts";
import type { Records } from "../ports/records/index.ts";
import { kinds } from "./fixtures/kinds.ts";
import { onWorkspaces, type TestWorkspace } from "./fixtures/workspace.ts";
import { createInlineEngine, type Ledger, type StepRequest } from "./index.ts";
import { LOG_BYTES_MAX } from "./log.ts";

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

/** Prints so many lines, then ends well. */
function printing(engine: Engine, lines: Iterable<string>, ending: Promise<unknown>): Engine {
  return {
    ...engine,
    async start(job, onLine): Promise<RunningJob> {
      for (const line of lines) onLine(line);
      await ending;
      return engine.start(job, onLine);
    },
  };
}

async function wholeLog(ledger: Ledger, stepId: string): Promise<{ text: string; parts: number }> {
  let text = "";
  let parts = 0;
  for (let offset = 0; ; ) {
    const part = await ledger.logOf(stepId, 1, offset);
    text += part.text;
    parts++;
    if (part.ended) return { text, parts };
    assert.ok(part.next > offset, "it goes on");
    offset = part.next;
  }
}

/** Objects that tell how many bytes were read of them. */
function countingReads(objects: Objects): { readonly objects: Objects; bytes(): number } {
  let bytes = 0;
  const counted = <T extends Uint8Array>(chunk: T) => {
    bytes += chunk.byteLength;
    return chunk;
  };
  return {
    bytes: () => bytes,
    objects: {
      ...objects,
      get: async (digest) => counted(await objects.get(digest)),
      async *read(digest, range) {
        for await (const chunk of objects.read(digest, range)) yield counted(chunk);
      },
    },
  };
}

withWorkspace("a long log is kept whole and read by offset, while it grows and afterwards", async (workspace) => {
  const lines = Array.from({ length: 40_000 }, (_, i) => `line ${i}: ein Stück — 日本 🌾`);
  const ending = Promise.withResolvers<void>();
  const ledger = workspace.ledgerWith({ engines: [printing(workspace.engine, lines, ending.promise)] });
  const asked = ledger.execute(ask("nothing", {}));
  while ((await ledger.listSteps()).items.length === 0) await delay(2);
  const { id } = (await ledger.listSteps()).items[0]!;
  let growing = await ledger.logOf(id, 1, 0);
  while (growing.text === "") growing = await ledger.logOf(id, 1, 0);
  assert.equal(growing.ended, false);
  assert.ok(lines.join("\n").startsWith(growing.text.slice(0, -1)));
  ending.resolve();
  assert.equal((await asked).state, "succeeded");
  const { text, parts } = await wholeLog(ledger, id);
  assert.equal(text, `${lines.join("\n")}\n`);
  assert.ok(parts > 1);
  const { attempts } = await ledger.getStep(id);
  assert.deepEqual([attempts[0]!.log.length, attempts[0]!.log.at(-1)!.text], [200, lines.at(-1)]);
  await assert.rejects(ledger.logOf(id, 9, 0), { code: "step.unknown" });
});

withWorkspace("a whole log is let go of after ninety days, its last lines are not", async (workspace) => {
  const { records } = workspace;
  const lines = Array.from({ length: 300 }, (_, i) => `line ${i}`);
  const engines = [printing(workspace.engine, lines, Promise.resolve())];
  const outcome = await workspace.ledgerWith({ engines }).execute(ask("nothing", {}));
  assert.ok(outcome.state === "succeeded");
  const pins = () => records.query("SELECT 1 FROM pins WHERE holder LIKE 'log:%'");
  await workspace.ledger.recover();
  assert.equal((await pins()).length, 1);
  const later = workspace.ledgerWith({ clock: () => Date.now() + 91 * 24 * 3600 * 1000 });
  await later.recover();
  assert.deepEqual(await pins(), []);
  assert.equal((await wholeLog(later, outcome.stepId)).text, `${lines.slice(-200).join("\n")}\n`);
});

withWorkspace(
  "a flood is cut, and says so; read part by part, each of its bytes is read once; a short log needs no object",
  async (workspace) => {
    const flood = function* () {
      for (let i = 0; i < 12_000; i++) yield "x".repeat(1000);
    };
    const reading = countingReads(workspace.objects);
    const engines = [printing(workspace.engine, flood(), Promise.resolve())];
    const ledger = workspace.ledgerWith({ engines, objects: reading.objects });
    const outcome = await ledger.execute(ask("nothing", {}));
    assert.ok(outcome.state === "succeeded");
    const { text } = await wholeLog(ledger, outcome.stepId);
    assert.equal(reading.bytes(), text.length);
    assert.match(text, /x\n--- cut: a log is kept up to 10485760 bytes ---\n$/);
    assert.ok(text.length > LOG_BYTES_MAX - 2000 && text.length < LOG_BYTES_MAX + 100);

    const short = await workspace.ledger.execute(ask("write", { name: "short", parts: 1 }));
    assert.ok(short.state === "succeeded");
    assert.deepEqual(await workspace.ledger.logOf(short.stepId, 1, 0), { text: "stored 1\n", next: 9, ended: true });
    assert.deepEqual(await workspace.ledger.logOf(short.stepId, 1, 9), { text: "", next: 9, ended: true });
    assert.deepEqual(await workspace.records.query("SELECT count(*) AS n FROM attempts WHERE log_object IS NOT NULL"), [
      { n: 1 },
    ]);
  },
);

withWorkspace(
  "a log that cannot be written ends neither the server nor the step, and its last lines are kept",
  async (workspace) => {
    const lines = Array.from({ length: 300 }, (_, i) => `line ${i}`);
    const printer = printing(workspace.engine, lines, Promise.resolve());
    const engine: Engine = {
      ...printer,
      async start(job, onLine) {
        mkdirSync(join(job.folder, "log.txt")); // in the way
        return printer.start(job, onLine);
      },
    };
    const ledger = workspace.ledgerWith({ engines: [engine] });
    const outcome = await ledger.execute(ask("nothing", {}));
    assert.ok(outcome.state === "succeeded");
    assert.equal(
      (await wholeLog(ledger, outcome.stepId)).text,
      lines
        .slice(-200)
        .map((line) => `${line}\n`)
        .join(""),
    );
  },
);
