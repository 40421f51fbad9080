import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { Node } from "../express/index.ts";
import { ingestPartitions, ingestPaths, ingestText, newFolder, schema, storeJournal } from "./fixtures/workshop.ts";
import { resolveDataset, resolvePartitions } from "./partition-files.ts";

const columns = schema({ id: "int32", at: "date", n: "int32?" });
const column = (name: string): Node => ({ op: "column", name });
const number = (value: number): Node => ({ op: "literal", value });
const asked = {
  ...{ columns, time: "at" },
  where: { op: "gte", args: [column("id"), number(0)] } as Node,
  checks: [
    { holds: { op: "lt", args: [column("n"), number(50)] } as Node, text: "n < 50", index: 0 },
    { holds: { unique: ["id"] }, text: "id unique", index: 1 },
  ],
};

test("a data set from partitions has the rows, the quarantine and the counts of the same files read together", async () => {
  const row = fc.tuple(fc.integer({ min: -2, max: 9 }), fc.constantFrom("1", "49", "50", "x", ""));
  const days = fc.array(fc.array(row, { maxLength: 5 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(days, async (days) => {
      // one good row each: of a partition that has bad rows alone nothing is made
      const good = days.map((rows, day): [number, string][] => [...rows, [100 + day, "1"]]);
      const files = Object.fromEntries(
        good.map((rows, day) => [
          `d${day}.csv`,
          `id,at,n\n${rows.map(([id, n]) => `${id},2024-01-0${day + 1},${n}`).join("\n")}\n`,
        ]),
      );
      const [whole, parts] = [await ingestText(files, asked), await ingestPartitions(files, asked)];
      assert.deepEqual(parts.rows, whole.rows);
      assert.deepEqual(parts.manifest.measurements, whole.manifest.measurements);
      for (const fact of ["rowCount", "quarantined", "leftOut", "from", "to", "checks", "warnings"] as const)
        assert.deepEqual(parts.facts[fact], whole.facts[fact], fact);
      const reasons = (rows: typeof whole.quarantine) => rows.map(({ id, __reason }) => `${id} ${__reason}`).sort();
      assert.deepEqual(reasons(parts.quarantine), reasons(whole.quarantine));
    }),
    { numRuns: 8 },
  );
});

test("parts without repeated rows are those of their partitions, and rows that were fed come behind them", async () => {
  const files = { "a.csv": "id,at,n\n1,2024-01-01,1\n", "b.csv": "id,at,n\n2,2024-01-02,2\n" };
  const alone = await ingestPartitions(files, asked);
  const rows = [
    { id: "x", row: { id: 3, at: "2024-01-03", n: 3 } },
    { id: "y", row: { id: 1, at: "2024-01-04", n: 4 } },
  ];
  const journals = [{ dataset: "d-events", version: 1, parts: await storeJournal(rows), rowCount: 2 }];
  const grown = await ingestPartitions(files, { ...asked, journals });
  assert.deepEqual(
    ["part-0", "part-1"].map((role) => grown.manifest.objects[role]),
    ["part-0", "part-1"].map((role) => alone.manifest.objects[role]),
  );
  assert.deepEqual(
    grown.rows.map(({ id }) => id),
    [1, 2, 3],
  );
  assert.deepEqual(
    grown.quarantine.map(({ id, __reason, __source }) => [id, __reason, __source]),
    [["1", "fails the check: id unique", "journals"]],
  );
  assert.deepEqual(alone.manifest.facts.partitions, { count: 2, first: "a.csv", last: "b.csv" });
});

test("a partition may have no rows; one of bad rows alone, or a file without a header, is refused, and so is a data set without any", async () => {
  const good = { "a.csv": "id,at,n\n1,2024-01-01,1\n" };
  assert.deepEqual((await ingestPartitions({ ...good, "b.csv": "id,at,n\n" }, asked)).facts.rowCount, 1);
  for (const broken of ["id,at,n\n1,never,1\n", "", "\0\0\0"])
    await assert.rejects(ingestPartitions({ ...good, "b.csv": broken }, asked), { code: /^(dataset|source)\./ });
  await assert.rejects(ingestPartitions({ "b.csv": "id,at,n\n" }, asked), { code: "dataset.empty" });
  await assert.rejects(ingestPaths([], asked), { code: /./ });
});

test("files are found by the period in their paths, in order; what is wrong with one partition keeps no other from being found", async () => {
  const folder = newFolder();
  const write = (path: string) => {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), "id\n");
  };
  for (const path of [
    "2024/01/01/b.csv",
    "2024/01/01/a.csv",
    "2024/01/03/a.csv",
    "more-2024-01-01.csv",
    "more-2024-01-02.csv",
    "more-2024-01-03.csv",
  ])
    write(path);
  mkdirSync(join(folder, "more-2024-01-04.csv"));
  write("2024/01/04/a.csv");
  const from = { source: "files", paths: ["{year}/{month}/{day}/*.csv", "more-{partition}.csv"] } as const;
  const partitions = ["01", "02", "03", "04"].map((day) => `2024-01-${day}`);
  const found = await resolvePartitions(from, partitions, folder);
  assert.deepEqual(
    found.map(({ files, error }) => error?.code ?? files.map(({ name }) => name)),
    [
      ["2024/01/01/a.csv", "2024/01/01/b.csv", "more-2024-01-01.csv"],
      "source.missing",
      ["2024/01/03/a.csv", "more-2024-01-03.csv"],
      "source.unreadable",
    ],
  );
  const dataset = { from, partitions: { every: "day", from: "2024-01-01", timeZone: "UTC" } } as const;
  assert.equal(
    (await resolveDataset(dataset, folder, Date.UTC(2024, 0, 3))).length,
    3,
    "a day that is not over is no partition yet",
  );
  rmSync(folder, { recursive: true });
  assert.deepEqual(
    (await resolvePartitions(from, partitions, folder)).map(({ error }) => error?.code),
    Array(4).fill("source.missing"),
  );
});
