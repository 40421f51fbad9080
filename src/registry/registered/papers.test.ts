import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createUploads } from "../../lake/index.ts";
import { createFileObjects } from "../../ports/objects/index.ts";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import { createArtifacts, createLoggedModels, createTracking } from "../../train/index.ts";
import { createPapers, createRegisteredModels, createRegistry } from "../index.ts";
import { readMlModel } from "./mlmodel.ts";

const root = mkdtempSync(join(tmpdir(), "mill-papers-"));
const records = await openTestRecords(join(root, "mill.db"));
const objects = createFileObjects(join(root, "objects"));
const tracking = createTracking({ records });
const artifacts = createArtifacts({ records, objects, uploads: createUploads({ records, objects }) });
const models = createRegisteredModels({ records, tracking, loggedModels: createLoggedModels({ records, tracking }) });
const registry = createRegistry({ records, objects });
const papers = createPapers({ records, objects, artifacts, tracking, registered: models });
after(async () => {
  await tracking.close();
  await objects.close();
  await records.close();
  rmSync(root, { recursive: true, force: true });
});

const BY = { actor: "anna" };
const ABSENT = { license: null, signature: null, example: null, dependencies: null, code: null };
/** As PyYAML writes it for a model that scikit-learn trained. */
const MLMODEL = `artifact_path: mlflow-artifacts:/6/models/m-d0/artifacts
flavors:
  python_function:
    env:
      conda: conda.yaml
    predict_fn: predict
metadata:
  license: MIT
model_size_bytes: 815
prompts: null
saved_input_example_info:
  artifact_path: input_example.json
  type: dataframe
signature:
  inputs: '[{"type": "double", "name": "it''s a", "required": true}, {"type": "double",
    "name": "b", "required": true}]'
  outputs: "[{\\"type\\": \\"tensor\\", \\"tensor-spec\\": {\\"dtype\\": \\"int64\\", \\"shape\\"\\
    : [-1]}}]"
  params: null
utc_time_created: '2026-11-22 00:52:20.312477'
`;

test("licence, signature, example, dependencies and code come from the files and the run that a version names, until somebody says another licence", async () => {
  const run = await tracking.createRun({ experimentId: "0", tags: { "mlflow.source.git.commit": "4f2c" } });
  const folder = `${run.artifactUri.replace("mlflow-artifacts:/", "")}/model`;
  const put = (name: string, text: string) => artifacts.put(`${folder}/${name}`, one(text));
  await put("MLmodel", MLMODEL);
  await put("requirements.txt", "mlflow==3.18.0\n\n# pinned\nscikit-learn==1.9.1\n");
  await put("input_example.json", `{"columns": ["it's a", "b"], "data": [[1, 2]]}`);
  await models.create({ name: "churn" }, BY);
  await models.createVersion({ name: "churn", source: `runs:/${run.id}/model` }, BY);
  const found = await papers("churn", 1);
  assert.deepEqual(found, {
    license: "MIT",
    signature: {
      inputs: [
        { type: "double", name: "it's a", required: true },
        { type: "double", name: "b", required: true },
      ],
      outputs: [{ type: "tensor", "tensor-spec": { dtype: "int64", shape: [-1] } }],
      params: null,
    },
    example: { columns: ["it's a", "b"], data: [[1, 2]] },
    dependencies: ["mlflow==3.18.0", "scikit-learn==1.9.1"],
    code: "4f2c",
  });
  await models.changeVersion("churn", 1, { license: "Apache-2.0" }, BY);
  await models.change("churn", { newName: "attrition" }, BY);
  assert.deepEqual(await papers("attrition", 1), { ...found, license: "Apache-2.0" });
  await models.changeVersion("attrition", 1, { license: null }, BY);
  assert.deepEqual(await papers("attrition", 1), found);
});

test("what nothing states is absent: no files, files elsewhere, files that say nothing, or are no model", async () => {
  await models.create({ name: "bare" }, BY);
  await models.createVersion({ name: "bare", source: "s3://bucket/model" }, BY);
  assert.deepEqual(await papers("bare", 1), ABSENT);
  const run = await tracking.createRun({ experimentId: "0" });
  const folder = run.artifactUri.replace("mlflow-artifacts:/", "");
  await models.createVersion({ name: "bare", source: `runs:/${run.id}/model`, license: "BSD-3-Clause" }, BY);
  assert.deepEqual(await papers("bare", 2), { ...ABSENT, license: "BSD-3-Clause" });
  for (const text of [
    "",
    "signature: 7\nsaved_input_example_info:\n  artifact_path: ../../secret\n",
    "\u0000\u0001",
    "signature:\n  inputs: '[{'\n",
  ]) {
    await artifacts.put(`${folder}/model/MLmodel`, one(text));
    assert.deepEqual(await papers("bare", 2), { ...ABSENT, license: "BSD-3-Clause" }, JSON.stringify(text));
  }
  await assert.rejects(papers("bare", 9), { code: "registry.unknown-version" });
});

test("the papers of a bundle stand in its manifest", async () => {
  const put = (text: string) => objects.put(Buffer.from(text));
  const columns = {
    at: { type: "timestamp", nullable: false },
    load: { type: "float64", nullable: true, unit: "kg" },
    delay: { type: "float64", nullable: true },
  };
  const manifest = {
    ...{ format: 1, model: "late", task: "regression", classes: [], threshold: null },
    dataset: {
      name: "deliveries",
      columns,
      time: "at",
      outcomes: { delay: { op: "column", name: "at" } },
      checks: [],
      license: "CC-BY-4.0",
    },
    fields: { load: { op: "column", name: "load" } },
    ...{ onnx: await put("onnx"), trained: await put("trained") },
  };
  const { version } = await registry.register({
    ...{ model: "late", bundle: await put(JSON.stringify(manifest)), verdict: { passed: true, chain: [] }, actor: "run" },
    lineage: { dataset: { name: "deliveries", version: 1 }, steps: {} },
    card: async () => "card",
  });
  const found = await papers("late", version.version);
  assert.deepEqual(found, {
    ...{ license: "CC-BY-4.0", example: null, dependencies: [], code: null },
    signature: {
      inputs: [
        { name: "at", type: "timestamp", required: false },
        { name: "load", type: "float64", required: false, unit: "kg" },
      ],
      outputs: [{ name: "value", type: "double" }],
      params: null,
    },
  });
});

test("texts of PyYAML are read however they are quoted and folded", () => {
  const license = (yaml: string) => readMlModel(`metadata:\n  other:\n  - 1\n  license: ${yaml}\nprompts: null\n`).license;
  assert.equal(license("MIT"), "MIT");
  assert.equal(license("null"), null);
  assert.equal(license("'it''s\n    folded\n\n    twice'"), "it's folded\ntwice");
  assert.equal(license('"a\\\n    \\ b \\U0001F600 \\xe4 \\\\U \\"q\\""'), 'a b 😀 ä \\U "q"');
});

async function* one(text: string) {
  yield Buffer.from(text);
}
