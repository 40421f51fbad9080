/**
 * Boosted trees beside scikit-learn's, LightGBM's and XGBoost's on the same rows, in turns, so that all see the same neighbours on the host. Ratios count,
 * seconds drift. Seconds are of processor time on all threads, with those of the clock behind the stroke; they hold binning, not reading; ours hold starting the threads.
 * Losses' qualities are means over several bounds on the bins: one forest's moves by some percent with where the edges lie.
 *
 *   npm run bench boosting                               what the README's table has
 *   npm run bench boosting numbers|flights|losses|ranking   one part of it; THREADS=1 for one thread only, ROUNDS=1 for one turn, PEERS=lightgbm for one peer
 *   npm run bench boosting TRAIN.parquet HOLDOUT.parquet  a training set of one's own (feature columns and __label, 0 or 1)
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { createRandom } from "../../base/index.ts";
import type { Params, TrainingData } from "../estimator.ts";
import { readTrainingSet } from "../fixtures/parquet-data.ts";
import { pick } from "../fixtures/training-data.ts";
import type { NumberColumn, TextColumn } from "../frame.ts";
import { measure } from "../metrics/measure.ts";
import { ndcg } from "../metrics/ranked-lists.ts";
import { gradientBoosting } from "./gradient-boosting.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const THREADS = Number(process.env.THREADS ?? availableParallelism());
const TREES = 100;
const LOSS_BINS = [255, 254, 250, 200, 150];
const POWER = 1.5;
const QUANTILE = 0.8;
const peers = join(import.meta.dirname, "../../../bench/peers");
const python = join(peers, ".venv/bin/python");
if (!existsSync(python)) throw new Error("Run `npm run bench learn.bench` once: it installs the peers.");
const folder = mkdtempSync(join(tmpdir(), "mill-bench-"));
const PEERS = process.env.PEERS?.split(",") ?? ["scikit-learn", "lightgbm", "xgboost"];

type Quality = (predictions: Float64Array, test: TrainingData) => number;

try {
  const [part, holdout] = process.argv.slice(2);
  console.log(
    `best of ${ROUNDS} in turns; ratio = the peer's processor time / ours\n\n${["data", "threads", "ours s", ...PEERS.flatMap((peer) => [`${peer} s`, "ratio"]), "quality: ours", ...PEERS].join(" | ")}`,
  );
  if (holdout !== undefined) await parquet(part!, holdout);
  else {
    if (part === undefined || part === "numbers") await numbers();
    if (part === undefined || part === "flights") await flights();
    if (part === undefined || part === "losses") await losses();
    if (part === undefined || part === "ranking") await ranking();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function parquet(train: string, holdout: string): Promise<void> {
  const database = await (await DuckDBInstance.create(":memory:")).connect();
  const [data, test] = [await readTrainingSet(database, train), await readTrainingSet(database, holdout)];
  await compare(`${data.X.rowCount} rows`, data, test, "log-loss", {}, auc);
}

/** 28 normal columns and a label of a few bent effects and an interaction. */
async function numbers(): Promise<void> {
  const data = normalColumns(600_000, 28, (x, random) => {
    const score = bent(x) * 1.5;
    return 1 / (1 + Math.exp(-score)) > random() ? 1 : 0;
  });
  await compare("500k x 28", ...cut(binary(data), 500_000), "log-loss", {}, auc);
}

/** Columns as those of flights: texts with 229 and 14 values, hours, days, distances, missing weather. */
async function flights(): Promise<void> {
  const rowCount = 3_100_000;
  const random = createRandom(8);
  const draw = Array.from({ length: 229 }, () => random.normal());
  const carriers = Array.from({ length: 14 }, () => random.normal() * 0.7);
  const column = (value: () => number) => Float64Array.from({ length: rowCount }, value);
  const code = (count: number) =>
    Int32Array.from({ length: rowCount }, () => (random.next() < 0.01 ? -1 : Math.floor(random.next() ** 2 * count)));
  const [origin, destination, carrier] = [code(229), code(229), code(14)];
  const hour = column(() => 5 + random.below(19));
  const day = column(() => random.below(365));
  const distance = column(() => Math.round(Math.exp(6.5 + random.normal() * 0.6)));
  const wind = column(() => (random.next() < 0.2 ? Number.NaN : Math.abs(random.normal()) * 10));
  const y = Float64Array.from({ length: rowCount }, (_, row) => {
    const places = (draw[origin[row]!] ?? 0) * 0.6 + (draw[destination[row]!] ?? 0) * 0.3 + (carriers[carrier[row]!] ?? 0);
    const weather = Number.isNaN(wind[row]) ? 0.1 : wind[row]! / 15;
    const score = -2.2 + places + (hour[row]! - 12) / 7 + Math.sin(day[row]! / 58) * 0.6 + weather;
    return 1 / (1 + Math.exp(-score)) > random.next() ? 1 : 0;
  });
  const text = (codes: Int32Array, count: number): TextColumn => ({
    kind: "text",
    codes,
    texts: Array.from({ length: count }, (_, at) => `t${at}`),
  });
  const number = (values: Float64Array): NumberColumn => ({ kind: "number", values });
  const columns = {
    ...{ origin: text(origin, 229), destination: text(destination, 229), carrier: text(carrier, 14) },
    ...{ hour: number(hour), day: number(day), distance: number(distance), wind: number(wind) },
  };
  await compare("3M flights", ...cut(binary({ X: { rowCount, columns }, y }), 3_000_000), "log-loss", {}, auc);
}

async function losses(): Promise<void> {
  const noise = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const regression = (label: (x: Float64Array, random: () => number) => number) =>
    cut({ ...normalColumns(240_000, 10, label), task: "regression", classes: [] }, 200_000);
  const heavy = regression((x, random) => 3 * bent(x) + noise(random) * (1 + Math.abs(x[0]!)) * (random() < 0.02 ? 20 : 1));
  await compare("squared", ...heavy, "squared", { loss: "squared" }, (p, { y }) => mean(p, y, (a, b) => (a - b) ** 2) ** 0.5);
  await compare("absolute", ...heavy, "absolute", { loss: "absolute" }, (p, { y }) => mean(p, y, (a, b) => Math.abs(a - b)));
  const pinball = (a: number, b: number) => (b > a ? QUANTILE * (b - a) : (1 - QUANTILE) * (a - b));
  await compare("quantile 0.8", ...heavy, "quantile", { loss: "quantile", quantile: QUANTILE }, (p, { y }) =>
    mean(p, y, pinball),
  );
  const rate = (x: Float64Array) => Math.exp(0.4 * bent(x));
  const poisson = (lambda: number, random: () => number) => {
    let [count, product] = [0, random()];
    for (const end = Math.exp(-lambda); product > end; count++) product *= random();
    return count;
  };
  const exponential = (scale: number, random: () => number) => -scale * Math.log(1 - random());
  await compare(
    "poisson",
    ...regression((x, random) => poisson(Math.min(rate(x), 30), random)),
    "poisson",
    { loss: "poisson" },
    (p, { y }) => mean(p, y, (a, b) => 2 * ((b > 0 ? b * Math.log(b / a) : 0) - b + a)),
  );
  await compare(
    "gamma",
    ...regression((x, random) => exponential(rate(x), random) + 1e-6),
    "gamma",
    { loss: "gamma" },
    (p, { y }) => mean(p, y, (a, b) => 2 * (b / a - 1 - Math.log(b / a))),
  );
  await compare(
    "tweedie 1.5",
    ...regression((x, random) => {
      let sum = 0;
      for (let left = poisson(Math.min(rate(x), 30), random); left > 0; left--) sum += exponential(2, random);
      return sum;
    }),
    "tweedie",
    { loss: "tweedie", power: POWER },
    (p, { y }) => mean(p, y, (a, b) => (4 * (b + a)) / Math.sqrt(a) - 8 * Math.sqrt(b)),
  );
}

/** Lists of 20 rows with grades 0 to 4. */
async function ranking(): Promise<void> {
  const noisy = (x: Float64Array, random: () => number) => bent(x) + 3 * random();
  const data = normalColumns(60_000, 10, (x, random) => Math.min(4, Math.max(0, Math.floor(noisy(x, random)))));
  const groups = Int32Array.from({ length: 60_000 }, (_, row) => Math.floor(row / 20));
  const [train, test] = cut({ ...data, task: "ranking", classes: [], groups }, 40_000);
  const quality: Quality = (scores, { y: grades, groups }) => ndcg({ scores, grades, groups: groups! }).value ?? 0;
  await compare("ranking", train, test, "ranking", {}, quality);
}

interface Run {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function compare(name: string, train: TrainingData, test: TrainingData, loss: string, params: Params, quality: Quality) {
  const bins = loss === "log-loss" ? Array<number>(ROUNDS).fill(255) : LOSS_BINS;
  for (const threads of new Set([1, THREADS])) {
    const best = new Map<string, Run>();
    const qualities = new Map<string, number>();
    const keep = (who: string, run: Run, predictions: Float64Array) => {
      if (run.cpuSeconds < (best.get(who)?.cpuSeconds ?? Infinity)) best.set(who, run);
      qualities.set(who, (qualities.get(who) ?? 0) + quality(predictions, test) / bins.length);
    };
    const able = PEERS.filter((peer) => !(peer === "scikit-learn" && (loss === "tweedie" || loss === "ranking")));
    for (const maxBins of bins) {
      writeTask(train, test, loss, threads, maxBins);
      const [started, before] = [performance.now(), process.cpuUsage()];
      const model = await gradientBoosting.fit(train, { trees: TREES, maxBins, ...params }, context(threads));
      const { user, system } = process.cpuUsage(before);
      keep("ours", { seconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1e6 }, model.predict(test.X));
      for (const peer of able) {
        const script = join(peers, "boosting_peers.py");
        const printed = execFileSync(python, [script, folder, peer], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
        const bytes = readFileSync(join(folder, "test.p"));
        keep(peer, JSON.parse(printed), new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)));
      }
    }
    const ours = best.get("ours")!;
    const times = PEERS.flatMap((peer) => {
      const theirs = best.get(peer);
      return theirs ? [shown(theirs), `${(theirs.cpuSeconds / ours.cpuSeconds).toFixed(2)}x`] : ["", ""];
    });
    const reached = ["ours", ...PEERS].map((who) => qualities.get(who)?.toFixed(5) ?? "");
    console.log([name, threads, shown(ours), ...times, ...reached].join(" | "));
  }
}

function shown({ seconds, cpuSeconds }: Run): string {
  return `${cpuSeconds.toFixed(2)} / ${seconds.toFixed(2)}`;
}

function writeTask(train: TrainingData, test: TrainingData, loss: string, threads: number, maxBins: number): void {
  const columns = Object.values(train.X.columns);
  writeFileSync(
    join(folder, "task.json"),
    JSON.stringify({
      ...{ rows: train.X.rowCount, testRows: test.X.rowCount, isText: columns.map(({ kind }) => kind === "text") },
      ...{
        trees: TREES,
        threads,
        maxBins,
        loss,
        quantile: QUANTILE,
        power: POWER,
        groups: train.groups ? sizesOf(train.groups) : null,
      },
    }),
  );
  for (const [name, { X, y }] of [["train", train] as const, ["test", test] as const]) {
    const values = Object.values(X.columns).map((column) =>
      column.kind === "number" ? column.values : Float64Array.from(column.codes, (code) => (code < 0 ? Number.NaN : code)),
    );
    writeFileSync(
      join(folder, name),
      Buffer.concat(values.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength))),
    );
    writeFileSync(join(folder, `${name}.y`), y);
  }
}

function sizesOf(groups: Int32Array): number[] {
  const sizes = new Map<number, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  return [...sizes.values()];
}

function normalColumns(rowCount: number, count: number, label: (x: Float64Array, random: () => number) => number) {
  const random = createRandom(5);
  const values = Array.from({ length: count }, () => new Float64Array(rowCount));
  const y = new Float64Array(rowCount);
  const x = new Float64Array(count);
  for (let row = 0; row < rowCount; row++) {
    for (let column = 0; column < count; column++) values[column]![row] = x[column] = Math.fround(random.normal());
    y[row] = label(x, random.next);
  }
  const columns = Object.fromEntries(values.map((column, at) => [`x${at}`, { kind: "number", values: column } as const]));
  return { X: { rowCount, columns }, y };
}

function bent(x: Float64Array): number {
  const waves = x[0]! + Math.sin(2 * x[1]!) + x[2]! * x[3]! + 0.5 * x[4]! ** 2 - 0.5;
  return waves + 0.5 * x[5]! * Math.sign(x[6]!) + 0.3 * (x[7]! + x[8]! + x[9]!);
}

function binary(data: Pick<TrainingData, "X" | "y">): TrainingData {
  return { ...data, task: "binary-classification", classes: ["false", "true"] };
}

/** The first rows to train on, the others to measure on. */
function cut(data: TrainingData, trainRows: number): [TrainingData, TrainingData] {
  const rows = Array.from({ length: data.X.rowCount }, (_, row) => row);
  return [pick(data, rows.slice(0, trainRows)), pick(data, rows.slice(trainRows))];
}

function auc(predictions: Float64Array, { y, classes }: TrainingData): number {
  return measure("binary-classification", { predictions, y, classes }).measures.auc!;
}

function mean(p: Float64Array, y: Float64Array, of: (prediction: number, label: number) => number): number {
  return p.reduce((sum, prediction, row) => sum + of(prediction, y[row]!), 0) / p.length;
}

function context(threads: number) {
  return { threads, seed: 1, progress: () => {}, warn: () => {}, signal: new AbortController().signal };
}
