import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { InputOf } from "../../contract/index.ts";
import { finished, openDeliveries, openPlatform, type Platform, started } from "../fixtures/platform.ts";
import { millText } from "../fixtures/project.ts";
import { STEP_KINDS } from "../index.ts";
import { runTargets } from "../run-targets.ts";

const TRAIN = "model/late:train";

/** A run that goes by these definitions; what was told, the steps that ran, how it ended. */
async function runBy({ workspace }: Platform, asked: Pick<InputOf<"run">, "definitions" | "targets">) {
  const events: Parameters<Parameters<typeof runTargets>[3]>[0][] = [];
  const context = { actor: "ben", signal: new AbortController().signal };
  const { targets = [], definitions } = asked;
  await runTargets(workspace, { targets, reason: "asked", ...(definitions && { definitions }) }, context, (event) =>
    events.push(event),
  );
  return { steps: started(events), ...finished(events) };
}

/** Versions of the newest runs, newest first. */
const versionsOfRuns = async (platform: Platform) =>
  (await platform.call("listRuns", {})).items.map(({ definitions }) => definitions!);

test("a run goes by an earlier version of the definitions, or by that of a run, although mill.ts has changed since or has a slip", async () => {
  const platform = await openDeliveries();
  await platform.run();
  platform.write("mill.ts", millText({ trainer: "gradientBoosting({ trees: 5 })", more: "export const words = 3;" }));
  await platform.run();
  const [now, before] = await versionsOfRuns(platform);
  assert.notEqual(now, before);

  const [first] = (await platform.call("listRuns", {})).items.slice(-1);
  assert.deepEqual((await runBy(platform, { definitions: before!.slice(7, 19) })).steps, [], "all of it has been made");
  platform.write("mill.ts", "export const late = model(;");
  await platform.records.commit([{ sql: "DELETE FROM results WHERE kind = 'train'" }]);
  const plan = await platform.call("plan", { definitions: before });
  assert.equal(plan.steps.find(({ id }) => id === TRAIN)?.state, "run");
  const again = await runBy(platform, { definitions: first!.id });
  assert.deepEqual([again.state, again.steps], ["succeeded", [TRAIN]]);
  const { id } = (await platform.workspace.ledger.lastOf("model/late", "train"))!;
  assert.equal(((await platform.call("getStep", { id })).input as { estimator: string }).estimator, "logistic-regression");
  assert.deepEqual((await versionsOfRuns(platform)).slice(0, 2), [before, before]);

  const { items } = await platform.call("listDefinitions", {});
  assert.deepEqual(
    items.map(({ version, firstRunBy, current, outdated }) => ({ version, firstRunBy, current, outdated })),
    [now, before].map((version) => ({ version, firstRunBy: "tester", current: false, outdated: undefined })),
  );
  assert.ok(items[1]!.lastRunAt > items[1]!.firstRunAt);
  const { entries } = await platform.call("log", { of: first!.id });
  assert.match(entries[0]!.text, new RegExp(`\\(asked\\), by definitions ${before!.slice(7, 19)}$`));
  await platform.close();
});

test("two versions of the definitions are told apart in their words", async () => {
  const platform = await openDeliveries();
  await platform.run(["dataset/deliveries"]);
  const others = `export const heavy = m.features("heavy", deliveries, (f) => ({ load: f.load }));`;
  platform.write(
    "mill.ts",
    millText({
      trainer: "gradientBoosting({ trees: 5 })",
      check: "c.load.lt(99)",
      label: "f.delay.gt(20)",
      owner: "bo",
      more: others,
    }),
  );
  const [before] = await versionsOfRuns(platform);
  const { differences } = await platform.call("diff", { a: `definitions@${before!.slice(7, 19)}`, b: "definitions@newest" });
  const told = Object.fromEntries(differences.map(({ field, a, b }) => [field, [a, b]]));
  assert.deepEqual(told["model/late: label"], ["delay > 5", "delay > 20"]);
  assert.deepEqual(told["problem/lateness: owner"]?.[1], "bo");
  assert.deepEqual(told["features/heavy"], [null, "added"]);
  assert.deepEqual(told["model/late: train.estimator"]?.[1], "gradient-boosting");
  assert.ok(
    Object.keys(told).some((field) => field.startsWith("dataset/deliveries: checks")),
    Object.keys(told).join(),
  );

  platform.write("mill.ts", millText().replace("shop: f.shop, load: f.load,", "load: f.load, shop: f.shop,"));
  const order = await platform.call("diff", { a: `definitions@${before}`, b: "definitions@newest" });
  assert.deepEqual(
    order.differences.map(({ field, b }) => [field, b]),
    [["features/departures: fields (order)", "load, shop, recent"]],
  );
  assert.equal((await platform.call("diff", { a: `definitions@${before}`, b: `definitions@${before}` })).same, true);
  await assert.rejects(platform.call("diff", { a: `definitions@${before}`, b: "late@1" }), { code: "request.bad-version" });
  await platform.close();
});

test("what cannot be carried out any more says so by name, before anything runs", async () => {
  const platform = await openDeliveries();
  await platform.run(["dataset/deliveries"]);
  const [version] = await versionsOfRuns(platform);
  for (const definitions of ["0123456789", "yesterday", platform.workspace.ledger.keyOf("split", {})])
    await assert.rejects(runBy(platform, { definitions }), { code: "definitions.unknown", got: definitions });
  const twin = `${version!.slice(0, 20)}${"0".repeat(51)}`;
  await platform.records.commit([
    { sql: "INSERT INTO definitions SELECT ?, content, 0, 'x', 0, revisions, millwright FROM definitions", params: [twin] },
  ]);
  await assert.rejects(runBy(platform, { definitions: version!.slice(7, 17) }), { code: "definitions.ambiguous" });
  await platform.close();

  const split = STEP_KINDS.find(({ name }) => name === "split")!;
  const later = await openPlatform({ folder: platform.folder, kinds: [{ ...split, revision: split.revision + 1 }] });
  const got = `split at revision ${split.revision + 1}`;
  await assert.rejects(later.call("plan", { definitions: version }), { code: "definitions.outdated", got });
  const before = (await later.call("listRuns", {})).items.length;
  await assert.rejects(runBy(later, { definitions: version }), { code: "definitions.outdated", got });
  assert.equal((await later.call("listRuns", {})).items.length, before);
  assert.deepEqual((await later.call("getDefinitions", { version: version! })).outdated, [
    { kind: "split", before: split.revision, now: split.revision + 1 },
  ]);
  rmSync(join(later.folder, "deliveries.csv"));
  const gone = await runBy(later, {});
  assert.deepEqual([gone.state, gone.error?.code], ["failed", "source.missing"]);
  assert.match(gone.error!.message, /deliveries\.csv/);
  await later.close();
});
