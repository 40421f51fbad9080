/**
 * Our linear models beside every solver that scikit-learn has for the same problem, on the same doubles, in turns. Quality: log loss of logistic regression, AUC
 * of the SVM, R2 of the others, all on the training rows. Ratios count, seconds drift;
 * beside other work on the machine, processor seconds say more.
 *
 *   npm run bench linear.bench [ROWS [MODEL ...]]
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom } from "../../base/index.ts";
import type { Params, Predictor, TrainingData } from "../estimator.ts";
import { estimatorNamed } from "../estimators.ts";
import type { NumberColumn } from "../frame.ts";

const ROUNDS = 2;
const COLUMNS = 50;
const rowCount = Number(process.argv[2] ?? 500_000);
const wanted = process.argv.slice(3);
const threads = availableParallelism();
const peers = join(import.meta.dirname, "../../../bench/peers");
const python = join(peers, ".venv/bin/python");
const folder = mkdtempSync(join(tmpdir(), "mill-bench-"));

const CASES: readonly { readonly name: string; readonly params: Params; readonly isClassifier: boolean }[] = [
  { name: "linear-regression", params: {}, isClassifier: false },
  { name: "ridge", params: { l2: 1, standardise: false }, isClassifier: false },
  { name: "lasso", params: { alpha: 0.01, standardise: false }, isClassifier: false },
  { name: "elastic-net", params: { alpha: 0.01, standardise: false }, isClassifier: false },
  { name: "logistic-regression", params: {}, isClassifier: true },
  { name: "linear-svm", params: { calibrationFolds: 0 }, isClassifier: true },
  { name: "linear-svr", params: { epsilon: 0.5, loss: "squared" }, isClassifier: false },
];

try {
  if (!existsSync(python)) throw new Error("Make bench/peers/.venv first: bench/peers/README.md says how.");
  const data = makeData();
  console.log(`${rowCount} rows x ${COLUMNS} columns, ${threads} threads, best of ${ROUNDS} in turns\n`);
  console.log(
    "| model | ours s | CPU s | quality | scikit-learn | s | CPU s | quality | ratio | CPU ratio |\n|---|---|---|---|---|---|---|---|---|---|",
  );
  for (const one of CASES) if (wanted.length === 0 || wanted.includes(one.name)) await compare(one, data);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

interface Result {
  readonly seconds: number;
  /** Processor seconds, of all threads. */
  readonly cpu: number;
  readonly quality: number;
}

async function compare({ name, params, isClassifier }: (typeof CASES)[number], data: Data): Promise<void> {
  const training: TrainingData = isClassifier
    ? { X: data.X, y: data.label, task: "binary-classification", classes: ["false", "true"] }
    : { X: data.X, y: data.value, task: "regression", classes: [] };
  const ours: Result[] = [];
  const theirs: Record<string, Result>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await fitOurs(name, params, training));
    const printed = execFileSync(python, [join(peers, "linear_sklearn.py"), folder, name], {
      encoding: "utf8",
      env: { ...process.env, OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads), PYTHONWARNINGS: "ignore" },
    });
    theirs.push(JSON.parse(printed));
  }
  const best = (results: readonly Result[]) => results.reduce((a, b) => (b.seconds < a.seconds ? b : a));
  const own = best(ours);
  for (const solver of Object.keys(theirs[0]!)) {
    const their = best(theirs.map((round) => round[solver]!));
    const cells = (result: Result) => [result.seconds.toFixed(3), result.cpu.toFixed(3), result.quality.toFixed(7)];
    const ratios = [their.seconds / own.seconds, their.cpu / own.cpu].map((ratio) => `${ratio.toFixed(1)}x`);
    console.log(`| ${[name, ...cells(own), solver, ...cells(their), ...ratios].join(" | ")} |`);
  }
}

async function fitOurs(name: string, params: Params, data: TrainingData): Promise<Result> {
  const context = { threads, seed: 1, progress: () => {}, warn: () => {}, signal: new AbortController().signal };
  const [started, used] = [performance.now(), process.cpuUsage()];
  const model = await estimatorNamed(name).fit(data, params, context);
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(used);
  return { seconds, cpu: (user + system) / 1e6, quality: qualityOf(name, model, data) };
}

function qualityOf(name: string, model: Predictor, { X, y }: TrainingData): number {
  const predictions = model.predict(X);
  if (name === "logistic-regression")
    return y.reduce((sum, label, row) => sum - Math.log(label === 1 ? predictions[row]! : 1 - predictions[row]!), 0) / y.length;
  if (name === "linear-svm") return aucOf(predictions, y);
  const mean = y.reduce((a, b) => a + b) / y.length;
  const squares = (from: (row: number) => number) => y.reduce((sum, value, row) => sum + (value - from(row)) ** 2, 0);
  return 1 - squares((row) => predictions[row]!) / squares(() => mean);
}

function aucOf(scores: Float64Array, y: Float64Array): number {
  const order = Uint32Array.from(scores, (_, row) => row).sort((a, b) => scores[a]! - scores[b]!);
  let [ranks, positives] = [0, 0];
  order.forEach((row, rank) => {
    if (y[row] !== 1) return;
    ranks += rank + 1;
    positives++;
  });
  return (ranks - (positives * (positives + 1)) / 2) / (positives * (y.length - positives));
}

type Data = ReturnType<typeof makeData>;

/** Neighbouring columns resemble each other, scales differ; labels from a third of the columns and noise. */
function makeData() {
  const random = createRandom(1);
  const draws = Array.from({ length: COLUMNS }, () => Float64Array.from({ length: rowCount }, () => random.normal()));
  const weights = draws.map((_, column) => (column % 3 === 0 ? random.normal() : 0));
  const columns = draws.map((own, column) => {
    const other = draws[(column + 1) % COLUMNS]!;
    return own.map((value, row) => (value + 0.7 * other[row]!) * (1 + column / 10) + column);
  });
  const value = Float64Array.from({ length: rowCount }, () => random.normal());
  draws.forEach((own, column) => {
    if (weights[column] !== 0) for (let row = 0; row < rowCount; row++) value[row]! += weights[column]! * own[row]!;
  });
  const label = value.map((score) => (score + Math.log(1 / random.next() - 1) > 0 ? 1 : 0));
  const bytes = (values: Float64Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  writeFileSync(join(folder, "x.f64"), Buffer.concat(columns.map(bytes)));
  writeFileSync(join(folder, "label.f64"), bytes(label));
  writeFileSync(join(folder, "value.f64"), bytes(value));
  const entries = columns.map((values, column): [string, NumberColumn] => [`x${column}`, { kind: "number", values }]);
  return { X: { rowCount, columns: Object.fromEntries(entries) }, label, value };
}
