import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { onWorkspaces, type TestWorkspace } from "./fixtures/workspace.ts";

const root = mkdtempSync(join(tmpdir(), "mill-again-"));
after(() => rmSync(root, { recursive: true, force: true }));

const HOW = { threads: 1, memoryMb: 500 };

const withWorkspace = onWorkspaces(root);

async function done({ ledger }: TestWorkspace, kind: string, input: unknown) {
  const outcome = await ledger.execute({ kind, input, target: "dataset/flights", runId: null, ...HOW });
  assert.ok(outcome.state === "succeeded");
  return outcome;
}

for (const where of ["inline", "processes"] as const)
  withWorkspace(
    `a step runs again from its record and leaves rows as they were (${where})`,
    async (workspace) => {
      const { ledger, records } = workspace;
      const { stepId, manifest } = await done(workspace, "write", { name: "a", parts: 2 });
      const rows = () =>
        records.query(
          "SELECT s.id, s.state, a.fence, r.manifest FROM steps s JOIN attempts a ON a.step_id = s.id JOIN results r ON r.step_id = s.id",
        );
      const before = await rows();
      const heard: number[] = [];
      const onProgress = ({ done }: { readonly done: number }) => heard.push(done);
      assert.deepEqual(await ledger.again(stepId, { ...HOW, threads: 3, onProgress }), manifest);
      assert.deepEqual(heard.at(-1), 2, "it tells how far it is");
      assert.deepEqual(await rows(), before);
    },
    where,
  );

withWorkspace("a step runs again although its result is gone", async (workspace) => {
  const { stepId, manifest } = await done(workspace, "write", { name: "gone", parts: 1 });
  const [object] = Object.values(manifest.objects);
  await workspace.objects.remove(object!);
  assert.deepEqual(await workspace.ledger.again(stepId, HOW), manifest);
  assert.notEqual(await workspace.objects.sizeOf(object!), null);
});

withWorkspace(
  "an assessment that runs again is one more recorded reading; another kind may not read even then",
  async (workspace) => {
    const { ledger, ledgerWith, records } = workspace;
    const { manifest } = await done(workspace, "cut", { name: "h" });
    const holdout = { holdout: manifest.objects.holdout! };
    const { stepId } = await done(workspace, "assess", { dataset: "flights", holdout });
    await ledger.again(stepId, HOW);
    const readers = await records.query<{ reader: string; granted: number }>(
      "SELECT reader, granted FROM holdout_readings ORDER BY id",
    );
    assert.deepEqual(readers, [
      { reader: "assess of dataset/flights", granted: 1 },
      { reader: "assess of dataset/flights, again", granted: 1 },
    ]);
    await assert.rejects(ledgerWith({ opensHoldout: [] }).again(stepId, HOW), { code: "split.holdout-locked" });
    assert.equal((await records.query("SELECT 1 FROM holdout_readings WHERE granted = 0")).length, 1);
  },
);

withWorkspace("what a repeated step makes of a holdout is sealed too", async (workspace) => {
  const { stepId, manifest } = await done(workspace, "cut", { name: "h" });
  await workspace.records.commit([{ sql: "DELETE FROM sealed_objects", params: [] }]);
  await workspace.ledger.again(stepId, HOW);
  await assert.rejects(
    workspace.ledger.execute({
      kind: "write",
      input: { name: manifest.objects.holdout, parts: 1 },
      target: "t",
      runId: null,
      ...HOW,
    }),
    {
      code: "split.holdout-locked",
    },
  );
});

withWorkspace("one that is stopped says so, and closing the ledger stops it", async (workspace) => {
  const { ledger } = workspace;
  const { stepId } = await done(workspace, "write", { name: "slow", parts: 400, waitMs: 1 });
  const stop = new AbortController();
  const stopped = assert.rejects(ledger.again(stepId, { ...HOW, signal: stop.signal }), { code: "step.cancelled" });
  stop.abort();
  await stopped;
  const closed = assert.rejects(ledger.again(stepId, HOW), { code: "step.cancelled" });
  await ledger.close();
  await closed;
});

withWorkspace("what never was cannot run again", async ({ ledger }) => {
  await assert.rejects(ledger.again("none", HOW), { code: "step.unknown" });
});
