import assert from "node:assert/strict";
import { test } from "node:test";
import { openDeliveries, type Platform } from "./fixtures/platform.ts";
import { millText } from "./fixtures/project.ts";
import { createKeeper } from "./keeper.ts";
import { retrainingsOf } from "./retrainings.ts";

const project = (seed: number) =>
  millText({ seed, accept: "m.auc.atLeast(0.5)", serving: 'rollout: m.canary({ steps: [0.5, 1], hold: "1h" })' });

/** The first version answers; the second came from a retraining and answers half of the requests. */
async function openWithCandidate(): Promise<Platform> {
  const platform = await openDeliveries();
  platform.write("mill.ts", project(1));
  await platform.run();
  await platform.workspace.serving.refresh();
  platform.write("mill.ts", project(2).replace("logisticRegression()", "gradientBoosting({ trees: 10 })"));
  const runId = await platform.workspace.ledger.startRun({ actor: "millwright", targets: ["model/late"], reason: "300 rows" });
  await platform.run();
  assert.equal(platform.workspace.serving.rollout("late")?.version, 2);
  await platform.records.commit([
    {
      sql: `INSERT INTO retrainings (run_id, endpoint, model, cause, as_of, state, version, started_at)
        VALUES (?, 'late', 'late', '300 rows', 1, 'candidate', 2, 1)`,
      params: [runId],
    },
  ]);
  return platform;
}

/** As the platform starts: what is deployed is loaded first. */
async function start({ workspace }: Platform, { load = true } = {}): Promise<void> {
  if (load) await workspace.serving.refresh();
  const keeper = createKeeper(workspace, (_, error) => assert.fail(error));
  await keeper.start(3_600_000);
  await keeper.close();
}

const stateOf = async ({ records }: Platform) => (await retrainingsOf(records, "late", 1))[0]!.state;
const aliasesOf = ({ workspace }: Platform) => workspace.registry.aliases("late");

test("a candidate that still answers a share of the requests, or whose endpoint is not loaded, stays one over a restart", async () => {
  const first = await openWithCandidate();
  await first.close();
  const again = await openDeliveries({ folder: first.folder });
  await start(again, { load: false });
  assert.equal(await stateOf(again), "candidate");
  await start(again);
  assert.deepEqual([await stateOf(again), await aliasesOf(again)], ["candidate", { champion: 1, challenger: 2 }]);
  await again.close();
});

test("a candidate that cannot be loaded any more is halted at the next start, and is not tried again by itself", async () => {
  const first = await openWithCandidate();
  const { registry, objects } = first.workspace;
  const { trained } = await registry.manifest(await registry.version("late", 2));
  await objects.remove(trained);
  await first.close();
  const again = await openDeliveries({ folder: first.folder });
  await start(again);
  assert.deepEqual([await stateOf(again), await aliasesOf(again)], ["halted", { champion: 1 }]);
  assert.equal((await retrainingsOf(again.records, "late", 1))[0]!.why, "its rollout ended: late@1 answers");
  await start(again);
  assert.deepEqual([again.workspace.serving.rollout("late"), await aliasesOf(again)], [null, { champion: 1 }]);
  await again.close();
});

test("a candidate that somebody deployed is promoted; where somebody deployed another it is halted", async () => {
  for (const [version, state] of [
    [2, "promoted"],
    [1, "halted"],
  ] as const) {
    const platform = await openWithCandidate();
    const { registry, serving } = platform.workspace;
    if (version === 1) await serving.deploy("late", await registry.version("late", 2), { actor: "a", why: "by hand" });
    await serving.deploy("late", await registry.version("late", version), { actor: "a", why: "by hand" });
    await start(platform);
    assert.equal(await stateOf(platform), state);
    await platform.close();
  }
});
