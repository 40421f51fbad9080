/** The projects of `mill init --template`, as their user has them, with packages from PyPI; MILL_TEST_PYTHON names a Python with uv (`.ci/python start DIR`). */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { mill, millIn, newPath } from "./run-mill.ts";

const python = process.env.MILL_TEST_PYTHON;
const skip = python === undefined && "set MILL_TEST_PYTHON to a Python with uv (.ci/python start DIR)";
const folder = process.env.MILL_TEST_PYTHON_FOLDER ?? newPath("environments");
const settings = { ...(python !== undefined && { MILL_PYTHON: python }), MILL_PYTHON_FOLDER: folder };

interface Facts {
  readonly form: string;
  readonly framework: string;
  readonly largest: number;
}

/** What steps of a kind found, by their targets. */
function factsOf(project: string, kind: string): Record<string, Facts> {
  const database = new DatabaseSync(join(project, ".mill", "mill.db"), { readOnly: true });
  const rows = database.prepare("SELECT target, manifest FROM results WHERE kind = ?").all(kind);
  database.close();
  return Object.fromEntries(rows.map(({ target, manifest }) => [target, JSON.parse(String(manifest)).facts]));
}

async function predict(project: string, endpoint: string, row: object) {
  const { code, stdout, stderr } = await millIn(
    settings,
    "predict",
    endpoint,
    "--project",
    project,
    "--row",
    JSON.stringify(row),
    "--json",
  );
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout).data.predictions[0] as { readonly label: string; readonly probabilities: Record<string, number> };
}

async function made(template: string): Promise<string> {
  const project = newPath(template);
  assert.equal((await mill("init", project, "--template", template)).code, 0);
  const ran = await millIn(settings, "run", "--project", project);
  assert.equal(ran.code, 0, `${ran.stdout}${ran.stderr}`);
  assert.match(ran.stderr, /model penguin-species, version 1 \(champion/);
  return project;
}

const CHINSTRAP = { beakLength: 50.2, beakDepth: 18.7, flipperLength: 198, bodyMass: 3775 };

for (const [template, framework, form] of [
  ["xgboost", "xgboost", "inline"],
  ["lightgbm", "lightgbm", "inline"],
  ["keras", "keras", "onnx"],
] as const)
  test(`${template}: the model passes its gate, answers as ${framework} does, in the form ${form}, and one that misses a value too`, {
    skip,
  }, async () => {
    const project = await made(template);
    const found = factsOf(project, "convert")["model/penguin-species"]!;
    assert.deepEqual([found.framework, found.form], [framework, form]);
    assert.ok(found.largest <= 1e-4, `${found.largest}`);
    const { label, probabilities } = await predict(project, "penguin-species", CHINSTRAP);
    assert.ok(label === "Chinstrap" && probabilities.Chinstrap! > 0.8, JSON.stringify(probabilities));
    if (form === "inline") await predict(project, "penguin-species", { ...CHINSTRAP, bodyMass: null });
  });

test("pytorch: a network of measures and a convolutional one of images pass their gates and answer as PyTorch does, as graphs", {
  skip,
}, async () => {
  const project = await made("pytorch");
  const found = factsOf(project, "convert");
  for (const name of ["penguin-species", "digit"]) {
    const { form, framework, largest } = found[`model/${name}`]!;
    assert.deepEqual([framework, form], ["pytorch", "onnx"]);
    assert.ok(largest <= 1e-4, `${largest}`);
  }
  assert.equal((await predict(project, "penguin-species", CHINSTRAP)).label, "Chinstrap");
  const [zero] = (await readFile(join(import.meta.dirname, "../src/learn/fixtures/data/digits.csv"), "utf8"))
    .split("\n")
    .slice(1);
  const pixels = zero!.split(",").map(Number);
  const row = Object.fromEntries(pixels.slice(0, 64).map((value, place) => [`p${place}`, value]));
  assert.equal((await predict(project, "digit", row)).label, String(pixels[64]));
});

test("a notebook is a script: it gets its parameters, is kept with what its cells gave, and a cell that fails ends the step with its traceback", {
  skip,
}, async () => {
  const project = newPath("notebook");
  assert.equal((await mill("init", project, "--template", "sklearn")).code, 0);
  const definitions = join(project, "mill.ts");
  await writeFile(definitions, (await readFile(definitions, "utf8")).replace("train.py", "train.ipynb"));
  const script = await readFile(join(project, "train.py"), "utf8");
  await writeFile(join(project, "train.ipynb"), notebook("trees = None", script.replace('job.params["trees"]', "trees")));
  const ran = await millIn(settings, "run", "--project", project);
  assert.equal(ran.code, 0, `${ran.stdout}${ran.stderr}`);
  assert.equal(factsOf(project, "convert")["model/penguin-species"]!.form, "inline");

  await writeFile(join(project, "train.ipynb"), notebook("trees = None", "1 / (trees - 100)"));
  const failed = await millIn(settings, "run", "--project", project);
  assert.notEqual(failed.code, 0);
  assert.match(failed.stdout + failed.stderr, /ZeroDivisionError/);
  assert.match(failed.stdout + failed.stderr, /cell \[\d+\] of train.ipynb failed/);
});

function notebook(parameters: string, source: string): string {
  const cell = (id: string, text: string, tags: readonly string[] = []) => ({
    ...{ cell_type: "code", execution_count: null, id, metadata: { tags }, outputs: [] },
    source: text.split(/(?<=\n)/),
  });
  return JSON.stringify({
    cells: [cell("parameters", parameters, ["parameters"]), cell("work", source)],
    metadata: { kernelspec: { name: "somewhere-else", display_name: "Python", language: "python" } },
    nbformat: 4,
    nbformat_minor: 5,
  });
}

test("a template that there is not, and one beside a file, are refused", async () => {
  const unknown = await mill("init", newPath("none"), "--template", "sklaern", "--json");
  assert.match(unknown.stdout, /cli.template-unknown.*Did you mean \\"sklearn\\"/);
  const both = await mill("init", newPath("none"), "--template", "sklearn", "--label", "x");
  assert.equal(both.code, 2);
});
