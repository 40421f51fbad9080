/** What the estimators of least squares have in common: from training data and penalties to a predictor. */
import { MillError } from "../../base/index.ts";
import { crewSize, runCrew, throwIfCancelled } from "../crew/crew.ts";
import { sharedCopy, sharedFloat64, sharedInt32 } from "../crew/shared.ts";
import { createDesign, type Design, penaltyScales, roughDesign, sharedRows, type TextInput } from "../design.ts";
import type { FitContext, ParamSpec, Predictor, TrainingData } from "../estimator.ts";
import { roughMean } from "../moments.ts";
import { centred } from "./normal-equations.ts";
import { linearPredictor } from "./predictor.ts";
import { isBeyondRough, productsHere, refinedBy } from "./products-here.ts";
import { type Penalties, type Solved, type SolveOrder, solveSystem } from "./solve.ts";

export interface LeastSquares {
  readonly estimator: string;
  readonly countMin: number;
  /** Penalties act on the weights of standardised numbers. */
  readonly standardise: boolean;
  /** Minimised is sum of squares / 2 + l1 x sum of |w| + l2 / 2 x sum of w^2, both penalties x the rows' weight when `perRow`. */
  readonly l1: number;
  readonly l2: number;
  readonly perRow: boolean;
  readonly iterationsMax: number;
  readonly tolerance: number;
}

export const countMinParam: ParamSpec = {
  ...{ type: "integer", default: 10, min: 1, max: 1_000_000 },
  about: "texts of a column with fewer rows share one weight",
};

export const standardiseParam: ParamSpec = {
  ...{ type: "boolean", default: true },
  about: "penalties act on the weights of standardised numbers; else on the numbers' as they come, as in scikit-learn",
};

/** Products of columns kept at once, in doubles. */
const PARTIALS_MAX = 16_000_000;
/** 8 bytes for each pair of weights, twice while solving. */
const WEIGHTS_MAX = 6000;

/** Up to so much work the calling thread takes less time than others take to start and to be given the rows. Their number has no say: the sums would differ. */
const HERE_PRODUCTS_MAX = 3e9;
const HERE_SIZE_MAX = 256;
const HERE_DESCENT_MAX = 1e8;

/** Checks number columns as it reads them. Errors: those of `fit`. */
export async function fitLeastSquares(data: TrainingData, problem: LeastSquares, context: FitContext): Promise<Predictor> {
  throwIfCancelled(context.signal);
  const rough = roughDesign(data, problem.countMin);
  const centre = roughMean(data.y);
  const solve = isLittle(data.X.rowCount, rough.weightCount + 1, problem) ? solveHere : solveByCrew;
  const { design, solved } = await solve(data, centre, problem, context, rough);
  const { weights, converged } = solved;
  if (!weights.every(Number.isFinite)) throw labelsTooLarge();
  if (!converged)
    context.warn({
      reason: "not-converged",
      message: `The search for the weights ended after ${problem.iterationsMax} rounds with a gap above the tolerance.`,
      fix: "Raise iterationsMax, or accept less with a larger tolerance.",
    });
  if (problem.l1 === 0 && problem.l2 === 0) centreTexts(design, weights);
  weights[design.weightCount - 1]! += centre;
  return linearPredictor({ estimator: problem.estimator, task: data.task, classes: [] }, design, weights);
}

const isLittle = (rowCount: number, size: number, { l1, iterationsMax }: LeastSquares) =>
  rowCount * size ** 2 <= HERE_PRODUCTS_MAX &&
  size <= HERE_SIZE_MAX &&
  (l1 === 0 || iterationsMax * size ** 2 <= HERE_DESCENT_MAX);

type Solve = (
  data: TrainingData,
  centre: number,
  problem: LeastSquares,
  context: FitContext,
  rough: Design,
) => Promise<{ readonly design: Design; readonly solved: Solved }>;

const solveHere: Solve = async (data, centre, problem, context, rough) => {
  const { X, y, weights: rowWeights } = data;
  let told = 0;
  const progress = (done: number, total: number) => {
    if (done / total > told) context.progress(done, total);
    told = Math.max(told, done / total);
  };
  const productsOf = ({ rows, weightCount }: Design, isLost?: (sums: Float64Array) => boolean) =>
    productsHere({ rows, y, centre, rowWeights }, chunksOf(rows.rowCount, weightCount + 1), { ...context, progress }, isLost);
  const inTwoReadings = async () => {
    const design = await createDesign(data, problem.countMin);
    return { design, system: centred((await productsOf(design))!, design.weightCount + 1) };
  };
  const products = await productsOf(rough, isBeyondRough(rough));
  const { design, system } = products === null ? await inTwoReadings() : refinedBy(products, rough);
  const { solved, reflects } = solveSystem(system, penaltiesOf(design, problem), X.rowCount);
  if (reflects) return { design, solved: await runSolve(data, design, centre, problem, true, { ...context, progress }) };
  context.progress(1, 1);
  return { design, solved };
};

const solveByCrew: Solve = async (data, centre, problem, context) => {
  const design = await createDesign(data, problem.countMin);
  if (design.weightCount > WEIGHTS_MAX) throw tooWide(design.weightCount);
  return { design, solved: await runSolve(data, design, centre, problem, false, context) };
};

async function runSolve(
  { X, y, weights }: TrainingData,
  design: Design,
  centre: number,
  problem: LeastSquares,
  reflects: boolean,
  context: FitContext,
): Promise<Solved> {
  const size = design.weightCount + 1;
  const chunks = chunksOf(X.rowCount, size);
  const order: SolveOrder = {
    data: { rows: await sharedRows(design.rows), y: sharedCopy(y), centre, rowWeights: weights && sharedCopy(weights) },
    ...penaltiesOf(design, problem),
    memory: { partials: sharedFloat64(chunks * size * size), chunks, reflects: sharedInt32(1).fill(Number(reflects)) },
  };
  return (await runCrew("solve-least-squares", order, crewSize(X.rowCount, context.threads), context))!;
}

const chunksOf = (rowCount: number, size: number) =>
  Math.max(1, Math.min(64, Math.ceil(rowCount / 4096), Math.floor(PARTIALS_MAX / size ** 2)));

function penaltiesOf(design: Design, problem: LeastSquares): Penalties {
  const scales = penaltyScales(design, problem.standardise);
  const per = problem.perRow ? design.total : 1;
  return {
    l1: scales.map((scale) => problem.l1 * per * scale),
    l2: scales.map((scale) => problem.l2 * per * scale * scale),
    spare: design.inputs.flatMap((input) => (input.kind === "text" ? [Math.max(...slotsIn(input))] : [])),
    iterationsMax: problem.iterationsMax,
    tolerance: problem.tolerance,
  };
}

/** Without a penalty only the differences between a column's texts are known: the mean over the rows goes to the bias, so that an unseen text is an average one. */
function centreTexts({ inputs, shares, weightCount }: Design, weights: Float64Array): void {
  for (const input of inputs) {
    if (input.kind === "number") continue;
    const slots = slotsIn(input);
    const mean = slots.reduce((sum, at) => sum + shares[at]! * weights[at]!, 0);
    for (const at of slots) weights[at]! -= mean;
    weights[weightCount - 1]! += mean;
  }
}

const slotsIn = ({ at, missingAt }: TextInput) => [...new Set([...at, missingAt])].filter((slot) => slot >= 0);

export const labelsTooLarge = () =>
  new MillError("learn.bad-label", "The labels are too large for their squares to be summed in a double.", {
    expected: "labels whose squares fit a double",
    fix: "Scale the labels down, or learn their logarithm.",
  });

const tooWide = (weightCount: number) =>
  new MillError(
    "learn.too-large",
    `The columns make ${weightCount} weights, and least squares solve for at most ${WEIGHTS_MAX}.`,
    {
      expected: `at most ${WEIGHTS_MAX} weights, one per number and per text`,
      got: `${weightCount}`,
      fix: "Raise countMin, so that more texts share a weight, or leave columns with many texts out.",
    },
  );
