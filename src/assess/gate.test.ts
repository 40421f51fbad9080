import assert from "node:assert/strict";
import { test } from "node:test";
import type { Measurement, Requirement, Verdict } from "../contract/index.ts";
import {
  fromWhere,
  late,
  lateByHeat,
  lateLinear,
  stepContext,
  storeDeliveries,
  type Trained,
  trainingSetInput,
  trainModel,
} from "./fixtures/trained.ts";
import { assess, type GateInput, gate } from "./index.ts";

const part = await storeDeliveries();
const [candidate, linear, byHeat] = [
  await trainModel(late, part),
  await trainModel(lateLinear, part),
  await trainModel(lateByHeat, part),
];
const measurementsOf = async (trained: Trained) => (await assess.run(trained, stepContext())).measurements;
const beatsChampion = (measure: string, value = 0): Requirement => ({
  id: `accept/${measure}`,
  measure,
  test: "beatsChampion",
  value,
});
const rivalOf = ({ trained, threshold, classes, fields }: Trained): GateInput["candidate"] => ({
  trained,
  threshold,
  classes,
  fields,
});
const championOf = (trained: Trained): GateInput["champion"] => ({ version: 3, ...rivalOf(trained) });

async function judged(trained: Trained, requirements: readonly Requirement[], more: Partial<GateInput> = {}) {
  const { model, task, gain, test } = trained;
  const { facts, measurements } = await gate.run(
    {
      ...{ model, task, gain, requirements, measurements: await measurementsOf(trained), champion: null, championSet: null },
      problem: { name: "lateness", question: "Will a delivery be late?" },
      candidate: rivalOf(trained),
      test,
      ...more,
    },
    stepContext(),
  );
  return { verdict: facts.verdict as unknown as Verdict, champion: measurements, measured: await measurementsOf(trained) };
}

const onTest = (measurements: readonly Measurement[], name: string) =>
  measurements.find(({ subject, measure }) => subject.endsWith("@test") && measure === name)!;

test("a broken principle refuses the model, and the verdict tells the chain from the problem to the measurement", async () => {
  const principle: Requirement = {
    ...{ id: "principle/0", measure: "calibrationError", test: "atMost", value: 0.0001 },
    because: "A stated probability is kept",
  };
  const { verdict } = await judged(candidate, [principle, { id: "accept/auc", measure: "auc", test: "atLeast", value: 0.6 }]);
  assert.equal(verdict.passed, false);
  assert.deepEqual(verdict.problem, { name: "lateness", question: "Will a delivery be late?" });
  const [broken, kept] = verdict.chain;
  assert.deepEqual([broken!.passed, kept!.passed], [false, true]);
  assert.deepEqual(broken!.requirement, principle);
  assert.equal(broken!.measurement?.subject, "model/late@holdout");
  assert.match(broken!.sentence, /^calibrationError 0\.\d+ is not at most 0\.0001$/);
});

test("a bound is held against the holdout, not against the test part", async () => {
  const { verdict } = await judged(candidate, [{ id: "accept/auc", measure: "auc", test: "atLeast", value: 0 }]);
  assert.equal(verdict.chain[0]!.measurement?.subject, "model/late@holdout");
});

test("without a champion there is nobody to beat, and the verdict says so", async () => {
  const { verdict, champion } = await judged(candidate, [beatsChampion("auc")]);
  assert.deepEqual([verdict.passed, champion], [true, []]);
  assert.match(verdict.chain[0]!.sentence, /there is no champion to beat/);
});

test("candidate and champion are measured on the same test rows", async () => {
  const { verdict, champion, measured } = await judged(candidate, [beatsChampion("logLoss")], { champion: championOf(linear) });
  assert.equal(onTest(champion, "logLoss").value, onTest(await measurementsOf(linear), "logLoss").value);
  const better = onTest(measured, "logLoss").value! < onTest(champion, "logLoss").value!;
  assert.equal(verdict.passed, better, "less loss is better");
  const margin = Math.abs(onTest(measured, "logLoss").value! - onTest(champion, "logLoss").value!) + 0.01;
  assert.equal(
    (await judged(candidate, [beatsChampion("logLoss", margin)], { champion: championOf(linear) })).verdict.passed,
    false,
  );
  assert.equal(
    (await judged(candidate, [beatsChampion("auc")], { champion: championOf(candidate) })).verdict.passed,
    false,
    "a tie is no win",
  );
});

test("a champion with other features gets a training set of its own, over the same data", async () => {
  const championSet = trainingSetInput(lateByHeat, part);
  const { verdict, champion } = await judged(candidate, [beatsChampion("auc")], { champion: championOf(byHeat), championSet });
  assert.equal(onTest(champion, "auc").value, onTest(await measurementsOf(byHeat), "auc").value);
  assert.equal(verdict.passed, true);
  const back = await judged(byHeat, [beatsChampion("auc")], {
    ...{ champion: championOf(candidate), championSet: trainingSetInput(late, part) },
  });
  assert.equal(back.verdict.passed, false);
});

test("a champion that has been outgrown by its data is no bar, and the verdict says why", async () => {
  const grown = await storeDeliveries("SELECT 'e' AS shop, 30.0 + range AS load, 5.0 AS heat, 1.0 AS delay FROM range(200)");
  const [old, young] = [await trainModel(fromWhere, part), await trainModel(fromWhere, grown)];
  const unseen = await judged(young, [beatsChampion("accuracy")], { champion: championOf(old) });
  assert.equal(unseen.verdict.passed, true);
  assert.match(unseen.verdict.chain[0]!.sentence, /the champion cannot answer these rows: .*labels that no training row has: e/);

  const columns = { heat: lateByHeat.from.from.columns.heat!, delay: lateByHeat.from.from.columns.delay! };
  const removed = await judged(byHeat, [beatsChampion("auc")], {
    ...{ champion: championOf(candidate), championSet: { ...trainingSetInput(late, part), columns } },
  });
  assert.equal(removed.verdict.passed, true);
  assert.match(removed.verdict.chain[0]!.sentence, /the champion cannot answer these rows/);
});
