/** Measures beside scikit-learn's on the same rows, in turns, each on one thread. Ratios count, seconds drift. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom } from "../../base/index.ts";
import { fitIsotonic } from "../calibration/isotonic.ts";
import { bootstrap } from "./bootstrap.ts";
import { silhouette } from "./cluster-shape.ts";
import { measureNamed } from "./measures.ts";
import { ndcg } from "./ranked-lists.ts";

const ROWS = 400_000;
const POINTS = 4000;
const ROUNDS = 3;
const peers = join(import.meta.dirname, "../../../bench/peers");
const python = join(peers, ".venv/bin/python");
if (!existsSync(python)) throw new Error("Run `npm run bench learn.bench` once: it installs the peers.");

const random = createRandom(1);
const p = Float64Array.from({ length: ROWS }, () => random.next());
const y = p.map((stated) => (random.next() < stated ? 1 : 0));
const points = Float64Array.from({ length: POINTS * 8 }, () => random.normal());
const binary = { predictions: p, y, classes: ["false", "true"] };
const groups = Int32Array.from(p, (_, row) => Math.floor(row / 10));
const labels = Int32Array.from({ length: POINTS }, (_, row) => row % 5);

const named = (name: string) => () => measureNamed("binary-classification", name).of(binary).value!;
const work: Readonly<Record<string, () => number>> = {
  auc: named("auc"),
  averagePrecision: named("averagePrecision"),
  logLoss: named("logLoss"),
  // scikit-learn counts a list without a positive as 0 and we leave it out: such lists are rare here.
  ndcg: () => ndcg({ scores: p, grades: y, groups }, Infinity, "linear").value!,
  silhouette: () => silhouette({ values: points, width: 8 }, labels).value!,
  isotonic: () => fitIsotonic(p, y, undefined).scores.length,
};

const folder = mkdtempSync(join(tmpdir(), "mill-bench-"));
try {
  for (const [name, values] of Object.entries({ p, y, points })) writeFileSync(join(folder, name), values);
  const rounds = Array.from({ length: ROUNDS }, () => ({ ours: measureOurs(), theirs: measureTheirs() }));
  console.log("measure              ours s   scikit-learn s   ratio   values");
  for (const name of Object.keys(work)) {
    const [ours, theirs] = (["ours", "theirs"] as const).map((side) =>
      rounds.map((round) => round[side][name]!).reduce((a, b) => (b.seconds < a.seconds ? b : a)),
    ) as [Timed, Timed];
    const ratio = `${(theirs.seconds / ours.seconds).toFixed(2)}x`.padStart(7);
    console.log(
      `${name.padEnd(17)} ${ours.seconds.toFixed(4).padStart(9)} ${theirs.seconds.toFixed(4).padStart(16)} ${ratio}   ${ours.value} ${theirs.value}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
const part = { ...binary, predictions: p.slice(0, 20_000), y: y.slice(0, 20_000) };
const { seconds } = timed(() => bootstrap(measureNamed("binary-classification", "auc"), part)!.value);
console.log(`a BCa interval of auc, 20,000 rows, 1000 resamples: ${seconds.toFixed(2)} s`);

interface Timed {
  readonly seconds: number;
  readonly value: number;
}

function measureOurs(): Record<string, Timed> {
  return Object.fromEntries(Object.entries(work).map(([name, run]) => [name, timed(run)]));
}

function measureTheirs(): Record<string, Timed> {
  const single = { ...process.env, OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" };
  return JSON.parse(execFileSync(python, [join(peers, "metrics_speed_sklearn.py"), folder], { encoding: "utf8", env: single }));
}

function timed(run: () => number): Timed {
  const start = performance.now();
  const value = run();
  return { value, seconds: (performance.now() - start) / 1000 };
}
