/** K-means beside scikit-learn's on the same points from the same start, in turns. Ratios count, seconds drift. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom } from "../../base/index.ts";
import type { Estimator, Params, TrainingData } from "../estimator.ts";
import { pick } from "../fixtures/training-data.ts";
import { kMeans } from "./k-means.ts";
import { readCentres } from "./predictor.ts";

const ROUNDS = 2;
const SHAPES: readonly [rows: number, columns: number, clusters: number][] = [
  [200_000, 16, 20],
  [100_000, 64, 100],
];
const peers = join(import.meta.dirname, "../../../bench/peers");
const python = join(peers, ".venv/bin/python");
if (!existsSync(python)) throw new Error("Run `npm run bench learn.bench` once: it installs the peers.");
const folder = mkdtempSync(join(tmpdir(), "mill-bench-"));
interface Result {
  readonly seconds: number;
  /** Seconds of all threads: what counts on a machine that is shared. */
  readonly processor: number;
  readonly inertia: number;
}

try {
  console.log(
    "rows x columns, clusters, threads      ours s   peer s (double)   peer s (single)   ratios   of processor time   inertia: ours, double",
  );
  for (const threads of new Set([1, availableParallelism()])) for (const shape of SHAPES) await compare(shape, threads);
} finally {
  rmSync(folder, { recursive: true });
}

async function compare([rows, columns, clusters]: (typeof SHAPES)[number], threads: number): Promise<void> {
  const points = mixture(rows, columns, clusters);
  const file = join(folder, "points");
  writeFileSync(file, points);
  const data = dataOf(points, rows, columns);
  const run = (...more: string[]): Result =>
    JSON.parse(
      execFileSync(
        python,
        [
          join(peers, "cluster_sklearn.py"),
          file,
          ...[rows, columns, clusters].map(String),
          "--threads",
          String(threads),
          ...more,
        ],
        { encoding: "utf8" },
      ),
    );
  const start = await kMeans.fit(
    pick(
      data,
      Array.from({ length: clusters }, (_, at) => at * Math.floor(rows / clusters)),
    ),
    { clusters, standardise: false, iterationsMax: 1 },
    context(threads),
  );
  const results: [Result, Result, Result][] = [];
  for (let round = 0; round < ROUNDS; round++)
    results.push([await fitOurs(kMeans, data, { standardise: false }, threads, start), run(), run("--single")]);
  const [ours, double, single] = [0, 1, 2].map((which) =>
    results.map((round) => round[which]!).reduce((a, b) => (b.seconds < a.seconds ? b : a)),
  ) as [Result, Result, Result];
  const leastOf = (which: number) => Math.min(...results.map((round) => round[which]!.processor));
  const least = (theirs: Result) => `${(leastOf(theirs === double ? 1 : 2) / leastOf(0)).toFixed(2)}x`;
  const ratio = (theirs: Result) => `${(theirs.seconds / ours.seconds).toFixed(2)}x`;
  console.log(
    `${rows} x ${columns}, ${clusters}, ${threads}`.padEnd(36),
    ours.seconds.toFixed(3).padStart(8),
    double.seconds.toFixed(3).padStart(17),
    single.seconds.toFixed(3).padStart(17),
    `  ${ratio(double)} ${ratio(single)}   ${least(double)} ${least(single)}  `,
    ours.inertia.toFixed(4),
    double.inertia.toFixed(4),
  );
}

function context(threads: number) {
  const signal = new AbortController().signal;
  return { threads, seed: 1, progress: () => {}, warn: () => {}, signal };
}

async function fitOurs(
  estimator: Estimator,
  data: TrainingData,
  params: Params,
  threads: number,
  start?: Awaited<ReturnType<Estimator["fit"]>>,
): Promise<Result> {
  const [began, used] = [performance.now(), process.cpuUsage()];
  const model = await estimator.fit(data, params, start === undefined ? context(threads) : { ...context(threads), start });
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(used);
  return { seconds, processor: (user + system) / 1e6, inertia: readCentres(model.toJson() as Record<string, unknown>).inertia };
}

/** Overlapping round groups: singles, so that both precisions see the same points. */
function mixture(rows: number, columns: number, groups: number): Float64Array {
  const random = createRandom(3);
  const centres = Float64Array.from({ length: groups * columns }, () => random.normal() * 1.5);
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    const group = (Math.floor(at / columns) * 7919) % groups;
    return Math.fround(centres[group * columns + (at % columns)]! + random.normal());
  });
}

function dataOf(points: Float64Array, rows: number, columns: number): TrainingData {
  const entries = Array.from({ length: columns }, (_, column) => {
    const values = Float64Array.from({ length: rows }, (_, row) => points[row * columns + column]!);
    return [`x${column}`, { kind: "number", values }] as const;
  });
  return { X: { rowCount: rows, columns: Object.fromEntries(entries) }, y: new Float64Array(), task: "clustering", classes: [] };
}
