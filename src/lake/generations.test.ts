import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createFileObjects } from "../ports/objects/index.ts";
import { openTestRecords } from "../ports/records/fixtures/open-test-records.ts";
import { migrations } from "../ports/records/index.ts";
import { openDuckDb } from "../ports/tables/index.ts";
import { createLake, type NewGeneration } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "mill-generations-"));
after(() => rmSync(root, { recursive: true, force: true }));

async function openLake(folder = mkdtempSync(join(root, "lake-"))) {
  const records = await openTestRecords(join(folder, "mill.db"));
  const objects = createFileObjects(join(folder, "objects"), { now: () => 1000 });
  const tables = () => openDuckDb({ threads: 1, memoryMb: 200, tempFolder: join(root, "spill") });
  const lake = createLake({ records, objects, folder, tables, clock: () => 1000 });
  const close = async () => {
    await lake.close();
    await records.close();
  };
  return { folder, records, objects, lake, close };
}

const spec = { split: "time", test: 0.2, holdout: 0.2 };
const boundary = (day: number) => ({ testFrom: `2001-01-${day}`, holdoutFrom: `2001-01-${day + 5}` });
const first = { dataset: "d", generation: 1, spec, boundary: boundary(10), version: 1 };
const next: NewGeneration = { dataset: "d", journals: [], trainFrom: "2001-01-05", until: "2001-01-30", runId: "run-2" };

test("the next generation is open until its split is frozen; then it is the one that counts", async () => {
  const { lake, close } = await openLake();
  assert.deepEqual([await lake.generation("d"), await lake.generations("d")], [null, []]);
  await lake.freezeSplit(first);
  assert.equal((await lake.generation("d"))?.generation, 1);
  assert.equal(await lake.openGeneration(next), 2);
  assert.deepEqual(await lake.generation("d"), {
    ...{ ...next, generation: 2, spec: null, boundary: null, version: null, stepKey: null },
    ...{ openedAt: 1000, frozenAt: null, abandonedAt: null },
  });
  assert.equal(await lake.frozenSplit("d", spec), null);
  const frozen = await lake.freezeSplit({ ...first, generation: 2, boundary: boundary(20), version: 3, stepKey: "sha256:2" });
  assert.deepEqual(await lake.frozenSplit("d"), frozen);
  assert.deepEqual([frozen.generation, frozen.boundary, frozen.version, frozen.stepKey], [2, boundary(20), 3, "sha256:2"]);
  const again = await lake.freezeSplit({ ...first, generation: 2, boundary: boundary(11), version: 9 });
  assert.deepEqual(again, frozen, "frozen once");
  assert.deepEqual((await lake.freezeSplit({ ...first, boundary: boundary(12) })).boundary, boundary(10));
  assert.deepEqual(
    (await lake.generations("d")).map(({ generation, version }) => [generation, version]),
    [
      [1, 1],
      [2, 3],
    ],
  );
  await close();
});

test("a second one is refused while one is open, and before anything was cut; of many at once one is opened", async () => {
  const { lake, close } = await openLake();
  await assert.rejects(lake.openGeneration(next), { code: "generation.unfrozen" });
  await lake.freezeSplit(first);
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => lake.openGeneration(next)));
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  for (const outcome of outcomes) if (outcome.status === "rejected") assert.equal(outcome.reason.code, "generation.unfrozen");
  assert.deepEqual(
    (await lake.generations("d")).map(({ generation }) => generation),
    [1, 2],
  );
  await close();
});

test("an abandoned generation is skipped, open or frozen: the one before counts again, and no number is used twice", async () => {
  const { lake, close } = await openLake();
  await lake.freezeSplit(first);
  await lake.openGeneration(next);
  await lake.abandonGeneration("d", 2);
  await lake.abandonGeneration("d", 2);
  assert.deepEqual((await lake.frozenSplit("d"))?.boundary, boundary(10));
  await assert.rejects(lake.freezeSplit({ ...first, generation: 2 }), { code: "generation.abandoned" });
  assert.equal(await lake.openGeneration(next), 3);
  await lake.freezeSplit({ ...first, generation: 3, boundary: boundary(20), version: 2 });
  await lake.abandonGeneration("d", 3);
  assert.equal((await lake.generation("d"))?.generation, 1);
  assert.equal(await lake.openGeneration(next), 4);
  await assert.rejects(lake.abandonGeneration("d", 1), { code: "generation.first" });
  await close();
});

test("every generation is cut by the rule of the first, also while the newest is open", async () => {
  const { lake, close } = await openLake();
  await lake.freezeSplit(first);
  await lake.openGeneration(next);
  const other = { ...spec, test: 0.3 };
  await assert.rejects(lake.frozenSplit("d", other), { code: "split.frozen" });
  await assert.rejects(lake.freezeSplit({ ...first, generation: 2, spec: other }), { code: "split.frozen" });
  assert.equal(await lake.frozenSplit("d", spec), null);
  await close();
});

test("an open generation is found again after the process ended, and is frozen or given up then", async () => {
  const one = await openLake();
  await one.lake.freezeSplit(first);
  await one.lake.openGeneration(next);
  await one.close();
  const two = await openLake(one.folder);
  const found = await two.lake.generation("d");
  assert.deepEqual([found?.generation, found?.runId, found?.boundary], [2, "run-2", null]);
  await assert.rejects(two.lake.openGeneration(next), { code: "generation.unfrozen" });
  await two.lake.freezeSplit({ ...first, generation: 2, boundary: boundary(20), version: 2 });
  assert.equal((await two.lake.frozenSplit("d"))?.generation, 2);
  await two.close();
});

test("rows that a generation names are kept as long as it does", async () => {
  const { lake, objects, close } = await openLake();
  await lake.freezeSplit(first);
  await lake.append("d-events", [{ id: "a", row: "{}" }]);
  const sealed = (await lake.seal("d-events"))!;
  const [part] = (await lake.manifest(sealed)).parts;
  const journals = [{ dataset: "d-events", version: 1, rowCount: 1 }];
  assert.equal(await lake.openGeneration({ ...next, journals }), 2);
  await lake.append("d-events", [{ id: "b", row: "{}" }]);
  await lake.seal("d-events"); // the part is merged into a longer one, and only the first version has it
  assert.deepEqual(await lake.collector.retention("d-events"), { keepDays: 7, keepTags: false });
  await lake.collector.setRetention("d-events", { keepDays: 0, keepTags: false });
  const sweep = () => lake.collector.collect({ remove: true, graceMs: -60_000 });
  assert.equal((await sweep()).commits, 2);
  assert.notEqual(await objects.sizeOf(part!.digest), null);
  await lake.abandonGeneration("d", 2);
  await assert.rejects(lake.openGeneration({ ...next, journals }), { code: "lake.freed" });
  await sweep();
  assert.equal(await objects.sizeOf(part!.digest), null);
  await close();
});

test("rows that a journal does not have, and moments that are none, are refused, and nothing is opened", async () => {
  const { lake, close } = await openLake();
  await lake.freezeSplit(first);
  await lake.append("d-events", [{ id: "a", row: "{}" }]);
  await lake.seal("d-events");
  const naming = (version: number, rowCount: number) =>
    lake.openGeneration({ ...next, journals: [{ dataset: "d-events", version, rowCount }] });
  await assert.rejects(naming(2, 1), { code: "lake.unknown-version" });
  for (const rowCount of [2, -1, 0.5]) await assert.rejects(naming(1, rowCount), { code: "generation.rows" });
  for (const moment of ["soon", "2001-02-31", ""]) {
    await assert.rejects(lake.openGeneration({ ...next, trainFrom: moment }), { code: "generation.rows", got: moment });
    await assert.rejects(lake.openGeneration({ ...next, until: moment }), { code: "generation.rows" });
  }
  assert.equal((await lake.generation("d"))?.generation, 1);
  await close();
});

test("a split that was frozen before there were generations is the first of them", async () => {
  const folder = mkdtempSync(join(root, "old-"));
  const records = await openTestRecords(join(folder, "mill.db"), { migrations: migrations.filter(({ number }) => number === 1) });
  await records.commit([
    {
      sql: "INSERT INTO splits (dataset, spec, boundary, dataset_version, frozen_at) VALUES ('d', ?, ?, 4, 77)",
      params: [JSON.stringify(spec), JSON.stringify(boundary(10))],
    },
  ]);
  await records.close();
  const { lake, close } = await openLake(folder);
  assert.deepEqual(await lake.frozenSplit("d", spec), { ...first, version: 4, stepKey: null, frozenAt: 77 });
  assert.equal(await lake.openGeneration(next), 2);
  await close();
});
