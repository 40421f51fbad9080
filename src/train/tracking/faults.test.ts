import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { MillError } from "../../base/index.ts";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import type { Records } from "../../ports/records/index.ts";
import { openTracking } from "./fixtures/open-tracking.ts";
import { createTracking } from "./index.ts";

test("what was acknowledged before a kill -9 is there, whether it was folded or not", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mill-tracking-kill-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "mill.db");
  const prepared = await openTestRecords(path);
  const tracking = createTracking({ records: prepared });
  const runs = await Promise.all(Array.from({ length: 4 }, () => tracking.createRun({ experimentId: "0" })));
  await tracking.close();
  await prepared.close();
  const acknowledged = new Map<string, number[]>(runs.map(({ id }) => [id, []]));
  for (const life of [0, 1]) {
    const first = life * 1_000_000;
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, "fixtures", "crashing-logger.ts"), path, String(first), ...acknowledged.keys()],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const gone = once(child, "exit");
    let lines = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const [run, step] = line.split(" ");
      acknowledged.get(run!)!.push(Number(step));
      if (++lines === 300) child.kill("SIGKILL"); // what was printed until it is gone counts too
    }
    await gone;
  }
  const records = await openTestRecords(path);
  const after = createTracking({ records });
  for (const [runId, steps] of acknowledged) {
    assert.ok(steps.length > 20);
    const { items } = await after.history({ runId, key: "loss" });
    const there = new Map(items.map(({ step, value }) => [step, value]));
    assert.equal(items.length, there.size);
    for (const step of steps) assert.equal(there.get(step), step / 2);
    const run = await after.run(runId);
    assert.equal(run.metrics[0]!.step, items.at(-1)!.step);
    for (const step of steps) assert.equal(run.params[`p${step % 50}`], "x");
  }
  await after.close();
  await records.close();
});

test("a write that the disk refuses is told, and leaves nothing; the next one that has room is taken", async () => {
  const { records } = await openTracking();
  let isFull = false;
  const tracking = createTracking({
    records: breaking(records, async (commit) => {
      if (isFull) throw new MillError("records.disk-full", "The disk is full.");
      return commit();
    }),
  });
  const { id } = await tracking.createRun({ experimentId: "0" });
  isFull = true;
  const refused = { code: "records.disk-full" };
  await assert.rejects(tracking.log(id, { params: [{ key: "a", value: "1" }] }), refused);
  await assert.rejects(tracking.createExperiment({ name: "refused" }), refused);
  await assert.rejects(tracking.fold(), refused);
  assert.deepEqual((await tracking.run(id)).params, {});
  isFull = false;
  await tracking.log(id, { params: [{ key: "a", value: "2" }] });
  await tracking.createExperiment({ name: "refused" });
  assert.deepEqual((await tracking.run(id)).params, { a: "2" });
  await tracking.fold();
  await tracking.close();
});

test("a commit whose answer is lost is there once when it happened", async () => {
  const { records, tracking: other } = await openTracking();
  const { id } = await other.createRun({ experimentId: "0" });
  let losesAnswer = true;
  const tracking = createTracking({
    records: breaking(records, async (commit) => {
      const outcome = await commit();
      if (!losesAnswer) return outcome;
      losesAnswer = false;
      throw new MillError("records.away", "The answer was lost.");
    }),
  });
  await assert.rejects(tracking.log(id, { metrics: [{ key: "m", value: 1, timestamp: 1, step: 1 }] }), { code: "records.away" });
  await tracking.log(id, { metrics: [{ key: "m", value: 2, timestamp: 2, step: 2 }] });
  for (const server of [tracking, other]) {
    const { items } = await server.history({ runId: id, key: "m" });
    assert.deepEqual(
      items.map(({ value }) => value),
      [1, 2],
    );
  }
  await tracking.close();
});

test("of several servers that fold at once one does", async () => {
  const { records, tracking, server } = await openTracking();
  const { id } = await tracking.createRun({ experimentId: "0" });
  for (let step = 0; step < 5; step++) {
    await tracking.log(id, { metrics: [{ key: "m", value: step, timestamp: step, step }] });
    const others = [server(), server()];
    await Promise.all([tracking, ...others].map((one) => one.fold()));
    for (const one of [tracking, ...others]) assert.equal((await one.history({ runId: id, key: "m" })).items.length, step + 1);
  }
  assert.deepEqual(await records.query("SELECT last FROM tracking_log"), []);
});

/** The same records, whose commits go through `around`. */
function breaking(
  records: Records,
  around: (commit: () => ReturnType<Records["commit"]>) => ReturnType<Records["commit"]>,
): Records {
  return { ...records, commit: (statements, options) => around(() => records.commit(statements, options)) };
}
