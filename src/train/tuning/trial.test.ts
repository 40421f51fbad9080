import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Digest } from "../../base/index.ts";
import { byHash, byTime, dataset, features, files, gradientBoosting, model, problem } from "../../define/index.ts";
import { makeTrainingSet, stepContext, storeRows } from "../../features/fixtures/flights.ts";
import { readPart, type TrainingSetInput, trainingSet } from "../../features/index.ts";
import { foldsOf } from "./folds.ts";
import { SHARES } from "./pruners.ts";
import { type TrialFacts, type TrialInput, trial } from "./trial.ts";

const asked = { question: "?", owner: "o@example.org" } as const;
const orders = dataset("orders", {
  from: files("orders.csv"),
  columns: { at: "timestamp", shop: "string", load: "float64", cost: "float64" },
  time: "at",
  entity: ["shop"],
  split: byHash({ test: 0.2, holdout: 0.2 }),
});
const inTime = dataset("orders", { ...ordersAsWritten(), split: byTime({ test: 0.2, holdout: 0.2 }) });
const costs = model("costs", {
  solves: problem("costs", { ...asked, task: "regression" }),
  from: features("loads", orders, (f) => ({ load: f.load })),
  label: (f) => f.cost,
  train: gradientBoosting(),
});

function ordersAsWritten() {
  const columns = { at: "timestamp", shop: "string", load: "float64", cost: "float64" } as const;
  return { from: files("orders.csv"), columns, time: "at" as const };
}

const ALL_TRAIN = { testFrom: null, holdoutFrom: null };
const SHOPS = 12;

/** Orders out of order in time, five to a minute, of a few shops. */
const parts: Promise<Digest> = storeRows(`SELECT TIMESTAMP '2024-01-01' + to_minutes((((i * 7) % 200) // 5)::INTEGER) AS at,
  'shop ' || (i % ${SHOPS}) AS shop, ((i * 37) % 100)::DOUBLE AS load, (((i * 37) % 100) * 2 + (i % 3) - 100)::DOUBLE AS cost FROM range(200) r(i)`);

const inputOf = (train: Digest, changes: Partial<TrialInput> = {}): TrialInput => ({
  ...{ train, features: ["load"], task: "regression", classes: [], estimator: "ridge", params: { l2: 1000 } },
  ...{ seed: 1, split: "time", folds: 4, metric: "rmse", share: 1, ...changes },
});
const BOOSTING = { estimator: "gradient-boosting", params: { trees: 3, minRowsPerLeaf: 5 } } as const;

async function trainPart(changes: Partial<TrainingSetInput> = {}): Promise<Digest> {
  const { from, label, slices, solves } = costs;
  const { columns, entity, outcomes } = from.from;
  const shape = { parts: [await parts], columns, time: "at", entity, outcomes, fields: from.fields, label, slices };
  const made = await trainingSet.run({ ...shape, boundary: ALL_TRAIN, task: solves.task, ...changes }, stepContext());
  return made.objects.train!;
}

const runTrial = async (input: TrialInput) => (await trial.run(input, stepContext())).facts as unknown as TrialFacts;

describe("folds", () => {
  test("by time each tests on what follows what it learns from, no moment on both sides; fewer rows are the latest", async () => {
    const data = await readPart(await trainPart(), inputOf("sha256:0" as Digest), stepContext());
    const times = (data.all.columns.__time as { values: Float64Array }).values;
    for (const share of SHARES) {
      const folds = foldsOf(data, { split: "time", folds: 4, seed: 1, share });
      assert.equal(folds.length, 4);
      for (const { train, test } of folds) {
        const from = Math.min(...[...test].map((row) => times[row]!));
        assert.ok(train.length > 0 && train.every((row) => times[row]! < from));
        const learnt = new Set(train);
        const earliest = Math.min(...[...train].map((row) => times[row]!));
        const left = [...times.keys()].filter((row) => times[row]! < from && !learnt.has(row));
        assert.ok(
          left.every((row) => times[row]! <= earliest),
          "what is left out is older",
        );
      }
      const whole = foldsOf(data, { split: "time", folds: 4, seed: 1, share: 1 });
      assert.deepEqual(
        folds.map(({ test }) => test),
        whole.map(({ test }) => test),
        "what is tested on does not depend on the share",
      );
    }
  });

  test("by hash the rows of an entity stand on one side, and every row is tested once", async () => {
    const data = await readPart(await trainPart({ groups: ["shop"] }), inputOf("sha256:0" as Digest), stepContext());
    const groups = (data.all.columns.__group as { values: Float64Array }).values;
    assert.equal(new Set(groups).size, SHOPS);
    const folds = foldsOf(data, { split: "hash", folds: 3, seed: 1, share: 1 });
    for (const { train, test } of folds) {
      const seen = new Set([...train].map((row) => groups[row]));
      assert.ok([...test].every((row) => !seen.has(groups[row])));
    }
    const tested = folds.flatMap(({ test }) => [...test]).sort((a, b) => a - b);
    assert.deepEqual(tested, [...groups.keys()]);
  });

  test("a data set that is split by time is defined like any other, and its training set carries no groups", async () => {
    const made = await makeTrainingSet({ ...costs, from: { ...costs.from, from: inTime } }, [await parts], ALL_TRAIN);
    const { all } = await readPart(made.objects.train!, inputOf("sha256:0" as Digest), stepContext());
    assert.equal("__group" in all.columns, false);
  });
});

describe("a trial", () => {
  test("says the mean over its folds and what it took, and the same again at any number of threads", async () => {
    const input = inputOf(await trainPart(), { ...BOOSTING, folds: 2 });
    const { took, ...found } = await runTrial(input);
    assert.equal(found.values.length, 2);
    assert.equal(found.value, found.values.reduce((sum, value) => sum! + value!, 0)! / 2);
    assert.equal(found.running.at(-1), found.value);
    assert.ok(found.modelBytes! > 100 && took.fitMs >= 0 && took.rowMicros! >= 0);
    const { facts } = await trial.run(input, { ...stepContext(), threads: 3 });
    const { took: _, ...again } = facts as unknown as TrialFacts;
    assert.deepEqual(again, found);
  });

  test("ends after the fold at which its mean is above the bound, also of a measure that is better higher", async () => {
    const train = await trainPart();
    const whole = await runTrial(inputOf(train));
    const cut = await runTrial(inputOf(train, { bounds: [null, whole.running[1]! - 1e-9, null, null] }));
    assert.deepEqual([cut.running, cut.error], [whole.running.slice(0, 2), null]);
    const kept = await runTrial(inputOf(train, { bounds: [whole.running[0]!, null, null, null] }));
    assert.equal(kept.running.length, 4, "equal is not worse");
    const r2 = await runTrial(inputOf(train, { metric: "r2" }));
    const r2Cut = await runTrial(inputOf(train, { metric: "r2", bounds: [-r2.running[0]! - 1e-9, null, null, null] }));
    assert.equal(r2Cut.running.length, 1);
  });

  test("that the data refuse, or whose measure no fold defines, is a result that says why", async () => {
    const train = await trainPart();
    const refused = await runTrial(inputOf(train, { ...BOOSTING, params: { loss: "gamma" } }));
    assert.deepEqual([refused.value, refused.running], [null, []]);
    assert.match(refused.error!, /gamma|above 0|positive/);
    const undefinedMeasure = await runTrial(inputOf(train, { metric: "gammaDeviance" }));
    assert.equal(undefinedMeasure.value, null);
    assert.match(undefinedMeasure.error!, /^No fold defines gammaDeviance: /);
  });

  test("whose rows cannot be cut into so many folds ends the search, not the trial", async () => {
    await assert.rejects(
      trial.run(
        inputOf(await trainPart(), {
          folds: 20,
          split: "hash",
          seed: 1,
          features: ["load"],
          train: await trainPart({ groups: ["shop"] }),
        }),
        stepContext(),
      ),
      {
        code: "learn.bad-split",
      },
    );
  });
});
