import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeOnnx, encodeOnnx } from "../../onnx/index.ts";
import type { TrainingData } from "../estimator.ts";
import { estimatorNamed } from "../estimators.ts";
import { runOnnx } from "../fixtures/run-onnx.ts";
import { quiet } from "../suite.ts";
import { onnxOf } from "../to-onnx.ts";
import { pipeline } from "./pipeline.ts";

const reviews = reviewsOf(120);
const words = [{ use: "tf-idf", columns: ["review"], params: { tokens: "spaces", ngrams: 2 } }] as const;

for (const name of ["logistic-regression", "gradient-boosting", "random-forest", "nearest-neighbours"])
  test(`a text is cut into words in the graph of ${name} too, which is of a later opset then`, async () => {
    const model = await pipeline(words, estimatorNamed(name)).fit(reviews, {}, quiet());
    const ours = model.predict(reviews.X);
    for (const profile of ["wide", "compact"] as const) {
      const graph = onnxOf(model, profile);
      assert.equal(decodeOnnx(encodeOnnx(graph)).opsets["ai.onnx"], 20);
      const [results] = await runOnnx(graph, reviews.X);
      const theirs = results!.probabilities as Float64Array;
      ours.forEach((p, row) => {
        assert.ok(Math.abs(p - theirs[row]!) < 1e-6, `${profile}, row ${row}: ${theirs[row]} instead of ${p}`);
      });
    }
  });

test("words of any script are for use without a graph, and the graph says so", async () => {
  const any = [{ use: "count-words", columns: ["review"] }] as const;
  const model = await pipeline(any, estimatorNamed("logistic-regression")).fit(reviews, {}, quiet());
  assert.equal(model.predict(reviews.X).length, reviews.X.rowCount);
  assert.throws(() => onnxOf(model), { code: "onnx.unsupported" });
});

function reviewsOf(rowCount: number): TrainingData {
  const texts = ["good plane", "bad plane", "good  food", "bad food never again", "never late", "", "late again good"];
  const codes = Int32Array.from({ length: rowCount }, (_, row) => row % texts.length);
  const stars = Float64Array.from({ length: rowCount }, (_, row) => row % 5);
  return {
    X: { rowCount, columns: { review: { kind: "text", codes, texts }, stars: { kind: "number", values: stars } } },
    y: Float64Array.from(codes, (code, row) => Number(texts[code]!.includes("good") || row % 11 === 0)),
    task: "binary-classification",
    classes: ["false", "true"],
  };
}
