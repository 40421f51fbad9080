/** The flights example on a real cluster, of its own: the one of MILL_TEST_SLURM loses its jobs in another test. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { openRecords } from "./ports/records/index.ts";

const skip = process.env.MILL_TEST_SLURM === undefined ? "MILL_TEST_SLURM is not set: Slurm is not installed" : false;
const root = mkdtempSync(join(tmpdir(), "mill-on-slurm-"));
const cluster = join(root, "cluster");
const run = promisify(execFile);
const slurm = async (...words: string[]) => (await run(join(import.meta.dirname, "../.ci/slurm"), words)).stdout;
after(async () => {
  if (!skip) await slurm("stop", cluster);
  rmSync(root, { recursive: true, force: true });
});

test("every step of a run on Slurm leaves what it leaves on this machine, digest by digest", { skip }, async () => {
  chmodSync(root, 0o711); // the REST door runs as another user
  const address = /^MILL_TEST_SLURM=(.*)$/m.exec(await slurm("start", cluster))![1]!;
  const token = join(root, "token");
  writeFileSync(token, await slurm("token", cluster, "3600"), { mode: 0o600 });
  const { username, host } = new URL(address);
  const here = await resultsOf("local", {});
  const there = await resultsOf("slurm", {
    MILL_SLURM_URL: `http://${host}`,
    MILL_SLURM_USER: username,
    MILL_SLURM_TOKEN_FILE: token,
  });
  assert.ok(here.results.length > 10);
  assert.deepEqual(there.results, here.results);
  assert.deepEqual([here.engines, there.engines], [["local"], ["slurm"]]);
});

async function resultsOf(on: string, settings: Record<string, string>) {
  const workspace = join(root, on);
  const project = join(import.meta.dirname, "../examples/flights");
  const words = [join(import.meta.dirname, "main.ts"), "run", "--on", on, "--project", project, "--workspace", workspace];
  await run(process.execPath, words, { env: { ...process.env, ...settings } });
  const records = await openRecords(join(workspace, "mill.db"));
  const results = await records.query("SELECT step_key AS key, kind, target, manifest FROM results ORDER BY step_key");
  const engines = await records.query<{ engine: string }>("SELECT DISTINCT engine FROM attempts");
  await records.close();
  return { results, engines: engines.map(({ engine }) => engine) };
}
