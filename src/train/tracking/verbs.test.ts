import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type InputOf, VERBS } from "../../contract/index.ts";
import { checkJson, OWNER } from "../../guard/index.ts";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import { createTracking } from "./create-tracking.ts";
import { type TrackingVerb, trackingVerbs } from "./verbs.ts";

const folder = await mkdtemp(join(tmpdir(), "mill-tracking-verbs-"));
const records = await openTestRecords(join(folder, "mill.db"));
const tracking = createTracking({ records });
after(async () => {
  await tracking.close();
  await records.close();
  await rm(folder, { recursive: true });
});
const { id: experiment } = await tracking.createExperiment({ name: "first", tags: { team: "a" } });
const { id: run } = await tracking.createRun({ experimentId: experiment, name: "one" });

type Asked = { readonly [V in TrackingVerb]: InputOf<V> };

/** In an order in which each can be done. */
const asked: Asked = {
  createExperiment: { name: "second", tags: { team: "b" } },
  renameExperiment: { experiment, name: "first, renamed" },
  findExperiment: { name: "second" },
  getExperiment: { experiment },
  setExperimentTag: { experiment, key: "note", value: "x" },
  deleteExperimentTag: { experiment, key: "note" },
  deleteExperiment: { experiment },
  restoreExperiment: { experiment },
  searchExperiments: { filter: "tags.team = 'a'", orderBy: ["name ASC"], view: "all", limit: 1 },
  createTrackedRun: { experiment, name: "two", userId: "anna", startedAt: 1, tags: { kind: "x" } },
  logToRun: {
    run,
    metrics: [
      { key: "loss", value: 0.5, timestamp: 1, step: 0 },
      { key: "loss", value: "NaN", timestamp: 2, step: 1, modelId: "m-1", dataset: { name: "flights", digest: "d" } },
      { key: "gap", value: "-Infinity", timestamp: 1, step: 0 },
    ],
    params: [{ key: "depth", value: "3" }],
    tags: [{ key: "note", value: "x" }],
  },
  deleteRunTag: { run, key: "note" },
  logRunInputs: {
    run,
    datasets: [{ name: "flights", digest: "d", sourceType: "local", source: "{}", tags: { "mlflow.data.context": "train" } }],
    models: [{ modelId: "m-0" }],
  },
  logRunOutputs: { run, models: [{ modelId: "m-1", step: 1 }] },
  updateTrackedRun: { run, status: "FINISHED", endedAt: 2, name: "renamed" },
  getTrackedRun: { run },
  deleteTrackedRun: { run },
  restoreTrackedRun: { run },
  searchTrackedRuns: { experiments: [experiment], filter: "params.depth = '3' OR (tags.kind = 'x')", limit: 1 },
  metricHistory: { run, key: "loss", limit: 1 },
  metricCurve: { run, key: "loss", points: 10, from: 0, to: 1 },
  compareRuns: { runs: [run] },
  trackedDatasets: { experiments: [experiment] },
};

const verbs = trackingVerbs(tracking);
const context = { actor: OWNER.id, rights: OWNER, requestId: "1", signal: new AbortController().signal };

test("every verb of tracking answers in the form that the contract states, numbers that JSON has none for as text", async () => {
  assert.deepEqual(Object.keys(asked).sort(), Object.keys(verbs).sort());
  const answers: Partial<Record<TrackingVerb, unknown>> = {};
  for (const [verb, input] of Object.entries(asked) as [TrackingVerb, never][]) {
    assert.equal(checkJson(VERBS[verb].input, input), null, verb);
    const output: unknown = await verbs[verb](input, context);
    answers[verb] = JSON.parse(JSON.stringify(output));
    assert.deepEqual(checkJson(VERBS[verb].output, answers[verb]), null, `${verb}: ${JSON.stringify(output)}`);
  }
  const { compareRuns, metricHistory, metricCurve } = answers as Record<TrackingVerb, never>;
  assert.deepEqual(compareRuns, { runs: [run], metrics: { loss: ["NaN"], gap: ["-Infinity"] }, params: { depth: ["3"] } });
  const first = { value: 0.5, timestamp: 1, step: 0 };
  assert.deepEqual((metricHistory as { readonly items: unknown }).items, [first]);
  assert.deepEqual(metricCurve, { points: [first, { value: "NaN", timestamp: 2, step: 1 }] });
});
