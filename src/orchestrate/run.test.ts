import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest } from "../base/index.ts";
import { finished, openDeliveries, type Platform, published, started } from "./fixtures/platform.ts";
import { deliveriesCsv, millText } from "./fixtures/project.ts";
import { runUntilPublishing } from "./fixtures/run-until.ts";
import type { NodeKind } from "./graph-node.ts";

const OTHER = `
export const others = dataset("others", { from: files("deliveries.csv"), columns: { load: "int32", shop: "string" }, split: byHash({ test: 0.2, holdout: 0.2 }) });
export const heavy = model("heavy", {
  solves: lateness, from: features("loads", others, (f) => ({ shop: f.shop })), label: (f) => f.load.gt(9), threshold: 0.5, train: logisticRegression(),
});`;

const versionsOf = async (platform: Platform, name: string) =>
  (await platform.call("listModelVersions", { name })).items.map(({ version, passed, aliases }) => ({
    version,
    passed,
    aliases,
  }));

test("a run makes a champion that answers; the same again does nothing", async () => {
  const platform = await openDeliveries();
  const first = await platform.run();
  const { state, ran, current } = finished(first);
  assert.deepEqual({ state, ran, current }, { state: "succeeded", ran: 10, current: 0 });
  assert.deepEqual(await versionsOf(platform, "late"), [{ version: 1, passed: true, aliases: ["champion"] }]);
  assert.equal((await platform.call("getEndpoint", { name: "late" })).version, 1);
  const again = await platform.run();
  assert.deepEqual([started(again), published(again), finished(again).current], [[], [], 10]);
  await platform.close();
});

test("a failed step stops what has not started, keeps what was made, and the next run goes on from there", async () => {
  const platform = await openDeliveries();
  const hopeless = `export const hopeless = model("hopeless", { solves: lateness, from: departures, label: (f) => f.delay.gt(9999), train: logisticRegression() });`;
  platform.write("mill.ts", millText({ more: hopeless }));
  const failed = await platform.run();
  assert.equal(finished(failed).state, "failed");
  assert.equal(finished(failed).error?.code, "learn.one-class");
  assert.equal(started(failed).includes("model/hopeless:gate"), false);
  const { items } = await platform.call("listRuns", {});
  assert.deepEqual([items[0]!.state, items[0]!.error?.code], ["failed", "learn.one-class"]);

  platform.write("mill.ts", millText());
  const resumed = await platform.run();
  assert.equal(finished(resumed).state, "succeeded");
  const made = failed.flatMap((event) => (event.event === "step-finished" ? [event.id] : []));
  assert.equal(made.includes("model/late:training-set"), true);
  assert.deepEqual(
    started(resumed).filter((id) => made.includes(id)),
    [],
  );
  await platform.close();
});

test("a refused check stops what stands behind it, and nothing else", async () => {
  const platform = await openDeliveries();
  platform.write("mill.ts", millText({ check: "c.load.lt(10)", more: OTHER }));
  const events = await platform.run();
  const { state, refusals } = finished(events);
  assert.equal(state, "refused");
  assert.deepEqual(
    refusals.map(({ id }) => id),
    ["dataset/deliveries:check"],
  );
  const held = events.flatMap((event) => (event.event === "step-finished" && event.state === "held" ? [event] : []));
  assert.deepEqual(
    [held.length, new Set(held.map(({ sentence }) => sentence))],
    [8, new Set(["dataset/deliveries:check refused"])],
  );
  assert.match(refusals[0]!.sentence, /^load < 10: true of 53\.4 % of 500 rows, but at least 100 % is asked/);
  assert.deepEqual(
    started(events).filter((id) => id.includes("late") || id === "dataset/deliveries:split"),
    [],
  );
  assert.deepEqual(await versionsOf(platform, "heavy"), [{ version: 1, passed: true, aliases: ["champion"] }]);
  const { verdict, checks, quarantine } = await platform.call("check", { name: "deliveries" });
  assert.equal(verdict?.passed, false);
  assert.equal(checks[0]!.passed, false);
  assert.equal(quarantine[0]!.count, checks[0]!.failed);
  const again = await platform.run();
  assert.deepEqual([finished(again).state, started(again)], ["refused", []], "a refusal is a result: it does not run again");
  await platform.close();
});

test("a refused gate keeps the version without an alias, and the endpoint as it was", async () => {
  const platform = await openDeliveries();
  platform.write("mill.ts", millText({ more: OTHER, principle: "m.auc.atLeast(0.999)" }));
  const refused = await platform.run();
  assert.equal(finished(refused).state, "refused");
  assert.match(finished(refused).refusals[0]!.sentence, /^lateness -> ".+" -> auc 0\.\d+ is not at least 0\.999/);
  assert.deepEqual(await versionsOf(platform, "late"), [{ version: 1, passed: false, aliases: [] }]);
  assert.deepEqual((await platform.call("getModelVersion", { name: "late", version: "1" })).verdict.problem, {
    name: "lateness",
    question: "Will a delivery be late?",
  });
  assert.equal((await platform.call("listEndpoints", {})).items[0]!.version, null);

  platform.write("mill.ts", millText());
  assert.equal(finished(await platform.run()).state, "succeeded");
  assert.deepEqual(await versionsOf(platform, "late"), [{ version: 1, passed: true, aliases: ["champion"] }]);

  platform.write("mill.ts", millText({ seed: 2, extraField: "hour: f.at.hour(),", principle: "m.auc.atLeast(0.999)" }));
  assert.equal(finished(await platform.run()).state, "refused");
  assert.deepEqual(await versionsOf(platform, "late"), [
    { version: 2, passed: false, aliases: [] },
    { version: 1, passed: true, aliases: ["champion"] },
  ]);
  assert.equal((await platform.call("getEndpoint", { name: "late" })).version, 1);
  await platform.close();
});

test("a cancelled run stops, and the next one goes on from what was made", async () => {
  const platform = await openDeliveries();
  const stop = new AbortController();
  const cancelled = await platform.run([], stop.signal, (event) => {
    if (event.event === "step-started" && event.id === "model/late:train") stop.abort();
  });
  assert.equal(finished(cancelled).state, "cancelled");
  assert.equal((await platform.call("listRuns", {})).items[0]!.state, "cancelled");
  const resumed = await platform.run();
  assert.equal(finished(resumed).state, "succeeded");
  assert.equal(started(resumed)[0], "model/late:train");
  await platform.close();
});

for (const kind of ["ingest", "split", "gate"] satisfies NodeKind[])
  test(`a run that ends between the result of ${kind} and its effect is mended by the next`, async () => {
    const platform = await openDeliveries();
    await runUntilPublishing(platform, kind);
    const mended = await platform.run();
    assert.equal(finished(mended).state, "succeeded");
    assert.equal(
      started(mended).some((id) => id.endsWith(`:${kind}`)),
      false,
    );
    assert.equal((await platform.call("getDataset", { name: "deliveries" })).version, 1);
    assert.notEqual((await platform.call("getDataset", { name: "deliveries" })).split?.boundary, null);
    assert.deepEqual(await versionsOf(platform, "late"), [{ version: 1, passed: true, aliases: ["champion"] }]);
    assert.equal((await platform.call("getEndpoint", { name: "late" })).version, 1);
    assert.deepEqual(published(await platform.run()), []);
    await platform.close();
  });

test("runs at the same time share their steps and publish once", async () => {
  const platform = await openDeliveries();
  const runs = await Promise.all([platform.run(), platform.run(), platform.run(["model/late"])]);
  assert.deepEqual(
    runs.map((events) => finished(events).state),
    ["succeeded", "succeeded", "succeeded"],
  );
  assert.equal((await platform.call("listDatasetVersions", { name: "deliveries" })).items.length, 1);
  assert.equal((await versionsOf(platform, "late")).length, 1);
  const { items } = await platform.call("listSteps", {});
  assert.equal(items.length, 10);
  await platform.close();
});

test("a frozen split stays where it is when data is added: no row changes its part", async () => {
  const platform = await openDeliveries();
  await platform.run();
  const rowsOf = async () => {
    const { report, lineage } = await platform.call("getModelVersion", { name: "late", version: "champion" });
    const train = await platform.workspace.ledger.resultOf(
      lineage.steps.find(({ kind }) => kind === "model/late:training-set")!.key as Digest,
    );
    const rows = (train!.facts.train as { rows: number }).rows;
    return { train: rows, test: report.test.rows, holdout: report.holdout.rows, dataset: lineage.dataset.version };
  };
  assert.deepEqual(await rowsOf(), { train: 300, test: 100, holdout: 100, dataset: 1 });
  const boundaryOf = async () => (await platform.call("getDataset", { name: "deliveries" })).split?.boundary;
  const before = await boundaryOf();
  platform.write("deliveries.csv", deliveriesCsv(600));
  const { steps } = await platform.call("plan", {});
  const split = steps.find(({ id }) => id === "dataset/deliveries:split")!;
  assert.deepEqual([split.state, split.why], ["current", "frozen with version 1"]);

  const events = await platform.run();
  assert.equal(started(events).includes("dataset/deliveries:split"), false);
  assert.equal(started(events).includes("model/late:training-set"), true);
  assert.deepEqual(await boundaryOf(), before);
  assert.equal((await platform.call("getDataset", { name: "deliveries" })).version, 2);
  assert.deepEqual(await rowsOf(), { train: 300, test: 100, holdout: 200, dataset: 2 }, "the new rows lie behind the boundary");
  const { lineage } = await platform.call("getModelVersion", { name: "late", version: "1" });
  assert.equal(
    lineage.steps.some(({ kind, step }) => kind === "dataset/deliveries:split" && step !== null),
    true,
  );
  assert.deepEqual(published(await platform.run()), []);
  await platform.close();
});

test("another split than the frozen one is refused before anything runs", async () => {
  const platform = await openDeliveries();
  await platform.run();
  platform.write("deliveries.csv", deliveriesCsv(700));
  platform.write("mill.ts", millText({ split: "byTime({ test: 0.1, holdout: 0.2 })" }));
  await assert.rejects(platform.call("plan", {}), { code: "split.frozen" });
  const events = await platform.run();
  assert.deepEqual([finished(events).state, finished(events).error?.code], ["failed", "split.frozen"]);
  assert.deepEqual(started(events), []);
  assert.equal((await platform.call("getDataset", { name: "deliveries" })).version, 1);
  assert.equal((await platform.call("status", {})).targets.length, 3);
  platform.write("mill.ts", millText());
  assert.equal(finished(await platform.run()).error, undefined);
  await platform.close();
});

test("a step that may not read the holdout and asks for it is refused, and the asking is recorded", async () => {
  const platform = await openDeliveries();
  await platform.run();
  const { lineage } = await platform.call("getModelVersion", { name: "late", version: "champion" });
  const { ledger } = platform.workspace;
  const set = await ledger.resultOf(lineage.steps.find(({ kind }) => kind === "model/late:training-set")!.key as Digest);
  const holdout = set!.objects.holdout!;
  const request = { kind: "train", target: "model/late", runId: null, memoryMb: 500, threads: 1 };
  await assert.rejects(ledger.execute({ ...request, input: { train: { holdout }, model: "late" } }), {
    code: "split.holdout-locked",
  });
  const readings = await platform.records.query("SELECT reader, model, granted FROM holdout_readings ORDER BY id");
  assert.deepEqual(
    readings.map((row) => ({ ...row })),
    [
      { reader: "assess of model/late", model: "late", granted: 1 },
      { reader: "train of model/late", model: "late", granted: 0 },
    ],
  );
  const readingsOf = async () => (await platform.call("getModelVersion", { name: "late", version: "1" })).holdoutReadings;
  assert.equal(await readingsOf(), 1);
  platform.write("mill.ts", millText({ extraField: "hour: f.at.hour(),", accept: "m.auc.atLeast(0.6)" }));
  await platform.run();
  assert.equal(await readingsOf(), 2, "models with other features read the same holdout");
  await platform.close();
});

test("what is gone from the store is made again, by the steps that leave objects", async () => {
  const platform = await openDeliveries();
  await platform.run();
  const { objects } = platform.workspace;
  for await (const { digest } of objects.list()) await objects.remove(digest);
  const events = await platform.run();
  assert.equal(finished(events).state, "succeeded");
  assert.deepEqual(started(events).toSorted(), [
    "dataset/deliveries:ingest",
    ...["assess", "bundle", "reference", "train", "training-set"].map((kind) => `model/late:${kind}`),
  ]);
  assert.deepEqual(await versionsOf(platform, "late"), [{ version: 1, passed: true, aliases: ["champion"] }]);
  await platform.close();
});
