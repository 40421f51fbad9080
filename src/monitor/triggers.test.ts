import assert from "node:assert/strict";
import { test } from "node:test";
import type { DayReport } from "../contract/index.ts";
import type { RetrainTrigger } from "../define/index.ts";
import { dueRetraining, type TrainingFacts } from "./triggers.ts";

const DAY = 86_400e6;
const june = (day: number, hour = 0) => Date.UTC(2001, 5, day, hour) * 1000;
const facts = (over: Partial<TrainingFacts> = {}): TrainingFacts => ({
  ...{ task: "binary-classification", asOf: june(6), trainedAsOf: june(1), triedAsOf: null, newRows: 0, days: [], broken: [] },
  ...over,
});
const day = (name: string, over: Partial<DayReport> = {}): DayReport => ({
  ...{ day: name, rows: 1000, versions: [{ version: 1, rows: 1000 }], labelled: 1000, drift: {}, predictionDrift: null },
  ...{ estimated: null, realised: null, gain: null, parity: null, findings: 0 },
  ...over,
});
const due = (trigger: RetrainTrigger, over: Partial<TrainingFacts> = {}) =>
  dueRetraining({ when: [trigger], cooldown: "1d" }, facts(over));

test("a schedule counts the data's own time since the newest row that was trained on", () => {
  const weekly: RetrainTrigger = { when: "every", span: "1w" };
  assert.equal(due(weekly, { asOf: june(1) + 7 * DAY - 1 }), null);
  assert.match(due(weekly, { asOf: june(1) + 7 * DAY })!, /^1w of data .* \(2001-06-01T00:00:00\)$/);
});

test("new rows are counted since the last training", () => {
  assert.equal(due({ when: "newRows", count: 500 }, { newRows: 499 }), null);
  assert.match(due({ when: "newRows", count: 500 }, { newRows: 12_500 })!, /^12,500 rows/);
});

test("a feature has drifted when it passes the bound that was asked for and every day of the reference", () => {
  const drifted = (psi: number, bound: number) =>
    due(
      { when: "drift", psi: 0.2 },
      { days: [day("2001-06-03", { drift: { calm: { psi: 0.01, bound: 0.1 }, hour: { psi, bound } } })] },
    );
  assert.equal(drifted(0.19, 0.1), null);
  assert.equal(drifted(1.9, 2), null, "as far as the days of the reference go");
  assert.match(drifted(2.1, 2)!, /^hour drifted on 2001-06-03: PSI 2.1, above 0.2 .*\(2\)$/);
});

test("a measure is read from its labels once they have come, before that from its estimate", () => {
  const trigger: RetrainTrigger = { when: "metric", measure: "auc", worseThan: 0.65 };
  const measured = { realised: { auc: { value: 0.6 } }, estimated: { auc: { value: 0.7 } } };
  assert.match(due(trigger, { days: [day("2001-06-03", measured)] })!, /auc was 0.6 on 2001-06-03 \(realised\), worse than 0.65/);
  assert.equal(
    due(trigger, { days: [day("2001-06-03", { ...measured, labelled: 940 })] }),
    null,
    "the early labels do not tell the day",
  );
  assert.equal(due({ ...trigger, from: "estimated" }, { days: [day("2001-06-03", measured)] }), null);
  assert.equal(due(trigger, { days: [day("2001-06-03", { realised: { auc: { value: null } } })] }), null);
  const loss: RetrainTrigger = { when: "metric", measure: "logLoss", worseThan: 0.5 };
  assert.equal(due(loss, { days: [day("2001-06-03", { realised: { logLoss: { value: 0.4 } } })] }), null);
  assert.match(due(loss, { days: [day("2001-06-03", { realised: { logLoss: { value: 0.6 } } })] })!, /logLoss was 0.6/);
});

test("what was wrong before the last training is no reason for another, and after an attempt none follows for the cooldown", () => {
  const bad = day("2001-06-03", { realised: { auc: { value: 0.5 } } });
  const trigger: RetrainTrigger = { when: "metric", measure: "auc", worseThan: 0.65 };
  assert.equal(due(trigger, { days: [bad], trainedAsOf: june(3, 12) }), null);
  assert.equal(due(trigger, { days: [bad], triedAsOf: june(3, 12) }), null, "an attempt has known that day");
  const later = day("2001-06-05", { realised: { auc: { value: 0.5 } } });
  assert.equal(due(trigger, { days: [bad, later], triedAsOf: june(4), asOf: june(4, 23) }), null);
  assert.match(due(trigger, { days: [bad, later], triedAsOf: june(4), asOf: june(6) })!, /2001-06-05/);
});

test("a day on which rows came broken, or the one after, is no reason to train on them", () => {
  const drift = { hour: { psi: 3, bound: 0.2 } };
  const days = [day("2001-06-03", { drift }), day("2001-06-04", { drift }), day("2001-06-05", { drift })];
  const dueAfter = (from: string | null, to: string | null) => due({ when: "drift", psi: 0.2 }, { days, broken: [{ from, to }] });
  assert.match(dueAfter("2001-06-03T10:00:00", "2001-06-03T12:00:00")!, /on 2001-06-05/);
  assert.match(dueAfter("2001-06-05T10:00:00", "2001-06-05T12:00:00")!, /on 2001-06-03/);
  assert.equal(dueAfter("2001-06-03T10:00:00", null), null);
  assert.equal(dueAfter(null, "2001-06-04T00:30:00"), null);
});
