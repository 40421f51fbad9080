/** The flights on a real cluster, and on this machine. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { openRecords } from "../src/ports/records/index.ts";
import { madeOf } from "./made-of.ts";
import { ended, mill, newPath, start } from "./run-mill.ts";
import { freezeSteps, startCluster, withoutSlurm } from "./slurm-cluster.ts";
import { smallFlights } from "./small-flights.ts";

const cluster = withoutSlurm ? null : await startCluster();
after(() => cluster?.stop());

test("every step on Slurm leaves what it leaves on this machine, digest by digest, though the controller is killed", {
  skip: withoutSlurm,
}, async () => {
  const project = await smallFlights();
  const [here, there] = [newPath("here"), newPath("there")];
  const local = await mill("run", "--project", project, "--workspace", here);
  assert.equal(local.code, 0, local.stderr);

  const { child, text } = start(["run", "--on", "slurm", "--project", project, "--workspace", there], cluster!.settings);
  const goOn = await freezeSteps(there);
  await cluster!.killController(goOn);
  assert.equal(await ended(child), 0, text.stderr);

  const [expected, left] = [await madeIn(here), await madeIn(there)];
  assert.ok(expected.results.length > 8);
  assert.deepEqual(left.results, expected.results);
  assert.deepEqual([expected.engines, left.engines], [["local"], ["slurm"]]);
  assert.ok(existsSync(join(there, "slurm")));
});

async function madeIn(workspace: string) {
  const records = await openRecords(join(workspace, "mill.db"));
  const results = await records.query("SELECT step_key AS key, kind, target, manifest FROM results ORDER BY step_key");
  const engines = await records.query<{ engine: string }>("SELECT DISTINCT engine FROM attempts");
  await records.close();
  return { results: results.map(madeOf), engines: engines.map(({ engine }) => engine) };
}
