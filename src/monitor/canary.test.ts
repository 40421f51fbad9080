import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rollout } from "../serve/index.ts";
import { judgeRollout } from "./canary.ts";

const HOUR = 3600e6;
const arm = (version: number, over = {}) => ({ version, requests: 1000, rows: 1000, errors: 0, p99Micros: 200, ...over });
const rollout = (over: Partial<Rollout> = {}): Rollout => ({
  ...{ model: "late", version: 2, base: 1, steps: [0.05, 0.25, 1], step: 0, share: 0.05, holdMicros: HOUR },
  ...{ sinceAsOf: 100 * HOUR, sinceAt: 0, startedAt: 0, candidate: arm(2), champion: arm(1, { requests: 19_000, rows: 19_000 }) },
  ...over,
});
const sound = { asOf: 101 * HOUR, latencyP99Ms: 20, losses: null };

test("a step is held for its span of data time and 200 requests, then the next one begins; the one that takes all is a promotion", () => {
  assert.equal(judgeRollout(rollout(), { ...sound, asOf: 101 * HOUR - 1 }).decision, "hold");
  assert.equal(judgeRollout(rollout({ candidate: arm(2, { requests: 199 }) }), sound).decision, "hold");
  assert.equal(judgeRollout(rollout(), { ...sound, asOf: null }).decision, "hold");
  const next = judgeRollout(rollout(), sound);
  assert.ok(next.decision === "advance" && next.step === 1, JSON.stringify(next));
  assert.equal(judgeRollout(rollout({ step: 1, share: 0.25 }), sound).decision, "promote");
  assert.equal(judgeRollout(rollout({ steps: [0.5, 1] }), sound).decision, "promote");
});

test("a candidate that fails more often than the champion is halted at once, one single fault is not told from chance", () => {
  const failing = (errors: number, requests = 50) =>
    judgeRollout(rollout({ candidate: arm(2, { requests, errors }) }), { ...sound, asOf: 0 });
  assert.equal(failing(1).decision, "hold");
  assert.equal(failing(5).decision, "halt");
  assert.equal(failing(50).decision, "halt");
  const champion = arm(1, { requests: 19_000, errors: 1900 });
  assert.equal(
    judgeRollout(rollout({ champion, candidate: arm(2, { errors: 105 }) }), sound).decision,
    "advance",
    "as bad as the champion",
  );
  const alone = rollout({
    candidate: arm(2, { requests: 40, errors: 40 }),
    champion: arm(1, { requests: 0, rows: 0, p99Micros: null }),
  });
  assert.equal(judgeRollout(alone, sound).decision, "halt");
});

test("latency is held against what the problem allows, else against the champion's", () => {
  const slow = (p99Micros: number, latencyP99Ms: number | null) =>
    judgeRollout(rollout({ candidate: arm(2, { p99Micros }) }), { ...sound, latencyP99Ms }).decision;
  assert.equal(slow(19_000, 20), "advance");
  assert.equal(slow(21_000, 20), "halt");
  assert.equal(slow(1300, null), "advance");
  assert.equal(slow(1500, null), "halt");
});

test("labels that have come halt a candidate whose loss is worse beyond chance, and only then", () => {
  const losing = (mean: number, rows: number) =>
    judgeRollout(rollout(), {
      ...sound,
      losses: { candidate: { mean, rows, variance: 0.2 }, champion: { mean: 0.4, rows: 10_000, variance: 0.2 } },
    });
  assert.equal(losing(0.9, 99).decision, "advance", "too few labels");
  assert.equal(losing(0.45, 500).decision, "advance", "within chance");
  const halted = losing(0.5, 500);
  assert.ok(halted.decision === "halt" && halted.why.includes("0.500") && halted.why.includes("0.400"), JSON.stringify(halted));
  assert.equal(losing(0.1, 500).decision, "advance", "better is no fault");
});
