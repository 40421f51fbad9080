/** Steps one after the other in one process: what the engine and the process of steps make together, and each alone with the other gone. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { openTestWorkspace } from "./fixtures/workspace.ts";

const root = mkdtempSync(join(tmpdir(), "mill-step-process-"));
after(() => rmSync(root, { recursive: true, force: true }));
const workspace = await openTestWorkspace(join(root, "workspace"), "processes");
after(() => workspace.close());

let asked = 0;
const request = (kind: string, input: object, memoryMb = 400) => ({
  ...{ kind, input: { ...input, asked: asked++ }, target: "dataset/flights", runId: null, memoryMb, threads: 1 },
});

async function which({ takesMb = 0, keepsMb = 0, memoryMb = 400 } = {}) {
  const outcome = await workspace.ledger.execute(request("which", { takesMb, keepsMb }, memoryMb));
  assert.ok(outcome.state === "succeeded");
  return { pid: outcome.manifest.facts.pid as number, peakMb: outcome.meters.peakRssBytes / 2 ** 20 };
}

test("steps one after the other share a process, and each is told the memory that it took itself", async () => {
  const memoryMb = 800; // of which what is not collected yet at the end of a step is little
  const [first, large, next] = [await which({ memoryMb }), await which({ takesMb: 50, memoryMb }), await which({ memoryMb })];
  assert.deepEqual([large.pid, next.pid], [first.pid, first.pid]);
  assert.ok(large.peakMb > first.peakMb + 40, `${first.peakMb}, ${large.peakMb} MiB`);
});

test("what goes along with an attempt reaches its process alone, whether it began with it or took it later", async () => {
  const ended: string[] = [];
  let number = 0;
  const ledger = workspace.ledgerWith({
    async attend({ target, fence }) {
      const name = `${target} ${fence} ${number++}`;
      return name.endsWith("1") ? null : { variables: { NAME: name }, end: async (state) => void ended.push(`${name} ${state}`) };
    },
  });
  const run = async () => {
    const outcome = await ledger.execute(request("which", { takesMb: 0, keepsMb: 0 }, 800));
    return outcome.state === "succeeded" ? outcome.manifest.facts : null;
  };
  const [first, second, third] = [await run(), await run(), await run()];
  assert.deepEqual([second?.pid, third?.pid], [first?.pid, first?.pid]);
  assert.deepEqual(
    [first, second, third].map((facts) => facts?.variables),
    [{ NAME: "dataset/flights 1 0" }, {}, { NAME: "dataset/flights 1 2" }],
  );
  await ledger.execute(request("refuse", { reason: "no rows" }, 800));
  assert.deepEqual(ended, ["dataset/flights 1 0 succeeded", "dataset/flights 1 2 succeeded", "dataset/flights 1 3 failed"]);
});

test("steps at the same time have a process each", async () => {
  const both = await Promise.all([which({ takesMb: 50 }), which({ takesMb: 50 })]);
  assert.notEqual(both[0].pid, both[1].pid);
});

test("a process that kept much memory, or whose step failed, takes no other step", async () => {
  const full = await which({ keepsMb: 150 });
  const next = await which();
  assert.notEqual(next.pid, full.pid);
  assert.equal((await workspace.ledger.execute(request("refuse", { reason: "no rows" }))).state, "failed");
  assert.notEqual((await which()).pid, next.pid);
});

test("a killed process that waits for a step is missed by none", async () => {
  const { pid } = await which();
  process.kill(pid, "SIGKILL");
  const next = await which();
  assert.notEqual(next.pid, pid);
});

test("no free process is listed as a job, and none holds up the end of the one that it waits for", async () => {
  await which();
  assert.deepEqual(await workspace.engine.list(), []);
});

function attempt(kind: string): string {
  const folder = join(root, `attempt-${asked++}`);
  mkdirSync(folder);
  writeFileSync(
    join(folder, "input.json"),
    JSON.stringify({ kind, revision: 1, input: { reason: "no" }, threads: 1, memoryMb: 300 }),
  );
  return folder;
}

const program = join(import.meta.dirname, "fixtures/step-main.ts");
function begin(folder: string) {
  const child = spawn(process.execPath, [program, join(root, "workspace/objects"), "step", folder], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, MILL_STEP_AGAIN: "again!" },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, ready: async () => assert.equal((await lines.next()).value, "again!") };
}
const codeOf = async (child: ChildProcess) => (await once(child, "exit"))[0];

test("a process takes folders until its input ends, and then ends well", async () => {
  const [first, second] = [attempt("nothing"), attempt("nothing")];
  const { child, ready } = begin(first);
  await ready();
  child.stdin.write(`${second}\n`);
  await ready(); // it has it
  await ready(); // it is done
  child.stdin.end();
  assert.equal(await codeOf(child), 0);
  for (const folder of [first, second]) assert.ok(existsSync(join(folder, "manifest.json")));
});

test("a process that waits ends when it is asked to, and one whose step failed at once", async () => {
  const waiting = begin(attempt("nothing"));
  await waiting.ready();
  waiting.child.kill("SIGTERM");
  assert.equal(await codeOf(waiting.child), 0);
  const failing = begin(attempt("refuse"));
  assert.notEqual(await codeOf(failing.child), 0);
});
