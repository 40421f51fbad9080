import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../../base/index.ts";
import { createDesign } from "../design.ts";
import type { TrainingData } from "../estimator.ts";
import { createArena } from "../kernels/arena.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import type { LinearKernel } from "../kernels/linear.ts";
import { allocateMatrix, allocateScratch, createPass, fillBlocks, shapeOf, spreadWeights } from "./rows-matrix.ts";

const random = createRandom(5);

/** Numbers with missing values, and texts. */
function mixed(rowCount: number): TrainingData {
  const number = () => Float64Array.from({ length: rowCount }, () => (random.next() < 0.1 ? Number.NaN : 3 + random.normal()));
  const codes = Int32Array.from({ length: rowCount }, () => Math.floor(random.next() * 4) - 1);
  return {
    X: {
      rowCount,
      columns: {
        a: { kind: "number", values: number() },
        place: { kind: "text", codes, texts: ["x", "y", "z"] },
        b: { kind: "number", values: number() },
      },
    },
    y: Float64Array.from({ length: rowCount }, () => Math.floor(random.next() * 3)),
    ...{ task: "multiclass-classification", classes: ["p", "q", "r"] },
  };
}

for (const rowCount of [5, 512, 5000])
  test(`of ${rowCount} rows, loss and gradient are those of plain loops, and the same bits with blocks made anew each time`, async () => {
    const data = mixed(rowCount);
    const design = await createDesign(data, 1);
    const { weightCount } = design;
    const weights = Float64Array.from({ length: 3 * weightCount }, () => random.normal());
    const passes = [1, 4].map((held) => {
      const arena = createArena();
      const rows = { outputs: 3, y: data.y, rowWeights: undefined, epsilon: 0, bend: 0 };
      const matrix = allocateMatrix(arena, design.rows, rows, "softmax", held);
      const scratch = allocateScratch(arena, matrix);
      const { blocks } = shapeOf(design.rows);
      fillBlocks(matrix, 0, blocks);
      spreadWeights(matrix, weights, scratch);
      const gradient = new Float64Array(3 * weightCount);
      const pass = createPass(matrix, scratch, instantiateKernel<LinearKernel>("linear", arena.memory));
      const part = new Float64Array(3 * weightCount);
      const few = pass(weights, part, 0, Math.ceil(blocks / 4), 4);
      return { loss: pass(weights, gradient, 0, blocks, 1), gradient, few, part };
    });
    assert.deepEqual(passes[1], passes[0]);

    const gradient = new Float64Array(3 * weightCount);
    let loss = 0;
    for (let row = 0; row < rowCount; row++) {
      const x = new Float64Array(weightCount);
      x[weightCount - 1] = 1;
      for (const { input, values } of design.rows.numbers)
        if (Number.isNaN(values[row]!)) x[input.missingAt] = 1;
        else x[input.at] = (values[row]! - input.mean) * input.scale;
      for (const slots of design.rows.slots) x[slots[row]!] = 1;
      const scores = [0, 1, 2].map((k) => x.reduce((sum, value, at) => sum + value * weights[k * weightCount + at]!, 0));
      const all = scores.reduce((sum, score) => sum + Math.exp(score), 0);
      loss += Math.log(all) - scores[data.y[row]!]!;
      for (let k = 0; k < 3; k++)
        for (let at = 0; at < weightCount; at++)
          gradient[k * weightCount + at]! += x[at]! * (Math.exp(scores[k]!) / all - Number(data.y[row] === k));
    }
    assert.ok(Math.abs(passes[0]!.loss / loss - 1) < 1e-12);
    gradient.forEach((slope, at) => {
      assert.ok(Math.abs(passes[0]!.gradient[at]! - slope) < 1e-9 * rowCount, `${at}`);
    });
  });
