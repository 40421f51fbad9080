/** Real scripts that log while they run: to the run of their attempt, at a door of its own. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createEnvironments } from "../ports/python/index.ts";
import { openTrackedScripts } from "./fixtures/tracked-scripts.ts";

const options = { python: process.env.MILL_TEST_PYTHON ?? null };
const scripts = await openTrackedScripts((folder) => createEnvironments({ folder: join(folder, "python"), ...options }));
const { records, tracking, attempts, run, newest } = scripts;
after(() => scripts.close());
const probe = await run("");
const skip =
  /There is no Python|has neither uv nor/.test(JSON.stringify(probe.outcome)) &&
  "there is no python3 with uv or pip on this machine";

/** What an MLflow client does, with the standard library alone. */
const CLIENT = `
import base64, json, os, time, urllib.error, urllib.parse, urllib.request
import millwright
job = millwright.job()
place = urllib.parse.urlsplit(os.environ["MLFLOW_TRACKING_URI"])
run = os.environ["MLFLOW_RUN_ID"]
def ask(path, body=None, auth=True, method="POST"):
    url = f"http://{place.hostname}:{place.port}/{path}"
    headers = {"content-type": "application/json"}
    if auth:
        headers["authorization"] = "Basic " + base64.b64encode(f"{os.environ['MLFLOW_TRACKING_USERNAME']}:{os.environ['MLFLOW_TRACKING_PASSWORD']}".encode()).decode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
def log(key, value):
    return ask("api/2.0/mlflow/runs/log-metric", {"run_id": run, "key": key, "value": value, "timestamp": int(time.time() * 1000), "step": 0})
(job.output / "model.onnx").write_bytes(b"a graph")
`;

test("a script's attempt is a run: what the script logs by either way is in it, and it ends as the step does", {
  skip,
}, async () => {
  const { outcome, lines } = await run(`${CLIENT}
for step in range(2500):
    job.log(loss=1 / (step + 1), step=step)
job.log(last=float("nan"))
job.log(bare=1); job.log(bare=2)
print("client", log("own", 7))
print("artifact", ask("api/2.0/mlflow-artifacts/artifacts/0/" + run + "/artifacts/x.txt", "text", method="PUT"))
`);
  assert.equal(outcome.state, "succeeded");
  const done = await newest();
  const { stepId } = outcome as { readonly stepId: string };
  assert.deepEqual([done.status, done.tags["mill.step"], done.tags["mill.model"]], ["FINISHED", stepId, "penguins"]);
  assert.deepEqual(done.params, { trees: "3", kind: "small" });
  const latest = Object.fromEntries(done.metrics.map(({ key, value, step }) => [key, [value, step]]));
  assert.deepEqual(latest, { loss: [1 / 2500, 2499], last: [Number.NaN, 0], bare: [2, 1], own: [7, 0] });
  assert.equal((await tracking.history({ runId: done.id, key: "loss" })).items.length, 2500);
  assert.deepEqual(
    lines.filter((line) => /^(client|artifact|Tracking)/.test(line)),
    ["client 200", "artifact 200"],
  );
});

test("the address is good for logging alone, for its script alone, and as long as that runs", { skip }, async () => {
  const { lines } = await run(`${CLIENT}
print("address", os.environ["MLFLOW_TRACKING_URI"])
print("password", os.environ["MLFLOW_TRACKING_PASSWORD"])
print("letters", " ".join(os.environ["MLFLOW_TRACKING_PASSWORD"]))
print("stranger", ask("api/2.0/mlflow/runs/log-metric", {}, auth=False), ask("version", auth=False, method="GET"))
for path in ("experiments/delete", "runs/delete", "registered-models/create", "webhooks"):
    print(path, ask("api/2.0/mlflow/" + path, {"experiment_id": "0", "run_id": run, "name": "mine"}))
print("verbs", ask("v1/status"), ask("v1/tokens", {}))
`);
  const told = Object.fromEntries(lines.map((line) => [line.split(" ")[0], line.slice(line.indexOf(" ") + 1)]));
  assert.equal(told.stranger, "401 401");
  for (const path of ["experiments/delete", "runs/delete", "registered-models/create"]) assert.equal(told[path], "403", path);
  assert.equal(told.verbs, "404 404");

  assert.equal(told.password, "***", "what a script prints of it is not in its log");
  const password = told.letters!.replaceAll(" ", "");
  const late = await fetch(`${told.address}/version`, { headers: { authorization: `Bearer ${password}` } });
  assert.equal(late.status, 401);
  const rows = await Promise.all(
    ["steps", "attempts", "results", "audit"].map((table) => records.query(`SELECT * FROM ${table}`)),
  );
  assert.ok(!JSON.stringify(rows).includes(password));
});

test("the run of a script that fails is failed, and of one that is cancelled killed", { skip }, async () => {
  const failed = await run(`${CLIENT}\nraise RuntimeError("no rows")`);
  assert.equal(failed.outcome.state, "failed");
  assert.equal((await newest()).status, "FAILED");

  const cancel = new AbortController();
  const running = run(`${CLIENT}\nlog("begun", 1)\ntime.sleep(600)`, cancel.signal);
  while (!(await newest()).metrics.some(({ key }) => key === "begun")) await delay(20);
  cancel.abort();
  assert.equal((await running).outcome.state, "cancelled");
  assert.equal((await newest()).status, "KILLED");
});

test("a run whose server was killed ends with the recovery of its step", { skip }, async () => {
  await run(`${CLIENT}\nraise RuntimeError("to have an attempt that ended")`);
  const { id, endedAt } = await newest();
  await tracking.updateRun(id, { status: "RUNNING" });
  await attempts.settle(endedAt! + 60_000);
  assert.equal((await newest()).status, "RUNNING", "what ended before the recovery is not its own");
  await attempts.settle(0);
  assert.equal((await newest()).status, "FAILED");
});

test("a script trains where tracking cannot be had, and says why", { skip }, async () => {
  const { id } = await tracking.experimentNamed("penguins");
  await tracking.deleteExperiment(id);
  const { outcome, lines } = await run("import millwright\n(millwright.job().output / 'model.onnx').write_bytes(b'x')");
  assert.equal(outcome.state, "succeeded");
  assert.match(lines.join("\n"), /This run is not tracked: .* is deleted/);
});
