import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Digest } from "../base/index.ts";
import { onWorkspaces, type TestWorkspace } from "./fixtures/workspace.ts";
import { keyOf, type StepRequest } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "mill-ledger-"));
after(() => rmSync(root, { recursive: true, force: true }));
const withWorkspace = onWorkspaces(root);

const ask = (kind: string, input: unknown, more: Partial<StepRequest> = {}): StepRequest => ({
  ...{ kind, input, target: "dataset/flights", runId: null, memoryMb: 500, threads: 1, ...more },
});
const statesOf = async ({ ledger }: TestWorkspace) => (await ledger.listSteps()).items.map(({ state }) => state);

test("a key depends on kind, revision, input and environment, not on the order of fields", () => {
  const identity = { kind: "train", revision: 1, input: { a: 1, b: [2] }, environment: { node: 24 } };
  const key = keyOf(identity);
  assert.match(key, /^sha256:[0-9a-f]{64}$/);
  assert.equal(keyOf({ ...identity, input: { b: [2], a: 1 } }), key);
  const others = [{ kind: "prove" }, { revision: 2 }, { input: { a: 1, b: [3] } }, { environment: { node: 26 } }];
  for (const other of others) assert.notEqual(keyOf({ ...identity, ...other }), key);
});

withWorkspace("a step runs once, and is reused by whoever asks again", async ({ ledger, objects }) => {
  const seen: string[] = [];
  const first = await ledger.execute(
    ask("write", { name: "a", parts: 2 }, { onProgress: ({ done, total, note }) => seen.push(`${done}/${total} ${note}`) }),
  );
  assert.equal(first.state, "succeeded");
  if (first.state !== "succeeded") return;
  assert.deepEqual(seen, ["1/2 a", "2/2 a"]);
  assert.deepEqual(Object.keys(first.manifest.objects), ["part-0", "part-1"]);
  assert.equal(Buffer.from(await objects.get(first.manifest.objects["part-1"]!)).toString(), '{"name":"a","part":1}');
  assert.equal(first.meters.objectBytes, 42);
  assert.ok(first.meters.wallMs > 0 && first.meters.peakRssBytes > 1e6);

  const again = await ledger.execute(ask("write", { parts: 2, name: "a" }));
  assert.deepEqual(again, { ...first, state: "reused" });
  assert.deepEqual(await ledger.resultOf(ledger.keyOf("write", { name: "a", parts: 2 })), first.manifest);
  assert.equal((await ledger.listSteps()).items.length, 1);
});

withWorkspace("results of many keys come as a map of those that exist", async ({ ledger }) => {
  const keys = [1, 2, 3].map((parts) => ledger.keyOf("write", { name: "m", parts }));
  await ledger.execute(ask("write", { name: "m", parts: 1 }));
  await ledger.execute(ask("write", { name: "m", parts: 3 }));
  const found = await ledger.resultsOf([...keys, ...keys]);
  assert.deepEqual([...found.keys()], [keys[0], keys[2]]);
  assert.equal(await ledger.resultOf(keys[1]!), null);
});

withWorkspace("callers who ask for one key at once share an attempt, and all hear its progress", async (workspace) => {
  const heard = [0, 0, 0];
  const outcomes = await Promise.all(
    heard.map((_, i) => workspace.ledger.execute(ask("write", { name: "shared", parts: 3 }, { onProgress: () => heard[i]!++ }))),
  );
  assert.deepEqual(
    outcomes.map(({ state }) => state),
    ["succeeded", "succeeded", "succeeded"],
  );
  assert.ok(
    heard.every((count) => count > 0 && count === heard[0]),
    String(heard),
  );
  assert.deepEqual(await statesOf(workspace), ["succeeded"]);
});

withWorkspace("a failure keeps its error, publishes nothing, and the step runs again when asked", async (workspace) => {
  const { ledger } = workspace;
  for (const round of [1, 2]) {
    const outcome = await ledger.execute(ask("refuse", { reason: "no rows" }));
    assert.equal(outcome.state, "failed");
    if (outcome.state !== "failed") return;
    assert.deepEqual([outcome.error.code, outcome.error.message, outcome.error.at], ["dataset.empty", "no rows", "flights"]);
    assert.equal((await ledger.listSteps()).items.length, round);
  }
  const { items } = await ledger.listSteps({ state: "failed" });
  assert.equal(items[0]!.error!.fix, "Add rows.");
  assert.equal(await ledger.resultOf(ledger.keyOf("refuse", { reason: "no rows" })), null);
});

withWorkspace("a manifest that names an object which was not stored is refused", async ({ ledger }) => {
  const outcome = await ledger.execute(ask("forgetful", {}));
  assert.equal(outcome.state === "failed" && outcome.error.code, "step.bad-manifest");
});

withWorkspace("an unknown kind is named, with the one that was meant", async ({ ledger }) => {
  await assert.rejects(ledger.execute(ask("wrte", {})), { code: "step.unknown-kind", message: /Did you mean "write"\?/ });
});

withWorkspace("one caller's cancel leaves the others their step; the last one's ends it", async (workspace) => {
  const { ledger } = workspace;
  const slow = { name: "slow", parts: 4, waitMs: 15 };
  const first = new AbortController();
  const both = [ledger.execute(ask("write", slow, { signal: first.signal })), ledger.execute(ask("write", slow))];
  setTimeout(() => first.abort(), 20);
  assert.deepEqual(
    (await Promise.all(both)).map(({ state }) => state),
    ["cancelled", "succeeded"],
  );

  const only = new AbortController();
  const endless = { name: "endless", parts: 1, waitMs: 60_000 };
  const asked = ledger.execute(ask("write", endless, { signal: only.signal }));
  setTimeout(() => only.abort(), 20);
  assert.deepEqual(await asked, { state: "cancelled" });
  assert.deepEqual(await ledger.execute(ask("write", endless, { signal: AbortSignal.abort() })), { state: "cancelled" });
  assert.deepEqual(await statesOf(workspace), ["cancelled", "succeeded"]);
});

withWorkspace("closing the ledger cancels what runs and waits for its end", async (workspace) => {
  const asked = workspace.ledger.execute(ask("write", { name: "long", parts: 1, waitMs: 60_000 }));
  while ((await workspace.ledger.listSteps()).items.length === 0) await new Promise(setImmediate);
  await workspace.ledger.close();
  assert.deepEqual(await asked, { state: "cancelled" });
  assert.deepEqual(await statesOf(workspace), ["cancelled"]);
  assert.deepEqual(await workspace.ledger.execute(ask("nothing", {})), { state: "cancelled" });
});

withWorkspace(
  "a result whose objects were lost is no result, and its step makes it anew",
  async ({ ledger, objects, records }) => {
    const input = { name: "lost", parts: 2 };
    const first = await ledger.execute(ask("write", input));
    assert.equal(first.state, "succeeded");
    if (first.state !== "succeeded") return;
    await objects.remove(first.manifest.objects["part-0"]!);
    assert.equal(await ledger.resultOf(ledger.keyOf("write", input)), null);
    const second = await ledger.execute(ask("write", input));
    assert.equal(second.state, "succeeded");
    assert.deepEqual(await ledger.resultOf(ledger.keyOf("write", input)), first.manifest);
    await records.commit([{ sql: "DELETE FROM steps WHERE id = ?", params: [first.stepId] }]); // its result is the second one's now
  },
);

withWorkspace("the holdout is opened for the assessment alone, and every asking is a row", async ({ ledger, records }) => {
  const digest: Digest = `sha256:${"ab".repeat(32)}`;
  const input = { dataset: "flights", model: "late", parts: [{ holdout: { holdout: digest } }] };
  await assert.rejects(ledger.execute(ask("write", input)), {
    code: "split.holdout-locked",
    at: "parts.0.holdout.holdout",
    got: "write",
  });
  assert.equal(await ledger.holdoutReadings("flights"), 0);
  assert.deepEqual((await ledger.listSteps()).items, []);

  const assess = ask("assess", { dataset: "flights", model: "late", holdout: { holdout: digest } }, { target: "model/late" });
  assert.equal((await ledger.execute(assess)).state, "succeeded");
  assert.equal((await ledger.execute(assess)).state, "reused");
  assert.equal(await ledger.holdoutReadings("flights"), 1);
  assert.equal(await ledger.holdoutReadings("others"), 0);
  assert.deepEqual(await records.query("SELECT reader, model, granted FROM holdout_readings ORDER BY id"), [
    { reader: "write of dataset/flights", model: "late", granted: 0 },
    { reader: "assess of model/late", model: "late", granted: 1 },
  ]);
});

withWorkspace("an object stored as a holdout stays sealed under any other name", async ({ ledger }) => {
  const outcome = await ledger.execute(ask("cut", { name: "sealed" }));
  assert.equal(outcome.state, "succeeded");
  if (outcome.state !== "succeeded") return;
  const { holdout } = outcome.manifest.objects;
  await assert.rejects(ledger.execute(ask("write", { dataset: "flights", train: holdout })), {
    code: "split.holdout-locked",
    at: "train",
  });
  assert.equal(await ledger.holdoutReadings("flights"), 0);
});

withWorkspace("runs and steps are listed newest first, page by page, and shown with their attempts", async ({ ledger }) => {
  const run = await ledger.startRun({ actor: "admin", targets: ["dataset/flights"], reason: "asked" });
  for (let parts = 1; parts <= 5; parts++) await ledger.execute(ask("write", { name: "page", parts }, { runId: run }));
  await ledger.execute(ask("refuse", { reason: "no" }, { target: "model/late" }));
  await ledger.endRun(run, { state: "succeeded" });
  await ledger.startRun({ actor: "admin", targets: [], reason: "again" });

  const { items: runs } = await ledger.listRuns();
  assert.deepEqual(
    runs.map(({ reason, state, targets }) => ({ reason, state, targets })),
    [
      { reason: "again", state: "running", targets: [] },
      { reason: "asked", state: "succeeded", targets: ["dataset/flights"] },
    ],
  );
  assert.deepEqual(
    (await ledger.listRuns({ state: "running" })).items.map(({ reason }) => reason),
    ["again"],
  );

  const pages = [];
  let cursor: string | undefined;
  do {
    const page = await ledger.listSteps({ target: "dataset/flights", limit: 2, cursor });
    pages.push(page.items.map(({ id }) => id));
    cursor = page.next ?? undefined;
  } while (cursor);
  assert.deepEqual(
    pages.map(({ length }) => length),
    [2, 2, 1],
  );
  const { steps } = await ledger.getRun(run);
  assert.deepEqual(
    pages.flat().reverse(),
    steps.map(({ id }) => id),
  );

  const { step, attempts, manifest } = await ledger.getStep(steps[0]!.id);
  assert.deepEqual(step.input, { name: "page", parts: 1 });
  assert.equal(step.runId, run);
  assert.deepEqual(manifest!.facts, { parts: 1 });
  assert.deepEqual(
    attempts.map(({ fence, engine, outcome, log }) => ({ fence, engine, outcome, log: log.map(({ text }) => text) })),
    [{ fence: 1, engine: "inline", outcome: "succeeded", log: ["stored 1"] }],
  );
  assert.equal((await ledger.stepOfResult(step.key))!.id, step.id);
  assert.equal((await ledger.lastOf("model/late", "refuse"))!.state, "failed");
  assert.equal(await ledger.lastOf("model/late", "write"), null);
  await assert.rejects(ledger.getRun("no-such-run"), { code: "run.unknown" });
  await assert.rejects(ledger.getStep("no-such-step"), { code: "step.unknown" });
});

withWorkspace(
  "in a process of its own a step succeeds, fails, crashes or takes too much, and each is told apart",
  async ({ ledger, folder }) => {
    const outcomes = await Promise.all([
      ledger.execute(ask("write", { name: "child", parts: 2 })),
      ledger.execute(ask("refuse", { reason: "no rows" })),
      ledger.execute(ask("crash", { signal: "SIGSEGV" })),
      ledger.execute(ask("greedy", {}, { memoryMb: 150 })),
    ]);
    const [written, refused, crashed, greedy] = outcomes;
    assert.equal(written.state === "succeeded" && written.meters.objectBytes, 50);
    assert.ok(written.state === "succeeded" && written.meters.cpuSeconds > 0 && written.meters.peakRssBytes > 2e7);
    assert.equal(refused.state === "failed" && refused.error.code, "dataset.empty");
    assert.ok(crashed.state === "failed");
    assert.deepEqual([crashed.error.code, crashed.error.got], ["step.crashed", "about to crash"]);
    assert.match(crashed.error.message, /SIGSEGV/);
    assert.ok(greedy.state === "failed");
    assert.deepEqual([greedy.error.code, greedy.error.expected], ["step.memory", "at most 150 MB"]);
    assert.ok(existsSync(join(folder, "steps")));
  },
  "processes",
);

withWorkspace(
  "a cancelled step's process ends, and nothing of it is published",
  async (workspace) => {
    const stopping = new AbortController();
    const input = { name: "slow", parts: 1000, waitMs: 20 };
    const outcome = await workspace.ledger.execute(
      ask("write", input, { signal: stopping.signal, onProgress: () => stopping.abort() }),
    );
    assert.deepEqual(outcome, { state: "cancelled" });
    assert.deepEqual(await statesOf(workspace), ["cancelled"]);
  },
  "processes",
);
