import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { createQueues } from "./index.ts";

test("work of one name is done in order, one at a time, and goes on after a failure; other names do not wait", async () => {
  const inLine = createQueues();
  const told: string[] = [];
  const work = (name: string, turns: number) => async () => {
    told.push(`${name} begins`);
    for (let turn = 0; turn < turns; turn++) await setImmediate();
    told.push(`${name} ends`);
    if (name === "a2") throw new Error("no luck");
    return name;
  };
  const all = [inLine("a", work("a1", 5)), inLine("a", work("a2", 1)), inLine("a", work("a3", 0)), inLine("b", work("b1", 1))];
  const settled = await Promise.allSettled(all);
  assert.deepEqual(
    settled.map((one) => (one.status === "fulfilled" ? one.value : "failed")),
    ["a1", "failed", "a3", "b1"],
  );
  assert.deepEqual(
    told.filter((line) => line.startsWith("a")),
    ["a1 begins", "a1 ends", "a2 begins", "a2 ends", "a3 begins", "a3 ends"],
  );
  assert.ok(told.indexOf("b1 begins") < told.indexOf("a1 ends"));
});
