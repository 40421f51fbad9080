import assert from "node:assert/strict";
import { test } from "node:test";
import { loadProject } from "../define/index.ts";
import { trainingSet } from "../features/index.ts";
import type { StepKind } from "../steps/index.ts";
import { train } from "../train/index.ts";
import { finished, openDeliveries, openPlatform, type Platform, started } from "./fixtures/platform.ts";
import { millText } from "./fixtures/project.ts";
import { buildGraph, selectNodes } from "./graph.ts";

const OTHER = `
export const others = dataset("others", { from: files("deliveries.csv"), columns: { load: "int32", shop: "string" }, split: byHash({ test: 0.2, holdout: 0.2 }) });
export const heavy = model("heavy", {
  solves: lateness, from: features("loads", others, (f) => ({ shop: f.shop })), label: (f) => f.load.gt(9), train: logisticRegression(),
});`;

/** Steps that would run or wait for such, each with the reason. */
async function pending(platform: Platform): Promise<Record<string, string>> {
  const { steps } = await platform.call("plan", {});
  return Object.fromEntries(steps.filter(({ state }) => state !== "current").map(({ id, why }) => [id, why]));
}

test("a target asks for its own steps and those that they need, and for nothing else", async () => {
  const platform = await openDeliveries();
  platform.write("mill.ts", millText({ more: OTHER }));
  const graph = buildGraph(await loadProject(platform.folder), {});
  const chosen = (...targets: string[]) => selectNodes(graph, targets).map(({ id }) => id);
  const dataset = (name: string) => ["ingest", "check", "split"].map((kind) => `dataset/${name}:${kind}`);
  const model = (name: string) =>
    ["training-set", "train", "bundle", "prove", "assess", "reference", "gate"].map((kind) => `model/${name}:${kind}`);
  assert.deepEqual(chosen("dataset/others"), dataset("others"));
  assert.deepEqual(chosen("model/late"), [...dataset("deliveries"), ...model("late")]);
  assert.deepEqual(chosen("model/heavy", "dataset/deliveries"), [
    ...dataset("deliveries"),
    ...dataset("others"),
    ...model("heavy"),
  ]);
  assert.equal(chosen().length, graph.length);
  await platform.close();
});

test("a plan names each step and why it would run: what changed in its input, its code or its surroundings", async () => {
  const platform = await openDeliveries();
  const before = await pending(platform);
  assert.equal(before["dataset/deliveries:ingest"], "has not run yet");
  assert.equal(before["dataset/deliveries:check"], "after dataset/deliveries:ingest");
  assert.equal(before["model/late:gate"]?.startsWith("after "), true);
  assert.equal(finished(await platform.run()).state, "succeeded");
  assert.deepEqual(await pending(platform), {});

  const planWith = async (changes: Parameters<typeof millText>[0]) => {
    platform.write("mill.ts", millText(changes));
    return pending(platform);
  };
  assert.equal((await planWith({ extraField: "hour: f.at.hour()," }))["model/late:training-set"], "changed: fields");
  assert.equal((await planWith({ label: "f.delay.gt(6)" }))["model/late:training-set"], "changed: label");
  assert.equal((await planWith({ trainer: "logisticRegression({ l2: 2 })" }))["model/late:train"], "changed: params");
  assert.equal((await planWith({ trainer: "gradientBoosting({ trees: 3 })" }))["model/late:train"], "changed: estimator, params");
  assert.equal((await planWith({ seed: 2 }))["model/late:train"], "changed: seed");
  assert.equal((await planWith({ check: "c.load.gte(0), c.load.lt(99)" }))["dataset/deliveries:ingest"], "changed: checks");
  assert.equal((await planWith({ accept: "m.auc.atLeast(0.5)" }))["model/late:gate"], "changed: requirements");
  const retyped = millText().replace('shop: "string"', 'shop: "category"');
  platform.write("mill.ts", retyped);
  assert.equal((await pending(platform))["dataset/deliveries:ingest"], "changed: columns");
  platform.write("mill.ts", millText());
  assert.deepEqual(await pending(platform), {}, "what was undone need not run");
  await platform.close();

  const { folder } = platform;
  const upgraded = await openPlatform({ folder, environment: { millwright: "0.2" } });
  assert.equal((await pending(upgraded))["dataset/deliveries:ingest"], "the environment changed");
  await upgraded.close();
  const recoded = await openPlatform({
    folder,
    kinds: [{ ...train, revision: train.revision + 1 } as unknown as StepKind<never>],
  });
  assert.equal((await pending(recoded))["model/late:train"], "the code of train changed");
  await recoded.close();
});

test("reworded texts train nothing and read no holdout again; the reworded model stays in office", async () => {
  const platform = await openDeliveries();
  await platform.run();
  const reworded = [
    { question: "Does a delivery arrive late?" },
    { owner: "others@example.org" },
    { about: "what the van is loaded with" },
    { unit: "lb" },
  ];
  for (const change of reworded) {
    platform.write("mill.ts", millText(change));
    const events = await platform.run();
    assert.equal(finished(events).state, "succeeded", JSON.stringify(change));
    assert.deepEqual(
      started(events).filter((id) => !/:(bundle|gate)$/.test(id)),
      [],
      JSON.stringify(change),
    );
  }
  const { holdoutReadings, passed, aliases } = await platform.call("getModelVersion", { name: "late", version: "champion" });
  assert.deepEqual({ holdoutReadings, passed, aliases }, { holdoutReadings: 1, passed: true, aliases: ["champion"] });
  await platform.close();
});

test("a step whose last attempt failed says so", async () => {
  const platform = await openDeliveries();
  const broken = { ...trainingSet, run: () => Promise.reject(new Error("no luck")) } as unknown as StepKind<never>;
  const unlucky = await openPlatform({ folder: platform.folder, kinds: [broken] });
  assert.equal(finished(await unlucky.run()).state, "failed");
  await unlucky.close();
  assert.deepEqual((await pending(platform))["model/late:training-set"], "the last attempt failed");
  const { targets } = await platform.call("status", { target: "model/late" });
  assert.equal(targets[0]!.state, "failed");
  assert.match(targets[0]!.detail, /^training-set: .*no luck/);
  assert.equal(finished(await platform.run()).state, "succeeded");
  await platform.close();
});

test("a missing file fails plan and run with its name, and status and graph still answer", async () => {
  const platform = await openDeliveries();
  await platform.run();
  platform.write("mill.ts", millText().replace("deliveries.csv", "elsewhere.csv"));
  await assert.rejects(platform.call("plan", {}), { code: "source.missing" });
  const events = await platform.run();
  assert.equal(finished(events).state, "failed");
  assert.equal(finished(events).error?.code, "source.missing");
  const { targets } = await platform.call("status", {});
  assert.match(targets.find(({ target }) => target === "dataset/deliveries")!.detail, /^ingest: .*elsewhere\.csv/);
  assert.equal(targets.find(({ target }) => target === "endpoint/late")!.state, "current");
  assert.equal((await platform.call("graph", {})).nodes.length, 11);
  await platform.close();
});

test("a feature that reads what is not known yet, or the label, is refused before anything runs", async () => {
  const platform = await openDeliveries();
  const refused: [string, string][] = [
    [millText({ extraField: "leak: f.delay.gt(3)," }), "express.leak"],
    [millText({ extraField: "leak: f.load.mean().by(f.delay).last('1d')," }), "express.leak"],
    [millText({ label: "f.load.gt(9)" }), "define.label-leak"],
  ];
  for (const [text, code] of refused) {
    platform.write("mill.ts", text);
    await assert.rejects(platform.call("plan", {}), { code });
    await assert.rejects(platform.run(), { code });
  }
  assert.equal((await platform.call("listSteps", {})).items.length, 0);
  await platform.close();
});
