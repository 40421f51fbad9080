/**
 * K-nearest neighbours: a row's prediction is that of the training rows nearest to it, which are the model. Exact: candidates from single precision or a k-d tree,
 * ranked in double. Memory: 8 to 20 bytes per row and dimension.
 */
import { MillError } from "../../base/index.ts";
import { throwIfCancelled } from "../crew/crew.ts";
import { type Estimator, type FitContext, type Params, type Predictor, type TrainingData, usualTags } from "../estimator.ts";
import { completeParams } from "../params.ts";
import { fillPoints } from "../point-rows.ts";
import { createSpace } from "../points.ts";
import { checkTrainingData } from "../training-data.ts";
import { type NeighboursModel, neighboursPredictor, WEIGHTINGS } from "./predictor.ts";

export const nearestNeighbours: Estimator = {
  name: "nearest-neighbours",
  revision: 1,
  about: "The most alike training rows decide: no training, but the model holds all its rows.",
  params: {
    neighbours: { type: "integer", default: 5, min: 1, max: 10_000, about: "rows that decide; no more than there are" },
    weighting: {
      type: "choice",
      choices: WEIGHTINGS,
      default: "uniform",
      about: "what a neighbour's vote weighs: the same as each other's, or 1 / its distance",
    },
    standardise: {
      type: "boolean",
      default: true,
      about: "measure numbers in standard deviations, so that all columns count alike",
    },
    countMin: { type: "integer", default: 10, min: 1, max: 1_000_000, about: "texts of a column with fewer rows count as one" },
  },
  tags: { ...usualTags, tasks: ["binary-classification", "multiclass-classification", "regression"], weights: false },
  fit,
};

async function fit(data: TrainingData, given: Params, context: FitContext): Promise<Predictor> {
  const params = completeParams(nearestNeighbours, given);
  checkTrainingData(nearestNeighbours, data);
  throwIfCancelled(context.signal);
  const { X, y, task, classes } = data;
  const neighbours = params.neighbours as number;
  if (neighbours > X.rowCount)
    throw new MillError("learn.bad-parameter", `${X.rowCount} rows have no ${neighbours} neighbours.`, {
      at: "nearest-neighbours.neighbours",
      expected: `at most ${X.rowCount}, the number of rows`,
      got: String(neighbours),
      fix: "Ask for fewer neighbours, or give more rows.",
    });
  const standardise = params.standardise as boolean;
  const space = createSpace(data, { standardise, countMin: params.countMin as number, centre: true });
  const points = new Float64Array(X.rowCount * space.width);
  fillPoints(space, X, points, space.width);
  context.progress(1, 1);
  const weighting = params.weighting as NeighboursModel["weighting"];
  return neighboursPredictor({
    ...{ estimator: nearestNeighbours.name, task, classes, space },
    ...{ points, y: y.slice(), neighbours, weighting },
  });
}
