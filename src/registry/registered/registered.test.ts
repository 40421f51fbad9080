import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import type { Digest } from "../../base/index.ts";
import { createFileObjects } from "../../ports/objects/index.ts";
import { openTestRecords } from "../../ports/records/fixtures/open-test-records.ts";
import { createLoggedModels, createTracking } from "../../train/index.ts";
import { createRegistry } from "../index.ts";
import { createRegisteredModels } from "./create-registered.ts";

const root = mkdtempSync(join(tmpdir(), "mill-registered-"));
const BY = { actor: "tests", why: "tried" };
const ANNA = { actor: "anna" };
const objects = createFileObjects(join(root, "objects"));
const records = await openTestRecords(join(root, "mill.db"));
const tracking = createTracking({ records });
const loggedModels = createLoggedModels({ records, tracking });
const models = createRegisteredModels({ records, tracking, loggedModels });
const registry = createRegistry({ records, objects });
after(async () => {
  await tracking.close();
  await objects.close();
  await records.close();
  rmSync(root, { recursive: true, force: true });
});

const put = (text: string): Promise<Digest> => objects.put(Buffer.from(text));
/** A version as the platform makes it. */
async function bundled(model: string, trained: string) {
  const manifest = { format: 1, model, threshold: 0.5, onnx: await put(`onnx ${trained}`), trained: await put(trained) };
  const { version } = await registry.register({
    ...{ model, bundle: await put(JSON.stringify(manifest)), verdict: { passed: true, chain: [] } },
    lineage: { dataset: { name: "flights", version: 1 }, steps: {} },
    card: async () => "card",
    actor: "tests",
  });
  return version.version;
}
const registered = async (name: string, source = "s3://bucket/model") =>
  (await models.createVersion({ name, source }, ANNA)).version;

test("what the platform makes and what people register is numbered in one sequence, also at the same time", async () => {
  await models.create({ name: "late" }, BY);
  const made = await Promise.all(
    Array.from({ length: 24 }, (_, index) => (index % 2 === 0 ? registered("late") : bundled("late", `model ${index}`))),
  );
  assert.deepEqual(
    made.sort((a, b) => a - b),
    Array.from({ length: 24 }, (_, index) => index + 1),
  );
  const { items } = await models.searchVersions({ filter: "name = 'late'", orderBy: ["version_number"] });
  assert.equal(items.length, 24);
  assert.equal(items.filter(({ bundle }) => bundle !== null).length, 12);
  assert.equal((await registry.versions("late", { limit: 100 })).length, 12);
});

test("a number is never given again, and a version that goes takes its aliases along", async () => {
  await models.create({ name: "gone" }, BY);
  await registered("gone");
  await registered("gone");
  await models.setAlias("gone", "best", 2, BY);
  await models.deleteVersion("gone", 2, BY);
  await assert.rejects(models.version("gone", 2), { code: "registry.unknown-version" });
  await assert.rejects(models.versionByAlias("gone", "best"), { code: "registry.unknown-alias" });
  assert.equal(await registered("gone"), 3);
  assert.equal((await models.versionByAlias("gone", "Latest")).version, 3);
  const held = (await registry.history("gone")).map(({ alias, version, held }) => [alias, version, held]);
  assert.deepEqual(held, [
    ["best", 2, true],
    ["best", 2, false],
  ]);
});

test("of a model that the platform makes gates keep champion, versions and name; words and other aliases are free", async () => {
  await bundled("gated", "first");
  const found = await models.find("gated");
  assert.deepEqual([found.gated, found.aliases, found.latest[0]!.source], [true, { champion: 1 }, "mill:/gated/1"]);
  const refused = { code: "registry.gated" };
  assert.equal(await registered("gated"), 2);
  await assert.rejects(models.setAlias("gated", "champion", 2, BY), refused);
  await assert.rejects(models.removeAlias("gated", "champion", BY), refused);
  await assert.rejects(models.deleteVersion("gated", 1, BY), refused);
  await assert.rejects(models.delete("gated", BY), refused);
  await assert.rejects(models.change("gated", { newName: "other" }, BY), refused);
  await assert.rejects(models.createVersion({ name: "gated", source: "models:/gated/1" }, ANNA), refused);
  await assert.rejects(models.create({ name: "gated" }, BY), { code: "registry.exists" });
  await models.setAlias("gated", "candidate", 1, BY);
  await models.change("gated", { description: "who is late" }, BY);
  await models.changeVersion("gated", 1, { stage: "production", description: "the first" }, BY);
  await models.tag("gated", { set: { team: "a" } }, BY, 1);
  const version = await models.version("gated", 1);
  assert.deepEqual(
    [version.stage, version.description, version.tags, version.aliases, version.passed],
    ["Production", "the first", { team: "a" }, ["candidate", "champion"], true],
  );
  assert.equal((await registry.champion("gated"))!.version, 1);
});

test("a name that people took becomes a model of the platform, whose champion is one of its bundles", async () => {
  await models.create({ name: "taken" }, BY);
  await registered("taken");
  await models.setAlias("taken", "champion", 1, BY);
  assert.equal(await registry.champion("taken"), null);
  assert.equal(await bundled("taken", "trained"), 2);
  assert.equal((await registry.champion("taken"))!.version, 2);
  const other = await put(
    JSON.stringify({ format: 1, model: "taken", threshold: 0.5, onnx: await put("o"), trained: await put("t") }),
  );
  assert.equal((await registry.rivalOf("taken", other))!.version, 2);
});

test("a source is a run's or a model's files, another version, or a place elsewhere; any other way is refused", async () => {
  await models.create({ name: "sources" }, BY);
  const run = await tracking.createRun({ experimentId: "0" });
  const model = await loggedModels.create({ experimentId: "0", sourceRunId: run.id });
  const create = (source: string, ids: { runId?: string; modelId?: string } = {}) =>
    models.createVersion({ name: "sources", source, ...ids }, ANNA);
  const ofRun = await create(`runs:/${run.id}/model`);
  assert.deepEqual([ofRun.location, ofRun.runId], [`${run.artifactUri}/model`, run.id]);
  const ofModel = await create(`models:/${model.id}`);
  assert.deepEqual([ofModel.location, ofModel.runId, ofModel.modelId], [model.artifactUri, run.id, model.id]);
  const copy = await create("models:/sources/2");
  assert.deepEqual([copy.source, copy.location], ["models:/sources/2", model.artifactUri]);
  const climbing = ["../x", "s3://b/..", "s3://b/%2e%2e/x", "https://h/%252e%252e/x", "s3://b/a%00", "s3://b/%25252500"];
  for (const source of [...climbing, "/etc/passwd", "file:///etc/passwd", "etc", "models:/sources", "models:/"])
    await assert.rejects(create(source, { runId: run.id }), { code: "registry.source" }, source);
  await assert.rejects(create(`runs:/${run.id}/model`, { runId: "other" }), { code: "registry.source" });
  await assert.rejects(create(`models:/${model.id}`, { modelId: "m-other" }), { code: "registry.source" });
  const local = await tracking.createExperiment({ name: "local", artifactLocation: "file:///data/local" });
  const there = await tracking.createRun({ experimentId: local.id });
  const path = there.artifactUri.replace("file://", "");
  assert.equal((await create(`${path}/model`, { runId: there.id })).location, `${path}/model`);
  await assert.rejects(create(`${path}-other`, { runId: there.id }), { code: "registry.source" });
});

test("names, aliases, tags and stages have rules; prompts are found by their tag alone", async () => {
  for (const name of ["", " ", "a/b", "a:b", "..", "a\nb"])
    await assert.rejects(models.create({ name }, BY), { code: "registry.name" }, name);
  await models.create({ name: "rules" }, BY);
  await registered("rules");
  for (const alias of ["", "a b", "ä", "latest", "LATEST", "v1", "V22", "x".repeat(256)])
    await assert.rejects(models.setAlias("rules", alias, 1, BY), { code: "registry.alias" }, alias);
  await assert.rejects(models.tag("rules", { set: { ["k".repeat(251)]: "" } }, BY), { code: "registry.tag" });
  await assert.rejects(models.tag("rules", { set: { k: "v".repeat(100_001) } }, BY), { code: "registry.tag" });
  await assert.rejects(models.changeVersion("rules", 1, { stage: "Done" }, BY), { code: "registry.stage" });
  await assert.rejects(models.changeVersion("rules", 1, { stage: "Archived", archiveOthers: true }, BY), {
    code: "registry.stage",
  });
  await assert.rejects(models.search({ filter: "owner = 'a'" }), { code: "tracking.filter" });
  await models.create({ name: "prompt", tags: { "mlflow.prompt.is_prompt": "true" } }, BY);
  const named = async (filter: string) => (await models.search({ filter })).items.map(({ name }) => name);
  assert.deepEqual(await named("name IN ('rules', 'prompt')"), ["rules"]);
  assert.deepEqual(await named("tags.`mlflow.prompt.is_prompt` = 'true'"), ["prompt"]);
  assert.deepEqual(await named("name = 'rules' AND tags.`mlflow.prompt.is_prompt` != 'true'"), ["rules"]);
});

test("any sequence of acts leaves the versions, stages and aliases that a simple model of it has", async () => {
  const version = fc.integer({ min: 1, max: 5 });
  const act = fc.oneof(
    fc.record({ act: fc.constant("register" as const) }),
    fc.record({ act: fc.constant("delete" as const), version }),
    fc.record({ act: fc.constant("alias" as const), version, alias: fc.constantFrom("a", "b") }),
    fc.record({ act: fc.constant("unalias" as const), alias: fc.constantFrom("a", "b") }),
    fc.record({
      act: fc.constant("stage" as const),
      version,
      stage: fc.constantFrom("Staging", "Production"),
      archive: fc.boolean(),
    }),
  );
  let count = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 12 }), async (acts) => {
      const name = `model ${count++}`;
      await models.create({ name }, BY);
      const stages = new Map<number, string>();
      const aliases = new Map<string, number>();
      let last = 0;
      for (const one of acts) {
        if (one.act === "register") {
          assert.equal(await registered(name), ++last);
          stages.set(last, "None");
        } else if (one.act === "unalias") {
          await models.removeAlias(name, one.alias, BY);
          aliases.delete(one.alias);
        } else if (!stages.has(one.version)) {
          await assert.rejects(models.version(name, one.version), { code: "registry.unknown-version" });
        } else if (one.act === "delete") {
          await models.deleteVersion(name, one.version, BY);
          stages.delete(one.version);
          for (const [alias, at] of aliases) if (at === one.version) aliases.delete(alias);
        } else if (one.act === "alias") {
          await models.setAlias(name, one.alias, one.version, BY);
          aliases.set(one.alias, one.version);
        } else {
          if (one.archive) for (const [at, stage] of stages) if (stage === one.stage) stages.set(at, "Archived");
          await models.changeVersion(name, one.version, { stage: one.stage, archiveOthers: one.archive }, BY);
          stages.set(one.version, one.stage);
        }
      }
      const { items } = await models.searchVersions({ filter: `name = '${name}'` });
      assert.deepEqual(new Map(items.map((one) => [one.version, one.stage])), new Map(stages));
      const found = await models.find(name);
      assert.deepEqual(found.aliases, Object.fromEntries([...aliases].sort(([a], [b]) => (a < b ? -1 : 1))));
      const newest = new Map([...stages].sort(([a], [b]) => a - b).map(([at, stage]) => [stage, at]));
      assert.deepEqual(new Map(found.latest.map((one) => [one.stage as string, one.version])), newest);
    }),
    { numRuns: 25 },
  );
});
