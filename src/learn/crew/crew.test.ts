import assert from "node:assert/strict";
import { test } from "node:test";
import { createClusterMemory } from "../cluster/memory.ts";
import { quiet } from "../suite.ts";
import { runCrew } from "./crew.ts";

const orderOf = (rowCount: number) => {
  const at = createClusterMemory({ rowCount, width: 1, clusters: 1 }, false, 2);
  return { at, starts: 1, iterationsMax: 5, tolerance: 0, seed: 1, isWarm: true };
};

test("an input may be made while the members start, however long that takes", async () => {
  const order = orderOf(10);
  const found = await runCrew(
    "search-clusters",
    () => {
      const end = performance.now() + 300; // the members have long started
      while (performance.now() < end);
      order.at.points.fill(1, 0, 40);
      return order;
    },
    2,
    quiet(),
  );
  assert.equal(found?.centres[0], 1);
});

test("what is thrown while an input is made ends the crew, which leaves no thread behind", async () => {
  const thrown = new Error("no rows");
  const fail = () => {
    throw thrown;
  };
  await assert.rejects(runCrew("search-clusters", fail, 2, quiet()), thrown);
  assert.equal((process.report.getReport() as unknown as { workers: unknown[] }).workers.length, 0);
});
