/** What the estimators that search for the least loss have in common: from training data and penalties to weights. */
import { crewSize, runCrew, throwIfCancelled } from "../crew/crew.ts";
import { sharedFloat64, sharedInt32 } from "../crew/shared.ts";
import { type Design, penaltyScales, sharedRows } from "../design.ts";
import type { FitContext, ParamSpec, TrainingData } from "../estimator.ts";
import { createArena } from "../kernels/arena.ts";
import { allocateCurvature } from "./curvature.ts";
import { LEVEL, levelsOf } from "./lead.ts";
import { countMinParam, standardiseParam } from "./least-squares.ts";
import type { LossName } from "./losses.ts";
import { allocateMatrix, allocateScratch, shapeOf } from "./rows-matrix.ts";
import { type LossOrder, minimiseHere, type TrainedWeights } from "./train.ts";

export interface LossProblem extends Omit<LossParams, "countMin"> {
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
}

/** What all of them take. */
export const lossParams = {
  l2: { type: "number", default: 1, min: 0, max: 1e9, about: "penalty on the squares of the weights, 1 / C of scikit-learn" },
  standardise: standardiseParam,
  iterationsMax: { type: "integer", default: 200, min: 1, max: 10_000, about: "steps of the search, at most" },
  tolerance: {
    ...{ type: "number", default: 1e-5, min: 0, openMin: true, max: 1 },
    about: "the search ends when no slope of the mean loss is steeper",
  },
  countMin: countMinParam,
} as const satisfies Record<string, ParamSpec>;

export interface LossParams {
  readonly l2: number;
  readonly standardise: boolean;
  readonly iterationsMax: number;
  readonly tolerance: number;
  readonly countMin: number;
}

/** Gradients kept at once: bounds the number of chunks when there are very many weights. */
const PARTIALS_MAX = 4_000_000;
/** Up to so many products in all expected passes the calling thread takes less time than others take to start and to be given the rows. */
const HERE_PRODUCTS_MAX = 6e8;
/** What is made anew from the columns in each pass when it is more: memory touched the first time is dear. */
const HERE_HELD_BYTES_MAX = 32 * 2 ** 20;

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
  throwIfCancelled(context.signal);
  const { outputs, rowWeights, iterationsMax, tolerance, l1 } = problem;
  const folds = problem.folds ?? 0;
  const { columns, pitch, blocks } = shapeOf(design.rows);
  const passes = l1 > 0 ? 60 : 6 * (folds + 1);
  const isHere = X.rowCount * (columns + design.rows.slots.length) * (outputs + 1) * passes <= HERE_PRODUCTS_MAX;
  const isLarge = blocks * columns * pitch * 8 > HERE_HELD_BYTES_MAX;
  const arena = createArena();
  const rows = { outputs, y, rowWeights, epsilon: problem.epsilon ?? 0, bend: problem.bend ?? 0 };
  const held = isHere && isLarge && l1 === 0 && levelsOf(design.rows).length > 1 ? LEVEL : 1;
  const matrix = allocateMatrix(arena, isHere ? design.rows : await sharedRows(design.rows), rows, problem.loss, held);
  const members = isHere ? 1 : crewSize(X.rowCount, context.threads);
  const size = outputs * design.weightCount;
  const chunks = Math.max(1, Math.min(64, Math.ceil(X.rowCount / 1024), Math.max(4, Math.floor(PARTIALS_MAX / size))));
  const scales = penaltyScales(design, problem.standardise);
  const order: LossOrder = {
    matrix,
    total: rowWeights === undefined ? X.rowCount : rowWeights.reduce((a, b) => a + b, 0),
    l1: scales.map((scale) => l1 * scale),
    l2: scales.map((scale) => problem.l2 * scale * scale),
    iterationsMax,
    tolerance,
    squares: design.squares,
    folds,
    memory: {
      wasm: arena.memory,
      scratches: Array.from({ length: members }, () => allocateScratch(arena, matrix)),
      curvature: allocateCurvature(arena, matrix),
      weights: sharedFloat64(size),
      partials: sharedFloat64(chunks * size),
      losses: sharedFloat64(chunks),
      heldScores: sharedFloat64(folds > 0 ? outputs * X.rowCount : 0),
      foldWeights: arena.float64(folds > 0 ? blocks * matrix.blockRows : 0),
      command: sharedInt32(2),
    },
  };
  const trained = isHere ? await minimiseHere(order, context) : await runCrew("minimise-loss", order, members, context);
  if (!trained!.converged)
    context.warn({
      reason: "not-converged",
      message: `The search for the weights ended after ${iterationsMax} steps, the slope still above the tolerance.`,
      fix: "Raise iterationsMax, or accept less with a larger tolerance.",
    });
  return { ...trained!, heldScores: order.memory.heldScores };
}
