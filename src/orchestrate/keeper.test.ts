import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMoment } from "../base/index.ts";
import { bundle } from "../registry/index.ts";
import type { StepKind } from "../steps/index.ts";
import { train } from "../train/index.ts";
import { openDeliveries, openPlatform, type Platform } from "./fixtures/platform.ts";
import { deliveriesCsv, millText } from "./fixtures/project.ts";
import { createKeeper } from "./keeper.ts";
import { retrainingsOf } from "./retrainings.ts";
import type { Workspace } from "./workspace.ts";

const TRAINED = 2500;
const DELIVERIES = deliveriesCsv(TRAINED + 1500)
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => {
    const [at, shop, load, delay] = line.split(",");
    return { at: at!, shop: shop!, load: Number(load), delay: Number(delay) };
  });
const micros = (at: string) => parseMoment(at)!.micros;
const ROLLOUT = 'rollout: m.canary({ steps: [0.5, 1], hold: "1h" })';
const serving = (when: string, more = ROLLOUT) => `${more}, retrain: { when: [${when}], window: "30d", cooldown: "1d" }`;

/** The platform with a first version that answers, trained on the first deliveries. */
async function openServing(
  changes: Parameters<typeof millText>[0],
  kinds: readonly StepKind<never>[] = [],
  around: (platform: Platform) => Partial<Workspace> = () => ({}),
) {
  const platform = await openDeliveries({ kinds });
  platform.write("deliveries.csv", deliveriesCsv(TRAINED));
  platform.write("mill.ts", millText({ accept: "m.auc.atLeast(0.5)", ...changes }));
  await platform.run();
  await platform.workspace.serving.refresh();
  const faults: Error[] = [];
  const keeper = createKeeper({ ...platform.workspace, ...around(platform) }, (_, error) => faults.push(error));
  const look = async () => {
    await platform.workspace.lake.sealAll(); // as the platform does each minute
    await keeper.tick();
    await keeper.settled();
    assert.deepEqual(faults, []);
  };
  return { platform, look, live: liveTraffic(platform), keeper };
}

/** Sends deliveries as they leave, and each one's delay and label when it is known, an hour later. */
function liveTraffic({ call }: Platform) {
  let next = TRAINED;
  const open: { readonly id: string; readonly row: (typeof DELIVERIES)[number] }[] = [];
  const tell = async (before: number) => {
    const known = open.splice(0, open.findIndex(({ row }) => micros(row.at) + 3600e6 >= before) >>> 0);
    if (known.length === 0) return;
    await call("events", { name: "late", rows: known.map(({ row }) => row), ids: known.map(({ id }) => id) });
    await call("feedback", { name: "late", labels: known.map(({ id, row }) => ({ id, label: row.delay > 5 })) });
  };
  return async (rows: number, { change = (row: Readonly<Record<string, unknown>>) => row, times = 1 } = {}) => {
    for (const end = next + rows; next < end; next++) {
      const { delay, ...asked } = DELIVERIES[next]!;
      await tell(micros(asked.at));
      for (let again = 0; again < times; again++) {
        const { id } = await call("predict", { name: "late", rows: [change(asked)] });
        if (again === 0) open.push({ id, row: DELIVERIES[next]! });
      }
    }
  };
}

const versionOf = async ({ call }: Platform) => (await call("getEndpoint", { name: "late" })).version;
const storyOf = async ({ call }: Platform) =>
  (await call("log", { of: "late", limit: 1000 })).entries.map(({ what, text }) => `${what}: ${text}`);

test("new rows start a retraining; what passes its gate answers half of the requests, and after an hour without fault all of them", async () => {
  const { platform, look, live } = await openServing({ serving: serving("m.newRows(300)") });
  await live(290);
  await look();
  assert.deepEqual(await retrainingsOf(platform.records, "late", 9), [], "too few rows yet");
  await live(60);
  await look();
  const [retraining] = await retrainingsOf(platform.records, "late", 9);
  assert.deepEqual([retraining!.state, retraining!.version], ["candidate", 2], retraining!.why ?? "");
  assert.equal(await versionOf(platform), 1, "the champion is still the one that is deployed");
  assert.equal((await platform.call("getMonitor", { name: "late" })).rollout!.share, 0.5);

  await live(20, { times: 30 });
  await look();
  assert.equal(await versionOf(platform), 2);
  assert.equal((await platform.call("getModel", { name: "late" })).champion, 2);
  assert.equal((await retrainingsOf(platform.records, "late", 1))[0]!.state, "promoted");
  const story = await storyOf(platform);
  for (const told of [
    /retraining: late is trained again: 3\d\d rows/,
    /canary: version 2 answers 50 %/,
    /canary: version 2 answers all requests/,
  ])
    assert.ok(
      story.some((line) => told.test(line)),
      `${told} in\n${story.join("\n")}`,
    );

  await platform.call("rollback", { name: "late" });
  assert.equal(await versionOf(platform), 1);
  await look();
  assert.equal(await versionOf(platform), 1, "what was rolled back does not come back by itself");
  await platform.close();
});

test("a rollback that comes while the keeper makes up its mind to promote counts: endpoint and registry say the same, and nothing is promoted", async () => {
  let comes = false;
  const { platform, look, live } = await openServing({ serving: serving("m.newRows(300)") }, [], ({ workspace, call }) => ({
    monitor: {
      ...workspace.monitor,
      async armLosses(...asked) {
        const losses = await workspace.monitor.armLosses(...asked);
        if (comes) await call("rollback", { name: "late" });
        return losses;
      },
    },
  }));
  await live(350);
  await look();
  assert.equal(platform.workspace.serving.rollout("late")!.version, 2);
  await live(20, { times: 30 });
  comes = true;
  await look();
  assert.equal(await versionOf(platform), 1);
  assert.deepEqual((await platform.call("getModel", { name: "late" })).aliases, { champion: 1 });
  assert.equal((await retrainingsOf(platform.records, "late", 1))[0]!.state, "halted");
  await platform.close();
});

test("a step ends on what its labels tell by then, not on what they told a while ago, also while mill.ts cannot be read", async () => {
  let worse = false;
  const { platform, look, live, keeper } = await openServing({ serving: serving("m.newRows(300)") }, [], ({ workspace }) => ({
    monitor: {
      ...workspace.monitor,
      async armLosses() {
        const champion = { rows: 500, mean: 0.3, variance: 0.01 };
        return { champion, candidate: { ...champion, mean: worse ? 0.9 : 0.3 } };
      },
    },
  }));
  await live(350);
  await look();
  await look();
  assert.equal(platform.workspace.serving.rollout("late")!.version, 2);
  worse = true;
  await live(20, { times: 30 });
  platform.write("mill.ts", "this is no definition");
  await keeper.tick();
  platform.write("mill.ts", millText({ serving: serving("m.newRows(300)") }));
  assert.equal(await versionOf(platform), 1);
  assert.match((await retrainingsOf(platform.records, "late", 1))[0]!.why!, /its loss is 0.900 .*, the champion's 0.300/);
  await platform.close();
});

test("a rollback needs no definitions: it takes a candidate back while mill.ts is broken", async () => {
  const { platform, live, look } = await openServing({ serving: serving("m.newRows(300)") });
  await live(350);
  await look();
  platform.write("mill.ts", "this is no definition");
  assert.equal((await platform.call("rollback", { name: "late" })).version, 1);
  assert.equal(platform.workspace.serving.rollout("late"), null);
  assert.deepEqual(await platform.workspace.registry.aliases("late"), { champion: 1 });
  await platform.close();
});

test("an endpoint that mill.ts exports no more answers on, without its candidate; its feed is watched", async () => {
  const { platform, live, look } = await openServing({ serving: serving("m.newRows(300)") });
  await live(350);
  await look();
  assert.equal(platform.workspace.serving.rollout("late")!.version, 2);
  platform.write("mill.ts", millText().replace('endpoint("late"', 'endpoint("desk"'));
  await look();
  assert.equal(platform.workspace.serving.rollout("late"), null);
  assert.equal(await versionOf(platform), 1);
  await live(20);
  for (let bad = 0; bad < 20; bad++) await assert.rejects(platform.call("predict", { name: "late", rows: [{}] }));
  await look();
  const { items } = await platform.call("listAlerts", { state: "open" });
  assert.deepEqual(
    items.map(({ kind }) => kind),
    ["feed"],
  );
  await platform.close();
});

test("a look that failed is taken again: the days that were over then are replayed, none is left out", async () => {
  let failing = true;
  let clock = Date.now();
  const { platform, live, keeper } = await openServing({}, [], ({ workspace }) => ({
    now: () => (clock += 11_000),
    monitor: {
      ...workspace.monitor,
      parity: {
        ...workspace.monitor.parity,
        async replay(...asked) {
          if (failing) throw new Error("the engine is busy");
          return workspace.monitor.parity.replay(...asked);
        },
      },
    },
  }));
  await live(600);
  await keeper.tick();
  const parities = async () => (await platform.workspace.monitor.days.reports("late", 9)).map(({ parity }) => parity !== null);
  assert.ok((await parities()).every((found) => !found));
  failing = false;
  await keeper.tick();
  assert.deepEqual((await parities()).slice(0, -2), [true, true]);
  await platform.close();
});

test("days of traffic are looked at: quality is realised where labels have come, served features are the lake's", async () => {
  const { platform, look, live } = await openServing({});
  await live(600);
  await look();
  const { days, feedback, health } = await platform.call("getMonitor", { name: "late" });
  const [first] = days;
  assert.ok(days.length >= 3 && first!.rows > 50, JSON.stringify(days.map(({ day, rows }) => [day, rows])));
  assert.ok(first!.realised!.auc!.value! > 0.6 && first!.labelled === first!.rows);
  assert.equal(first!.gain!.estimated, false);
  assert.deepEqual(first!.parity && [first!.parity.replayed > 50, first!.parity.mismatches], [true, {}]);
  assert.deepEqual([feedback.waiting, feedback.matched], [0, feedback.labels]);
  assert.equal(health.state, "healthy", health.sentence);
  await platform.close();
});

test("a challenger that the gate refuses, one that cannot be trained, one that cannot be exported: the champion answers on, and the log says why", async () => {
  const failing = (kind: StepKind<never>, atSeed: number, why: string): StepKind<never> => ({
    ...kind,
    async run(input, context) {
      if ((input as { seed: number }).seed === atSeed) throw new Error(why);
      return kind.run(input, context);
    },
  });
  const kinds = [failing(train as never, 2, "out of luck"), failing(bundle as never, 3, "no such operator")];
  const { platform, look, live } = await openServing({ serving: serving("m.newRows(300)") }, kinds);
  await live(350);
  platform.write(
    "mill.ts",
    millText({ accept: "m.auc.atLeast(0.5), m.auc.beatsChampion(0.4)", serving: serving("m.newRows(300)") }),
  );
  await look();
  const [refused] = await retrainingsOf(platform.records, "late", 1);
  assert.deepEqual([refused!.state, refused!.version], ["refused", 2], refused!.why ?? "");
  assert.match(refused!.why!, /version 2 was refused: .*does not beat the champion/);

  platform.write("mill.ts", millText({ accept: "m.auc.atLeast(0.5)", seed: 2, serving: serving("m.newRows(200)") }));
  await live(350);
  await look();
  platform.write("mill.ts", millText({ accept: "m.auc.atLeast(0.5)", seed: 3, serving: serving("m.newRows(200)") }));
  await live(350);
  await look();
  const ended = await retrainingsOf(platform.records, "late", 9);
  assert.deepEqual(
    ended.map(({ state }) => state),
    ["failed", "failed", "refused"],
  );
  assert.equal(await versionOf(platform), 1);
  const story = await storyOf(platform);
  for (const why of [/out of luck; version 1 keeps answering$/, /no such operator; version 1 keeps answering$/])
    assert.ok(
      story.some((line) => why.test(line)),
      story.join("\n"),
    );
  await platform.close();
});

test("a challenger that cannot be loaded is left out: the champion answers on, and the log says why", async () => {
  let broken = false;
  const unloadable: StepKind<never> = {
    ...(bundle as unknown as StepKind<never>),
    async run(input: never, context) {
      const made = await bundle.run(input, context);
      if (!broken) return made;
      const manifest = JSON.parse(Buffer.from(await context.objects.get(made.objects.manifest!)).toString("utf8"));
      const garbage = await context.objects.put(Buffer.from('{"estimator":"none"}'));
      return {
        ...made,
        objects: {
          ...made.objects,
          manifest: await context.objects.put(Buffer.from(JSON.stringify({ ...manifest, trained: garbage }))),
        },
      };
    },
  };
  const { platform, look, live } = await openServing({ serving: serving("m.newRows(300)") }, [unloadable]);
  broken = true;
  await live(350);
  await look();
  assert.equal(await versionOf(platform), 1);
  const story = await storyOf(platform);
  assert.ok(
    story.some((line) => /version 2 cannot be loaded: .*the champion keeps answering/.test(line)),
    story.join("\n"),
  );
  assert.equal((await retrainingsOf(platform.records, "late", 1))[0]!.state, "failed");
  await live(50);
  await platform.close();
});

test("on a broken feed nothing is trained", async () => {
  const { platform, look, live } = await openServing({ serving: serving("m.newRows(300)") });
  await look();
  await live(350, { change: (row) => ({ ...row, shop: "b" }) });
  const { alerts } = await look().then(() => platform.call("getMonitor", { name: "late" }));
  assert.ok(
    alerts.some(({ kind }) => kind === "feed"),
    JSON.stringify(alerts),
  );
  assert.deepEqual(await retrainingsOf(platform.records, "late", 9), []);
  assert.ok((await storyOf(platform)).some((line) => /not on a broken feed/.test(line)));
  await platform.close();
});

test("a retraining that was cut off is settled at the next start, and its generation given up", async () => {
  const { platform, live, keeper } = await openServing({ serving: serving("m.newRows(300)") });
  await live(350);
  await platform.workspace.lake.seal("late-events");
  const head = (await platform.workspace.lake.head("late-events"))!;
  const journals = [{ dataset: "late-events", version: head.version, rowCount: head.rowCount }];
  const runId = await platform.workspace.ledger.startRun({ actor: "millwright", targets: ["model/late"], reason: "300 rows" });
  await platform.records.commit([
    {
      sql: "INSERT INTO retrainings (run_id, endpoint, model, cause, as_of, state, started_at) VALUES (?, 'late', 'late', '300 rows', 1, 'running', 1)",
      params: [runId],
    },
  ]);
  await platform.workspace.lake.openGeneration({ dataset: "deliveries", journals, trainFrom: null, until: null, runId });
  await keeper.start(3_600_000);
  await keeper.close();
  assert.equal((await retrainingsOf(platform.records, "late", 1))[0]!.state, "failed");
  assert.match((await platform.workspace.story.of("late", 1))[0]!.text, /training again was cut off/);
  assert.equal((await platform.workspace.lake.generation("deliveries"))!.generation, 1);
  await platform.close();
});

test("a run by another process that has loaded nothing leaves a rollout that is under way alone", async () => {
  const { platform, look, live } = await openServing({ serving: serving("m.newRows(300)") });
  await live(350);
  await look();
  assert.equal(platform.workspace.serving.rollout("late")!.version, 2);
  await platform.close();
  const again = await openPlatform({ folder: platform.folder });
  await again.run();
  assert.equal((await again.call("getMonitor", { name: "late" })).rollout!.version, 2);
  assert.deepEqual((await again.call("getModel", { name: "late" })).aliases, { champion: 1, challenger: 2 });
  await again.close();
});
