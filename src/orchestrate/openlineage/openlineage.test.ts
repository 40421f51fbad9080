import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkJson } from "../../guard/index.ts";
import { createNoticeFile } from "../../ports/notices/index.ts";
import { finished, openDeliveries, type Platform, started } from "../fixtures/platform.ts";
import { deliveriesCsv, millText } from "../fixtures/project.ts";
import { createLineageExporter } from "./exporter.ts";
import { RUN_EVENT } from "./fixtures/run-event.ts";

const TELLER = { namespace: "shop", version: "1.2.3" };

// biome-ignore lint/suspicious/noExplicitAny: JSON of another system
type Event = any;

function told(platform: Platform, file = join(platform.folder, "lineage.ndjson")) {
  const exporter = () => createLineageExporter(platform.workspace, createNoticeFile(file), TELLER);
  const events = (): Event[] =>
    readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  return { exporter, events, file, first: exporter() };
}

test("each run and step is told by START and one end, as the specification has it, with parent, inputs and outputs", async () => {
  const platform = await openDeliveries();
  const { first, events } = told(platform);
  await first.look();
  const ran = await platform.run();
  await first.look();
  const all = events();
  for (const event of all) assert.equal(checkJson(RUN_EVENT, event), null, JSON.stringify(event));
  const run = finished(ran).run;
  const jobs = (type: string) => all.filter((one) => one.eventType === type).map((one) => one.job.name);
  assert.deepEqual(new Set(jobs("START")), new Set(["everything", ...started(ran)]));
  assert.deepEqual(new Set(jobs("COMPLETE")), new Set(jobs("START")));
  assert.equal(all.length, 22);
  const ended = (name: string) => all.find((one) => one.job.name === name && one.eventType === "COMPLETE");
  const ingested = ended("dataset/deliveries:ingest");
  assert.deepEqual(ingested.run.facets.parent.run, { runId: run });
  assert.deepEqual(
    ingested.inputs.map(({ namespace, name }: Event) => [namespace, name]),
    [["file", join(platform.folder, "deliveries.csv")]],
  );
  assert.deepEqual(ingested.outputs[0].facets.schema.fields[0], { name: "at", type: "timestamp" });
  const trained = ended("model/late:train");
  assert.deepEqual(
    [trained.inputs, trained.outputs].map(([one]: Event) => one.name),
    ["model/late:training-set", "model/late:train"],
  );
  assert.deepEqual(
    ended("model/late:gate").outputs.map(({ name }: Event) => name),
    ["model/late"],
  );
  assert.ok(ended("model/late:training-set").inputs.some(({ name }: Event) => name === "dataset/deliveries"));
  assert.ok(all.every(({ eventTime }) => eventTime.endsWith("Z")));
  await platform.close();
});

test("what failed, was cancelled or refused is told so, with the error", async () => {
  const platform = await openDeliveries();
  const { first, events } = told(platform);
  await first.look();
  platform.write("mill.ts", millText({ label: "f.delay.gt(9999)" }));
  const failed = finished(await platform.run());
  platform.write("mill.ts", millText({ principle: "m.auc.atLeast(0.999)" }));
  await platform.run();
  const stop = new AbortController();
  platform.write("deliveries.csv", deliveriesCsv(700));
  await platform.run([], stop.signal, (event) => event.event === "step-started" && stop.abort());
  await first.look();
  const inOrder = events().toSorted((a, b) => (a.run.runId < b.run.runId ? -1 : 1)); // runs go out beside each other
  const runs = inOrder.filter((one) => one.job.facets.jobType.jobType === "RUN" && one.eventType !== "START");
  assert.deepEqual(
    runs.map(({ eventType }) => eventType),
    ["FAIL", "COMPLETE", "ABORT"],
  );
  assert.match(runs[0].run.facets.errorMessage.message, new RegExp(`\\[${failed.error!.code}\\]$`));
  for (const event of events()) assert.equal(checkJson(RUN_EVENT, event), null, JSON.stringify(event));
  await platform.close();
});

test("whoever looks and whatever restarts, nothing is told twice or left out; what was before is not told", async () => {
  const platform = await openDeliveries();
  const { first, exporter, events } = told(platform);
  await platform.run();
  await first.look();
  platform.write("mill.ts", millText({ seed: 2 }));
  let looked: Promise<unknown> = Promise.resolve();
  const exporters = [first, exporter(), exporter()];
  const ran = await platform.run([], undefined, () => {
    looked = Promise.all(exporters.map((one) => one.look()));
  });
  await looked;
  await Promise.all([...exporters, exporter()].map((one) => one.look()));
  await exporter().look();
  const seen = events().map(({ eventType, run }) => `${run.runId} ${eventType}`);
  const expected = 2 * (started(ran).length + 1);
  assert.equal(new Set(seen).size, expected, "each event once on record; the file may have one twice, as at least once has it");
  for (const [i, one] of seen.entries())
    if (!one.endsWith("START")) assert.ok(seen.indexOf(one.replace(/\w+$/, "START")) < i, "a START comes before its end");
  await platform.close();
});

test("what was told long ago is forgotten, and is not told again", async () => {
  const platform = await openDeliveries();
  const { first, events, file } = told(platform);
  await first.look();
  await platform.run(["dataset/deliveries"]);
  await first.look();
  const later = (days: number) => {
    const workspace = { ...platform.workspace, now: () => Date.now() + days * 24 * 3_600_000 };
    return createLineageExporter(workspace, createNoticeFile(file), TELLER);
  };
  const rows = async () => (await platform.records.query("SELECT subject FROM lineage_events")).length;
  const INSERT = "INSERT INTO lineage_events (subject, event, at) VALUES (?, 'COMPLETE', ?)";
  await platform.records.commit([{ sql: INSERT, params: ["ffffffff", Date.now() + 20 * 24 * 3_600_000] }]); // something newer
  assert.equal(await rows(), 6);
  await later(20).look();
  assert.equal(await rows(), 2);
  await later(21).look();
  assert.equal(events().length, 8);
  await platform.close();
});

test("while the receiver is away events wait, and go out in order when it is back", async () => {
  const platform = await openDeliveries();
  const file = join(platform.folder, "away", "lineage.ndjson");
  const { first } = told(platform, file);
  await first.look();
  await platform.run(["dataset/deliveries"]);
  await first.look();
  const [waiting] = await platform.records.query<{ count: number; error: string }>(
    "SELECT count(*) AS count, max(error) AS error FROM notices WHERE delivered_at IS NULL",
  );
  assert.equal(waiting!.count, 8);
  assert.match(waiting!.error, /^notice\.failed/);
  const back = join(platform.folder, "lineage.ndjson");
  writeFileSync(back, "");
  const later = { ...platform.workspace, now: () => Date.now() + 60_000 };
  await createLineageExporter(later, createNoticeFile(back), TELLER).look();
  const lines = readFileSync(back, "utf8").trim().split("\n");
  assert.equal(lines.length, 8);
  await platform.close();
});

test("steps are told by the definitions that their run went by, also while mill.ts cannot be read; those of older runs wait for it", async () => {
  const platform = await openDeliveries();
  const { first, events } = told(platform);
  await first.look();
  await platform.run(["dataset/deliveries"]);
  platform.write("mill.ts", "a slip");
  await platform.records.commit([{ sql: "UPDATE runs SET definitions = NULL" }]);
  await assert.rejects(first.look());
  assert.deepEqual(
    events().map(({ eventType }) => eventType),
    ["START", "COMPLETE"],
  );
  await platform.records.commit([{ sql: "UPDATE runs SET definitions = (SELECT version FROM definitions)" }]);
  await first.look();
  assert.equal(events().length, 8);
  await platform.close();
});
