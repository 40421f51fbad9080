import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../base/index.ts";
import type { Task } from "../contract/index.ts";
import { feedbackOf, predictionsOf } from "../serve/index.ts";
import { armLosses } from "./arm-losses.ts";
import { openWorld } from "./fixtures/orders.ts";

const SINCE = 1_000_000;

/** Losses of version 2 beside version 1 on what both answered since the step began. */
async function lossesOf(
  task: Task,
  predictions: readonly Readonly<Record<string, Json>>[],
  labels: readonly (readonly [id: string, label: Json, at?: number])[],
) {
  const world = await openWorld();
  const rows = predictions.map((row) => ({ at: SINCE + 1, time: 0, model: "m", request: "{}", features: "{}", ...row }));
  await world.lake.append(predictionsOf("m"), rows);
  const told = labels.map(([id, label, at = SINCE + 2]) => ({ id, at, label: JSON.stringify(label), known: null }));
  if (told.length > 0) await world.lake.append(feedbackOf("m"), told);
  const losses = await armLosses(world, { name: "m", task }, { base: 1, version: 2, sinceAt: SINCE });
  await world.close();
  return losses;
}

const near = (got: number | undefined, expected: number) =>
  assert.ok(Math.abs(got! - expected) < 1e-9, `${got} instead of ${expected}`);

test("log loss of several classes is that of the label's probability, whatever the label is called", async () => {
  const labels = ["a", 'a"b', "a\\b", "a/b", "a~b", "*", "a.b", "0", "ü", "a'b"];
  const probabilities = JSON.stringify(Object.fromEntries(labels.map((label, at) => [label, (at + 1) / 100])));
  const predictions = labels.map((label, at) => ({ id: `p${at}`, version: at % 2 === 0 ? 1 : 2, label, probabilities }));
  const losses = await lossesOf(
    "multiclass-classification",
    [...predictions, { id: "unseen", version: 2, label: "a", probabilities }],
    [...labels.map((label, at) => [`p${at}`, label] as const), ["unseen", "no class"]],
  );
  const mean = (lost: readonly number[]) => lost.reduce((sum, p) => sum - Math.log(p), 0) / lost.length;
  assert.deepEqual([losses!.champion.rows, losses!.candidate.rows], [5, 6]);
  near(losses!.champion.mean, mean([0.01, 0.03, 0.05, 0.07, 0.09]));
  near(losses!.candidate.mean, mean([0.02, 0.04, 0.06, 0.08, 0.1, 1e-6]));
});

test("the label that came last counts, also within one millisecond and when the clock was set back", async () => {
  const predictions = ["same", "back"].map((id) => ({ id, version: 2, probability: 0.9, decision: true, threshold: 0.5 }));
  const losses = await lossesOf("binary-classification", predictions, [
    ["same", false],
    ["same", true],
    ["back", false, SINCE + 9],
    ["back", true, SINCE + 3],
  ]);
  assert.equal(losses!.candidate.rows, 2);
  near(losses!.candidate.mean, -Math.log(0.9));
});

test("rows from before the step, of other versions, and without a label are not counted; no label at all is no evidence", async () => {
  const one = { probability: 0.5, decision: true, threshold: 0.5 };
  const predictions = [
    { id: "old", at: SINCE - 1, version: 2, ...one },
    { id: "other", version: 3, ...one },
    { id: "open", version: 2, ...one },
    { id: "told", version: 2, ...one },
  ];
  const losses = await lossesOf("binary-classification", predictions, [
    ["old", true],
    ["other", true],
    ["told", true],
  ]);
  assert.deepEqual([losses!.champion.rows, losses!.candidate.rows], [0, 1]);
  assert.equal(await lossesOf("binary-classification", predictions, []), null);
});

test("squared error leaves out a label that is no number", async () => {
  const predictions = ["a", "b"].map((id) => ({ id, version: 1, value: 3 }));
  const losses = await lossesOf("regression", predictions, [
    ["a", 5],
    ["b", true],
  ]);
  assert.deepEqual(losses!.champion, { rows: 1, mean: 4, variance: 0 });
});
