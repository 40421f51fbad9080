import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Task } from "../contract/index.ts";
import { estimatorNamed } from "../learn/index.ts";
import { dataset } from "./dataset.ts";
import type { TrainerDefinition } from "./definitions.ts";
import * as words from "./estimators.ts";
import { features } from "./features.ts";
import { model } from "./model.ts";
import { problem } from "./problem.ts";
import { python } from "./python.ts";
import { files } from "./source.ts";
import { byHash } from "./split.ts";
import { pipeline, readTrainer } from "./trainers.ts";
import { automl, trainerAt, tune } from "./tuning.ts";

const read = (trainer: unknown, task: Task = "binary-classification"): TrainerDefinition =>
  readTrainer("model", trainer, task, ["a"]);
const boosting = (space: Parameters<typeof tune>[1]) => read(tune(words.gradientBoosting({ trees: 20 }), space));

describe("tune", () => {
  test("a search is complete in its normal form, is JSON, and reads again as itself", () => {
    const made = boosting({
      space: (s) => ({ learningRate: s.logUniform(0.01, 0.3), leaves: s.integer(4, 40) }),
      pruner: "asha",
    });
    const { space, start, trials, parallel, sampler, pruner, metric, better, folds } = made.tuning!;
    assert.deepEqual(space, {
      learningRate: { kind: "number", from: 0.01, to: 0.3, scale: "log" },
      leaves: { kind: "integer", from: 4, to: 40, scale: "linear" },
    });
    assert.deepEqual(start, [{ learningRate: 0.1, leaves: 31 }], "the trainer's own parameters come first");
    assert.deepEqual(
      { trials, parallel, sampler, pruner, metric, better, folds },
      { trials: 30, parallel: 4, sampler: "tpe", pruner: "asha", metric: "logLoss", better: "lower", folds: 3 },
    );
    const plain = JSON.parse(JSON.stringify(made));
    assert.deepEqual(plain, made);
    assert.deepEqual(read(plain), made);
  });

  test("a warm start stands in the normal form only where it is asked for: others keep their keys", () => {
    assert.equal(boosting({ warmStart: true }).tuning!.warmStart, true);
    for (const options of [{}, { warmStart: false }])
      assert.ok(!Object.hasOwn(boosting(options).tuning!, "warmStart"), JSON.stringify(options));
  });

  test("a Python script is not searched for, and is told what to do instead", () => {
    const script = python({ script: "train.py", requirements: ["scikit-learn"] }) as never;
    for (const search of [() => tune(script), () => automl({ among: [script] })])
      assert.throws(search, { code: "define.bad-value", got: /train\.py/, fix: /mill leaderboard/ });
  });

  test("a point keeps what the trainer says of parameters that are not searched", () => {
    const { tuning } = boosting({ space: (s) => ({ leaves: s.categorical(7, 15) }) });
    const { estimator, params } = trainerAt(tuning!, { leaves: 15 });
    assert.deepEqual([estimator, params.leaves, params.trees], ["gradient-boosting", 15, 20]);
  });

  test("without a space the estimator's usual one is searched; around it stand steps and calibration as ever", () => {
    const made = read(tune(words.ridge()), "regression");
    assert.deepEqual(Object.keys(made.tuning!.space), ["l2"]);
    assert.equal(made.tuning!.metric, "rmse");
    const piped = read(tune(words.logisticRegression()));
    assert.deepEqual(piped.tuning!.start, [{ l2: 1 }]);
  });

  test("a space that names a parameter which the estimator has not is told at once, with what it has", () => {
    assert.throws(() => tune(words.gradientBoosting(), { space: (s) => ({ learnRate: s.uniform(0, 1) }) }), {
      code: "learn.bad-parameter",
      expected: /learningRate/,
    });
  });

  test("values outside of what a parameter takes, conditions on what comes later, and bad options are refused with their place", () => {
    const refuses = (options: object, code: string) => assert.throws(() => boosting(options as never), { code });
    refuses(
      { space: (s: never) => ({ learningRate: (s as { uniform: (a: number, b: number) => object }).uniform(0.1, 2) }) },
      "learn.bad-parameter",
    );
    refuses({ space: () => ({ learningRate: 3 }) }, "define.bad-value");
    refuses({ space: 7 }, "define.bad-value");
    refuses({ metric: "rmse" }, "learn.unknown-measure");
    refuses({ sampler: "bayes" }, "define.bad-value");
    refuses({ trials: 0 }, "define.bad-value");
    refuses({ trails: 3 }, "define.unknown-option");
    refuses({ warmStart: "yes" }, "define.bad-value");
    refuses({ start: [{ leaves: 31 }] }, "define.missing");
    const wrong = tune as (trainer: unknown, options: unknown) => unknown;
    type Words = {
      when(name: string, is: unknown, of: object): object;
      integer(from: number, to: number): object;
      categorical(): object;
    };
    assert.throws(
      () => wrong(words.gradientBoosting(), { space: (s: Words) => ({ leaves: s.when("loss", "squared", s.integer(2, 9)) }) }),
      {
        code: "define.bad-value",
      },
    );
    assert.throws(() => wrong(words.gradientBoosting(), { space: (s: Words) => ({ leaves: s.integer(9, 2) }) }), {
      code: "define.bad-value",
    });
    assert.throws(() => wrong(words.gradientBoosting(), { space: (s: Words) => ({ leaves: s.categorical() }) }), {
      code: "define.bad-value",
    });
  });

  test("a trainer that cannot learn the task is refused though it is searched", () => {
    assert.throws(() => read(tune(words.ridge())), { code: "define.wrong-trainer" });
  });
});

describe("automl", () => {
  test("it chooses among one of each family for the task, each one's parameters behind its name, its defaults first", () => {
    for (const task of ["binary-classification", "multiclass-classification", "regression"] as const) {
      const { tuning } = read(automl(), task);
      const names = Object.keys(tuning!.among);
      assert.ok(names.length >= 5);
      for (const { tags } of names.map(estimatorNamed)) assert.ok(tags.text && tags.missing && tags.tasks.includes(task));
      assert.deepEqual(
        tuning!.start.map(({ estimator }) => estimator),
        names,
      );
      for (const [dimension, { when }] of Object.entries(tuning!.space).slice(1))
        assert.deepEqual(when, { name: "estimator", is: [dimension.split(".")[0]] });
    }
  });

  test("it chooses among those named, from the parameters stated, and its normal form reads again as itself", () => {
    const made = read(automl({ among: [words.randomForest({ trees: 7 }), words.logisticRegression()], trials: 9 }));
    const { tuning } = made;
    const point = tuning!.start[0]!;
    assert.deepEqual([trainerAt(tuning!, point).params.trees, tuning!.trials], [7, 9]);
    assert.deepEqual(read(JSON.parse(JSON.stringify(made))), made);
  });

  test("nothing to choose among, or what is no trainer of the task, is refused", () => {
    assert.throws(() => read(automl({ among: [] })), { code: "define.bad-value" });
    assert.throws(() => read(automl({ among: [words.ridge()] as never })), { code: "define.wrong-trainer" });
    assert.throws(() => automl({ among: [words.ridge] as never }), { code: "define.bad-value" });
  });
});

test("the compiler takes a search where it takes a trainer, for the tasks that its trainers learn", () => {
  const rows = dataset("rows", {
    from: files("r.csv"),
    columns: { a: "float64", b: "boolean" },
    split: byHash({ test: 0.2, holdout: 0.2 }),
  });
  const from = features("all", rows, (f) => ({ a: f.a }));
  const solves = problem("yes", { question: "?", task: "binary-classification", owner: "o@example.org" });
  const searched = model("searched", { solves, from, label: (f) => f.b, train: tune(words.gradientBoosting(), { trials: 3 }) });
  const chosen = model("chosen", { solves, from, label: (f) => f.b, train: pipeline([words.impute("all")], automl()) });
  assert.deepEqual([searched.train.tuning!.trials, chosen.train.steps!.length], [3, 1]);
  // @ts-expect-error ridge learns a regression
  assert.throws(() => model("wrong", { solves, from, label: (f) => f.b, train: tune(words.ridge()) }), {
    code: "define.wrong-trainer",
  });
});
