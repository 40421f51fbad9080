/** What the estimators that search for the least loss have in common: from training data and penalties to weights. */
import { crewSize, runCrew } from "../crew/crew.ts";
import { sharedFloat64, sharedInt32 } from "../crew/shared.ts";
import { type Design, penaltyScales, sharedRows } from "../design.ts";
import type { FitContext, ParamSpec, TrainingData } from "../estimator.ts";
import { createArena } from "../kernels/arena.ts";
import type { LossName } from "./losses.ts";
import { allocateMatrix, allocateScratch } from "./rows-matrix.ts";
import type { LossOrder, TrainedWeights } from "./train.ts";

export interface LossProblem {
  readonly loss: LossName;
  readonly outputs: number;
  readonly epsilon?: number;
  readonly bend?: number;
  /** Scores each row by weights that did not see it, in so many parts; none unless told. */
  readonly folds?: number;
  /** Of the rows, class weights included. */
  readonly rowWeights: Float64Array | undefined;
  /** Minimised is the summed loss + l1 x sum of |w| + l2 / 2 x sum of w^2; the bias is free. */
  readonly l1: number;
  readonly l2: number;
  readonly standardise: boolean;
  readonly iterationsMax: number;
  readonly tolerance: number;
}

export const searchParams = {
  iterationsMax: { type: "integer", default: 200, min: 1, max: 10_000, about: "steps of the search, at most" },
  tolerance: {
    ...{ type: "number", default: 1e-5, min: 0, openMin: true, max: 1 },
    about: "the search ends when no slope of the mean loss is steeper",
  },
} as const satisfies Record<string, ParamSpec>;

/** Gradients kept at once: bounds the number of chunks when there are very many weights. */
const PARTIALS_MAX = 4_000_000;

export interface FittedLoss extends TrainedWeights {
  /** outputs x rowCount; empty without folds. */
  readonly heldScores: Float64Array;
}

/** Output-major weights, the bias last in each output. Tells when the search did not converge. Errors: those of `fit`. */
export async function fitLoss(
  { X, y }: Pick<TrainingData, "X" | "y">,
  design: Design,
  problem: LossProblem,
  context: FitContext,
): Promise<FittedLoss> {
  const { outputs, rowWeights, iterationsMax, tolerance } = problem;
  const members = crewSize(X.rowCount, context.threads);
  const arena = createArena();
  const rows = { outputs, y, rowWeights, epsilon: problem.epsilon ?? 0, bend: problem.bend ?? 0 };
  const folds = problem.folds ?? 0;
  const matrix = allocateMatrix(arena, sharedRows(design.rows), rows, problem.loss);
  const size = outputs * design.weightCount;
  const chunks = Math.max(1, Math.min(64, Math.ceil(X.rowCount / 1024), Math.max(4, Math.floor(PARTIALS_MAX / size))));
  const scales = penaltyScales(design, problem.standardise);
  const order: LossOrder = {
    matrix,
    total: rowWeights === undefined ? X.rowCount : rowWeights.reduce((a, b) => a + b, 0),
    l1: scales.map((scale) => problem.l1 * scale),
    l2: scales.map((scale) => problem.l2 * scale * scale),
    iterationsMax,
    tolerance,
    squares: design.squares,
    folds,
    memory: {
      wasm: arena.memory,
      scratches: Array.from({ length: members }, () => allocateScratch(arena, matrix)),
      products: arena.float64(matrix.stride ** 2),
      weights: sharedFloat64(size),
      partials: sharedFloat64(chunks * size),
      losses: sharedFloat64(chunks),
      heldScores: sharedFloat64(folds > 0 ? outputs * X.rowCount : 0),
      foldWeights: arena.float64(folds > 0 ? X.rowCount : 0),
      command: sharedInt32(2),
    },
  };
  const trained = await runCrew("minimise-loss", order, members, context);
  if (!trained!.converged)
    context.warn({
      reason: "not-converged",
      message: `The search for the weights ended after ${iterationsMax} steps, the slope still above the tolerance.`,
      fix: "Raise iterationsMax, or accept less with a larger tolerance.",
    });
  return { ...trained!, heldScores: order.memory.heldScores };
}
