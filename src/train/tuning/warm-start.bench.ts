/**
 * What a warm start saves: the best after so many trials, and trials until a search comes near the best of a cold one, on two real data sets that have grown since
 * an earlier search. Boosting, cross-validated; both search the same rows with the same seed.
 *
 *   npm run bench warm-start [SEEDS]
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf, type Task } from "../../base/index.ts";
import type { Dimension, TuningDefinition } from "../../define/index.ts";
import { crossValidate, estimatorNamed, kFold, measureNamed, pickRows, type TrainingData } from "../../learn/index.ts";
import { type Found, nextJobs, type SearchRules } from "./search.ts";
import { warmStart } from "./warm-start.ts";

const SEEDS = Number(process.argv[2] ?? 9);
/** Of the rows that an earlier search had. */
const SHARE = 0.7;
const AFTER = [4, 8, 16, 30];
/** What nobody could tell from the best. */
const NEAR = 0.01;

const logNumber = (from: number, to: number): Dimension => ({ kind: "number", from, to, scale: "log" });
const logInteger = (from: number, to: number): Dimension => ({ kind: "integer", from, to, scale: "log" });
const space = {
  learningRate: logNumber(0.01, 0.3),
  trees: logInteger(10, 40),
  leaves: logInteger(2, 16),
  minRowsPerLeaf: logInteger(2, 60),
  l2: logNumber(0.001, 100),
  columnShare: { kind: "number", from: 0.2, to: 1, scale: "linear" } as const,
};

for (const [name, task, metric] of [
  ["diabetes", "regression", "rmse"],
  ["breast-cancer", "binary-classification", "logLoss"],
] as const) {
  const rows = rowsOf(name, task);
  const found: { cold: readonly number[]; warm: readonly number[] }[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const tuning: TuningDefinition = {
      ...{ among: { "gradient-boosting": {} }, space, trials: 30, parallel: 4, sampler: "tpe", pruner: "none", metric },
      ...{ better: "lower", folds: 3, warmStart: true },
      start: [{ learningRate: 0.1, trees: 40, leaves: 16, minRowsPerLeaf: 20, l2: 1, columnShare: 1 }],
    };
    const older = pickRows(
      rows,
      Int32Array.from({ length: Math.floor(SHARE * rows.y.length) }, (_, row) => row),
    );
    const before = await searched(tuning, 100 + seed, older, metric);
    const trials = before.map(({ trial, point, loss }) => ({
      ...{ trial, estimator: "gradient-boosting", point, share: 1, value: loss, values: [loss, loss, loss] },
      ...{ modelBytes: null, error: null, key: digestOf(String(trial)) },
    }));
    const cold = (await searched(tuning, seed, rows, metric)).map(({ loss }) => loss!);
    const warm = (
      await searched({ ...tuning, ...warmStart(tuning, [{ metric, better: "lower", trials }]) }, seed, rows, metric)
    ).map(({ loss }) => loss!);
    found.push({ cold, warm });
  }
  console.log(`${name}, ${metric}, median of ${SEEDS} seeds: the best after so many trials`);
  for (const after of AFTER) {
    const bestOf = (losses: readonly number[]) => Math.min(...losses.slice(0, after));
    const of = (which: "cold" | "warm") => median(found.map((one) => bestOf(one[which]))).toFixed(4);
    console.log(`  ${String(after).padStart(2)}  cold ${of("cold")}  warm ${of("warm")}`);
  }
  const until = found.map(({ cold, warm }) => {
    const near = Math.min(...cold) * (1 + NEAR);
    const first = (losses: readonly number[]) => losses.findIndex((loss) => loss <= near) + 1 || Number.POSITIVE_INFINITY;
    return { cold: first(cold), warm: first(warm) };
  });
  console.log(
    `  within ${100 * NEAR} % of the cold best: cold after ${median(until.map(({ cold }) => cold))}, warm after ${median(until.map(({ warm }) => warm))}`,
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

async function searched(rules: SearchRules, seed: number, data: TrainingData, metric: string): Promise<Found[]> {
  const found: Found[] = [];
  for (;;) {
    const jobs = nextJobs(rules, seed, found);
    if (jobs.length === 0) return found;
    for (const job of jobs) {
      const loss = await lossOf(job.point, data, metric);
      found.push({ ...job, loss, running: [loss, loss, loss] });
    }
  }
}

async function lossOf(params: Found["point"], data: TrainingData, metric: string): Promise<number> {
  const context = { threads: 1, seed: 1, progress: () => {}, warn: () => {}, signal: new AbortController().signal };
  const options = { splitter: kFold({ folds: 2, seed: 1 }), measures: [measureNamed(data.task, metric)] };
  return (await crossValidate(estimatorNamed("gradient-boosting"), params, data, options, context)).summary[metric]!.mean;
}

function rowsOf(name: string, task: Task): TrainingData {
  const path = join(import.meta.dirname, `../../learn/fixtures/data/${name}.csv`);
  const [header, ...lines] = readFileSync(path, "utf8").trimEnd().split("\n");
  const cells = lines.map((line) => line.split(",").map(Number));
  const column = (at: number) => ({ kind: "number" as const, values: Float64Array.from(cells, (row) => row.at(at)!) });
  const names = header!.split(",").slice(0, -1);
  const X = { rowCount: cells.length, columns: Object.fromEntries(names.map((name, at) => [name, column(at)])) };
  return { X, y: column(-1).values, task, classes: task === "regression" ? [] : ["false", "true"] };
}
