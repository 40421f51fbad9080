/** What the estimators of least squares have in common: from training data and penalties to a predictor. */
import { MillError } from "../../base/index.ts";
import { crewSize, runCrew } from "../crew/crew.ts";
import { sharedCopy, sharedFloat64, sharedInt32 } from "../crew/shared.ts";
import { createDesign, type Design, penaltyScales, type TextInput } from "../design.ts";
import type { FitContext, ParamSpec, Predictor, TrainingData } from "../estimator.ts";
import { exactMean } from "../exact-sum.ts";
import { linearPredictor } from "./predictor.ts";
import type { SolveOrder } from "./solve.ts";

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

export async function fitLeastSquares(data: TrainingData, problem: LeastSquares, context: FitContext): Promise<Predictor> {
  const design = await createDesign(data, problem.countMin);
  if (design.weightCount > WEIGHTS_MAX) throw tooWide(design.weightCount);
  const centre = exactMean(data.y, data.weights);
  const members = crewSize(data.X.rowCount, context.threads);
  const solved = await runCrew("solve-least-squares", orderOf(data, design, centre, problem), members, context);
  const { weights, converged } = solved!;
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

function orderOf({ X, y, weights }: TrainingData, design: Design, centre: number, problem: LeastSquares): SolveOrder {
  const size = design.weightCount + 1;
  const chunks = Math.max(1, Math.min(64, Math.ceil(X.rowCount / 4096), Math.floor(PARTIALS_MAX / size ** 2)));
  const scales = penaltyScales(design, problem.standardise);
  const per = problem.perRow ? design.total : 1;
  return {
    data: { rows: design.rows, y: sharedCopy(y), centre, rowWeights: weights && sharedCopy(weights) },
    l1: scales.map((scale) => problem.l1 * per * scale),
    l2: scales.map((scale) => problem.l2 * per * scale * scale),
    spare: design.inputs.flatMap((input) => (input.kind === "text" ? [Math.max(...slotsIn(input))] : [])),
    iterationsMax: problem.iterationsMax,
    tolerance: problem.tolerance,
    memory: { partials: sharedFloat64(chunks * size * size), chunks, reflects: sharedInt32(1) },
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
