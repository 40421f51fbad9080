import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../base/index.ts";
import { estimatorNamed, readPredictor } from "../estimators.ts";
import { realData } from "../fixtures/real-data.ts";
import { trainingData } from "../fixtures/training-data.ts";
import { checkParams } from "../params.ts";
import { checkEstimator, quiet } from "../suite.ts";
import { pipeline } from "./pipeline.ts";

const encoded = pipeline(
  [
    [
      { use: "impute", columns: "numbers", params: { mark: true } },
      { use: "one-hot", columns: "texts" },
    ],
    { use: "standard-scale", columns: "all" },
  ],
  estimatorNamed("logistic-regression"),
);

const targets = pipeline(
  [
    [
      { use: "target-encode", columns: "texts" },
      { use: "robust-scale", columns: "numbers" },
    ],
  ],
  estimatorNamed("gradient-boosting"),
);

checkEstimator(encoded, { params: {}, rowOrder: "close", cancellable: true, golden: null });
checkEstimator(targets, {
  params: { "gradient-boosting.trees": 10, "gradient-boosting.leaves": 8 },
  weightParams: null,
  rowOrder: "free",
  cancellable: true,
  golden: null,
});

const data = trainingData("binary-classification", 600);

test("the parameters are the parts', with what the steps were given as defaults", () => {
  const two = pipeline(
    [
      { use: "impute", columns: ["amount"], params: { numbers: "median" } },
      { use: "impute", columns: ["hour"] },
    ],
    estimatorNamed("logistic-regression"),
    { params: { l2: 5 } },
  );
  const check = checkParams(two, { "impute-2.mark": true });
  assert.ok(check.ok);
  const { params } = check;
  assert.deepEqual(
    [params["impute.numbers"], params["impute.mark"], params["impute-2.numbers"], params["impute-2.mark"]],
    ["median", false, "mean", true],
  );
  assert.equal(params["logistic-regression.l2"], 5);
});

test("a step's wrong parameter or name is told when the pipeline is made", () => {
  const estimator = estimatorNamed("constant");
  assert.throws(() => pipeline([{ use: "one-hot", columns: "texts", params: { countMin: 0 } }], estimator), {
    code: "learn.bad-parameter",
    at: "one-hot.countMin",
  });
  assert.throws(() => pipeline([{ use: "one-hit", columns: "texts" }], estimator), {
    code: "learn.unknown-transformer",
    message: /Did you mean "one-hot"/,
  });
});

test("columns that are absent, selected twice or by nobody are named", async () => {
  const estimator = estimatorNamed("constant");
  const refuses = (steps: Parameters<typeof pipeline>[0], at: string, rest: "pass" | "refuse" = "pass") =>
    assert.rejects(pipeline(steps, estimator, { rest }).fit(data, {}, quiet()), { code: "learn.bad-column", at });
  await refuses([{ use: "impute", columns: ["amuont"] }], "amuont");
  await refuses(
    [
      [
        { use: "impute", columns: "numbers" },
        { use: "bin", columns: ["hour"] },
      ],
    ],
    "hour",
  );
  await refuses([{ use: "impute", columns: ["amount", "place"] }], 'hour", "kind', "refuse");
  await refuses([{ use: "standard-scale", columns: ["place"] }], "place");
  const renamed = { ...data, X: { ...data.X, columns: { ...data.X.columns, "kind:a": data.X.columns.hour! } } };
  const twice = pipeline([{ use: "one-hot", columns: ["kind"] }], estimator).fit(renamed, {}, quiet());
  await assert.rejects(twice, { code: "learn.bad-column", at: "kind:a" });
});

test("columns that no step selects pass, or are dropped when told so", async () => {
  const steps = [{ use: "standard-scale", columns: ["amount"] }] as const;
  const tree = estimatorNamed("gradient-boosting");
  const all = await pipeline(steps, tree, { params: { trees: 5 } }).fit(data, {}, quiet());
  const one = await pipeline(steps, tree, { params: { trees: 5 }, rest: "drop" }).fit(data, {}, quiet());
  assert.ok(all.importance().hour! > 0);
  assert.deepEqual(one.importance(), { amount: 1, place: 0, hour: 0, kind: 0 });
});

test("training rows reach the estimator as their fold's strangers see them", async () => {
  const rowCount = 400;
  const ids = {
    kind: "text" as const,
    codes: Int32Array.from({ length: rowCount }, (_, row) => row),
    texts: [...Array(rowCount).keys()].map(String),
  };
  const noise = { ...trainingData("binary-classification", rowCount), X: { rowCount, columns: { ids } } };
  const params = { "target-encode.smoothing": 0, "logistic-regression.l2": 0.001 };
  const model = await pipeline([{ use: "target-encode", columns: "texts" }], estimatorNamed("logistic-regression")).fit(
    noise,
    params,
    quiet(),
  );
  const right = model.predict(noise.X).filter((p, row) => p >= 0.5 === (noise.y[row] === 1)).length;
  assert.ok(right < 0.75 * rowCount, `a column of unique texts says nothing, yet ${right} of ${rowCount} are right`);
});

test("a pipeline in a pipeline is one, and a damaged one is refused", async () => {
  const inner = pipeline([{ use: "impute", columns: "all" }], estimatorNamed("logistic-regression"));
  const model = await pipeline([{ use: "standard-scale", columns: ["hour"] }], inner).fit(data, {}, quiet());
  const json = JSON.parse(JSON.stringify(model.toJson())) as Record<string, Json>;
  assert.deepEqual(readPredictor(json).predict(data.X), model.predict(data.X));
  for (const field of Object.keys(json))
    for (const wrong of [undefined, "AAAA", [{}]])
      assert.throws(() => readPredictor({ ...json, [field]: wrong } as Json), { code: "learn.bad-model" }, field);
  const [step] = json.steps as { transforms: Json; rest: string[] }[];
  const lost = { ...json, steps: [{ ...step!, rest: ["amount"] }] } as unknown as Json;
  assert.throws(() => readPredictor(lost), { code: "learn.bad-model", message: /no step gives its column "place"/ });
});

test("scaled logistic regression on real data has the accuracy and loss of scikit-learn's pipeline", async () => {
  const cancer = realData("breast-cancer");
  const scaled = pipeline([{ use: "standard-scale", columns: "all" }], estimatorNamed("logistic-regression"), {
    params: { l2: 1, tolerance: 1e-9 },
  });
  const predictions = (await scaled.fit(cancer, {}, quiet())).predict(cancer.X);
  const right = predictions.filter((p, row) => p >= 0.5 === (cancer.y[row] === 1)).length;
  const loss = predictions.reduce((sum, p, row) => sum - Math.log(cancer.y[row] === 1 ? p : 1 - p), 0) / predictions.length;
  assert.ok(Math.abs(right / predictions.length - 0.9876977) < 1e-6, `${right / predictions.length}`);
  assert.ok(Math.abs(loss - 0.053392) < 1e-6, `${loss}`);
});
