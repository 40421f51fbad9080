/** MLflow's own client in a script; MILL_TEST_MLFLOW names a Python that has it. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Environments } from "../ports/python/index.ts";
import { openTrackedScripts } from "./fixtures/tracked-scripts.ts";

const python = process.env.MILL_TEST_MLFLOW;
const skip = python === undefined && "set MILL_TEST_MLFLOW to a Python with MLflow (.ci/mlflow start DIR)";
const refuse = () => Promise.reject(new Error("it is there already"));
/** The one that is there. */
const environments: Environments = { interpreter: refuse, lock: refuse, open: async () => ({ python: python! }) };

test("MLflow's client in a script logs to the run of its attempt: metrics, parameters, files, and no more than that", {
  skip,
}, async () => {
  const { tracking, run, newest, close } = await openTrackedScripts(() => environments);
  after(close);
  const { outcome, lines } = await run(`
import millwright, mlflow
job = millwright.job()
mlflow.log_metric("own", 7, step=3)
mlflow.log_param("fit_intercept", True)
mlflow.log_text("hello", "notes/hello.txt")
client = mlflow.MlflowClient()
print("files", sorted(file.path for file in client.list_artifacts(mlflow.active_run().info.run_id)))
try:
    client.create_registered_model("mine")
except mlflow.MlflowException as error:
    print("refused", error)
mlflow.end_run()
with mlflow.start_run() as another:
    print("another", another.info.experiment_id)
job.log(late=1)
(job.output / "model.onnx").write_bytes(b"a graph")
`);
  assert.equal(outcome.state, "succeeded", lines.join("\n"));
  const { experimentId, tags } = await newest();
  assert.equal(tags["mill.step"], undefined, "a run that the script starts beside it is its own");
  assert.equal(
    lines.find((line) => line.startsWith("another")),
    `another ${experimentId}`,
  );
  const attempt = (await tracking.searchRuns({ experimentIds: [experimentId], filter: "tags.`mill.model` = 'penguins'" }))
    .items[0]!;
  const { id, status, params, metrics } = attempt;
  assert.equal(status, "FINISHED");
  assert.deepEqual([params.trees, params.fit_intercept], ["3", "True"]);
  const keys = metrics.map(({ key }) => key);
  for (const key of ["own", "late"]) assert.ok(keys.includes(key), keys.join());
  assert.equal((await tracking.history({ runId: id, key: "own" })).items[0]!.step, 3);
  assert.match(lines.find((line) => line.startsWith("files"))!, /'notes'/);
  assert.match(lines.find((line) => line.startsWith("refused"))!, /PERMISSION_DENIED.*log to tracking, and nothing else/);
});
