import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { estimatorNamed } from "../learn/index.ts";
import * as words from "./estimators.ts";
import { gradientBoosting } from "./index.ts";
import { readTrainer } from "./trainers.ts";

describe("the words of a trainer", () => {
  for (const [word, make] of Object.entries(words))
    test(`${word} names its estimator and every parameter with its default`, () => {
      const { estimator, params } = make();
      const specs = estimatorNamed(estimator).params;
      assert.deepEqual(params, Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, spec.default])));
    });

  test("a parameter that is left open has its default, one out of range is refused with its place", () => {
    assert.equal(gradientBoosting({ trees: undefined }).params.trees, 100);
    assert.throws(() => gradientBoosting({ trees: 0 }), { code: "learn.bad-parameter", at: "gradient-boosting.trees" });
  });

  test("a trainer that cannot learn the problem's task is refused with those that it can", () => {
    const { estimator, params } = words.logisticRegression();
    assert.throws(() => readTrainer("model.delay", { estimator, params }, "regression"), { code: "define.wrong-trainer" });
  });
});
