/**
 * How good a point our samplers find beside Optuna's, after the same number of trials: the median over seeds of the best value, on two test functions and on
 * boosting of real rows. Both sides are asked one trial at a time and are told the same function's values; what Python takes is not measured.
 *
 *   npm run bench tuning [SEEDS] [PROBLEM]
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Dimension, Point, SamplerName, Space } from "../../define/index.ts";
import { crossValidate, estimatorNamed, kFold, measureNamed, type TrainingData } from "../../learn/index.ts";
import { type Observed, suggest } from "./sampler.ts";

interface Problem {
  readonly name: string;
  readonly space: Space;
  readonly trials: number;
  readonly best: string;
  loss(point: Point): number | Promise<number>;
}

/** Whoever says what is tried next. */
interface Partner {
  readonly name: string;
  begin(seed: number): Promise<void>;
  ask(space: Space): Promise<Point>;
  tell(point: Point, loss: number): Promise<void>;
}

const SEEDS = Number(process.argv[2] ?? 15);
/** Only problems whose name has this word. */
const WORD = process.argv[3] ?? "";
const root = join(import.meta.dirname, "../../..");
const peers = join(root, "bench/peers");
const python = join(peers, ".venv-optuna/bin/python");

const unit = (from: number, to: number): Dimension => ({ kind: "number", from, to, scale: "linear" });
const rows = diabetes();
const PROBLEMS: readonly Problem[] = [
  { name: "Branin", space: { x: unit(-5, 10), y: unit(0, 15) }, trials: 60, best: "0.3979", loss: branin },
  {
    name: "Hartmann 6",
    space: Object.fromEntries(["a", "b", "c", "d", "e", "f"].map((name) => [name, unit(0, 1)])),
    trials: 100,
    best: "-3.3224",
    loss: hartmann,
  },
  {
    name: "boosting, diabetes, RMSE",
    space: {
      learningRate: { kind: "number", from: 0.01, to: 0.3, scale: "log" },
      trees: { kind: "integer", from: 10, to: 200, scale: "log" },
      leaves: { kind: "integer", from: 2, to: 32, scale: "log" },
      minRowsPerLeaf: { kind: "integer", from: 2, to: 60, scale: "log" },
      l2: { kind: "number", from: 0.001, to: 100, scale: "log" },
      columnShare: unit(0.2, 1),
    },
    trials: 40,
    best: "?",
    loss: boosted,
  },
];

await main();

async function main(): Promise<void> {
  installPeers();
  const child = spawn(python, [join(peers, "tuning_optuna.py")], { stdio: ["pipe", "pipe", "inherit"] });
  const say = speaker(child);
  const partners: readonly Partner[] = [
    ours("tpe"),
    ...["tpe", "tpe-multivariate"].map((name) => optuna(name, say)),
    ...(["sobol", "random"] as const).map(ours),
    optuna("random", say),
  ];
  console.log(`median of ${SEEDS} seeds of the best value, lower is better\n`);
  for (const problem of PROBLEMS.filter(({ name }) => name.includes(WORD))) {
    console.log(`${problem.name}, ${problem.trials} trials (least possible ${problem.best})`);
    for (const partner of partners)
      console.log(`  ${partner.name.padEnd(26)}${median(await bests(problem, partner)).toFixed(4)}`);
  }
  child.stdin!.end();
  await once(child, "exit");
}

async function bests({ space, trials, loss }: Problem, partner: Partner): Promise<number[]> {
  const found: number[] = [];
  for (let seed = 0; seed < SEEDS; seed++) {
    await partner.begin(seed);
    let best = Infinity;
    for (let trial = 0; trial < trials; trial++) {
      const point = await partner.ask(space);
      const value = await loss(point);
      await partner.tell(point, value);
      best = Math.min(best, value);
    }
    found.push(best);
  }
  return found;
}

function ours(sampler: SamplerName): Partner {
  let [history, seed]: [Observed[], number] = [[], 0];
  return {
    name: `Millwright ${sampler}`,
    async begin(next) {
      [history, seed] = [[], next];
    },
    ask: async (space) => suggest(sampler, { space, history, index: history.length, seed })!,
    async tell(point, loss) {
      history.push({ point, loss, share: 1 });
    },
  };
}

type Say = (line: object) => Promise<unknown>;

function optuna(sampler: string, say: Say): Partner {
  return {
    name: `Optuna ${sampler}`,
    begin: async (seed) => void (await say({ begin: sampler, seed })),
    ask: async (space) => (await say({ ask: space })) as Point,
    tell: async (_, loss) => void (await say({ tell: loss })),
  };
}

/** Each line is answered by one. */
function speaker(child: ChildProcess): Say {
  const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return async (line) => {
    child.stdin!.write(`${JSON.stringify(line)}\n`);
    const { value, done } = await answers.next();
    if (done) throw new Error("Optuna's process has ended");
    return JSON.parse(value);
  };
}

function branin({ x, y }: Point): number {
  const [a, b] = [x as number, y as number];
  const bowl = b - (5.1 / (4 * Math.PI ** 2)) * a * a + (5 / Math.PI) * a - 6;
  return bowl * bowl + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(a) + 10;
}

/** Dixon and Szegö 1978. */
function hartmann(point: Point): number {
  const A = [
    [10, 3, 17, 3.5, 1.7, 8],
    [0.05, 10, 17, 0.1, 8, 14],
    [3, 3.5, 1.7, 10, 17, 8],
    [17, 8, 0.05, 10, 0.1, 14],
  ];
  const P = [
    [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
    [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
    [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
    [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
  ];
  const x = Object.values(point) as number[];
  const term = (k: number) => A[k]!.reduce((sum, a, at) => sum + a * (x[at]! - P[k]![at]!) ** 2, 0);
  return -[1, 1.2, 3, 3.2].reduce((sum, alpha, k) => sum + alpha * Math.exp(-term(k)), 0);
}

async function boosted(params: Point): Promise<number> {
  const rmse = measureNamed("regression", "rmse");
  const context = { threads: 1, seed: 1, progress: () => {}, warn: () => {}, signal: new AbortController().signal };
  const options = { splitter: kFold({ folds: 3, seed: 1 }), measures: [rmse] };
  return (await crossValidate(estimatorNamed("gradient-boosting"), params, rows, options, context)).summary.rmse!.mean;
}

function diabetes(): TrainingData {
  const [header, ...lines] = readFileSync(join(root, "src/learn/fixtures/data/diabetes.csv"), "utf8").trimEnd().split("\n");
  const cells = lines.map((line) => line.split(",").map(Number));
  const column = (at: number) => ({ kind: "number" as const, values: Float64Array.from(cells, (row) => row.at(at)!) });
  const names = header!.split(",").slice(0, -1);
  const X = { rowCount: cells.length, columns: Object.fromEntries(names.map((name, at) => [name, column(at)])) };
  return { X, y: column(-1).values, task: "regression", classes: [] };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function installPeers(): void {
  if (existsSync(python)) return;
  console.log("installing Optuna into bench/peers/.venv-optuna");
  execFileSync("python3", ["-m", "venv", join(peers, ".venv-optuna")]);
  execFileSync(python, ["-m", "pip", "install", "--quiet", "-r", join(peers, "requirements-optuna.txt")], { stdio: "inherit" });
}
