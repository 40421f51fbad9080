import assert from "node:assert/strict";
import { test } from "node:test";
import { BROKEN, DAYS, dayCsv, openPartitioned, partitionedText, removeDay, writeDay } from "../fixtures/partitioned.ts";
import { finished, openDeliveries, type Platform, started } from "../fixtures/platform.ts";

const DATASET = "dataset/deliveries";
const head = async (platform: Platform) => (await platform.call("listDatasetVersions", { name: "deliveries" })).items[0];
const line = async (platform: Platform) => (await platform.call("plan", {})).steps.find(({ kind }) => kind === "partition")!;
const partitionSteps = async (platform: Platform) =>
  (await platform.call("listSteps", {})).items.filter(({ kind, state }) => kind === "partition" && state === "succeeded").length;

test("a data set by partitions trains the model that one file of the same rows trains, and a run without news runs nothing", async () => {
  const [days, whole] = [await openPartitioned(), await openDeliveries()];
  const [byDays, asOne] = [await days.run(), await whole.run()];
  assert.deepEqual([finished(byDays).state, finished(asOne).state], ["succeeded", "succeeded"]);
  const holdout = async (platform: Platform) =>
    (await platform.call("getModelVersion", { name: "late", version: "1" })).report.holdout;
  assert.deepEqual(await holdout(days), await holdout(whole));
  const version = await days.call("getDatasetVersion", { name: "deliveries", version: 1 });
  assert.deepEqual([version.rowCount, version.parts.length, version.from], [500, 4, "2024-01-01T00:00:00"]);
  assert.deepEqual(started(await days.run()), []);
  const { state, why } = await line(days);
  assert.deepEqual([state, why], ["current", "4 of 4 partitions current"]);
  await Promise.all([days.close(), whole.close()]);
});

test("only what is new or has changed runs again: a file that is touched does not, and one that is not there is told", async () => {
  const platform = await openPartitioned();
  removeDay(platform, DAYS[1]);
  assert.equal((await line(platform)).why, "0 of 4 partitions current, 3 new, 1 without a file");
  assert.equal(finished(await platform.run([DATASET])).state, "succeeded");
  assert.deepEqual([(await head(platform))!.rowCount, await partitionSteps(platform)], [356, 3]);

  writeDay(platform, DAYS[0]); // the same bytes, written anew
  writeDay(platform, DAYS[1]); // it comes later
  writeDay(platform, DAYS[3], dayCsv(DAYS[3]).split("\n").slice(0, -2).join("\n"));
  assert.match((await line(platform)).why, /^1 of 4 partitions current, 1 new, 2 changed$/);
  assert.equal(finished(await platform.run([DATASET])).state, "succeeded");
  assert.deepEqual([(await head(platform))!.rowCount, await partitionSteps(platform)], [499, 5]);

  removeDay(platform, DAYS[2]);
  assert.equal((await line(platform)).why, "3 of 4 partitions current, 1 whose file has gone");
  await platform.close();
});

test("a partition that is broken is named, keeps no other from being taken in, and holds up the version until it is mended", async () => {
  const platform = await openPartitioned();
  writeDay(platform, DAYS[1], BROKEN);
  const failed = finished(await platform.run());
  assert.deepEqual([failed.state, failed.error?.code], ["failed", "partition.failed"]);
  assert.match(failed.error!.message, /^1 of 4 partitions of dataset\/deliveries failed. 2024-01-02: .*no column "at"/);
  assert.equal(await head(platform), undefined);
  assert.equal((await line(platform)).why, "3 of 4 partitions current, 1 failed");
  writeDay(platform, DAYS[1]);
  const mended = await platform.run();
  assert.deepEqual(
    [finished(mended).state, (await head(platform))!.rowCount, await partitionSteps(platform)],
    ["succeeded", 500, 4],
  );
  await platform.close();
});

test("a changed definition starts nothing over the partitions that are there: the plan tells, and a run refuses", async () => {
  const platform = await openPartitioned();
  await platform.run([DATASET]);
  platform.write("mill.ts", partitionedText({ check: "c.load.gte(1)" }));
  const { state, why } = await line(platform);
  assert.deepEqual([state, why], ["run", "0 of 4 partitions current, 4 by another definition"]);
  const refused = finished(await platform.run());
  assert.deepEqual([refused.state, refused.error?.code], ["failed", "partition.redefined"]);
  assert.match(refused.error!.fix!, /mill backfill dataset\/deliveries/);
  assert.deepEqual([(await head(platform))!.version, await partitionSteps(platform)], [1, 4]);
  platform.write("mill.ts", partitionedText());
  assert.deepEqual((await line(platform)).state, "current", "the definition that they were taken in by is back");
  await platform.close();
});

test("a data set whose period is over grows by it, and one that names no period is refused", async () => {
  const platform = await openPartitioned();
  platform.write("mill.ts", partitionedText({}, 'm.daily("2024-01-01", { to: "2024-01-02" })'));
  assert.equal(finished(await platform.run([DATASET])).state, "succeeded");
  platform.write("mill.ts", partitionedText({}, 'm.daily("2024-01-01", { to: "2024-01-03" })'));
  assert.equal((await line(platform)).why, "2 of 3 partitions current, 1 new");
  for (const wrong of [
    'm.monthly("2024-01")',
    'm.daily("2024-13-01")',
    'm.daily("2024-02-01", { to: "2024-01-01" })',
    'm.daily("2024-01-01", { timeZone: "Mars" })',
    "3",
  ]) {
    platform.write("mill.ts", partitionedText({}, wrong).replaceAll("{partition}", "{year}-{month}-{day}"));
    const load = platform.call("plan", {});
    if (wrong.startsWith("m.monthly")) await load;
    else await assert.rejects(load, { code: /^(define|value)\./ }, wrong);
  }
  platform.write("mill.ts", partitionedText({}, "undefined"));
  await assert.rejects(platform.call("plan", {}), { code: "define.bad-value", message: /has no partitions/ });
  await platform.close();
});
