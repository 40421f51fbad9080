import assert from "node:assert/strict";
import { test } from "node:test";
import { createClusterMemory } from "../cluster/memory.ts";
import { quiet } from "../suite.ts";
import { runCrew } from "./crew.ts";

const orderOf = (rowCount: number) => {
  const at = createClusterMemory({ rowCount, width: 1, clusters: 1 }, false, 2);
  return { at, starts: 1, iterationsMax: 5, tolerance: 0, seed: 1, isWarm: true };
};

test("a job begins when what the calling thread does meanwhile is done, however long that takes", async () => {
  const order = orderOf(10);
  const found = await runCrew("search-clusters", order, 2, quiet(), () => {
    const end = performance.now() + 300; // the members have long started
    while (performance.now() < end);
    order.at.points.fill(1, 0, 40);
  });
  assert.equal(found?.centres[0], 1);
});

test("what is thrown meanwhile ends the crew, which leaves no thread behind", async () => {
  const thrown = new Error("no rows");
  const fail = () => {
    throw thrown;
  };
  await assert.rejects(runCrew("search-clusters", orderOf(10), 2, quiet(), fail), thrown);
  assert.equal((process.report.getReport() as unknown as { workers: unknown[] }).workers.length, 0);
});
