/** What the naive Bayes estimators have in common: sums within classes, with those of the rows learnt before, then a density for each column. */
import { crewSize, runCrew } from "../crew/crew.ts";
import { sharedCopy, sharedFloat64, sharedInt32 } from "../crew/shared.ts";
import type { FitContext, ParamSpec, Predictor, TrainingData } from "../estimator.ts";
import type { TextColumn } from "../frame.ts";
import { badModel } from "../packed.ts";
import { badStart, checkStart } from "../start.ts";
import { addCounts, type ClassCounts, type CountColumn, type CountOrder, relaid, widthOf } from "./counts.ts";
import type { Density } from "./density.ts";
import { bayesPredictor, readBayes } from "./predictor.ts";

export const smoothingParam: ParamSpec = {
  ...{ type: "number", default: 1, min: 0, openMin: true, max: 1e6 },
  about: "rows added to each count, so that nothing is impossible; alpha of scikit-learn",
};

export const fitPriorParam: ParamSpec = {
  ...{ type: "boolean", default: true },
  about: "start from the classes' shares of the rows; else from equal shares",
};

/** Sums of all columns within the classes, and what a column makes of its own. */
export interface ClassSums {
  readonly classCount: number;
  /** Weight of the rows of each class. */
  readonly classWeights: Float64Array;
  readonly all: readonly Float64Array[];
}

export interface ColumnDensity {
  readonly density: Density;
  /** How much the column tells of the class. */
  readonly gain: number;
}

export interface BayesProblem {
  readonly estimator: string;
  readonly of: CountOrder["of"];
  readonly threshold?: number;
  readonly fitPrior: boolean;
  densityOf(sums: Float64Array, all: ClassSums, texts: readonly string[]): ColumnDensity;
}

/** A class without rows is as unlikely as a double can say. */
const SHARE_MIN = 1e-300;

export async function fitBayes(data: TrainingData, problem: BayesProblem, context: FitContext): Promise<Predictor> {
  const { X, y, weights, task, classes } = data;
  const classCount = classes.length;
  const threshold = problem.threshold ?? 0;
  const before = context.start && countsOf(context.start, problem.estimator, data, threshold);
  const known = (index: number) => context.start?.inputs[index]?.texts ?? [];
  const entries = Object.entries(X.columns);
  const texts = entries.map(([, column], index) => (column.kind === "text" ? usedTexts(column, known(index)) : []));
  const columns = entries.map(([, column], index): CountColumn => {
    if (column.kind === "text")
      return { kind: "text", levels: levelsOf(column, texts[index]!), levelCount: texts[index]!.length };
    return {
      kind: "number",
      values: column.values.buffer instanceof SharedArrayBuffer ? column.values : sharedCopy(column.values),
    };
  });
  const sums = columns.map((column) => sharedFloat64(classCount * widthOf(problem.of, column)));
  const order: CountOrder = {
    ...{ columns, of: problem.of, classCount, sums, threshold },
    y: sharedCopy(y),
    weights: weights && sharedCopy(weights),
  };
  const members = Math.min(columns.length, crewSize(X.rowCount, context.threads));
  await runCrew("count-classes", order, members, context);
  columns.forEach(({ kind }, index) => {
    if (before === undefined) return;
    const own = before.sums[index]!;
    const laid = kind === "text" ? relaid(own, known(index), texts[index]!) : own;
    if (laid.length !== sums[index]!.length) throw badModel("the counts of a column are incomplete");
    addCounts(problem.of, sums[index]!, laid);
  });
  const classWeights = before?.classWeights.slice() ?? new Float64Array(classCount);
  for (let row = 0; row < y.length; row++) classWeights[y[row]!]! += weights?.[row] ?? 1;
  const total = classWeights.reduce((a, b) => a + b);
  const all: ClassSums = { classCount, classWeights, all: sums };
  const fitted = columns.map((_, index) => problem.densityOf(sums[index]!, all, texts[index]!));
  return bayesPredictor({
    ...{ estimator: problem.estimator, task, classes },
    priors: classWeights.map((weight) => Math.log(problem.fitPrior ? Math.max(SHARE_MIN, weight / total) : 1 / classCount)),
    columns: entries.map(([name], index) => ({ name, density: fitted[index]!.density })),
    gains: fitted.map(({ gain }) => gain),
    counts: { classWeights, sums, threshold },
  });
}

/** What the model to go on from has counted. Errors: as `checkStart`, and `learn.bad-start` where it counted otherwise or kept no counts. */
function countsOf(start: Predictor, estimator: string, data: TrainingData, threshold: number): ClassCounts {
  checkStart(start, estimator, data);
  const { counts } = readBayes(start.toJson() as Record<string, unknown>);
  if (counts === undefined) throw badStart("a model that keeps its counts", "one of an earlier version, which kept none");
  if (counts.threshold !== threshold) throw badStart(`the threshold ${threshold}`, String(counts.threshold));
  return counts;
}

/** Those of the rows and those known before, in order; the empty text is missing. */
function usedTexts({ codes, texts }: TextColumn, known: readonly string[]): string[] {
  const used = new Uint8Array(texts.length);
  for (let row = 0; row < codes.length; row++) if (codes[row]! >= 0) used[codes[row]!] = 1;
  const own = texts.filter((text, code) => used[code] === 1 && text !== "");
  return [...new Set([...known, ...own])].sort((a, b) => (a < b ? -1 : 1));
}

function levelsOf({ codes, texts }: TextColumn, used: readonly string[]): Int32Array {
  const levels = new Map(used.map((text, level) => [text, level] as const));
  const levelOf = texts.map((text) => levels.get(text) ?? -1);
  const shared = sharedInt32(codes.length);
  for (let row = 0; row < codes.length; row++) shared[row] = codes[row]! < 0 ? -1 : levelOf[codes[row]!]!;
  return shared;
}

/** Mean over the classes, by their shares, of how far each distribution is from the mean one (Kullback and Leibler), in nats. */
export function informationOf(distributions: readonly Float64Array[], classWeights: Float64Array): number {
  const total = classWeights.reduce((a, b) => a + b);
  const width = distributions[0]!.length;
  let gain = 0;
  for (let at = 0; at < width; at++) {
    const mean = distributions.reduce((sum, own, k) => sum + (classWeights[k]! / total) * own[at]!, 0);
    distributions.forEach((own, k) => {
      if (own[at]! > 0) gain += (classWeights[k]! / total) * own[at]! * Math.log(own[at]! / mean);
    });
  }
  return Math.max(0, gain);
}
