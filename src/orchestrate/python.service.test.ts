/** Models that Python scripts train, from the definition to an answer, with scikit-learn from PyPI: `.ci/python` says with which Python. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { createEnvironments } from "../ports/python/index.ts";
import { newObjects, openBench, rebuilt } from "./fixtures/bench.ts";
import { finished, openPlatform, type Platform, started } from "./fixtures/platform.ts";
import { packParcel, unpackParcel } from "./rebuild/parcel.ts";

const python = process.env.MILL_TEST_PYTHON;
const skip = python === undefined && "MILL_TEST_PYTHON is not set: .ci/python start says how to get a Python";
const root = mkdtempSync(join(tmpdir(), "mill-python-"));
after(() => rmSync(root, { recursive: true, force: true }));
const examples = join(import.meta.dirname, "..", "..", "examples");

const MODELS = ["forest", "pipeline", "spread"] as const;

const MILL = `
import { byHash, dataset, endpoint, features, files, model, problem, python } from "millwright";
const penguins = dataset("penguins", {
  from: files("penguins.csv"),
  columns: {
    species: { type: "category", source: "Species" },
    island: { type: "category", source: "Island" },
    beakLength: { type: "float64?", source: "Beak Length (mm)" },
    flipperLength: { type: "int32?", source: "Flipper Length (mm)" },
    sex: { type: "category?", source: "Sex" },
  },
  where: (c) => c.beakLength.gt(0),
  split: byHash({ test: 0.2, holdout: 0.2 }),
});
const species = problem("species", { question: "Which species is it?", task: "multiclass-classification", owner: "survey@example.org" });
const measured = features("measured", penguins, (f) => ({ beakLength: f.beakLength, flipperLength: f.flipperLength }));
const described = features("described", penguins, (f) => ({ island: f.island, sex: f.sex, beakLength: f.beakLength }));
const asked = { solves: species, label: (f) => f.species, accept: (m) => [m.accuracy.atLeast(0.8)] };
const script = (script) => python({ script, requirements: "requirements.txt", params: { seed: 1 }, license: "MIT" });
export const forest = endpoint("forest", { serves: model("forest", { ...asked, from: measured, train: script("forest.py") }) });
export const pipeline = endpoint("pipeline", { serves: model("pipeline", { ...asked, from: described, train: script("pipeline.py") }) });
export const spread = endpoint("spread", { serves: model("spread", { ...asked, from: measured, train: script("spread.py") }) });
`;

const trained = (imports: string, made: string) => `
import millwright
${imports}
job = millwright.job()
model = ${made}.fit(job.X, job.y)
job.log(rows=len(job.y))
job.save(model)
`;
const SCRIPTS = {
  forest: trained(
    "from sklearn.ensemble import RandomForestClassifier",
    "RandomForestClassifier(20, min_samples_leaf=2, random_state=job.seed)",
  ),
  pipeline: trained(
    `from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler`,
    `make_pipeline(make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["island", "sex"]), (StandardScaler(), ["beakLength"])), LogisticRegression())`,
  ),
  spread: trained(
    `from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelPropagation`,
    "make_pipeline(StandardScaler(), LabelPropagation())",
  ),
};

let platform: Platform;
before(async () => {
  if (skip) return;
  platform = await openPlatform({
    folder: mkdtempSync(join(root, "project-")),
    environments: createEnvironments({
      folder: process.env.MILL_TEST_PYTHON_FOLDER ?? join(root, "environments"),
      python: python!,
    }),
  });
  platform.write("package.json", '{ "type": "module" }');
  copyFileSync(join(examples, "penguins", "penguins.csv"), join(platform.folder, "penguins.csv"));
  platform.write("requirements.txt", "scikit-learn==1.9.1 # its trees are read into ours\n");
  for (const [name, script] of Object.entries(SCRIPTS)) platform.write(`${name}.py`, script);
  platform.write("mill.ts", MILL);
});
after(() => platform?.close());

const ADELIE = { beakLength: 38, flipperLength: 185 };
const GENTOO = { beakLength: 49, flipperLength: 225 };
const labels = async (name: string, ...rows: readonly Record<string, unknown>[]) => {
  const { predictions } = await platform.call("predict", { name, rows: rows as never });
  return predictions.map((one) => "label" in one && one.label);
};

test("scripts become versions that serve, each in the form that its model allows", { skip }, async () => {
  const events = await platform.run();
  assert.deepEqual([finished(events).state, finished(events).error], ["succeeded", undefined]);
  const forms = await Promise.all(MODELS.map((name) => platform.workspace.serving.state(name)));
  assert.deepEqual(
    forms.map(({ answers }) => answers.form),
    ["inline", "onnx", "python"],
  );
  for (const name of ["forest", "spread"]) assert.deepEqual(await labels(name, ADELIE, GENTOO), ["Adelie", "Gentoo"]);
  const told = { island: "Biscoe", sex: "FEMALE", beakLength: 46 };
  assert.deepEqual(await labels("pipeline", told, { ...told, island: "Torgersen", sex: null, beakLength: 38 }), [
    "Gentoo",
    "Adelie",
  ]);

  const version = await platform.call("getModelVersion", { name: "spread", version: "1" });
  assert.deepEqual([version.proof.proven, version.importance], [false, {}]);
  const { markdown } = await platform.call("card", { name: "spread", version: "1" });
  for (const said of [/spread\.py/, /scikit-learn \| 1\.9\.1 \| BSD/, /answers in Python/, /Licence of the model: MIT/])
    assert.match(markdown, said);
  assert.match((await platform.call("card", { name: "pipeline", version: "1" })).markdown, /largest difference/);
});

test("a forest is made again from its recipe: rows, script and lock are all that it takes", { skip }, async () => {
  const { recipe } = await platform.call("getRecipe", { name: "forest", version: "1" });
  assert.deepEqual(
    recipe.objects.map(({ of }) => of),
    ["part-0 of dataset/penguins:ingest", "files.0.digest of model/forest:fit", "lock of model/forest:environment"],
  );
  const { objects, environments } = platform.workspace;
  const elsewhere = newObjects();
  await unpackParcel(packParcel(recipe, objects), elsewhere, { at: "forest" });
  const { bench, close } = await openBench(elsewhere, { environments });
  const found = await rebuilt(bench, recipe);
  assert.equal(found.same, true, JSON.stringify(found.sentences));
  const { ingest, environment, fit } = found.standings;
  assert.deepEqual([ingest, environment], ["given", "given"]);
  assert.match(fit!, /^(same|within)$/);
  await close();
});

test("nothing runs again while nothing changes; a reworded question is no change", { skip }, async () => {
  platform.write("mill.ts", MILL.replace("Which species is it?", "Which one?"));
  assert.deepEqual(
    started(await platform.run()).filter((id) => !id.endsWith(":gate")),
    [],
  );
});

test("a worker that is killed costs the requests that it had; it is started again and says so meanwhile", { skip }, async () => {
  const { serving } = platform.workspace;
  const killed = (await workersOf(process.pid))[0]!;
  process.kill(killed, "SIGKILL");
  const answers = await Promise.allSettled([labels("spread", ADELIE), labels("forest", ADELIE)]);
  assert.equal(answers[1]!.status, "fulfilled");
  if (answers[0]!.status === "rejected") assert.equal(answers[0].reason.code, "endpoint.down");
  while (serving.whyDown() !== null) await delay(20);
  assert.deepEqual(await labels("spread", ADELIE), ["Adelie"]);
  assert.notEqual((await workersOf(process.pid))[0], killed);
});

test("an edited script trains again, alone; what it makes must pass the gate", { skip }, async () => {
  platform.write("forest.py", trained("from sklearn.dummy import DummyClassifier", 'DummyClassifier(strategy="prior")'));
  const events = await platform.run();
  assert.equal(finished(events).state, "refused");
  const ran = started(events);
  assert.deepEqual([ran.includes("model/forest:fit"), ran.includes("model/forest:environment")], [true, false]);
  assert.deepEqual(
    ran.filter((id) => !id.startsWith("model/forest:") && !id.endsWith(":gate")),
    [],
  );
  assert.deepEqual(await labels("forest", GENTOO), ["Gentoo"], "the version before answers");
  const { differences } = await platform.call("diff", { a: "forest@1", b: "forest@2" });
  assert.ok(differences.some(({ area, field }) => area === "definition" && field === "forest.py"));
  assert.ok(!differences.some(({ area }) => area === "environment"));
});

test("a script that hangs is ended after the time that its definition gives it", { skip }, async () => {
  platform.write("forest.py", "import time\ntime.sleep(600)\n");
  platform.write("mill.ts", MILL.replace("python({ script,", 'python({ script, timeout: "2s",'));
  const { state, error } = finished(await platform.run());
  assert.deepEqual([state, error?.code], ["failed", "step.timeout"]);
});

/** Processes that run a model for this one. */
async function workersOf(parent: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "pid=,args=", "--ppid", String(parent)]);
  return stdout.split("\n").flatMap((line) => (line.includes("predict.py") ? [Number.parseInt(line, 10)] : []));
}
