/** Models that other libraries trained and their converters wrote (`bench/peers/foreign_models.py`), against ONNX Runtime. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { decodeOnnx } from "../../onnx/index.ts";
import { realData } from "../fixtures/real-data.ts";
import type { NumberColumn } from "../frame.ts";
import { predictorFromOnnx } from "./from-onnx.ts";

const folder = join(import.meta.dirname, "fixtures");

for (const file of readdirSync(folder).filter((name) => name.endsWith(".onnx")))
  test(`${file} predicts what ONNX Runtime says`, async () => {
    const bytes = readFileSync(join(folder, file));
    const { X } = realData(file.split(".")[0] as "iris" | "breast-cancer" | "diabetes");
    const names = Object.keys(X.columns);
    const predictor = predictorFromOnnx(decodeOnnx(bytes), names);
    const ours = predictor.predict(X);

    const session = await InferenceSession.create(bytes);
    const columns = Object.values(X.columns) as NumberColumn[];
    const rows = Float32Array.from({ length: X.rowCount * names.length }, (_, at) => {
      return columns[at % names.length]!.values[Math.floor(at / names.length)]!;
    });
    const results = await session.run({ [session.inputNames[0]!]: new Tensor("float32", rows, [X.rowCount, names.length]) });
    const scores = Object.values(results).find(({ type }) => type === "float32")!;
    const width = scores.dims[1] ?? 1;
    await session.release();

    assert.equal(ours.length, X.rowCount * predictor.outputs);
    for (let at = 0; at < ours.length; at++) {
      const row = Math.floor(at / predictor.outputs);
      const theirs = Number(scores.data[row * width + (predictor.outputs === 1 ? width - 1 : at % predictor.outputs)]);
      assert.ok(Math.abs(ours[at]! - theirs) <= 3e-6 * Math.max(1, Math.abs(theirs)), `${at}: ${ours[at]} instead of ${theirs}`);
    }
  });
