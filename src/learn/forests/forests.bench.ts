/**
 * Our forests beside scikit-learn's and LightGBM's (`boosting_type="rf"`, as deep as it grows), fully grown, on the same rows, in turns. Ratios count, seconds drift.
 *
 *   npm run bench -- forests [ROWS [PEER]]
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom } from "../../base/index.ts";
import type { NumberColumn } from "../frame.ts";
import { measure } from "../metrics/measure.ts";
import { quiet } from "../suite.ts";
import { extraTrees, randomForest } from "./forests.ts";

const TRAIN = Number(process.argv[2] ?? 100_000);
const PEER = process.argv[3];
const HOLDOUT = 50_000;
const COLUMNS = 28;
const TREES = 100;
const ROUNDS = 2;
const threads = availableParallelism();
const peers = join(import.meta.dirname, "../../../bench/peers");
const folder = mkdtempSync(join(tmpdir(), "mill-bench-"));

interface Result {
  /** Seconds. */
  readonly fit: number;
  /** Seconds of processor time, of all threads. */
  readonly predict: number;
  readonly auc: number;
}

try {
  const { columns, y } = rows();
  const part = (from: number, to: number) => ({
    X: {
      rowCount: to - from,
      columns: Object.fromEntries(
        columns.map((values, column): [string, NumberColumn] => [
          `x${column}`,
          { kind: "number", values: values.slice(from, to) },
        ]),
      ),
    },
    y: y.slice(from, to),
    task: "binary-classification" as const,
    classes: ["false", "true"],
  });
  const [train, holdout] = [part(0, TRAIN), part(TRAIN, TRAIN + HOLDOUT)];
  const ours = async (estimator: typeof randomForest): Promise<Result> => {
    const started = performance.now();
    const model = await estimator.fit(train, { trees: TREES }, { ...quiet(), threads });
    const fitted = performance.now();
    const before = process.cpuUsage();
    const predictions = model.predict(holdout.X);
    const { user, system } = process.cpuUsage(before);
    const { measures } = measure(holdout.task, { predictions, y: holdout.y, classes: holdout.classes });
    return { fit: (fitted - started) / 1000, predict: (user + system) / 1e6, auc: measures.auc! };
  };
  const theirs = (name: string): Result => {
    const numbers = [TRAIN, HOLDOUT, COLUMNS, threads, TREES].map(String);
    const printed = execFileSync(join(peers, ".venv/bin/python"), [join(peers, "forests_peers.py"), folder, ...numbers, name], {
      encoding: "utf8",
    });
    return JSON.parse(printed);
  };
  console.log(`${TRAIN} rows x ${COLUMNS} columns, ${TREES} trees fully grown, ${threads} threads, best of ${ROUNDS} in turns\n`);
  console.log("ours           beside            fit s    peer s   ratio   predict CPU s   peer   ratio      AUC     peer");
  for (const [estimator, names] of [
    [randomForest, ["random-forest", "lightgbm-rf"]],
    [extraTrees, ["extra-trees"]],
  ] as const)
    for (const name of names) {
      if (PEER !== undefined && name !== PEER) continue;
      const results: [Result, Result][] = [];
      for (let round = 0; round < ROUNDS; round++) results.push([await ours(estimator), theirs(name)]);
      const best = (side: 0 | 1, of: "fit" | "predict") => Math.min(...results.map((result) => result[side][of]));
      const times = (["fit", "predict"] as const).flatMap((of) => {
        const [a, b] = [best(0, of), best(1, of)];
        return [a.toFixed(2).padStart(9), b.toFixed(2).padStart(9), `${(b / a).toFixed(1)}x`.padStart(7)];
      });
      const [a, b] = results[0]!;
      console.log(
        [estimator.name.padEnd(14), name.padEnd(14), ...times, a.auc.toFixed(4).padStart(8), b.auc.toFixed(4).padStart(8)].join(
          " ",
        ),
      );
    }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Normal columns, and a label of a few bent effects and an interaction. */
function rows(): { columns: Float64Array[]; y: Float64Array } {
  const random = createRandom(1);
  const total = TRAIN + HOLDOUT;
  const x = new Float32Array(total * COLUMNS);
  const y = new Float32Array(total);
  for (let row = 0; row < total; row++) {
    const at = row * COLUMNS;
    for (let column = 0; column < COLUMNS; column++) x[at + column] = random.normal();
    const [a, b, c, d, e, f, g, h, i, j] = x.subarray(at, at + 10) as unknown as number[];
    const score = a! + Math.sin(2 * b!) + c! * d! + 0.5 * e! * e! - 0.5 + 0.5 * f! * Math.sign(g!) + 0.3 * (h! + i! + j!);
    y[row] = 1 / (1 + Math.exp(-1.5 * score)) > random.next() ? 1 : 0;
  }
  writeFileSync(join(folder, "x.f32"), x);
  writeFileSync(join(folder, "y.f32"), y);
  const columns = Array.from({ length: COLUMNS }, (_, column) =>
    Float64Array.from({ length: total }, (_, row) => x[row * COLUMNS + column]!),
  );
  return { columns, y: Float64Array.from(y) };
}
