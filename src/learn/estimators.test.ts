import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../base/index.ts";
import { estimatorNamed, estimators, readPredictor } from "./estimators.ts";
import { trainingData } from "./fixtures/training-data.ts";
import { checkParams } from "./params.ts";
import { quiet } from "./suite.ts";

test("an estimator is found by name, and a near miss is told", () => {
  for (const estimator of estimators) assert.equal(estimatorNamed(estimator.name), estimator);
  assert.throws(() => estimatorNamed("gradient-bosting"), {
    code: "learn.unknown-estimator",
    message: /Did you mean "gradient-boosting"/,
  });
});

test("parameters are completed with the defaults in the order of the table", () => {
  const boosting = estimatorNamed("gradient-boosting");
  const check = checkParams(boosting, { leaves: 7 });
  assert.ok(check.ok);
  assert.deepEqual(Object.keys(check.params), Object.keys(boosting.params));
  assert.deepEqual([check.params.leaves, check.params.trees], [7, 100]);
});

test("the message about a parameter says what is expected, what came and what it is for", () => {
  const boosting = estimatorNamed("gradient-boosting");
  const messageOf = (params: Record<string, number | string>) => {
    const check = checkParams(boosting, params);
    return check.ok ? "" : `${check.error.message} ${check.error.fix}`;
  };
  assert.match(
    messageOf({ trees: 0.5 }),
    /gradient-boosting\.trees: expected an integer at least 1 and at most 10000, got 0\.5\. trees: rounds/,
  );
  assert.match(messageOf({ learningRate: 0 }), /expected a number above 0 and at most 1, got 0/);
  assert.match(messageOf({ tree: 5 }), /got a parameter "tree".*Did you mean "trees"/);
});

test("logistic regression refuses regression", async () => {
  const fit = estimatorNamed("logistic-regression").fit(trainingData("regression", 50), {}, quiet());
  await assert.rejects(fit, { code: "learn.task" });
});

test("a damaged model is refused, and never walked", async () => {
  for (const { name, params, tags } of estimators) {
    const data = trainingData(tags.tasks[0]!, 400, tags);
    const quick = "trees" in params ? { trees: 3 } : {};
    const json = (await estimatorNamed(name).fit(data, quick, quiet())).toJson() as Record<string, Json>;
    for (const field of Object.keys(json)) {
      const without = { ...json, [field]: undefined };
      if (field !== "covers" && field !== "counts")
        // models that were stored before have none
        assert.throws(() => readPredictor(without as Json), { code: "learn.bad-model" }, `${name} without ${field}`);
      const wrong = { ...json, [field]: "AAAA" };
      assert.throws(() => readPredictor(wrong), { code: "learn.bad-model" }, `${name} with a damaged ${field}`);
    }
  }
  for (const json of [null, [], "x", { estimator: "toString" }])
    assert.throws(() => readPredictor(json as Json), { code: "learn.bad-model" });
});
