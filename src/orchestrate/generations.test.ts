import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMoment } from "../base/index.ts";
import type { StepKind } from "../steps/index.ts";
import { train } from "../train/index.ts";
import { finished, openDeliveries, openPlatform, type Platform, published, started } from "./fixtures/platform.ts";
import { deliveriesCsv, millText } from "./fixtures/project.ts";
import { runUntilPublishing } from "./fixtures/run-until.ts";
import { outsideOf } from "./verbs/outside.ts";

const [, ...DELIVERIES] = deliveriesCsv(1000).trim().split("\n");
const moment = (row: number) => DELIVERIES[row]!.split(",")[0]!;
const EVENTS = "late-events";
const EASY = millText({ accept: "m.auc.atLeast(0.5)" });

/** The deliveries that came after those of the file, from one to before another, as events. */
async function feed({ workspace: { lake } }: Platform, from: number, to: number, more: readonly Record<string, string>[] = []) {
  const rows = DELIVERIES.slice(from, to).map((line, index) => {
    const [at, shop, load, delay] = line.split(",");
    return {
      id: `e${from + index}`,
      at: 1,
      time: parseMoment(at!)!.micros,
      row: JSON.stringify({ at, shop, load: Number(load), delay: Number(delay) }),
    };
  });
  await lake.append(EVENTS, [...rows, ...more]);
  const { version, rowCount } = (await lake.seal(EVENTS))!;
  return { dataset: EVENTS, version, rowCount };
}

const opening = { dataset: "deliveries", trainFrom: null, until: null, runId: null };

const deliveries = async ({ workspace: { lake } }: Platform) => {
  const head = (await lake.head("deliveries"))!;
  const { facts = {} } = await lake.manifest(head);
  return { version: head.version, rowCount: head.rowCount, facts, split: await lake.frozenSplit("deliveries") };
};

const setOf = async ({ workspace: { ledger } }: Platform) => {
  const { key } = (await ledger.lastOf("model/late", "training-set"))!;
  return (await ledger.resultOf(key))!;
};

async function openGrowing(): Promise<Platform> {
  const platform = await openDeliveries();
  platform.write("mill.ts", EASY);
  assert.equal(finished(await platform.run()).state, "succeeded");
  return platform;
}

test("rows that were fed join the data set, which is cut anew; the model learns from them, and the next run does nothing", async () => {
  const platform = await openGrowing();
  const first = await deliveries(platform);
  const older = first.split!.boundary as { testFrom: string; holdoutFrom: string };
  const holdout = await setOf(platform);

  const journals = [await feed(platform, 500, 700)];
  await platform.workspace.lake.openGeneration({ ...opening, journals });
  const { steps } = await platform.call("plan", {});
  assert.deepEqual(
    steps.filter(({ state }) => state === "run").map(({ id, why }) => [id, why]),
    [["dataset/deliveries:ingest", "changed: journals"]],
  );
  const grown = await platform.run();
  assert.equal(finished(grown).state, "succeeded");
  assert.deepEqual(started(grown).slice(0, 4), [
    ...["ingest", "check", "split"].map((kind) => `dataset/deliveries:${kind}`),
    "model/late:training-set",
  ]);
  const second = await deliveries(platform);
  assert.deepEqual([second.rowCount, second.version, second.facts.journals], [700, 2, journals]);
  assert.deepEqual([second.split!.generation, second.split!.version], [2, 2]);
  const newer = second.split!.boundary as typeof older;
  assert.ok(newer.holdoutFrom > older.holdoutFrom && newer.testFrom > older.testFrom);
  assert.match(published(grown)[1]!, /^split of deliveries, generation 2, frozen: /);
  assert.equal((await setOf(platform)).objects.holdout === holdout.objects.holdout, false);

  const again = await platform.run();
  assert.deepEqual([started(again), published(again)], [[], []]);
  const { steps: standing } = await platform.call("plan", {});
  assert.equal(standing.find(({ id }) => id === "dataset/deliveries:split")!.why, "frozen with version 2, generation 2");
  const { targets } = await platform.call("status", { target: "dataset/deliveries" });
  assert.deepEqual(
    targets.map(({ state, version, detail }) => [state, version, detail]),
    [["current", 2, "nothing changed"]],
  );
  await platform.close();
});

test("three generations: each holdout starts after the one before, rows before the window are in no part and no row is lost", async () => {
  const platform = await openGrowing();
  const { lake } = platform.workspace;
  let older = ((await deliveries(platform)).split!.boundary as { holdoutFrom: string }).holdoutFrom;
  for (const [generation, to, from] of [
    [2, 650, 150],
    [3, 800, 300],
    [4, 900, 500],
  ] as const) {
    const journals = [await feed(platform, generation === 2 ? 500 : to - (generation === 3 ? 150 : 100), to)];
    assert.equal(await lake.openGeneration({ ...opening, journals, trainFrom: moment(from), until: moment(to - 1) }), generation);
    assert.equal(finished(await platform.run()).state, "succeeded");
    const { rowCount, split } = await deliveries(platform);
    assert.equal(rowCount, to);
    const boundary = split!.boundary as { trainFrom: string; holdoutFrom: string };
    assert.equal(boundary.trainFrom, moment(from));
    assert.ok(boundary.holdoutFrom > older);
    older = boundary.holdoutFrom;
    const { facts } = await setOf(platform);
    const parts = ["train", "test", "holdout"].map((part) => facts[part] as { rows: number; from: string; to: string });
    assert.equal(
      parts.reduce((sum, { rows }) => sum + rows, 0),
      to - from,
    );
    assert.deepEqual([parts[0]!.from, parts[2]!.to], [moment(from), moment(to - 1)]);
    assert.deepEqual(started(await platform.run()), []);
  }
  assert.equal((await lake.generations("deliveries")).length, 4);
  await platform.close();
});

test("a window of the same width as before makes a test part of the old holdout's rows: it may be read, the old object stays sealed", async () => {
  const platform = await openGrowing();
  const before = await setOf(platform);
  const { lake } = platform.workspace;
  const journals = [await feed(platform, 500, 600)];
  await lake.openGeneration({ ...opening, journals, trainFrom: moment(100) });
  assert.equal(finished(await platform.run()).state, "succeeded");
  const after = await setOf(platform);
  const { rows, from, to } = before.facts.holdout as { rows: number; from: string; to: string };
  assert.deepEqual(after.facts.test, { rows, from, to }, "the very rows");
  assert.notEqual(after.objects.test, before.objects.holdout);
  const { items } = await platform.call("listModelVersions", { name: "late" });
  assert.deepEqual(
    items.map(({ version, passed }) => [version, passed]),
    [
      [2, true],
      [1, true],
    ],
  );
  await platform.close();
});

test("a data set that has not grown asks its steps what it always asked, and generation 1 has the same keys again once a later one is given up", async () => {
  const platform = await openGrowing();
  const { ledger, lake } = platform.workspace;
  const inputs = await Promise.all((["ingest", "split"] as const).map((kind) => ledger.lastOf("dataset/deliveries", kind)));
  assert.deepEqual(
    inputs.map((last) => Object.keys(last!.input as object).sort()),
    [
      ["checks", "columns", "dataset", "sources", "time", "where"],
      ["columns", "dataset", "entity", "parts", "split", "time"],
    ],
  );
  assert.deepEqual(Object.keys((await deliveries(platform)).split!.boundary as object).sort(), ["holdoutFrom", "testFrom"]);
  const keys = async () => (await platform.call("plan", {})).steps.map(({ key, state }) => [key, state]);
  const before = await keys();

  await lake.openGeneration({ ...opening, journals: [await feed(platform, 500, 700)], trainFrom: moment(200) });
  assert.equal(finished(await platform.run()).state, "succeeded");
  await lake.abandonGeneration("deliveries", 2);
  assert.deepEqual(await keys(), before);
  assert.deepEqual(started(await platform.run()), []);
  assert.equal((await deliveries(platform)).rowCount, 500);
  assert.equal((await deliveries(platform)).facts.journals, undefined);
  await platform.close();
});

test("a generation that is given up before it is cut leaves everything current", async () => {
  const platform = await openGrowing();
  const { lake } = platform.workspace;
  await lake.openGeneration({ ...opening, journals: [await feed(platform, 500, 700)] });
  assert.notDeepEqual(
    (await platform.call("plan", {})).steps.filter(({ state }) => state !== "current"),
    [],
  );
  await lake.abandonGeneration("deliveries", 2);
  assert.deepEqual(started(await platform.run()), []);
  assert.equal((await deliveries(platform)).version, 1);
  await platform.close();
});

test("a process that ends between opening a generation and freezing it: the next run cuts it, from what was made", async () => {
  const broken = { ...train, run: () => Promise.reject(new Error("out of memory")) } as unknown as StepKind<never>;
  const platform = await openGrowing();
  const { folder } = platform;
  await platform.workspace.lake.openGeneration({ ...opening, journals: [await feed(platform, 500, 700)] });
  await platform.close();

  const second = await openPlatform({ folder, kinds: [broken] });
  assert.equal(await second.workspace.lake.frozenSplit("deliveries"), null);
  assert.equal(finished(await second.run()).state, "failed");
  assert.equal((await second.workspace.lake.frozenSplit("deliveries"))?.generation, 2, "cut before the training that failed");
  await second.close();

  const third = await openPlatform({ folder });
  const mended = await third.run();
  assert.equal(finished(mended).state, "succeeded");
  assert.equal(started(mended)[0], "model/late:train");
  assert.equal((await deliveries(third)).split!.generation, 2);
  await third.close();
});

for (const kind of ["ingest", "split"] as const)
  test(`a run of a generation that ends between the result of ${kind} and its effect is mended by the next`, async () => {
    const platform = await openGrowing();
    await platform.workspace.lake.openGeneration({ ...opening, journals: [await feed(platform, 500, 700)] });
    await runUntilPublishing(platform, kind);
    assert.equal(await platform.workspace.lake.frozenSplit("deliveries"), null);
    const mended = await platform.run();
    assert.equal(finished(mended).state, "succeeded");
    assert.equal(started(mended).includes(`dataset/deliveries:${kind}`), false);
    const { version, split } = await deliveries(platform);
    assert.deepEqual([version, split!.version, split!.generation], [2, 2, 2]);
    assert.deepEqual(published(await platform.run()), []);
    await platform.close();
  });

test("a run in whose midst another generation stands does not freeze it by older rows: it stops and says so", async () => {
  const platform = await openDeliveries();
  platform.write("mill.ts", EASY);
  assert.equal(finished(await platform.run()).state, "succeeded");
  const { lake, project } = platform.workspace;
  const journals = [await feed(platform, 500, 700)];
  const stale = outsideOf(platform.workspace, await project());
  const definition = (await project()).datasets.get("deliveries")!;
  assert.equal(await stale.generation(definition), null);
  await lake.openGeneration({ ...opening, journals });
  await assert.rejects(stale.frozenSplit(definition), { code: "generation.moved" });

  let told = false;
  const events = await platform.run([], undefined, (event) => {
    if (told || event.event !== "step-started" || event.id !== "dataset/deliveries:ingest") return;
    told = true;
    void lake.abandonGeneration("deliveries", 2);
  });
  assert.deepEqual([finished(events).state, finished(events).error?.code], ["failed", "generation.moved"]);
  assert.equal((await deliveries(platform)).version, 1);
  assert.deepEqual(started(await platform.run()), []);
  await platform.close();
});

test("events that do not fit go to quarantine, those of the far future wait, what came twice counts once: none becomes the holdout", async () => {
  const platform = await openGrowing();
  const { lake } = platform.workspace;
  const row = (fields: object) => JSON.stringify({ shop: "a", load: 1, delay: 0, ...fields });
  const journals = [
    await feed(platform, 500, 600, [
      { id: "e599", row: row({ at: "2024-01-05T03:51:00" }) },
      { id: "x", row: row({ at: "2024-01-05T03:52:00", load: "heavy" }) },
      { id: "y", row: row({ at: "2024-01-05T03:53:00", load: -1 }) },
      { id: "z", row: row({ at: "2044-01-01T00:00:00" }) },
    ]),
  ];
  await lake.openGeneration({ ...opening, journals, until: "2024-01-06T00:00:00" });
  platform.write("mill.ts", millText({ accept: "m.auc.atLeast(0.5)", check: "c.load.gte(0).holdsFor(0.9)" }));
  assert.equal(finished(await platform.run()).state, "succeeded");
  const { facts, rowCount, split } = await deliveries(platform);
  assert.deepEqual([rowCount, facts.quarantined, facts.ahead, facts.repeated], [600, 2, 1, 1]);
  assert.equal(facts.to, moment(599));
  assert.ok((split!.boundary as { holdoutFrom: string }).holdoutFrom < moment(599));
  const { quarantine } = await platform.call("check", { name: "deliveries" });
  assert.equal(quarantine.length, 2);
  await platform.close();
});

test("a journal of bad rows alone fails the check that asks for good ones, and the champion stays", async () => {
  const platform = await openGrowing();
  const { lake } = platform.workspace;
  const bad = Array.from({ length: 50 }, (_, index) => ({
    id: `b${index}`,
    row: `{"at":"2024-01-09T00:${10 + index}:00","shop":"a","load":-5,"delay":1}`,
  }));
  await lake.openGeneration({ ...opening, journals: [await feed(platform, 500, 500, bad)] });
  const events = await platform.run();
  assert.deepEqual(
    [finished(events).state, finished(events).refusals.map(({ id }) => id)],
    ["refused", ["dataset/deliveries:check"]],
  );
  assert.equal(await lake.frozenSplit("deliveries"), null, "nothing was cut");
  assert.equal((await platform.call("getEndpoint", { name: "late" })).version, 1);
  await lake.abandonGeneration("deliveries", 2);
  assert.equal(finished(await platform.run()).state, "succeeded");
  await platform.close();
});

test("a journal version whose rows are gone fails the run with its name, and nothing is published", async () => {
  const platform = await openGrowing();
  const { lake, objects } = platform.workspace;
  const journals = [await feed(platform, 500, 600)];
  await lake.openGeneration({ ...opening, journals });
  const { parts } = await lake.manifest(await lake.version(EVENTS, 1));
  await objects.remove(parts[0]!.digest);
  const events = await platform.run();
  assert.deepEqual([finished(events).state, finished(events).error?.code], ["failed", "source.missing"]);
  assert.equal((await deliveries(platform)).version, 1);
  await lake.abandonGeneration("deliveries", 2);
  assert.deepEqual(started(await platform.run()), []);
  await platform.close();
});

test("another rule of the split is refused also while a generation is open", async () => {
  const platform = await openGrowing();
  await platform.workspace.lake.openGeneration({ ...opening, journals: [await feed(platform, 500, 600)] });
  platform.write("mill.ts", millText({ split: "byTime({ test: 0.3, holdout: 0.2 })" }));
  const events = await platform.run();
  assert.deepEqual([finished(events).error?.code, started(events)], ["split.frozen", []]);
  await platform.close();
});
