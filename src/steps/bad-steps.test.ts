/** Steps that do what they should not, each in a process of its own. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createLocalEngine, processHandle, requireSandbox } from "../ports/engines/index.ts";
import { faultsOf, openTestWorkspace } from "./fixtures/workspace.ts";
import { LOG_BYTES_MAX } from "./log.ts";

const root = mkdtempSync(join(tmpdir(), "mill-bad-steps-"));
const workspace = await openTestWorkspace(root, "processes");
after(async () => {
  await workspace.close();
  rmSync(root, { recursive: true, force: true });
});
const { ledger } = workspace;

const refused = await requireSandbox().then(
  () => false,
  (error: Error) => error.message,
);

let asked = 0;
const ask = (kind: string, input: object = {}, memoryMb = 400) => ({
  ...{ kind, input: { ...input, asked: asked++ }, target: "dataset/flights", runId: null, memoryMb, threads: 1 },
});

async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    assert.ok(tries < 1000, `waited in vain: ${what}`);
    await delay(20);
  }
}

async function errorOf(kind: string, input: object = {}, memoryMb = 400) {
  const outcome = await ledger.execute(ask(kind, input, memoryMb));
  assert.equal(outcome.state, "failed");
  return outcome.state === "failed" ? outcome.error : assert.fail();
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heldBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function newestStep() {
  return (await ledger.listSteps({ limit: 1 })).items[0]!;
}

test("processes that a step leaves behind are gone when it has ended, also those that left its group and hold its output", async () => {
  const outcome = await ledger.execute(ask("litter"));
  assert.ok(outcome.state === "succeeded");
  const failed = await errorOf("litter", { fails: true });
  const pids = [...(outcome.manifest.facts.pids as number[]), ...(JSON.parse(failed.message) as number[])];
  assert.equal(pids.length, 4);
  for (const pid of pids) await until(() => processHandle(pid) === null, `the end of ${pid}`);
});

test("memory is what a step and everything that it started takes together", async () => {
  const { code, expected } = await errorOf("greedy-child", {}, 200);
  assert.deepEqual([code, expected], ["step.memory", "at most 200 MB"]);
});

test("a log that floods is cut with a mark, and no memory is held for it", async () => {
  const before = heldBytes();
  const held: number[] = [];
  const watch = setInterval(() => held.push(heldBytes() - before), 100);
  const outcome = await ledger.execute(ask("chatty", { linesMb: 60, lineMb: 60 }));
  clearInterval(watch);
  assert.equal(outcome.state, "succeeded");
  // The median: on a busy machine what has just been freed is still counted now and then.
  const median = held.sort((a, b) => a - b)[held.length >> 1]!;
  assert.ok(median < 40 * 2 ** 20, `${median / 2 ** 20} MiB held`);
  const { id } = await newestStep();
  let [text, offset] = ["", 0];
  for (;;) {
    const part = await ledger.logOf(id, 1, offset);
    text += part.text;
    offset = part.next;
    if (part.ended) break;
  }
  assert.ok(text.endsWith("\n--- cut: a log is kept up to 10485760 bytes ---\n"), text.slice(-100));
  assert.ok(text.length <= LOG_BYTES_MAX + 100, `${text.length}`);
});

test("a step that ignores the polite signal is killed, and its cancellation is its outcome", async () => {
  const running = ledger.execute(ask("deaf"));
  const step = async () => (await ledger.listSteps({ state: "running" })).items[0];
  await until(async () => (await step()) !== undefined, "a step that runs");
  const { id } = (await step())!;
  await until(async () => (await ledger.logOf(id, 1, 0)).text === "deaf\n", "its word");
  assert.equal(await ledger.cancelStep(id), true);
  assert.equal((await running).state, "cancelled");
  assert.deepEqual(await workspace.engine.list(), []);
});

test("a manifest that is too large for a row is refused, whoever wrote it", async () => {
  assert.equal((await ledger.execute(ask("wordy", { sizeBytes: 1_000_000 }))).state, "succeeded");
  const { code, expected, got } = await errorOf("wordy", { sizeBytes: 5_000_000 });
  assert.deepEqual([code, expected], ["step.bad-manifest", "at most 4194304 bytes as JSON"]);
  assert.match(got!, /^50\d+ bytes$/);
  assert.equal((await errorOf("wordy", { sizeBytes: 5_000_000, file: true })).code, "step.crashed");
});

test("in a sandbox a step stores objects and keeps checkpoints, and harms no other step's files", { skip: refused }, async () => {
  const sandbox = { writable: [join(root, "objects"), join(root, "steps", "checkpoints")], network: false };
  const command = [process.execPath, join(import.meta.dirname, "fixtures", "step-main.ts"), join(root, "objects")];
  const engine = createLocalEngine({ command, folder: join(root, "steps"), sandbox });
  const boxed = workspace.ledgerWith({ engines: [engine] });
  const [written, counted] = [
    await boxed.execute(ask("write", { name: "boxed", parts: 2 })),
    await boxed.execute(ask("count", { to: 9 })),
  ];
  assert.deepEqual([written.state, counted.state], ["succeeded", "succeeded"]);
  const paths = [join(root, "mill.db"), join(root, "steps", "stray"), join(root, "stray"), join(tmpdir(), "mill-stray")];
  const free = await ledger.execute(ask("stray", { paths: paths.slice(2, 3) }));
  assert.ok(free.state === "succeeded");
  assert.deepEqual(free.manifest.facts.written, paths.slice(2, 3), "without a sandbox it writes where its user may");
  const outcome = await boxed.execute(ask("stray", { paths }));
  assert.ok(outcome.state === "succeeded");
  assert.deepEqual(outcome.manifest.facts.written, []);
});

for (const jumpMs of [3_600_000, -3_600_000]) {
  const way = jumpMs > 0 ? "forwards" : "backwards";
  test(`a clock that jumps an hour ${way} ends no step, here or of another server, and keeps none waiting`, async () => {
    let jumpedMs = 0;
    const clock = () => Date.now() + jumpedMs;
    const pools = { one: 1 };
    const jumping = workspace.ledgerWith({ clock, pools });
    const another = workspace.ledgerWith({ clock, pools, owner: { name: `another-${way}`, alive: () => true } });
    for (const one of [jumping, another]) one.reconcileEvery(50);
    const slow = { ...ask("write", { name: way, parts: 10, waitMs: 100 }), pool: "one" };
    const running = jumping.execute(slow);
    await until(async () => (await jumping.listSteps({ state: "running" })).items.length === 1, "a step that runs");
    const waiting = jumping.execute({ ...ask("nothing"), pool: "one" });
    await until(async () => (await jumping.listSteps({ state: "queued" })).items.length === 1, "a step that waits");
    jumpedMs = jumpMs;
    await another.recover();
    const outcomes = await Promise.all([running, waiting]);
    for (const outcome of outcomes) {
      assert.ok(outcome.state === "succeeded", outcome.state);
      assert.ok(outcome.meters.wallMs >= 0 && outcome.meters.wallMs < 600_000);
      assert.equal((await jumping.getStep(outcome.stepId)).attempts.length, 1);
    }
    await Promise.all([jumping.close(), another.close()]);
  });
}

test("what they leave is whole", async () => {
  await workspace.closeLedgers();
  assert.deepEqual(await faultsOf(workspace), []);
});
