import assert from "node:assert/strict";
import { test } from "node:test";
import type { Measurement, Requirement } from "../contract/index.ts";
import { CHAMPION, chainLines, judge, LEAD, refusalText } from "./index.ts";

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

const lead = (value: number | null, interval: readonly [number, number], rows = "test"): Measurement => ({
  ...found("auc", value, `${LEAD}@${rows}`),
  interval,
});
const beats = (by: number, ...leads: readonly Measurement[]) =>
  judge([need("auc", "beatsChampion", by)], [found("auc", 0.7, "model/m@test"), found("auc", 0.69, `${CHAMPION}@test`), ...leads])
    .chain[0]!;

test("the champion must be beaten by more than the margin; a tie is no win", () => {
  assert.equal(beats(0, lead(0.01, [-0.01, 0.03])).passed, true);
  assert.equal(beats(0, lead(0, [-0.01, 0.01])).passed, false);
  assert.equal(beats(0.05, lead(0.01, [0, 0.02])).passed, false);
  assert.equal(beats(0.05, lead(0.06, [0.04, 0.08])).passed, true);
});

test("who leads on test must not fall behind on the newest rows beyond chance", () => {
  const ahead = lead(0.01, [0.005, 0.015]);
  assert.equal(beats(0, ahead, lead(-0.002, [-0.006, 0.002], "recent")).passed, true, "perhaps by chance");
  assert.equal(beats(0, ahead, lead(-0.05, [-0.07, -0.03], "recent")).passed, false);
  assert.equal(beats(0.005, ahead, lead(0.001, [-0.002, 0.004], "recent")).passed, false, "the margin counts there too");
  assert.equal(beats(0, ahead, { ...found("auc", null, `${LEAD}@recent`), note: "one class only" }).passed, true);
  assert.equal(beats(0, lead(-0.01, [-0.02, 0]), lead(0.05, [0.03, 0.07], "recent")).passed, false, "test decides first");
});

test("the sentence tells both leads with their intervals", () => {
  assert.equal(
    beats(0, lead(0.01, [0.005, 0.015]), lead(0.004, [-0.001, 0.009], "recent")).sentence,
    "auc 0.7 beats the champion's 0.69; lead 0.01 (95 %: 0.005 to 0.015); on the newest rows lead 0.004 (95 %: -0.001 to 0.009)",
  );
  assert.equal(
    beats(0.002, lead(0.01, [0.005, 0.015]), lead(-0.05, [-0.07, -0.03], "recent")).sentence,
    "auc 0.7 beats the champion's 0.69 (more than 0.002 was asked); lead 0.01 (95 %: 0.005 to 0.015); on the newest rows it is worse than that: lead -0.05 (95 %: -0.07 to -0.03)",
  );
  assert.equal(
    beats(0.05, lead(0.01, [0.005, 0.015])).sentence,
    "auc 0.7 does not beat the champion's 0.69 by more than 0.05; lead 0.01 (95 %: 0.005 to 0.015)",
  );
});

test("a lead that could not be measured is no bar, and the note says why", () => {
  const outgrown = { ...found("auc", null, `${LEAD}@test`), note: "the champion cannot answer these rows: no column load" };
  assert.deepEqual([beats(0, outgrown).passed, beats(0, outgrown).sentence], [true, `auc 0.7: ${outgrown.note}`]);
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

test("a lead is read off the test rows, a bound off the first measurement", () => {
  const taken = [found("auc", 0.6), found("auc", 0.8, "model/m@test"), lead(0.1, [0.05, 0.15])];
  const link = judge([need("auc", "beatsChampion")], taken).chain[0]!;
  assert.deepEqual([link.passed, link.measurement?.subject], [true, "model/m@test"]);
  assert.equal(judge([need("auc", "atLeast", 0.65)], taken).passed, false);
});
