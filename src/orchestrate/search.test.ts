import assert from "node:assert/strict";
import { test } from "node:test";
import { type Digest, digestOf, MillError } from "../base/index.ts";
import { VERBS } from "../contract/index.ts";
import { checkJson } from "../guard/index.ts";
import type { StepContext, StepKind } from "../steps/index.ts";
import { type TrialInput, type TrialResult, trial, tune } from "../train/index.ts";
import { finished, openDeliveries, type Platform, started } from "./fixtures/platform.ts";
import { millText } from "./fixtures/project.ts";

const ACCEPT = "m.auc.atLeast(0.5)";
const searching = (options: string, more: Parameters<typeof millText>[0] = {}) =>
  millText({
    accept: ACCEPT,
    trainer: `m.tune(logisticRegression(), { space: (s) => ({ l2: s.logUniform(0.01, 100) }), ${options} })`,
    ...more,
  });

/** What the search of the model found, by its last step. */
async function searchedBy({ workspace: { ledger, objects } }: Platform) {
  const step = (await ledger.lastOf("model/late", "tune"))!;
  const manifest = (await ledger.resultOf(step.key))!;
  const trials = JSON.parse(Buffer.from(await objects.get(manifest.objects.trials!)).toString()) as TrialResult[];
  return { trials, best: manifest.facts.best as unknown as TrialResult, why: manifest.facts.why as string };
}

/** The value of a trial that runs once more from its record. */
async function valueAgain({ workspace: { ledger } }: Platform, key: Digest) {
  const { facts } = await ledger.again((await ledger.stepOfResult(key))!.id, { threads: 1, memoryMb: 500 });
  return facts.value;
}

const trialSteps = async ({ workspace: { ledger } }: Platform) =>
  (await ledger.listSteps({ target: "model/late", kind: "trial", limit: 1000 })).items;

/** The real trial, but for what `before` does. */
const trialBut = (before: (input: TrialInput, context: StepContext) => void | Promise<void>): StepKind<TrialInput> => ({
  ...trial,
  async run(input, context) {
    await before(input, context);
    return trial.run(input, context);
  },
});

test("trials are steps; the best is trained on the whole training part, and told in manifest and card; the same again runs nothing", async () => {
  const platform = await openDeliveries();
  platform.write("mill.ts", searching("trials: 5, parallel: 2"));
  const events = await platform.run();
  assert.equal(finished(events).state, "succeeded", finished(events).error?.message);
  assert.equal((await trialSteps(platform)).length, 5);
  const { trials, best, why } = await searchedBy(platform);
  assert.deepEqual(
    trials.map(({ trial, share, error, values }) => [trial, share, error, values.length]),
    [0, 1, 2, 3, 4].map((trial) => [trial, 1, null, 3]),
  );
  assert.equal(best.value, Math.min(...trials.map(({ value }) => value!)));
  assert.match(
    why,
    new RegExp(`^trial ${best.trial + 1} has the lowest mean logLoss of 3 folds, .+, of 5 that saw all of them$`),
  );
  const version = await platform.call("getModelVersion", { name: "late", version: "1" });
  assert.equal(version.params.l2, best.point.l2);
  const { markdown } = await platform.call("card", { name: "late", version: "1" });
  assert.match(markdown, /## Search/);
  assert.match(markdown, new RegExp(why.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")));
  assert.deepEqual(started(await platform.run()), []);

  const board = JSON.parse(JSON.stringify(await platform.call("getTrials", { name: "late" })));
  assert.equal(checkJson(VERBS.getTrials.output, board), null);
  assert.deepEqual([board.state, board.why, board.trials.length, board.trials[0].state], ["ended", why, 5, "best"]);
  assert.equal(board.trials[0].point.l2, best.point.l2);
  assert.deepEqual(
    board.trials.map(({ value }: { value: number }) => value),
    trials.map(({ value }) => value!).toSorted((a, b) => a - b),
  );
  const reproduced = (await platform.reproduce("late@1")).at(-1)!;
  assert.equal(reproduced.event === "reproduced" && reproduced.same, true);
  const again = await valueAgain(platform, board.trials[0].key);
  assert.equal(again, board.trials[0].value, "a trial that runs once more says the same");

  platform.write("mill.ts", searching("trials: 6, parallel: 2"));
  const tuning = (await platform.call("plan", { targets: ["model/late"] })).steps.find(({ id }) => id === "model/late:tune")!;
  assert.deepEqual(
    [tuning.why, tuning.forecast],
    ["4 of up to 6 trials have ended", undefined],
    "what is shared is not tried again",
  );
  await platform.close();
});

test("the same definition finds the same at any number of trials at one time, and another seed tries other points", async () => {
  const pointsWith = async (threads: number, seed: number) => {
    const platform = await openDeliveries();
    Object.assign(platform.workspace, { threads, memoryMb: 8000 });
    platform.write("mill.ts", searching("trials: 6, parallel: 3, sampler: 'random', pruner: 'asha'", { seed }));
    assert.equal(finished(await platform.run()).state, "succeeded");
    const { trials, best } = await searchedBy(platform);
    await platform.close();
    return { trials, best };
  };
  const one = await pointsWith(1, 1);
  assert.deepEqual(await pointsWith(4, 1), one);
  assert.notDeepEqual((await pointsWith(1, 2)).trials, one.trials);
  assert.equal(one.best.share, 1);
});

test("a search that is cut off goes on where it was, and no trial that ended runs twice", async () => {
  const stop = new AbortController();
  let begun = 0;
  const kinds = [trialBut(() => void (++begun === 4 && stop.abort())) as unknown as StepKind<never>];
  const cut = await openDeliveries({ kinds });
  cut.write("mill.ts", searching("trials: 6, parallel: 2"));
  assert.equal(finished(await cut.run([], stop.signal)).state, "cancelled");
  await cut.close();

  const platform = await openDeliveries({ folder: cut.folder });
  platform.write("mill.ts", searching("trials: 6, parallel: 2"));
  const made = (await trialSteps(platform)).filter(({ state }) => state === "succeeded").length;
  assert.ok(made >= 2 && made < 6, `${made}`);
  assert.match(
    (await platform.call("plan", {})).steps.find(({ id }) => id === "model/late:tune")!.why,
    /of up to 6 trials have ended/,
  );
  assert.equal(finished(await platform.run()).state, "succeeded");
  const ended = (await trialSteps(platform)).filter(({ state }) => state === "succeeded").map(({ key }) => key);
  assert.deepEqual([ended.length, new Set(ended).size], [6, 6]);
  await platform.close();
});

test("a trial whose process crashes, and one that cannot be trained, are told; the search goes on without them, also in the next run", async () => {
  let begun = 0;
  const crash = new MillError("step.crashed", "The process ended.", {});
  const kinds = [
    trialBut(() => {
      if (++begun === 2) throw crash;
    }) as unknown as StepKind<never>,
  ];
  const platform = await openDeliveries({ kinds });
  platform.write("mill.ts", searching("trials: 4, parallel: 1"));
  assert.equal(finished(await platform.run()).state, "succeeded");
  const { trials, why } = await searchedBy(platform);
  assert.deepEqual(
    trials.map(({ error }) => error === null),
    [true, false, true, true],
  );
  assert.match(why, /; 1 failed$/);
  assert.deepEqual(started(await platform.run()), []);
  await platform.close();
});

test("a measure that no fold defines, and nothing but failures, end in one error that says why", async () => {
  const kinds = [trialBut(() => Promise.reject(new MillError("step.memory", "It took 3 GB.", {}))) as unknown as StepKind<never>];
  const platform = await openDeliveries({ kinds });
  platform.write("mill.ts", searching("trials: 3"));
  const { state, error } = finished(await platform.run());
  assert.deepEqual([state, error?.code], ["failed", "train.no-trial"]);
  assert.match(error!.message, /None of 3 trials has a logLoss: It took 3 GB/);
  await platform.close();

  const undefinedValue: TrialResult = {
    trial: 0,
    estimator: "e",
    point: {},
    share: 1,
    value: null,
    values: [null],
    modelBytes: 1,
    error: "No fold defines auc: one class.",
    key: digestOf("trial"),
  };
  const input = { model: "m", metric: "auc", better: "higher" as const, folds: 1, trials: [undefinedValue] };
  await assert.rejects(tune.run(input, {} as StepContext), { code: "train.no-trial", got: /one class/ });
});

test("a search that has not run has no trials, and a trainer that is stated has no search", async () => {
  const platform = await openDeliveries();
  platform.write("mill.ts", searching("trials: 3"));
  const { state, trials, why } = await platform.call("getTrials", { name: "late" });
  assert.deepEqual([state, trials, why], ["searching", [], null]);
  platform.write("mill.ts", millText());
  await assert.rejects(platform.call("getTrials", { name: "late" }), { code: "train.no-search" });
  await platform.close();
});

test("a search that starts warm begins with the best of those before it, tells so, and stays the same whatever was searched for since", async () => {
  const platform = await openDeliveries();
  const keyOf = async () => (await platform.workspace.ledger.lastOf("model/late", "tune"))!.key;
  const run = async (options: string, seed: number) => {
    platform.write("mill.ts", searching(`parallel: 2, folds: 2, ${options}`, { seed }));
    assert.equal(finished(await platform.run(["model/late"])).state, "succeeded");
    return { ...(await searchedBy(platform)), key: await keyOf() };
  };
  const cold = await run("trials: 4", 1);
  const ranked = cold.trials.toSorted((a, b) => a.value! - b.value!).map(({ point }) => point);
  const warm = await run("trials: 4, warmStart: true", 2);
  assert.deepEqual(
    warm.trials.slice(0, 2).map(({ point }) => point),
    ranked.slice(0, 2),
  );
  assert.match(warm.why, /; it began with the best 2 points of an earlier search, and learnt from 4 of its trials$/);
  assert.deepEqual((await platform.call("getTrials", { name: "late" })).warm, { searches: 1, trials: 4, begins: 2 });

  const later = await run("trials: 3, warmStart: true", 3);
  assert.match(later.why, /the best 2 points of 2 earlier searches, and learnt from 8 of their trials$/);
  platform.write("mill.ts", searching("parallel: 2, folds: 2, trials: 4, warmStart: true", { seed: 2 }));
  const { steps } = await platform.call("plan", { targets: ["model/late"] });
  assert.equal(steps.find(({ id }) => id === "model/late:tune")!.state, "current");
  assert.deepEqual((await platform.call("getTrials", { name: "late" })).warm, { searches: 1, trials: 4, begins: 2 });
  await platform.close();
});

test("automl measures each estimator with its defaults first, and the best of all is the model", async () => {
  const platform = await openDeliveries();
  const among = "[gradientBoosting({ trees: 5 }), logisticRegression()]";
  platform.write(
    "mill.ts",
    millText({ accept: ACCEPT, trainer: `m.automl({ among: ${among}, trials: 4, folds: 2, metric: "auc" })` }),
  );
  assert.equal(finished(await platform.run()).state, "succeeded");
  const { trials, best } = await searchedBy(platform);
  assert.deepEqual(
    trials.slice(0, 2).map(({ estimator }) => estimator),
    ["gradient-boosting", "logistic-regression"],
  );
  assert.equal(best.value, Math.max(...trials.map(({ value }) => value!)));
  assert.equal((await platform.call("getModelVersion", { name: "late", version: "1" })).estimator, best.estimator);
  await platform.close();
});
