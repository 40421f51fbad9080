import assert from "node:assert/strict";
import { test } from "node:test";
import { MillError } from "../base/index.ts";
import type { OutputOf } from "../contract/index.ts";
import { type Call, OWNER } from "../guard/index.ts";
import { createMetrics } from "./prometheus.ts";

/** Metrics over a platform that answers as the test says. */
function measured(
  answer: (verb: string, input: never) => unknown,
  notices = (): OutputOf<"getNotices"> => ({ waiting: 0, givenUp: 0, error: null }),
) {
  const metrics = createMetrics();
  const call = metrics.watching((async (_: unknown, verb: string, input: never) =>
    verb === "getNotices" ? notices() : answer(verb, input)) as unknown as Call);
  const lines = async (name: string) => (await metrics.text()).split("\n").filter((line) => line.startsWith(name));
  return { metrics, lines, call: (verb: "predict" | "feedback", input: object) => call(OWNER, verb, input) };
}

const reply = (version: number, rows: number, more: object = {}): OutputOf<"predict"> => ({
  ...{ id: "i", model: "late", version, ...more },
  predictions: Array.from({ length: rows }, () => ({ id: "i", probability: 0.5, decision: true })),
});

test("predictions are counted by version, those that could not be logged too, labels by endpoint", async () => {
  const replies = [reply(1, 2), reply(2, 3), reply(2, 4, { logged: false })];
  const { metrics, lines, call } = measured((verb) => (verb === "predict" ? replies.shift() : { accepted: 7, refused: [] }));
  for (let request = 0; request < 3; request++) await call("predict", { name: "late" });
  await call("feedback", { name: "late" });
  assert.deepEqual(await lines("millwright_version_predictions_total"), [
    'millwright_version_predictions_total{endpoint="late",version="1"} 2',
    'millwright_version_predictions_total{endpoint="late",version="2"} 7',
  ]);
  assert.deepEqual(await lines("millwright_predictions_unlogged_total"), [
    'millwright_predictions_unlogged_total{endpoint="late"} 4',
  ]);
  assert.deepEqual(await lines("millwright_feedback_total"), ['millwright_feedback_total{endpoint="late"} 7']);
  metrics.close();
});

test("versions are as many as the newest ten, and names that nobody answers under are one", async () => {
  let version = 0;
  const { metrics, lines, call } = measured((_, { name }: { name: string }) => {
    if (name === "late") return reply(++version, 1);
    throw new MillError("endpoint.unknown", "There is none.");
  });
  for (let request = 0; request < 25; request++) await call("predict", { name: "late" });
  for (let stranger = 0; stranger < 25; stranger++) await assert.rejects(call("predict", { name: `x${stranger}` }));
  assert.deepEqual(
    (await lines("millwright_version_predictions_total")).map((line) => Number(/version="(\d+)"/.exec(line)![1])),
    Array.from({ length: 10 }, (_, index) => index + 16),
  );
  assert.deepEqual(await lines("millwright_prediction_failures_total"), [
    'millwright_prediction_failures_total{endpoint="other",reason="refused"} 25',
  ]);
  metrics.close();
});

test("what was refused and what was a fault are told apart", async () => {
  const outcomes: unknown[] = [reply(1, 1), new MillError("request.row", "bad"), new TypeError("ours")];
  const { metrics, lines, call } = measured(() => {
    const outcome = outcomes.shift();
    if (outcome instanceof Error) throw outcome;
    return outcome;
  });
  await call("predict", { name: "late" });
  await assert.rejects(call("predict", { name: "late" }));
  await assert.rejects(call("predict", { name: "late" }));
  assert.deepEqual(await lines("millwright_prediction_failures_total"), [
    'millwright_prediction_failures_total{endpoint="late",reason="refused"} 1',
    'millwright_prediction_failures_total{endpoint="late",reason="fault"} 1',
  ]);
  metrics.close();
});

test("notices that wait and that were given up are what they are when it is asked, and nothing where that cannot be told", async () => {
  let told = true;
  const { metrics, lines } = measured(
    () => ({ items: [], next: null }),
    () => {
      if (told) return { waiting: 2, givenUp: 1, error: "notice.failed: It was not reached." };
      throw new MillError("records.disk-full", "full");
    },
  );
  assert.deepEqual(await lines("millwright_notices"), [
    'millwright_notices{state="waiting"} 2',
    'millwright_notices{state="given_up"} 1',
  ]);
  told = false;
  assert.deepEqual(await lines("millwright_notices"), []);
  metrics.close();
});

test("the share of a rollout is what it is when it is asked for, and gone with the rollout", async () => {
  let rollout: object | undefined = { version: 2, share: 0.25 };
  const { metrics, lines } = measured(() => ({ items: [{ name: "late", rollout }, { name: "other" }], next: null }));
  assert.deepEqual(await lines("millwright_rollout_share"), ['millwright_rollout_share{endpoint="late"} 0.25']);
  rollout = undefined;
  assert.deepEqual(await lines("millwright_rollout_share"), []);
  metrics.close();
});
