import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { estimatorNamed, transformerNamed } from "../learn/index.ts";
import type { TrainerDefinition, TransformerDefinition } from "./definitions.ts";
import * as words from "./estimators.ts";
import { calibrated, gradientBoosting, pipeline } from "./index.ts";
import { readTrainer } from "./trainers.ts";

type Make = (columns?: string) => TrainerDefinition | TransformerDefinition;

describe("the words of a trainer", () => {
  for (const [word, make] of Object.entries(words) as [string, Make][])
    test(`${word} names what it makes and every parameter with its default`, () => {
      const made = make.length === 0 ? make() : make("all");
      const specs = "use" in made ? transformerNamed(made.use).params : estimatorNamed(made.estimator).params;
      assert.deepEqual(made.params, Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, spec.default])));
    });

  test("a parameter that is left open has its default, one out of range is refused with its place", () => {
    assert.equal(gradientBoosting({ trees: undefined }).params.trees, 100);
    assert.throws(() => gradientBoosting({ trees: 0 }), { code: "learn.bad-parameter", at: "gradient-boosting.trees" });
  });

  test("a trainer that cannot learn the problem's task is refused with those that it can", () => {
    const { estimator, params } = words.logisticRegression();
    assert.throws(() => readTrainer("model.delay", { estimator, params }, "regression", []), { code: "define.wrong-trainer" });
  });

  const reads = (steps: unknown, features: readonly string[] = ["hour", "shop"]) => {
    const { estimator, params } = words.logisticRegression();
    return readTrainer("model", { estimator, params, steps }, "binary-classification", features);
  };

  test("a pipeline names each transformer with its columns and every parameter, step by step", () => {
    const made: TrainerDefinition = pipeline(
      [[words.impute("hour"), words.oneHot(["shop"])], words.standardScale("all")],
      words.logisticRegression(),
    );
    assert.deepEqual(
      made.steps!.map((step) => step.map(({ use, columns }) => [use, columns])),
      [
        [
          ["impute", ["hour"]],
          ["one-hot", ["shop"]],
        ],
        [["standard-scale", "all"]],
      ],
    );
    assert.deepEqual(reads(made.steps).steps, made.steps);
    const twice: TrainerDefinition = pipeline(
      [words.impute("all")],
      pipeline([words.standardScale("all")], words.logisticRegression()),
    );
    assert.deepEqual(
      twice.steps!.flat().map(({ use }) => use),
      ["impute", "standard-scale"],
    );
  });

  test("a calibrated trainer says how, and keeps its steps; one that is none of the ways is refused", () => {
    const made: TrainerDefinition = calibrated(pipeline([words.impute("all")], words.randomForest()), { method: "isotonic" });
    assert.deepEqual([made.calibration, made.steps!.length], [{ method: "isotonic", folds: 5 }, 1]);
    assert.deepEqual(readTrainer("model", made, "binary-classification", []), made);
    for (const wrong of [{ method: "beta" }, { folds: 1 }])
      assert.throws(() => calibrated(words.randomForest(), wrong as never), { code: "define.bad-value" });
  });

  test("a step that names no feature, no transformer, no columns or a wrong parameter is refused with its place", () => {
    assert.throws(() => reads([words.impute("huor")]), { code: "define.unknown-column", message: /Did you mean "hour"/ });
    assert.throws(() => reads([{ use: "imputs", columns: "all", params: {} }]), { code: "learn.unknown-transformer" });
    assert.throws(() => words.impute([]), { code: "define.bad-value" });
    assert.throws(() => words.oneHot("shop", { countMin: 0 }), { code: "learn.bad-parameter", at: "one-hot.countMin" });
    assert.throws(() => reads("impute"), { code: "define.bad-value" });
  });
});
