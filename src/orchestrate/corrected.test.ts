import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { VERBS } from "../contract/index.ts";
import { checkJson } from "../guard/index.ts";
import { storedEntry } from "../lake/index.ts";
import { finished, openDeliveries, type Platform, published, started } from "./fixtures/platform.ts";
import { deliveriesCsv } from "./fixtures/project.ts";

/** On a branch of the data set's repository one column is put right, and the branch is merged into `main`. */
async function correct({ workspace, folder, call }: Platform): Promise<string> {
  const { lake, objects, tables } = workspace;
  const repository = lake.repositories.of("deliveries");
  await call("createBranch", { repository: "deliveries", branch: "fix" });
  const part = await repository.entry("fix", "part-0.parquet");
  const engine = tables();
  const path = join(folder, "fixed.parquet");
  const was = await objects.pathOf(part!.digest);
  await engine.run(
    `COPY (SELECT * REPLACE (greatest(load, 5)::INTEGER AS load) FROM read_parquet('${was}')) TO '${path}' (FORMAT parquet)`,
  );
  engine.close();
  const fixed = await storedEntry(objects, await objects.putFile(path), "application/vnd.apache.parquet", 0);
  await repository.stage("fix", [{ path: "part-0.parquet", entry: fixed }]);
  await call("commit", { repository: "deliveries", branch: "fix", message: "No load is below 5" });
  const { merged, commit } = await call("merge", { repository: "deliveries", branch: "main", from: "fix" });
  assert.equal(merged, true);
  return commit!.id.slice(7, 19);
}

const ingestion = async (platform: Platform) =>
  (await platform.call("plan", {})).steps.find(({ id }) => id === "dataset/deliveries:ingest")!;

test("what people merged into a data set is what its models are trained on, and no run undoes it", async () => {
  const platform = await openDeliveries();
  assert.equal(finished(await platform.run()).state, "succeeded");
  await correct(platform);

  assert.match((await ingestion(platform)).why, /^version 2, merged by .+, corrects version 1$/);
  const events = await platform.run();
  assert.ok(started(events).includes("model/late:training-set"));
  assert.ok(!started(events).includes("dataset/deliveries:ingest"));
  assert.deepEqual(
    (await platform.call("listDatasetVersions", { name: "deliveries" })).items.map(({ version }) => version),
    [2, 1],
  );
  const [{ lineage }] = [await platform.workspace.registry.version("late", 2)];
  assert.equal(lineage.dataset.version, 2);

  const diff = await platform.call("diff", { a: "deliveries@1", b: "deliveries@newest" });
  assert.equal(checkJson(VERBS.diff.output, JSON.parse(JSON.stringify(diff))), null);
  const { added, removed, changed, examples } = diff.rows!;
  assert.deepEqual([diff.same, added > 0, added === removed, changed, examples.length], [false, true, true, 0, 10]);
  await assert.rejects(platform.call("diff", { a: "deliveries@1", b: "late@1" }), { code: "request.bad-version" });

  const again = await platform.run();
  assert.deepEqual([started(again), published(again)], [[], []]);
  await platform.close();
});

test("other sources than those that were corrected are not ingested over the correction, until it is taken back", async () => {
  const platform = await openDeliveries();
  await platform.run();
  const commit = await correct(platform);
  platform.write("deliveries.csv", `${deliveriesCsv()}2024-03-30T00:00:00,a,7,9\n`);
  await assert.rejects(platform.call("plan", {}), { code: "dataset.corrected" });
  assert.equal(finished(await platform.run()).error?.code, "dataset.corrected");

  await platform.call("revert", { repository: "deliveries", branch: "main", commit });
  assert.equal(finished(await platform.run()).state, "succeeded");
  const [newest] = (await platform.call("listDatasetVersions", { name: "deliveries" })).items;
  assert.equal(newest!.version, 4);
  await platform.close();
});
