import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CHECKPOINTS, checkpointFile, openCheckpoint, sweepCheckpoints } from "./checkpoint.ts";
import { openTestWorkspace } from "./fixtures/workspace.ts";
import type { StepRequest } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "mill-checkpoint-"));
after(() => rmSync(root, { recursive: true, force: true }));
const newFolder = () => mkdtempSync(join(root, "folder-"));

const ask = (to: number, more: Partial<StepRequest> = {}): StepRequest => ({
  ...{ kind: "count", input: { to }, target: "dataset/flights", runId: null, memoryMb: 300, threads: 1, ...more },
});

test("a step whose process is killed goes on from what it kept, and what it kept goes with its result", async () => {
  const workspace = await openTestWorkspace(newFolder(), "processes");
  const { ledger, records } = workspace;
  const kill = async () => {
    const [attempt] = await records.query<{ handle: string }>("SELECT handle FROM attempts WHERE handle IS NOT NULL");
    if (attempt) process.kill(Number(attempt.handle.split(":")[0]), "SIGKILL");
  };
  const killed = await ledger.execute(ask(400, { onProgress: ({ done }) => void (done > 50 && kill()) }));
  assert.equal(killed.state === "failed" && killed.error.code, "step.crashed");
  const again = await ledger.execute(ask(400));
  assert.ok(again.state === "succeeded" && (again.manifest.facts.from as number) > 50, JSON.stringify(again));
  assert.deepEqual(readdirSync(join(workspace.folder, "steps", CHECKPOINTS)), []);
  await workspace.close();
});

test("a cancelled step goes on from what it kept, one of another input begins anew", async () => {
  const workspace = await openTestWorkspace(newFolder());
  const { ledger } = workspace;
  const cancel = new AbortController();
  const onProgress = ({ done }: { done: number }) => void (done > 20 && cancel.abort());
  assert.equal((await ledger.execute(ask(300, { signal: cancel.signal, onProgress }))).state, "cancelled");
  const other = await ledger.execute(ask(30));
  assert.ok(other.state === "succeeded" && other.manifest.facts.from === 0);
  const again = await ledger.execute(ask(300));
  assert.ok(again.state === "succeeded" && (again.manifest.facts.from as number) > 20);
  await workspace.close();
});

test("a checkpoint that was cut short or altered is none", () => {
  const file = checkpointFile(newFolder(), `sha256:${"a".repeat(64)}`);
  const checkpoint = openCheckpoint(file);
  assert.equal(checkpoint.read(), null);
  checkpoint.keep({ trees: [1, 2, 3], note: "two\nlines" });
  assert.deepEqual(checkpoint.read(), { trees: [1, 2, 3], note: "two\nlines" });
  const whole = readFileSync(file, "utf8");
  const [digest, text] = whole.split("\n") as [string, string];
  for (const damaged of [whole.slice(0, -5), whole.replace("[1,", "[7,"), digest, `${digest}\n`, text, `${whole}\n{}`, ""]) {
    writeFileSync(file, damaged);
    assert.equal(checkpoint.read(), null);
  }
});

test("a checkpoint that nobody came back for goes after a week", async () => {
  const folder = newFolder();
  mkdirSync(join(folder, CHECKPOINTS));
  const [old, fresh] = ["old", "fresh"].map((name) => join(folder, CHECKPOINTS, name)) as [string, string];
  for (const file of [old, fresh]) writeFileSync(file, "{}");
  const nowMs = Date.now();
  utimesSync(old, 0, nowMs / 1000 - 8 * 24 * 3600);
  await sweepCheckpoints(folder, nowMs);
  assert.deepEqual([existsSync(old), existsSync(fresh)], [false, true]);
});
