import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutputOf } from "../../contract/index.ts";
import { june } from "../fixtures/june.ts";
import { endpoint, graph, handlers, leaderboard, modelVersion, startSample } from "../fixtures/sample-platform.ts";
import { layOut, withoutShortcuts } from "./graph-drawing.ts";
import { html } from "./html.ts";
import { renderPage } from "./page.ts";

const model = (await handlers.listModels({}, {} as never)).items[0]!;
const commit = (await handlers.listCommits({ repository: "photos", ref: "main" }, {} as never)).items[0]!;
const photos = {
  repository: await handlers.getRepository({ repository: "photos" }, {} as never),
  branches: ["main", "<fix>"],
  newest: { ...commit, message: "More <b>cats</b>" },
};
const shown = renderPage(
  {
    graph,
    models: [{ model, shown: modelVersion }],
    leaderboards: [leaderboard],
    endpoints: [endpoint],
    monitors: [june()],
    backfills: (await handlers.listBackfills({}, {} as never)).items,
    schedules: (await handlers.listSchedules({}, {} as never)).items,
    work: {
      runs: (await handlers.listRuns({}, {} as never)).items,
      pauses: [{ what: "pool", name: "train", since: "2026-11-21T06:00:00.000Z", by: "<anna>" }],
    },
    tracked: (await handlers.searchTrackedRuns({ experiments: ["1"] }, {} as never)).items.map((run) => ({
      run,
      experiment: "<churn>",
    })),
    lake: { repositories: [photos], more: false },
  },
  { version: "0.1.0", address: "http://127.0.0.1:4747" },
);
const text = shown.html
  .replaceAll(/<style>.*?<\/style>/gs, "")
  .replaceAll(/<[^>]+>/g, " ")
  .replaceAll(/\s+/g, " ");

test("the page shows what is run by itself, when next and how it went last", () => {
  for (const words of ["Schedules", "nightly", "at 0 3 * * * (Europe/Berlin)", "succeeded of 2026-11-21 03:00 Europe/Berlin"])
    assert.ok(text.includes(words), words);
});

test("models that solve one problem stand side by side, with what each costs and depends on", () => {
  for (const words of [
    "Leaderboard late-arrival Will it be late?",
    "late-arrival 3 champion , on the front 0.7010 0.6900 to 0.7120 1.8 s 410 MB 210 KB 6.1 us 19 us inline Apache-2.0",
    "millwright gradient-boosting, best of 60 trials",
    "torch 1 refused",
    "python LGPL-3.0-only (&lt;b&gt;pandas&lt;/b&gt;) pytorch train.py, 1 package",
    "late-arrival has the highest auc on test.",
    "Without a version yet: later",
  ])
    assert.ok(text.includes(words), words);
});

test("the page shows backfills, how far each is and what failed", () => {
  for (const words of [
    "Backfills",
    "dataset/flights",
    "9,000 of 10,000, 8 running, 2 failed",
    "2024-01-01 to last, missing",
    "running",
  ])
    assert.ok(text.includes(words), words);
  assert.match(shown.html, /<progress max="10000" value="9002">/);
});

test("the page shows what runs and what is paused, by whom", () => {
  for (const words of ["Work", "runs", "run 01890000", "paused pool train &lt;anna&gt;"]) assert.ok(text.includes(words), words);
});

test("the page names the engine of a step, and the job there, where it is not the first one", () => {
  for (const words of ["dataset/flights:split: nothing changed on slurm (job 17_0)", "1.2 s on slurm"])
    assert.ok(text.includes(words), words);
});

test("the page shows the gate's chain from the question down to the measurement", () => {
  for (const words of [
    "will it arrive more than 15 minutes late?",
    "passed A stated probability is kept: calibrationError 0.0093 is at most 0.03 (model/late-arrival@holdout, 331,204 rows)",
    "failed auc was not measured",
  ]) {
    assert.ok(text.includes(words), words);
  }
});

test("the page shows measures by part and slice, curves, lineage and how to ask the endpoint", () => {
  for (const words of [
    "auc 0.6951 0.6931 to 0.6971 0.7010 0.5000",
    "brier - - -",
    "ROC curve, AUC 0.695",
    "Reliability, calibration error 0.009",
    "the 12 largest of 14",
    "flights version 2",
    "train 1.0 s",
    "12,345 predictions",
  ]) {
    assert.ok(text.includes(words), words);
  }
  assert.ok(text.includes("curl http://127.0.0.1:4747/v1/endpoints/late-arrival/predict"));
});

test("texts from data and definitions are shown, never run", () => {
  assert.ok(!shown.html.includes("<script"));
  assert.ok(shown.html.includes("&lt;script&gt;alert(1)&lt;/script&gt;"));
  assert.equal(html`<a title="${`"'<>&`}">`.markup, '<a title="&quot;&#39;&lt;&gt;&amp;">');
});

test("the page needs nothing from elsewhere, and says so in its policy", () => {
  assert.match(shown.policy, /default-src 'none'; style-src 'sha256-/);
  assert.ok(!/(src|href)="(https?:)?\/\//.test(shown.html));
  assert.ok(!/ style="/.test(shown.html));
});

test("a project without anything, and a model without a version, are shown", () => {
  const empty = renderPage(
    {
      graph: { nodes: [], edges: [] },
      models: [{ model, shown: null }],
      leaderboards: [],
      endpoints: [],
      monitors: [],
      backfills: [],
      schedules: [],
      work: { runs: [], pauses: [] },
      tracked: [],
      lake: { repositories: [], more: false },
    },
    { version: "0", address: "" },
  );
  assert.match(empty.html, /defines nothing yet/);
  assert.match(empty.html, /mill run model\/late-arrival/);
});

test("a node stands right of all it is made from, and no two stand in one place", () => {
  const places = layOut(graph);
  const layer = new Map(places.map((place) => [place.node.id, place.layer]));
  for (const { from, to } of graph.edges) assert.ok(layer.get(from)! < layer.get(to)!, `${from} -> ${to}`);
  assert.equal(new Set(places.map((place) => `${place.layer}/${place.row}`)).size, graph.nodes.length);
});

test("an edge to a node that is not there, or a cycle, does not break the drawing", () => {
  const [a, b] = graph.nodes as [OutputOf<"graph">["nodes"][number], OutputOf<"graph">["nodes"][number]];
  const edges = [
    { from: a.id, to: b.id },
    { from: b.id, to: a.id },
    { from: "gone", to: a.id },
  ];
  assert.equal(layOut({ nodes: [a, b], edges }).length, 2);
});

test("the served page is the drawn one, under its policy", async () => {
  const sample = await startSample();
  const reply = await fetch(sample.url);
  assert.equal(reply.status, 200);
  assert.match(reply.headers.get("content-type")!, /text\/html/);
  assert.match(reply.headers.get("content-security-policy")!, /default-src 'none'/);
  assert.match(await reply.text(), /Endpoint late-arrival.*Model late-arrival.*No version yet/s);
  await sample.close();
});

test("an edge that only shortens a longer way is not drawn", () => {
  const edge = (from: string, to: string) => ({ from, to });
  const drawn = withoutShortcuts([edge("a", "b"), edge("b", "c"), edge("a", "c"), edge("a", "d")]);
  assert.deepEqual(drawn, [edge("a", "b"), edge("b", "c"), edge("a", "d")]);
});

test("the newest runs of experiments stand where the address that MLflow's client prints leads", () => {
  assert.match(shown.html, /<a id="\/experiments\/1\/runs\/([0-9a-f]{32})" href="\/experiments\/1\/runs\/\1">first<\/a>/);
  assert.match(shown.html, /<a id="\/experiments\/1" href="\/experiments\/1">&lt;churn&gt;<\/a>/);
});

test("the lake's repositories are shown with their newest commits, and whatever people wrote is text", () => {
  assert.match(shown.html, /<h2>Lake/);
  assert.match(shown.html, /photos<\/a><\/th><td>1<\/td><td>main, &lt;fix&gt;<\/td>/);
  assert.match(shown.html, /More &lt;b&gt;cats/);
});
