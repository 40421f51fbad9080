import assert from "node:assert/strict";
import { test } from "node:test";
import type { Measurement, Requirement } from "../contract/index.ts";
import { CHAMPION, chainLines, judge, refusalText } from "./index.ts";

const need = (measure: string, test: Requirement["test"], value = 0): Requirement => ({
  id: `accept/${measure}`,
  measure,
  test,
  value,
});
const found = (measure: string, value: number | null, subject = "model/m@holdout"): Measurement => ({ subject, measure, value });

test("bounds are closed", () => {
  assert.equal(judge([need("auc", "atLeast", 0.65)], [found("auc", 0.65)]).passed, true);
  assert.equal(judge([need("auc", "atLeast", 0.65)], [found("auc", 0.6499)]).passed, false);
  assert.equal(judge([need("logLoss", "atMost", 0.5)], [found("logLoss", 0.5)]).passed, true);
  assert.equal(judge([need("logLoss", "atMost", 0.5)], [found("logLoss", 0.51)]).passed, false);
});

test("what was not measured does not pass", () => {
  const verdict = judge([need("auc", "atLeast"), need("f1", "atLeast")], [{ ...found("auc", null), note: "one class only" }]);
  assert.deepEqual(
    verdict.chain.map((link) => [link.passed, link.sentence]),
    [
      [false, "auc could not be measured: one class only"],
      [false, "f1 was not measured"],
    ],
  );
});

test("the champion must be beaten by more than the margin, in the direction in which the measure is better", () => {
  const better = (measure: string) => (measure === "logLoss" ? "lower" : "higher") as "lower" | "higher";
  const beats = (measure: string, own: number, champion: number, by = 0) =>
    judge([need(measure, "beatsChampion", by)], [found(measure, own), found(measure, champion, `${CHAMPION}@holdout`)], {
      better,
    }).passed;
  assert.equal(beats("auc", 0.7, 0.69), true);
  assert.equal(beats("auc", 0.69, 0.69), false);
  assert.equal(beats("auc", 0.7, 0.69, 0.05), false);
  assert.equal(beats("logLoss", 0.5, 0.6), true);
  assert.equal(beats("logLoss", 0.6, 0.5), false);
});

test("without a champion the rule passes and says so", () => {
  const verdict = judge([need("auc", "beatsChampion")], [found("auc", 0.5)]);
  assert.equal(verdict.passed, true);
  assert.match(verdict.chain[0]!.sentence, /no champion/);
});

test("the chain reads from the problem down to the measurement", () => {
  const principle: Requirement = { ...need("calibrationError", "atMost", 0.03), because: "A stated probability is kept" };
  const lines = chainLines(
    judge([principle], [found("calibrationError", 0.2)], { problem: { name: "late", question: "Late?" } }),
  );
  assert.deepEqual(lines, [
    "late: Late?",
    "FAILED  A stated probability is kept: calibrationError 0.2 is not at most 0.03 (model/m@holdout)",
  ]);
});

test("a refusal names problem, principle and measurement; one that no problem stands behind what was measured", () => {
  const principle: Requirement = { ...need("calibrationError", "atMost", 0.03), because: "A stated probability is kept" };
  const taken = [found("calibrationError", 0.2), found("auc", 0.6)];
  const problem = { name: "late", question: "Late?" };
  assert.equal(
    refusalText(judge([principle, need("auc", "atLeast", 0.5), need("auc", "atLeast", 0.7)], taken, { problem })),
    'late -> "A stated probability is kept" -> calibrationError 0.2 is not at most 0.03; late -> auc 0.6 is not at least 0.7',
  );
  assert.equal(refusalText(judge([principle], taken)), "calibrationError 0.2 is not at most 0.03");
  assert.equal(refusalText(judge([need("auc", "atLeast", 0.5)], taken, { problem })), null);
});

test("no requirements pass", () => assert.equal(judge([], []).passed, true));

test("the champion is met on its own rows", () => {
  const taken = [found("auc", 0.6), found("auc", 0.8, "model/m@test"), found("auc", 0.7, `${CHAMPION}@test`)];
  assert.equal(judge([need("auc", "beatsChampion")], taken).passed, true);
  assert.equal(judge([need("auc", "atLeast", 0.65)], taken).passed, false, "a bound reads the first measurement");
});
