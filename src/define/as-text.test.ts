import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { definitionsText, loadProject, projectOf } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "mill-as-text-"));
after(() => rmSync(root, { recursive: true, force: true }));

const flights = join(import.meta.dirname, "..", "..", "examples", "flights");

async function project(text: string) {
  const folder = mkdtempSync(join(root, "project-"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "mill.ts"), text);
  return loadProject(folder);
}

const MILL = (fields: string, exports = "export { rows, seen, late };") => `
import { byHash, dataset, features, files, gradientBoosting, model, problem, published, schedule } from "millwright";
const rows = dataset("rows", { from: files("rows.csv"), columns: { a: "int32", b: "float64", c: "boolean", at: "timestamp" }, time: "at", outcomes: { c: "2h" }, split: byHash({ test: 0.2, holdout: 0.2 }),
  checks: (c) => [c.a.between(0, 9)] });
const seen = features("seen", rows, (f) => (${fields}));
const late = model("late", { solves: problem("lateness", { question: "Is it?", task: "binary-classification", owner: "ann" }), from: seen, label: (f) => f.c, threshold: 0.5, train: gradientBoosting({ trees: 5 }) });
export const nightly = schedule("nightly", { runs: [late], when: [published(rows)] });
${exports}
`;

test("definitions come back from their text as they were, and refer to one another", async () => {
  for (const before of [await loadProject(flights), await project(MILL("{ a: f.a, b: f.b }"))]) {
    const after = projectOf(definitionsText(before), before.folder);
    assert.deepEqual(after, before);
    for (const { from } of after.features.values()) assert.equal(after.datasets.get(from.name), from);
    for (const { serves } of after.endpoints.values()) assert.equal(after.models.get(serves.name), serves);
    assert.equal(definitionsText(after), definitionsText(before));
  }
});

test("the text keeps the order of features, and knows none of exports", async () => {
  const text = definitionsText(await project(MILL("{ a: f.a, b: f.b }")));
  assert.equal(definitionsText(await project(MILL("{ a: f.a, b: f.b }", "export { late, seen, rows };"))), text);
  assert.notEqual(definitionsText(await project(MILL("{ b: f.b, a: f.a }"))), text);
});

test("what is in the files of a trainer is part of the text, and comes back as the project's", async () => {
  const folder = mkdtempSync(join(root, "python-"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(
    join(folder, "mill.ts"),
    MILL("{ a: f.a }").replace("gradientBoosting({ trees: 5 })", PYTHON).replace("gradientBoosting", "python"),
  );
  writeFileSync(join(folder, "requirements.txt"), "scikit-learn==1.9.1 # pinned\n");
  const textOf = async (script: string) => {
    writeFileSync(join(folder, "train.py"), script);
    const project = await loadProject(folder);
    assert.deepEqual(projectOf(definitionsText(project), folder), project);
    return definitionsText(project);
  };
  const text = await textOf("print(1)");
  assert.equal(await textOf("print(1)"), text);
  assert.notEqual(await textOf("print(2)"), text);
});

const PYTHON = 'python({ script: "train.py", requirements: "requirements.txt", params: { deep: { trees: [1, 2] } } })';

test("a text of another form is refused", () => {
  assert.throws(() => projectOf('{"form":2}', root), { code: "define.other-form" });
});
