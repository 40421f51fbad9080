/** Runs on a real Slurm cluster, as their user has them: what becomes of jobs when a server is killed, a run is cancelled, an engine is asked for. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { ask } from "./ask.ts";
import { ended, mill, millIn, newPath, serve, serveIn, start, stopped } from "./run-mill.ts";
import { freezeSteps, startCluster, withoutSlurm } from "./slurm-cluster.ts";

const cluster = withoutSlurm ? null : await startCluster();
after(() => cluster?.stop());
const settings = cluster?.settings ?? {};

const withoutRoot = process.getuid?.() !== 0 && "needs root, to hide a folder from a node";

const PROJECT = join(import.meta.dirname, "penguins");
/** A few steps will do. */
const TARGET = "dataset/penguins";

test("jobs of a server that is killed go on, and the next one takes them up: no step runs twice", {
  skip: withoutSlurm,
}, async () => {
  const workspace = newPath("killed");
  const at = ["--project", PROJECT, "--workspace", workspace, "--on", "slurm"];
  const first = start(["run", TARGET, ...at], settings);
  const goOn = await freezeSteps(workspace);
  await stopped(first.child, "SIGKILL");

  const second = await serveIn(settings, ...at); // it serves once it has recovered
  assert.ok((await cluster!.queue()).length > 0, "the job is still there");
  goOn();
  const run = await mill("run", TARGET, ...at);
  assert.equal(run.code, 0, run.stderr);

  const { runs, steps } = await toldBy(second.url);
  assert.deepEqual(
    runs.map(({ state }) => state),
    ["succeeded", "lost"],
  );
  assert.equal(new Set(steps.map(({ key }) => key)).size, steps.length);
  for (const { state, attempts } of steps)
    assert.deepEqual([state, attempts.map(({ engine }) => engine)], ["succeeded", ["slurm"]]);
  assert.equal(await stopped(second.child, "SIGTERM"), 0, second.text.stderr);
});

test("a run on Slurm asked of a server that runs steps itself; cancelled, nothing of it is left in Slurm", {
  skip: withoutSlurm,
}, async () => {
  const workspace = newPath("cancelled");
  const at = ["--project", PROJECT, "--workspace", workspace];
  const server = await serveIn(settings, ...at);
  const run = start(["run", TARGET, "--on", "slurm", ...at]);
  await freezeSteps(workspace);
  const { runs } = await toldBy(server.url);
  const cancelled = await mill("cancel", runs[0]!.id, ...at);
  assert.equal(cancelled.code, 0, cancelled.stderr);
  assert.equal(await ended(run.child), 130, run.text.stderr);
  assert.match(run.text.stderr, /^on {9}slurm$/m);
  await cluster!.queueEmpties();
  const { steps } = await toldBy(server.url);
  assert.deepEqual([...new Set(steps.map(({ state }) => state))], ["cancelled"]);

  const again = await mill("run", TARGET, ...at);
  assert.equal(again.code, 0, again.stderr);
  const engines = (await toldBy(server.url)).steps.flatMap(({ attempts }) => attempts.map(({ engine }) => engine));
  assert.deepEqual([...new Set(engines)].sort(), ["local", "slurm"]);
  assert.equal(await stopped(server.child, "SIGTERM"), 0, server.text.stderr);
});

test("a server that knows no Slurm says so when a run is asked for there, and records no run", async () => {
  const at = ["--project", PROJECT, "--workspace", newPath("here")];
  const server = await serve(...at);
  const { code, stderr } = await millIn(settings, "run", "--on", "slurm", ...at);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /There is no engine "slurm"\. \[engine\.unknown\]/);
  assert.deepEqual((await toldBy(server.url)).runs, []);
  assert.equal(await stopped(server.child, "SIGTERM"), 0, server.text.stderr);
});

test("whether the nodes see the workspace is tried by a job, and told before a run fails of it", {
  skip: withoutSlurm || withoutRoot,
}, async () => {
  const workspace = newPath("shared");
  mkdirSync(workspace, { mode: 0o700 });
  const nodes = async () => {
    const { stdout } = await millIn(settings, "doctor", "--project", PROJECT, "--workspace", workspace);
    return stdout.split("\n").find((line) => line.includes("slurm nodes"));
  };
  assert.match((await nodes())!, /^ok .* finds Node, Millwright and the workspace/);
  await cluster!.hide(workspace);
  assert.match((await nodes())!, /^fault .* a job left nothing in/);
  await cluster!.queueEmpties();
  assert.deepEqual(readdirSync(workspace), []);
});

interface Step {
  readonly id: string;
  readonly key: string;
  readonly state: string;
  readonly attempts: readonly { readonly engine: string }[];
}

/** Newest first. */
async function toldBy(url: string) {
  const items = async <T>(path: string) => (await ask(url, path)).json<{ items: T[] }>().items;
  const runs = await items<{ readonly id: string; readonly state: string }>("/v1/runs");
  const steps = (await items<{ readonly id: string }>("/v1/steps?limit=100")).map(async ({ id }) =>
    (await ask(url, `/v1/steps/${id}`)).json<Step>(),
  );
  return { runs, steps: await Promise.all(steps) };
}
