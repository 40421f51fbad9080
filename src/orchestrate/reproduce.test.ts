import assert from "node:assert/strict";
import { test } from "node:test";
import { VERBS } from "../contract/index.ts";
import { checkJson } from "../guard/index.ts";
import type { StepKind } from "../steps/index.ts";
import { train } from "../train/index.ts";
import { finished, openDeliveries, type Platform } from "./fixtures/platform.ts";
import { millText } from "./fixtures/project.ts";

type Lines = Awaited<ReturnType<Platform["reproduce"]>>;
type Summary = Extract<Lines[number], { readonly event: "reproduced" }>;
const summaryOf = (lines: Lines) => lines.at(-1) as Summary;
const withThreads = (platform: Platform, threads: number) => Object.assign(platform.workspace, { threads });
const others = (found: Awaited<ReturnType<typeof reproduce>>) => found.steps.filter(({ same }) => !same);
const reproduce = async (platform: Platform, id: string) => summaryOf(await platform.reproduce(id));

test("a run is reproduced from its id, at another number of threads, step by step in order", async () => {
  const platform = await openDeliveries();
  platform.write("mill.ts", millText({ trainer: "gradientBoosting({ trees: 20, leaves: 8 })" }));
  const { run, ran } = finished(await platform.run());
  withThreads(platform, 1);
  const lines = await platform.reproduce(run);
  for (const line of lines) assert.equal(checkJson(VERBS.reproduce.output, JSON.parse(JSON.stringify(line))), null, line.event);
  const found = summaryOf(lines);
  assert.deepEqual(others(found), []);
  assert.deepEqual([found.run, found.same, found.steps.length], [run, true, ran]);
  assert.deepEqual(
    found.steps.map(({ id }) => id),
    (await platform.call("getRun", { id: run })).steps.map(({ id }) => id),
  );
  for (const [at, { target, kind }] of found.steps.entries()) {
    const told = lines.filter((line) => "id" in line && line.id === `${target}:${kind}`);
    assert.deepEqual(
      [told[0], told.at(-1)!.event],
      [{ event: "step-started", id: `${target}:${kind}`, why: `${at + 1} of ${ran}` }, "step-finished"],
    );
    assert.ok(told.slice(1, -1).every(({ event }) => event === "step-progress"));
  }
  assert.ok(
    lines.some(({ event }) => event === "step-progress"),
    "training tells how far it is",
  );
  assert.equal(finished(await platform.run()).ran, 0, "nothing was replaced");
  assert.equal(await platform.workspace.ledger.holdoutReadings("deliveries"), 2, "the holdout was read once more, on record");
  await platform.close();
});

test("a model version is reproduced by the steps that made it, whichever runs they belong to", async () => {
  const platform = await openDeliveries();
  await platform.run(["dataset/deliveries"]);
  await platform.run();
  const found = await reproduce(platform, "late@champion");
  assert.deepEqual([found.same, others(found)], [true, []]);
  const made = ["ingest", "split", "training-set", "train", "bundle", "prove", "assess", "gate"];
  for (const kind of made)
    assert.ok(
      found.steps.some((step) => step.kind === kind),
      kind,
    );
  await assert.rejects(reproduce(platform, "late@9"), { code: "registry.unknown-version" });
  await assert.rejects(reproduce(platform, "late@"), { code: "request.bad-version" });
  await assert.rejects(reproduce(platform, "01890000-0000-7000-8000-000000000000"), { code: "run.unknown" });
  await platform.close();
});

test("a record that was tampered with is found, by the names of what differs", async () => {
  const platform = await openDeliveries();
  const { run } = finished(await platform.run());
  const [row] = await platform.records.query<{ key: string; manifest: string }>(
    "SELECT step_key AS key, manifest FROM results WHERE kind = 'train'",
  );
  const manifest = JSON.parse(row!.manifest);
  manifest.objects.model = await platform.workspace.objects.put(Buffer.from("another model"));
  manifest.facts.rows = 7;
  await platform.records.commit([
    { sql: "UPDATE results SET manifest = ? WHERE step_key = ?", params: [JSON.stringify(manifest), row!.key] },
  ]);
  const found = await reproduce(platform, run);
  assert.equal(found.same, false);
  assert.deepEqual(
    others(found).map(({ kind, differs, changed }) => [kind, [...differs].sort(), changed]),
    [["train", ["model", "rows"], undefined]],
  );
  await platform.close();
});

test("a source that has changed since is said of its step, and the others are reproduced", async () => {
  const platform = await openDeliveries();
  const { run } = finished(await platform.run());
  platform.write("deliveries.csv", "at,shop,load,delay\n2024-01-01,a,1,1\n");
  const found = await reproduce(platform, run);
  assert.deepEqual(
    others(found).map(({ kind }) => kind),
    ["ingest"],
  );
  assert.match(others(found)[0]!.changed!, /could not run again/);
  await platform.close();
});

test("other code and another environment are said of each step", async () => {
  const platform = await openDeliveries();
  const { run } = finished(await platform.run());
  await platform.close();
  const newer = { ...train, revision: train.revision + 1 } as unknown as StepKind<never>;
  const recoded = await openDeliveries({ folder: platform.folder, kinds: [newer] });
  assert.deepEqual(
    others(await reproduce(recoded, run)).map(({ kind, changed }) => [kind, changed]),
    [["train", `the code of train changed since: revision ${train.revision}, now ${train.revision + 1}`]],
  );
  await recoded.close();
  const moved = await openDeliveries({ folder: platform.folder, environment: { millwright: "0.2" } });
  const found = await reproduce(moved, run);
  assert.deepEqual(
    [found.same, new Set(found.steps.map(({ changed }) => changed))],
    [true, new Set(["the environment changed since"])],
  );
  await moved.close();
});
