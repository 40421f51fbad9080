/** The flights example on a real cluster; `.ci/slurm start DIR` prints what MILL_TEST_SLURM and MILL_TEST_SLURM_DIR are to be. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { openRecords } from "./ports/records/index.ts";

const { MILL_TEST_SLURM: address, MILL_TEST_SLURM_DIR: cluster } = process.env;
const skip = address === undefined || cluster === undefined ? "MILL_TEST_SLURM names no cluster" : false;
const root = mkdtempSync(join(tmpdir(), "mill-on-slurm-"));
after(() => rmSync(root, { recursive: true, force: true }));
const run = promisify(execFile);

test("every step of a run on Slurm leaves what it leaves on this machine, digest by digest", { skip }, async () => {
  const token = join(root, "token");
  const { stdout } = await run(join(import.meta.dirname, "../.ci/slurm"), ["token", cluster!, "3600"]);
  writeFileSync(token, stdout, { mode: 0o600 });
  const { username, host } = new URL(address!);
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
