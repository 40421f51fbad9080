/** Our scorer beside ONNX Runtime on one thread, on the same forest and rows, in turns; and one row through the plain loop. Ratios count. */
import { InferenceSession, Tensor } from "onnxruntime-node";
import { createRandom } from "../../base/index.ts";
import { encodeOnnx } from "../../onnx/index.ts";
import { gradientBoosting } from "../boosting/gradient-boosting.ts";
import type { Predictor, TrainingData } from "../estimator.ts";
import { randomForest } from "../forests/forests.ts";
import { quiet } from "../suite.ts";
import { onnxOf } from "../to-onnx.ts";

const ROWS = 10_000;
const COLUMNS = 28;
const ROUNDS = 7;

const data = rows();
const models: [string, Predictor][] = [
  ["boosting, 500 trees of 31 leaves", await gradientBoosting.fit(data, { trees: 500 }, quiet())],
  ["forest, 500 trees 8 deep", await randomForest.fit(data, { trees: 500, depthMax: 8 }, quiet())],
  ["boosting, 100 trees of 31 leaves", await gradientBoosting.fit(data, { trees: 100 }, quiet())],
];
console.log(`${ROWS} rows x ${COLUMNS} columns, one thread, processor time, best of ${ROUNDS} in turns\n`);
console.log("model                               ours ms   ONNX Runtime ms   ratio   one row, us");
for (const [name, model] of models) {
  const session = await InferenceSession.create(encodeOnnx(onnxOf(model)), { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const feeds = Object.fromEntries(
    Object.entries(data.X.columns).map(([column, { values }]) => [column, new Tensor("float64", values, [ROWS, 1])]),
  );
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await timed(() => model.predict(data.X)));
    theirs.push(await timed(() => session.run(feeds)));
  }
  await session.release();
  const [a, b] = [Math.min(...ours), Math.min(...theirs)];
  const cells = [a.toFixed(1).padStart(10), b.toFixed(1).padStart(17), `${(b / a).toFixed(1)}x`.padStart(7)];
  console.log([name.padEnd(33), ...cells, (await oneRow(model)).toFixed(2).padStart(12)].join(" "));
}

/** Microseconds; of many calls, as processor time is told in coarse steps. */
async function oneRow(model: Predictor): Promise<number> {
  const score = model.rowScorer();
  const names = Object.keys(data.X.columns);
  const some = Array.from({ length: 1000 }, (_, row) =>
    Object.fromEntries(names.map((name) => [name, data.X.columns[name]!.values[row]!])),
  );
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++)
    times.push(
      await timed(() => {
        for (let pass = 0; pass < 50; pass++) for (const row of some) score(row);
      }),
    );
  return Math.min(...times) / 50;
}

/** Milliseconds of processor time, of all threads. */
async function timed(run: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function rows() {
  const random = createRandom(1);
  const columns = Object.fromEntries(
    Array.from({ length: COLUMNS }, (_, column) => [
      `x${column}`,
      { kind: "number" as const, values: Float64Array.from({ length: ROWS }, () => random.normal()) },
    ]),
  );
  const { x0, x1, x2, x3 } = columns;
  const y = Float64Array.from({ length: ROWS }, (_, row) => {
    const score = x0!.values[row]! + Math.sin(2 * x1!.values[row]!) + x2!.values[row]! * x3!.values[row]!;
    return score + random.normal() > 0 ? 1 : 0;
  });
  return {
    X: { rowCount: ROWS, columns },
    y,
    task: "binary-classification",
    classes: ["false", "true"],
  } as const satisfies TrainingData;
}
