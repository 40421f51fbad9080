import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { createUploads } from "../lake/index.ts";
import { createFileObjects } from "../ports/objects/index.ts";
import { openTestRecords } from "../ports/records/fixtures/open-test-records.ts";
import { createArtifacts, createLoggedModels, createTracking, type Named, purgeVerbs } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "mill-purge-"));
after(() => rmSync(root, { recursive: true, force: true }));

const DAY_MS = 86_400_000;

async function open(name: string) {
  const records = await openTestRecords(join(root, `${name}.db`));
  const objects = createFileObjects(join(root, name));
  const clock = { ms: 100 * DAY_MS };
  const now = () => clock.ms;
  const tracking = createTracking({ records, clock: now });
  const artifacts = createArtifacts({ records, objects, uploads: createUploads({ records, objects }) });
  const loggedModels = createLoggedModels({ records, tracking, now });
  const names = { runIds: new Set<string>(), modelIds: new Set<string>() };
  const { purgeTracking } = purgeVerbs({ tracking, loggedModels, artifacts, named: async (): Promise<Named> => names, now });
  return {
    ...{ records, clock, tracking, artifacts, loggedModels, names },
    purge: (remove: boolean, olderThan = "30d") => purgeTracking({ olderThan, remove }, undefined as never),
    put: (uri: string, text: string) => artifacts.put(`${uri.replace("mlflow-artifacts:/", "")}/file`, one(text)),
    async close() {
      await tracking.close();
      await objects.close();
      await records.close();
    },
  };
}

async function* one(text: string) {
  yield Buffer.from(text);
}

const point = { value: 1, timestamp: 1, step: 0 };

test("what was deleted long enough ago goes with points, parameters and files; what is newer, restored or named by a version stays", async () => {
  const { records, clock, tracking, artifacts, loggedModels, names, purge, put, close } = await open("all");
  const { id: whole } = await tracking.createExperiment({ name: "whole" });
  const made = async (experimentId: string) => {
    const run = await tracking.createRun({ experimentId });
    await tracking.log(run.id, { metrics: [{ key: "loss", ...point }], params: [{ key: "p", value: "1" }] });
    await put(run.artifactUri, run.id);
    return run;
  };
  const [old, restored, named, ofWhole] = [await made("0"), await made("0"), await made("0"), await made(whole)];
  const model = await loggedModels.create({ experimentId: "0", params: { a: "1" }, tags: { b: "2" } });
  await tracking.log(old.id, { metrics: [{ key: "auc", ...point, modelId: model.id }] });
  await put(model.artifactUri, "model");
  await tracking.fold(); // points lie in chunks, and more in the log
  await tracking.log(old.id, { metrics: [{ key: "loss", value: 2, timestamp: 2, step: 1 }] });
  for (const { id } of [old, restored, named]) await tracking.deleteRun(id);
  await tracking.restoreRun(restored.id);
  await tracking.deleteExperiment(whole);
  await loggedModels.delete(model.id);
  names.runIds.add(named.id);
  clock.ms += 29 * DAY_MS;
  const newer = await made("0");
  await tracking.deleteRun(newer.id);
  assert.equal((await purge(false)).runs, 0, "not yet");

  clock.ms += 2 * DAY_MS;
  const told = await purge(false);
  const { removed, before: _, ...counts } = told;
  assert.deepEqual(
    [removed, counts],
    [false, { experiments: 1, runs: 2, models: 1, kept: 1, files: 3, bytes: 69, elsewhere: 0 }],
  );
  assert.equal((await tracking.run(old.id)).metrics.length, 2, "a dry run takes nothing");
  assert.deepEqual({ ...(await purge(true)), removed: false }, told);
  assert.deepEqual(
    { ...(await purge(true)), before: "" },
    { ...told, ...{ removed: true, before: "" }, ...{ experiments: 0, runs: 0, models: 0, files: 0, bytes: 0 } },
  );

  for (const { id } of [old, ofWhole]) await assert.rejects(tracking.run(id), { code: "tracking.unknown-run" });
  await assert.rejects(tracking.experiment(whole), { code: "tracking.unknown-experiment" });
  await assert.rejects(loggedModels.find(model.id, { deleted: true }), { code: "logged-model.unknown" });
  const rest = await tracking.searchRuns({ experimentIds: ["0", whole], view: "all" });
  assert.deepEqual(rest.items.map(({ id }) => id).sort(), [restored.id, named.id, newer.id].sort());
  assert.equal((await tracking.run(named.id)).params.p, "1");
  const chunks = await records.query<{ run_id: string }>("SELECT DISTINCT run_id FROM tracking_chunks");
  assert.ok(!chunks.some(({ run_id }) => run_id === old.id || run_id === ofWhole.id));
  assert.deepEqual(await records.query("SELECT * FROM tracking_model_metrics"), []);
  assert.equal((await artifacts.list("0")).length, 3);
  assert.equal((await tracking.createExperiment({ name: "whole" })).id, "2", "the name is free, the id is not");
  await close();
});

test("every server of the same records, one that was behind and one that starts anew agree on what is there, also when an id comes again", async () => {
  const ids = ["a", "b", "c"].map((letter) => letter.repeat(32));
  const act = fc.record({
    act: fc.constantFrom("create", "log", "delete", "purge", "fold", "look"),
    id: fc.constantFrom(...ids),
  });
  let count = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 14 }), async (acts) => {
      const records = await openTestRecords(join(root, `model ${count++}.db`));
      const [tracking, other] = [createTracking({ records }), createTracking({ records })];
      const known = new Map<string, { deleted: boolean; steps: number }>();
      const seen = async (by: typeof tracking) => {
        const { items } = await by.searchRuns({ experimentIds: ["0"], view: "all" });
        const runs = await Promise.all(
          items.map(async (run) => {
            const points = await by.history({ runId: run.id, key: "loss" });
            return [run.id, { deleted: run.deletedAt !== null, steps: points.items.length }] as const;
          }),
        );
        return new Map(runs.sort(([a], [b]) => (a < b ? -1 : 1)));
      };
      for (const { act, id } of acts) {
        const run = known.get(id);
        if (act === "create" && !run) {
          await tracking.createRun({ experimentId: "0", id });
          known.set(id, { deleted: false, steps: 0 });
        } else if (act === "log" && run && !run.deleted) {
          await tracking.log(id, { metrics: [{ key: "loss", value: 1, timestamp: run.steps, step: run.steps++ }] });
        } else if (act === "delete" && run) {
          await tracking.deleteRun(id);
          run.deleted = true;
        } else if (act === "purge") {
          const { runIds } = await tracking.purge({ runIds: [id], experimentIds: [] });
          assert.deepEqual(runIds, run?.deleted ? [id] : []);
          if (run?.deleted) known.delete(id);
        } else if (act === "fold") await tracking.fold();
        else if (act === "look") await seen(other);
      }
      const expected = new Map([...known].sort(([a], [b]) => (a < b ? -1 : 1)));
      const fresh = createTracking({ records });
      for (const by of [tracking, other, fresh]) assert.deepEqual(await seen(by), expected);
      for (const by of [tracking, other, fresh]) await by.close();
      await records.close();
    }),
    { numRuns: 5 },
  );
});
