import assert from "node:assert/strict";
import type { FileHandle } from "node:fs/promises";
import { test } from "node:test";
import { newId } from "../base/index.ts";
import type { JournalEffects } from "../lake/index.ts";
import { deliveries, deliveryRows, late } from "./fixtures/deliveries.ts";
import { openServed, readAll } from "./fixtures/served.ts";

const request = { at: "2024-01-10T12:00:00", shop: "a", load: 5 };
const event = { ...request, delay: 20 };

for (const [code, thrown] of [
  ["ENOSPC", "lake.disk-full"],
  ["EIO", "lake.journal"],
] as const)
  test(`when the disk says ${code}, predictions are answered and counted as lost, feedback and events are refused, and all is well after it`, async () => {
    let broken = false;
    const effects: JournalEffects = {
      async write(file: FileHandle, bytes, position) {
        if (!broken) return void (await file.write(bytes, 0, bytes.length, position));
        await file.write(bytes, 0, bytes.length >> 1, position); // half of it arrives
        throw Object.assign(new Error("the disk"), { code });
      },
      sync: (file) => file.datasync(),
    };
    const lost: (readonly [string, number, string])[] = [];
    const watcher = {
      ...{ predicted() {}, fed() {}, refused() {} },
      lost: (endpoint: string, rows: number, error: { readonly code: string }) => lost.push([endpoint, rows, error.code]),
    };
    const served = await openServed(undefined, undefined, { effects, watcher });
    const { serving, lake } = served;
    await served.deploy("late", late, await served.ingest(deliveries, deliveryRows(200)));
    const kept = [await serving.predict("late", [request])];
    assert.ok(!("logged" in kept[0]!));

    broken = true;
    const answered = await serving.predict("late", [request, request]);
    assert.deepEqual([answered.logged, answered.predictions.length, serving.lost("late")], [false, 2, 2]);
    const label = { id: newId(), label: true };
    await assert.rejects(serving.feedback("late", [label]), { code: thrown });
    await assert.rejects(serving.events("late", [event], ["x"]), { code: thrown });
    assert.deepEqual(lost, [["late", 2, thrown]], "whoever sends labels and events is told, and sends them again");

    broken = false;
    kept.push(await serving.predict("late", [request]));
    assert.deepEqual([kept[1]!.logged, serving.lost("late")], [undefined, 2]);
    assert.equal((await serving.feedback("late", [label])).accepted, 1);
    assert.equal((await serving.events("late", [event], ["x"])).accepted, 1);
    assert.deepEqual(
      (await readAll(lake, "late-predictions")).map(({ id }) => id),
      kept.map(({ id }) => id),
    );
    const counted = await Promise.all(["late-feedback", "late-events"].map(async (log) => (await readAll(lake, log)).length));
    assert.deepEqual(counted, [1, 1]);
    await served.close();
  });

test("a watcher sees what was asked, fed and refused, and its own failure is nobody else's", async () => {
  const seen: unknown[] = [];
  const served = await openServed(undefined, undefined, {
    watcher: {
      predicted: (_, { version, times, rows, answers }) => {
        seen.push(["predicted", version, times.length, rows, answers.length]);
        throw new Error("its own");
      },
      refused: (_, door, rows, { code }) => seen.push(["refused", door, rows, code]),
      fed: (_, rows, times) => seen.push(["fed", rows, times.length]),
      lost() {},
    },
  });
  await served.deploy("late", late, await served.ingest(deliveries, deliveryRows(200)));
  assert.equal((await served.serving.predict("late", [request, request])).predictions.length, 2);
  await assert.rejects(served.serving.predict("late", [request, request, {}]), { code: "request.row" });
  await served.serving.events("late", [event, { ...event, delay: 9999 }, event]);
  assert.deepEqual(seen, [
    ["predicted", 1, 2, [request, request], 2],
    ["refused", "predict", 3, "request.row"],
    ["refused", "events", 1, "request.row"],
    ["fed", 2, 2],
  ]);
  await served.close();
});
