/**
 * Our trainers beside scikit-learn's on the same Parquet files, in turns, so that both see the same neighbours on the host. Ratios count, seconds drift.
 *
 *   npm run bench learn.bench                        500,000 x 28 made by formula
 *   npm run bench learn.bench TRAIN.parquet HOLDOUT.parquet   a training set of one's own (feature columns and __label, 0 or 1)
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Task } from "../contract/index.ts";
import type { Params, TrainingData } from "./estimator.ts";
import { estimatorNamed } from "./estimators.ts";
import { readTrainingSet } from "./fixtures/parquet-data.ts";
import { measure } from "./metrics/measure.ts";

const ROUNDS = 2;
const TREES = 100;
const COLUMNS = 28;
const peers = join(import.meta.dirname, "../../bench/peers");
const python = join(peers, ".venv/bin/python");
const threads = availableParallelism();
const folder = mkdtempSync(join(tmpdir(), "mill-bench-"));
const database = await (await DuckDBInstance.create(":memory:")).connect();

try {
  installPeers();
  const [train, holdout] = process.argv.length >= 4 ? [process.argv[2]!, process.argv[3]!] : await synthetic();
  const data = await readTrainingSet(database, train);
  const test = await readTrainingSet(database, holdout);
  console.log(
    `${data.X.rowCount} rows x ${Object.keys(data.X.columns).length} columns, ${threads} threads, best of ${ROUNDS} in turns\n`,
  );
  console.log("trainer               ours s   scikit-learn s   ratio   AUC ours   AUC scikit-learn");
  await compare("boosting", "gradient-boosting", { trees: TREES }, data, test, [train, holdout]);
  await compare("logistic", "logistic-regression", {}, data, test, [train, holdout]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

interface Result {
  readonly auc: number;
  readonly seconds: number;
}

async function compare(
  peer: string,
  name: string,
  params: Params,
  train: TrainingData,
  test: TrainingData,
  files: string[],
): Promise<void> {
  const ours: Result[] = [];
  const theirs: Result[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await fitOurs(name, params, train, test));
    const script = join(peers, "flights_sklearn.py");
    const printed = execFileSync(python, [script, ...files, "--trees", String(TREES), "--only", peer], { encoding: "utf8" });
    theirs.push(JSON.parse(printed)[peer]);
  }
  const best = (results: readonly Result[]) => results.reduce((a, b) => (b.seconds < a.seconds ? b : a));
  const [a, b] = [best(ours), best(theirs)];
  const cells = [name.padEnd(20), a.seconds.toFixed(2).padStart(7), b.seconds.toFixed(2).padStart(16)];
  console.log(
    [
      ...cells,
      `${(b.seconds / a.seconds).toFixed(2)}x`.padStart(7),
      a.auc.toFixed(4).padStart(10),
      b.auc.toFixed(4).padStart(18),
    ].join(" "),
  );
}

async function fitOurs(name: string, params: Params, train: TrainingData, test: TrainingData): Promise<Result> {
  const context = { threads, seed: 1, progress: () => {}, warn: () => {}, signal: new AbortController().signal };
  const started = performance.now();
  const model = await estimatorNamed(name).fit(train, params, context);
  const seconds = (performance.now() - started) / 1000;
  const { measures } = measure(train.task as Task, { predictions: model.predict(test.X), y: test.y, classes: test.classes });
  return { auc: measures.auc!, seconds };
}

/** Normal columns and a label of a few bent effects and an interaction; the same rows each time. */
async function synthetic(): Promise<[train: string, holdout: string]> {
  const unit = (salt: number) => `((hash(i * 64 + ${salt}) >> 11) / 9007199254740992.0)`;
  const normal = (column: number) => `sqrt(-2 * ln(1 - ${unit(column * 2)})) * cos(2 * pi() * ${unit(column * 2 + 1)})`;
  const columns = Array.from({ length: COLUMNS }, (_, column) => `(${normal(column)})::float as x${column}`);
  const score = "x0 + sin(2 * x1) + x2 * x3 + 0.5 * x4 * x4 - 0.5 + 0.5 * x5 * sign(x6) + 0.3 * (x7 + x8 + x9)";
  const label = `(1 / (1 + exp(-1.5 * (${score}))) > ${unit(60)})::int as __label`;
  const rows = (from: number, to: number) =>
    `select * exclude (i), ${label} from (select i, ${columns.join(", ")} from range(${from}, ${to}) r(i))`;
  const [train, holdout] = [join(folder, "train.parquet"), join(folder, "holdout.parquet")];
  await database.run(`copy (${rows(0, 500_000)}) to '${train}' (format parquet)`);
  await database.run(`copy (${rows(500_000, 600_000)}) to '${holdout}' (format parquet)`);
  return [train, holdout];
}

function installPeers(): void {
  if (existsSync(python)) return;
  console.log("installing scikit-learn into bench/peers/.venv");
  execFileSync("python3", ["-m", "venv", join(peers, ".venv")]);
  execFileSync(python, ["-m", "pip", "install", "--quiet", "-r", join(peers, "requirements.txt")], { stdio: "inherit" });
}
