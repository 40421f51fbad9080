import assert from "node:assert/strict";
import { test } from "node:test";
import { finished, openDeliveries, type RunEvents, started } from "../fixtures/platform.ts";
import { deliveriesCsv, millText } from "../fixtures/project.ts";
import { median } from "./expectation.ts";

const forecastIn = (events: RunEvents) => events.find((one) => one.event === "forecast")?.forecast;

test("before anything has run a plan says that nothing is known, and a run says so first", async () => {
  const platform = await openDeliveries();
  const { steps, forecast, hindsight } = await platform.call("plan", {});
  assert.deepEqual([forecast?.steps, forecast?.unknown, forecast?.wallMs, hindsight], [10, 10, 0, undefined]);
  assert.ok(steps.every((step) => step.forecast === undefined));
  const events = await platform.run();
  assert.deepEqual([forecastIn(events)?.unknown, events[1]!.event], [10, "forecast"]);
  await platform.close();
});

test("a plan expects of each step what it took before, the whole along the graph, and nothing of what is current", async () => {
  const platform = await openDeliveries();
  await platform.run();
  for (const seed of [2, 3]) {
    platform.write("mill.ts", millText({ seed }));
    await platform.run();
  }
  platform.write("mill.ts", millText({ seed: 4 }));
  const { steps, forecast } = await platform.call("plan", {});
  const open = steps.filter(({ state }) => state !== "current");
  assert.deepEqual(
    open.map(({ kind }) => kind),
    ["train", "bundle", "prove", "assess", "reference", "gate"],
  );
  for (const { kind, forecast } of open) {
    const took = (await platform.call("listSteps", { target: "model/late" })).items.filter((step) => step.kind === kind);
    const walls = took.map(({ wallMs }) => wallMs!).sort((a, b) => a - b);
    const n = walls.length;
    assert.deepEqual([forecast!.attempts, forecast!.of, forecast!.wallMs], [n, "target", median(walls)]);
    assert.deepEqual([forecast!.lowMs, forecast!.highMs, forecast!.sure], [walls[0], walls.at(-1), (n - 1) / (n + 1)]);
    assert.ok(forecast!.memoryBytes > 0);
  }
  assert.ok(steps.every(({ state, forecast }) => state !== "current" || forecast === undefined));
  const longest = Math.max(...open.map(({ forecast }) => forecast!.lowMs));
  const sum = open.reduce((ms, { forecast }) => ms + forecast!.highMs, 0);
  assert.ok(longest <= forecast!.lowMs && forecast!.lowMs <= forecast!.wallMs && forecast!.highMs <= sum);
  assert.deepEqual([forecast!.steps, forecast!.unknown, forecast!.attempts], [6, 0, 1]);
  await platform.close();
});

test("a target that has not run yet is expected to take what others of its kind took", async () => {
  const platform = await openDeliveries();
  await platform.run();
  const more = `export const other = model("other", { solves: lateness, from: departures, label: (f) => f.delay.gt(9), train: logisticRegression() });`;
  platform.write("mill.ts", millText({ more }));
  const { steps } = await platform.call("plan", { targets: ["model/other"] });
  assert.deepEqual(
    steps.map(({ kind, forecast }) => [kind, forecast?.of]).filter(([, of]) => of !== undefined),
    ["training-set", "train", "bundle", "prove", "assess", "reference", "gate"].map((kind) => [kind, "kind"]),
  );
  await platform.close();
});

test("the log of a run has what was expected beside what it took, and status says how good forecasts were", async () => {
  const platform = await openDeliveries();
  const first = finished(await platform.run());
  const told = async (of: string) => (await platform.call("log", { of })).entries.map(({ text }) => text);
  assert.ok((await told(first.run)).every((text) => !text.includes("expected")));
  assert.equal((await platform.call("status", {})).hindsight, undefined);
  platform.write("deliveries.csv", deliveriesCsv(900));
  const events = await platform.run();
  const second = finished(events);
  const entries = await told(second.run);
  assert.equal(entries.filter((text) => /^succeeded in .* \(expected .* to .*\)$/.test(text)).length, started(events).length + 1);
  const { hindsight } = await platform.call("status", {});
  assert.deepEqual([hindsight!.runs, hindsight!.steps], [1, started(events).length]);
  assert.ok(hindsight!.ratio > 0);
  assert.equal(hindsight!.within, null, "one attempt makes no interval");
  assert.deepEqual((await platform.call("plan", {})).hindsight, hindsight);
  platform.write("deliveries.csv", deliveriesCsv(1000));
  await platform.run();
  const { within } = (await platform.call("status", {})).hindsight!;
  assert.ok(within! >= 0 && within! <= 1);
  await platform.close();
});

test("the size of the sources is kept with each run, and a run that does nothing foretells nothing", async () => {
  const platform = await openDeliveries();
  for (const rows of [300, 500]) {
    platform.write("deliveries.csv", deliveriesCsv(rows));
    await platform.run();
  }
  const rows = await platform.records.query<{ bytes: number }>(
    "SELECT input_bytes AS bytes FROM forecasts WHERE kind = 'ingest' ORDER BY run_id",
  );
  assert.deepEqual(
    rows.map(({ bytes }) => bytes),
    [300, 500].map((count) => deliveriesCsv(count).length),
  );
  assert.equal(forecastIn(await platform.run()), undefined);
  await platform.close();
});
