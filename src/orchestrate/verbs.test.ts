import assert from "node:assert/strict";
import { test } from "node:test";
import { type InputOf, VERBS, type VerbName } from "../contract/index.ts";
import { checkJson } from "../guard/index.ts";
import type { LakeVerb } from "../lake/index.ts";
import { finished, openDeliveries, type Platform } from "./fixtures/platform.ts";
import { deliveriesCsv, millText } from "./fixtures/project.ts";
import type { BackfillVerb } from "./verbs/backfills.ts";
import type { AccessVerb } from "./verbs/index.ts";

type Asked = {
  readonly [V in Exclude<
    VerbName,
    "run" | "retrain" | "reproduce" | "exportRecipe" | "getTrials" | AccessVerb | BackfillVerb | LakeVerb
  >]: InputOf<V>;
};

/** Every verb of the platform but those that stream, with an input; those of the lake and of backfills are tested there, a recipe that is taken along in `rebuild/`, those of a search in `search.test.ts`. */
const asked = (run: string, step: string): Asked => ({
  plan: {},
  status: {},
  log: { of: "model/late" },
  diff: { a: "late@1", b: "late@champion" },
  check: { name: "deliveries" },
  graph: {},
  listProblems: {},
  getProblem: { name: "lateness" },
  listDatasets: {},
  getDataset: { name: "deliveries" },
  listDatasetVersions: { name: "deliveries" },
  getDatasetVersion: { name: "deliveries", version: 1 },
  listFeatures: {},
  getFeatures: { name: "departures" },
  listModels: {},
  getModel: { name: "late" },
  listModelVersions: { name: "late" },
  getModelVersion: { name: "late", version: "champion" },
  card: { name: "late", version: "1" },
  getRecipe: { name: "late", version: "1" },
  getLeaderboard: { name: "lateness", by: "latency" },
  listEndpoints: {},
  getEndpoint: { name: "late" },
  predict: { name: "late", rows: [{ at: "2024-01-05T00:00:00", shop: "a", load: 3 }] },
  events: { name: "late", rows: [{ at: "2024-01-05T00:00:00", shop: "a", load: 3, delay: 9 }, { at: "soon" }] },
  feedback: {
    name: "late",
    labels: [
      { id: "0197a1b2-0000-7000-8000-000000000001", label: true },
      { id: "no", label: 3 },
    ],
  },
  getMonitor: { name: "late" },
  listAlerts: {},
  getNotices: {},
  rollback: { name: "late" },
  listRuns: {},
  getRun: { id: run },
  listSteps: {},
  getStep: { id: step },
  cancelRun: { id: run },
  cancelStep: { id: step },
  pauseWork: { what: "pool", name: "train" },
  getPauses: {},
  resumeWork: { what: "pool", name: "train" },
  stepLog: { id: step },
  takeOver: {},
  listDefinitions: {},
  getDefinitions: { version: run },
  listSchedules: {},
  getSchedule: { name: "nightly" },
  pauseSchedule: { name: "nightly" },
  resumeSchedule: { name: "nightly" },
});

const NIGHTLY = `export const nightly = m.schedule("nightly", { runs: [late], when: [m.cron("0 3 * * *", { timeZone: "Europe/Berlin" })] });`;

async function answersFit(platform: Platform, leftOut: readonly VerbName[] = []): Promise<void> {
  const [run, step] = [(await platform.call("listRuns", {})).items[0]!.id, (await platform.call("listSteps", {})).items[0]!.id];
  for (const [verb, input] of Object.entries(asked(run, step)) as [keyof Asked, never][]) {
    if (leftOut.includes(verb)) continue;
    assert.equal(checkJson(VERBS[verb].input, input), null, verb);
    const output = JSON.parse(JSON.stringify(await platform.call(verb, input)));
    assert.equal(checkJson(VERBS[verb].output, output), null, `${verb}: ${JSON.stringify(output).slice(0, 500)}`);
  }
}

test("every verb answers in the form that the contract states, with two versions of everything", async () => {
  const platform = await openDeliveries({ pools: { train: 1 } });
  const events = [...(await platform.run())];
  platform.write(
    "mill.ts",
    millText({ trainer: "gradientBoosting({ trees: 5, leaves: 4 })", accept: "m.auc.atLeast(0.6)", more: NIGHTLY }),
  );
  events.push(...(await platform.run()));
  for (const event of events) assert.equal(checkJson(VERBS.run.output, JSON.parse(JSON.stringify(event))), null, event.event);
  assert.equal(finished(events).state, "succeeded");
  await answersFit(platform);
  await platform.close();
});

test("verbs answer in form when a run was refused and when one failed", async () => {
  const platform = await openDeliveries({ pools: { train: 1 } });
  platform.write("mill.ts", millText({ principle: "m.auc.atLeast(0.999)" }));
  await platform.run();
  const scheduled = ["getSchedule", "pauseSchedule", "resumeSchedule"] as const;
  const serving = [
    ...scheduled,
    "getEndpoint",
    "predict",
    "events",
    "feedback",
    "rollback",
    "getMonitor",
    "diff",
    "getModelVersion",
  ] as const;
  await answersFit(platform, serving);
  platform.write("mill.ts", millText({ check: "c.load.lt(10)" }));
  await platform.run();
  await answersFit(platform, serving);
  platform.write("mill.ts", millText({ label: "f.delay.gt(9999)", more: NIGHTLY }));
  const events = await platform.run();
  for (const event of events) assert.equal(checkJson(VERBS.run.output, JSON.parse(JSON.stringify(event))), null, event.event);
  await answersFit(platform, serving);
  await platform.close();
});

test("before the first run everything that is defined is listed, empty", async () => {
  const platform = await openDeliveries();
  const { targets } = await platform.call("status", {});
  assert.deepEqual(
    targets.map(({ target, state }) => [target, state]),
    [
      ["dataset/deliveries", "empty"],
      ["model/late", "stale"],
      ["endpoint/late", "empty"],
    ],
  );
  assert.deepEqual(
    (await platform.call("listModels", {})).items.map(({ versions, champion }) => [versions, champion]),
    [[0, null]],
  );
  assert.deepEqual((await platform.call("getDataset", { name: "deliveries" })).split?.boundary, null);
  assert.equal((await platform.call("check", { name: "deliveries" })).verdict, null);
  const { nodes, edges } = await platform.call("graph", {});
  const ids = new Set(nodes.map(({ id }) => id));
  assert.equal(nodes.length, 11);
  assert.ok(edges.every(({ from, to }) => ids.has(from) && ids.has(to)));
  assert.ok(edges.some(({ from, to }) => from === "model/late:gate" && to === "endpoint/late"));
  await platform.close();
});

test("two versions are told apart by parameters, definition and measures; a version and its alias are the same", async () => {
  const platform = await openDeliveries();
  await platform.run();
  platform.write("mill.ts", millText({ seed: 5, extraField: "hour: f.at.hour(),", accept: "m.auc.atLeast(0.6)" }));
  assert.equal(finished(await platform.run()).state, "succeeded");
  assert.deepEqual(await platform.call("diff", { a: "late@2", b: "late@champion" }), {
    ...{ a: "late@2", b: "late@champion", same: true, differences: [] },
  });
  const { same, differences } = await platform.call("diff", { a: "late@1", b: "late@2" });
  assert.equal(same, false);
  assert.deepEqual(
    differences.find(({ field }) => field === "seed"),
    { area: "parameters", field: "seed", a: 1, b: 5 },
  );
  const areas = new Map(differences.map(({ area, field }) => [field, area]));
  assert.deepEqual([areas.get("fields"), areas.get("logLoss"), areas.has("label")], ["definition", "measures", false]);
  await assert.rejects(platform.call("diff", { a: "late", b: "late@1" }), { code: "request.bad-version" });
  await assert.rejects(platform.call("diff", { a: "late@9", b: "late@1" }), { code: "registry.unknown-version" });
  await platform.close();
});

test("a log tells in order what happened to a model, an endpoint and in a run, and where", async () => {
  const platform = await openDeliveries();
  const events = await platform.run();
  platform.write("mill.ts", millText({ seed: 5, extraField: "hour: f.at.hour(),", accept: "m.auc.atLeast(0.6)" }));
  await platform.run();
  await platform.call("rollback", { name: "late" });
  const told = async (of: string) => (await platform.call("log", { of })).entries;
  const model = await told("model/late");
  const times = model.map(({ at }) => at);
  assert.deepEqual(times, times.toSorted());
  assert.deepEqual(
    model.filter(({ what }) => what === "alias").map(({ text }) => text),
    [
      "champion is version 1: passed every gate (tester)",
      "champion is version 2: passed every gate (tester)",
      "champion is version 1: rolled back from version 2 (tester)",
    ],
  );
  assert.deepEqual(
    (await told("endpoint/late")).map(({ text }) => text),
    [
      "answers with late version 1: passed every gate (tester)",
      "answers with late version 2: passed every gate (tester)",
      "answers with late version 1: rolled back from version 2 (tester)",
    ],
  );
  const run = await told(finished(events).run);
  assert.match(run[0]!.text, /^started by tester: everything \(asked\), by definitions [0-9a-f]{12}$/);
  assert.deepEqual([run.at(-1)!.text, run.length], ["succeeded", 12]);
  assert.equal((await platform.call("log", { of: "model/late", limit: 2 })).entries.length, 2);

  await platform.records.commit([{ sql: "UPDATE attempts SET engine = 'slurm'" }]);
  for (const { text } of (await told(finished(events).run)).slice(1, -1)) assert.match(text, /^succeeded on slurm in /);
  assert.equal((await platform.call("listSteps", { limit: 1 })).items[0]!.on, "slurm");
  assert.equal((await platform.call("graph", {})).nodes[0]!.on, "slurm");
  await assert.rejects(platform.call("plan", { on: "slurm" }), { code: "engine.unknown" });
  await platform.close();
});

test("lists are handed out in pages that meet without gap or overlap", async () => {
  const platform = await openDeliveries();
  await platform.run();
  const all = (await platform.call("listSteps", {})).items.map(({ id }) => id);
  const seen: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await platform.call("listSteps", { limit: 4, ...(cursor ? { cursor } : {}) });
    seen.push(...page.items.map(({ id }) => id));
    if (page.next === null) break;
    cursor = page.next;
  }
  assert.deepEqual([seen, seen.length], [all, 10]);
  await platform.call("predict", { name: "late", rows: [{ at: "2024-01-05T00:00:00", shop: "a", load: 3 }] });
  const first = await platform.call("listDatasets", { limit: 1 });
  const second = await platform.call("listDatasets", { limit: 1, cursor: first.next! });
  assert.deepEqual([first.items[0]!.name, second.items[0]!.name, second.next], ["deliveries", "late-predictions", null]);
  await platform.close();
});

test("a name that nobody defined is refused with the one that was meant", async () => {
  const platform = await openDeliveries();
  await assert.rejects(platform.call("plan", { targets: ["model/lat"] }), {
    code: "request.unknown-target",
    message: /model\/late/,
  });
  await assert.rejects(platform.run(["dataset/delivery"]), { code: "request.unknown-target" });
  for (const [verb, name] of [
    ["getProblem", "latenes"],
    ["getDataset", "delivery"],
    ["getFeatures", "departure"],
    ["getModel", "lat"],
    ["check", "delivery"],
    ["listDatasetVersions", "delivery"],
  ] as const)
    await assert.rejects(platform.call(verb, { name }), { code: "request.unknown-name", message: /Did you mean/ });
  await assert.rejects(platform.call("getEndpoint", { name: "late" }), { code: "endpoint.unknown" });
  await assert.rejects(platform.call("getModelVersion", { name: "late", version: "champion" }), {
    code: "registry.unknown-model",
  });
  await assert.rejects(platform.call("getRun", { id: "0" }), { code: "run.unknown" });
  for (const verb of ["listDatasets", "listModels"] as const)
    await assert.rejects(platform.call(verb, { cursor: "gone" }), { code: "request.bad-cursor" });
  await assert.rejects(platform.call("listDatasetVersions", { name: "deliveries", cursor: "x" }), { code: "request.bad-cursor" });
  await platform.close();
});

test("the standing of a problem is that of its models, of a feature set that of its data set", async () => {
  const platform = await openDeliveries();
  await platform.run();
  const targetsOf = async (target: string) => (await platform.call("status", { target })).targets.map((one) => one.target);
  assert.deepEqual(await targetsOf("problem/lateness"), ["model/late"]);
  assert.deepEqual(await targetsOf("features/departures"), ["dataset/deliveries"]);
  assert.deepEqual(await targetsOf("endpoint/late"), ["endpoint/late"]);
  await platform.close();
});

test("the model card holds question, verdict with its chain, measures, data and licence, holdout readings, proof and lineage", async () => {
  const platform = await openDeliveries();
  platform.write("mill.ts", millText().replace('time: "at",', 'time: "at", license: "CC0-1.0",'));
  await platform.run();
  const { markdown } = await platform.call("card", { name: "late", version: "champion" });
  const { report } = await platform.call("getModelVersion", { name: "late", version: "champion" });
  const told = [
    "# late, version 1",
    "- **Question**: Will a delivery be late?",
    "truePositive 10, falsePositive -4",
    "A stated probability is kept: calibrationError",
    "there is no champion to beat",
    `| auc | ${report.holdout.measures.auc!.toPrecision(4)} |`,
    "licence: CC0-1.0",
    "The holdout of this data set has been read 1 time.",
    "| train | 300 |",
    "`recent` looks back 3 h",
    "run beside the trained model",
    "`logistic-regression`",
    "dataset/deliveries:split",
    "By shop",
  ];
  for (const text of told) assert.ok(markdown.includes(text), `${text} in:\n${markdown}`);
  await platform.close();
});

test("a version that was judged stays judged when the file behind it has changed, and values that fit are a check of their own", async () => {
  const platform = await openDeliveries();
  await platform.run(["dataset/deliveries"]);
  platform.write("deliveries.csv", "at,shop,load,delay\n");
  const { verdict, checks } = await platform.call("check", { name: "deliveries" });
  assert.equal(verdict?.passed, true);
  assert.deepEqual(
    checks.map(({ text, passed, failed }) => [text, passed, failed]),
    [
      ["load >= 0", true, 0],
      ["the values fit the columns' types", true, 0],
    ],
  );
  platform.write("mill.ts", millText({ check: "c.load.gte(1)" }));
  const other = await platform.call("check", { name: "deliveries" });
  assert.deepEqual([other.verdict, other.checks.map(({ text, share }) => [text, share])], [null, [["load >= 1", null]]]);
  await platform.close();
});

test("rows that do not fit their columns are what a refused check names", async () => {
  const platform = await openDeliveries();
  const [head, first, ...rest] = deliveriesCsv(40).trim().split("\n");
  platform.write("deliveries.csv", [head, first, ...rest.map((row) => row.replace(/[^,]*$/, "soon"))].join("\n"));
  assert.equal(finished(await platform.run(["dataset/deliveries"])).state, "refused");
  const { checks } = await platform.call("check", { name: "deliveries" });
  assert.deepEqual(checks.at(-1), {
    text: "the values fit the columns' types",
    share: 1 / 40,
    atLeast: 0.5,
    failed: 39,
    passed: false,
  });
  await platform.close();
});

test("what the platform logs of an endpoint is shown like any data set", async () => {
  const platform = await openDeliveries();
  await platform.run();
  await platform.call("predict", { name: "late", rows: [{ at: "2024-01-05T00:00:00", shop: "a", load: 3 }] });
  await platform.workspace.lake.sealAll();
  const { items } = await platform.call("listDatasets", {});
  const logged = items.find(({ name }) => name !== "deliveries")!;
  const shown = await platform.call("getDataset", { name: logged.name });
  assert.deepEqual([shown.rowCount, shown.version, shown.split], [1, 1, null]);
  assert.ok(shown.columns.some(({ name }) => name === "score" || name === "probability" || name === "decision"));
  await platform.close();
});

test("a log of what never was names what there is", async () => {
  const platform = await openDeliveries();
  await assert.rejects(platform.call("log", { of: "model/lat" }), { code: "request.unknown-target", message: /model\/late/ });
  assert.deepEqual(await platform.call("log", { of: "model/late" }), { entries: [] });
  await platform.close();
});
