import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { storedEntry } from "../lake/index.ts";
import { finished, openDeliveries, type Platform } from "./fixtures/platform.ts";

/** Rows of the data set, as a query makes them of the part, are brought to its branch. */
async function bring({ workspace, folder, call }: Platform, branch: string, select: string) {
  const { lake, objects, tables } = workspace;
  const repository = lake.repositories.of("deliveries");
  await call("createBranch", { repository: "deliveries", branch });
  const part = await objects.pathOf((await repository.entry(branch, "part-0.parquet"))!.digest);
  const engine = tables();
  const path = join(folder, "brought.parquet");
  await engine.run(`COPY (${select} FROM read_parquet('${part}')) TO '${path}' (FORMAT parquet)`);
  engine.close();
  const entry = await storedEntry(objects, await objects.putFile(path, { consume: true }), "application/vnd.apache.parquet", 0);
  await repository.stage(branch, [{ path: "part-0.parquet", entry }]);
  await call("commit", { repository: "deliveries", branch, message: "Corrected" });
  return call("merge", { repository: "deliveries", branch: "main", from: branch });
}

test("what is brought to a data set must hold to its checks, row for row", async () => {
  const platform = await openDeliveries();
  assert.equal(finished(await platform.run()).state, "succeeded");
  const [hook] = (await platform.call("listHooks", { repository: "deliveries" })).items;
  assert.deepEqual([hook!.event, hook!.branches, hook!.table!.checks!.length], ["pre-merge", ["main"], 1]);

  const wrong = "SELECT * REPLACE (CASE WHEN row_number() OVER () = 3 THEN -1 ELSE load END::INTEGER AS load)";
  await assert.rejects(bring(platform, "wrong", wrong), {
    code: "lake.hook-refused",
    message: new RegExp(`${hook!.table!.checks![0]!.text}.* does not hold for 1 of`),
  });
  const before = (await platform.workspace.lake.head("deliveries"))!.version;
  assert.equal((await bring(platform, "right", "SELECT * REPLACE (greatest(load, 5)::INTEGER AS load)")).merged, true);
  assert.equal((await platform.workspace.lake.head("deliveries"))!.version, before + 1);
  assert.deepEqual(
    (await platform.call("listHookRuns", { repository: "deliveries", limit: 10 })).items.map(({ passed }) => passed),
    [true, false],
  );
  await platform.close();
});

test("what a model was made from stays, although the data set gives up old versions", async () => {
  const platform = await openDeliveries();
  assert.equal(finished(await platform.run()).state, "succeeded");
  const { lake, objects, registry } = platform.workspace;
  const { lineage } = await registry.version("late", 1);
  const made = await lake.version("deliveries", lineage.dataset.version);
  await bring(platform, "right", "SELECT * REPLACE (greatest(load, 5)::INTEGER AS load)");
  await lake.head("deliveries");
  await lake.collector.setRetention("deliveries", { keepDays: 0, keepTags: false });
  assert.ok((await lake.collector.collect({ remove: true, graceMs: -60_000 })).commits > 0);
  const { parts } = await lake.manifest(made);
  for (const { digest } of parts) assert.notEqual(await objects.sizeOf(digest), null);
  for await (const line of lake.verify({ content: true })) assert.notEqual(line.event, "fault", JSON.stringify(line));
  await platform.close();
});
