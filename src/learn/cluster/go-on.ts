/** Going on from clusters that were found: their space stays, and their centres are where the search begins. */
import type { FitContext, TrainingData } from "../estimator.ts";
import type { NumberColumn } from "../frame.ts";
import { factorOf, type PointSpace } from "../points.ts";
import { checkStart } from "../start.ts";
import { badColumn } from "../training-data.ts";
import type { ClusterMemory } from "./memory.ts";
import { type CentresModel, readCentres } from "./predictor.ts";

/** Errors: as `checkStart`, and `learn.bad-column` where a number is too far out for distances in the model's space. */
export function clustersOf(estimator: string, data: TrainingData, { start }: FitContext): CentresModel | undefined {
  if (start === undefined) return undefined;
  checkStart(start, estimator, data);
  const model = readCentres(start.toJson() as Record<string, unknown>);
  checkReach(model.space, data);
  return model;
}

export function placeCentres({ centres, clusters, width, stride }: ClusterMemory, given: Float64Array, factor: number): void {
  for (let cluster = 0; cluster < clusters; cluster++)
    for (let at = 0; at < width; at++) centres[cluster * stride + at] = given[cluster * width + at]! * factor;
}

/** Times the largest coordinate of the rows that the space was made of: squares of what is further out leave single precision. */
const REACH_MAX = 1e15;

function checkReach(space: PointSpace, { X }: TrainingData): void {
  const factor = factorOf(space);
  for (const input of space.inputs) {
    if (input.kind !== "number") continue;
    const { values } = X.columns[input.name] as NumberColumn;
    const [middle, scale] = [input.offset, input.scale * factor];
    let far = 0;
    while (far < values.length && !(Math.abs((values[far]! - middle) * scale) > REACH_MAX)) far++;
    if (far < values.length)
      throw badColumn(
        input.name,
        "numbers not too far from those that the clusters were found in",
        `${values[far]} in row ${far}`,
        "Leave such rows out, or train anew.",
      );
  }
}
