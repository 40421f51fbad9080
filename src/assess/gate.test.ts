import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Digest } from "../base/index.ts";
import type { Measurement, Requirement, Verdict } from "../contract/index.ts";
import type { ModelDefinition } from "../define/index.ts";
import {
  byBoth,
  byHeat,
  byLoad,
  fromWhere,
  late,
  lateByHeat,
  lateLinear,
  stepContext,
  storeDeliveries,
  storeSeasons,
  type Trained,
  trainingSetInput,
  trainModel,
} from "./fixtures/trained.ts";
import { assess, type GateInput, gate } from "./index.ts";

const part = await storeDeliveries();
const [candidate, linear, lessTold] = [
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
  const { verdict, champion } = await judged(candidate, [beatsChampion("auc")], { champion: championOf(lessTold), championSet });
  assert.equal(onTest(champion, "auc").value, onTest(await measurementsOf(lessTold), "auc").value);
  assert.equal(verdict.passed, true);
  const back = await judged(lessTold, [beatsChampion("auc")], {
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
  const removed = await judged(lessTold, [beatsChampion("auc")], {
    ...{ champion: championOf(candidate), championSet: { ...trainingSetInput(late, part), columns } },
  });
  assert.equal(removed.verdict.passed, true);
  assert.match(removed.verdict.chain[0]!.sentence, /the champion cannot answer these rows/);
});

describe("a challenger over rows with a time", async () => {
  const steady = await storeSeasons("1.6 * load + 0.4 * heat");
  const turned = await storeSeasons("1.6 * heat - 0.6 * load + 4");
  const of = async (part: Digest) => ({
    load: await trainModel(byLoad, part),
    heat: await trainModel(byHeat, part),
    both: await trainModel(byBoth, part),
    part,
  });
  const [before, after] = [await of(steady), await of(turned)];
  const challenge = (
    own: Trained,
    champion: Trained,
    definition: ModelDefinition,
    part: Digest,
    requirement = beatsChampion("auc"),
  ) => judged(own, [requirement], { champion: championOf(champion), championSet: trainingSetInput(definition, part) });
  const leadOn = (measurements: readonly Measurement[], rows: string) =>
    measurements.find(({ subject }) => subject === `lead@${rows}`)!;

  test("that is better everywhere passes, with both leads and their intervals", async () => {
    const { verdict, champion } = await challenge(before.both, before.heat, byHeat, steady);
    assert.equal(verdict.passed, true);
    for (const rows of ["test", "recent"]) assert.ok(leadOn(champion, rows).interval![0] > 0, rows);
    assert.match(
      verdict.chain[0]!.sentence,
      /^auc 0\.\d+ beats the champion's 0\.\d+; lead 0\.\d+ \(95 %: 0\.\d+ to 0\.\d+\); on the newest rows lead 0\.\d+ \(95 %: 0\.\d+ to 0\.\d+\)$/,
    );
  });

  test("that is worse everywhere is refused", async () => {
    assert.equal((await challenge(before.heat, before.both, byBoth, steady)).verdict.passed, false);
  });

  test("that is the champion over again is refused", async () => {
    const { verdict, champion } = await challenge(before.both, before.both, byBoth, steady);
    assert.deepEqual([verdict.passed, leadOn(champion, "test").interval], [false, [0, 0]]);
  });

  test("that leads on test and collapsed on the newest rows is refused", async () => {
    const { verdict, champion } = await challenge(after.load, after.heat, byHeat, turned);
    assert.ok(leadOn(champion, "test").value! > 0, "it leads on all of the test rows");
    assert.ok(leadOn(champion, "recent").interval![1] < 0);
    assert.equal(verdict.passed, false);
    assert.match(verdict.chain[0]!.sentence, /beats the champion's .* on the newest rows it is worse than that: lead -0\.\d+/);
  });

  test("is compared by the money that it earns as by any measure", async () => {
    const { verdict, champion } = await challenge(before.both, before.heat, byHeat, steady, beatsChampion("gain", 100));
    assert.equal(verdict.passed, leadOn(champion, "test").value! > 100);
    assert.ok(leadOn(champion, "test").value! > 0);
  });

  test("is measured on the newest third of the test rows, whose times are told", async () => {
    const { champion } = await challenge(before.both, before.heat, byHeat, steady);
    const recent = leadOn(champion, "recent");
    assert.deepEqual([leadOn(champion, "test").count, recent.count], [900, 300]);
    assert.deepEqual(recent.window, { from: "2024-01-02T11:00:00", to: "2024-01-02T15:59:00" });
  });
});

test("rows without a time have no newest ones", async () => {
  const { champion } = await judged(candidate, [beatsChampion("auc")], { champion: championOf(linear) });
  assert.deepEqual(
    champion.filter(({ subject }) => subject.startsWith("lead")).map(({ subject }) => subject),
    ["lead@test"],
  );
});
