import assert from "node:assert/strict";
import { test } from "node:test";
import { createEventIds } from "./event-ids.ts";

test("an id is taken while its row is written, for good once it is, and free again when the writing fails", async () => {
  const ids = createEventIds(["a"]);
  assert.deepEqual([ids.taken("a"), ids.taken("b")], [true, false]);
  const written = Promise.withResolvers<void>();
  ids.take(["b"], written.promise);
  assert.equal(ids.taken("b"), written.promise);
  written.resolve();
  await written.promise;
  assert.equal(ids.taken("b"), true);

  const failing = Promise.withResolvers<void>();
  ids.take(["c"], failing.promise);
  failing.reject(new Error("no room"));
  await assert.rejects(failing.promise);
  assert.equal(ids.taken("c"), false);
});

test("the newest ids are remembered, and memory is bounded", () => {
  const ids = createEventIds(
    Array.from({ length: 1000 }, (_, id) => String(id)),
    100,
  );
  for (let id = 900; id < 1000; id++) assert.equal(ids.taken(String(id)), true, String(id));
  for (let id = 0; id < 800; id++) assert.equal(ids.taken(String(id)), false, String(id));
});
