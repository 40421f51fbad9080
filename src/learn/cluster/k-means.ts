/**
 * K-means: as many centres as clusters, so that the rows' squared distances to their nearest centre sum to as little as a search by steps finds. Starts from
 * k-means++ draws, then Lloyd's steps (`lloyd.ts`). Labels are those of a search in double precision.
 * Memory: 8 bytes per row and dimension, 20 per row.
 */
import { MillError } from "../../base/index.ts";
import { crewSize, runCrew } from "../crew/crew.ts";
import {
  type Estimator,
  type FitContext,
  type ParamSpecs,
  type Params,
  type Predictor,
  type TrainingData,
  usualTags,
} from "../estimator.ts";
import { completeParams } from "../params.ts";
import { fillPoints } from "../point-rows.ts";
import { createSpace, factorOf, type PointSpace } from "../points.ts";
import { checkTrainingData } from "../training-data.ts";
import { clustersOf, placeCentres } from "./go-on.ts";
import type { Clustering, LloydOrder } from "./lloyd.ts";
import { type ClusterMemory, createClusterMemory } from "./memory.ts";
import { type CentresModel, centresPredictor } from "./predictor.ts";

export const clusterParams = {
  clusters: { type: "integer", default: 8, min: 1, max: 100_000, about: "how many; no more than rows" },
  standardise: {
    type: "boolean",
    default: true,
    about: "measure numbers in standard deviations, so that all columns count alike",
  },
  countMin: { type: "integer", default: 10, min: 1, max: 1_000_000, about: "texts of a column with fewer rows count as one" },
} as const satisfies ParamSpecs;

export const kMeans: Estimator = {
  name: "k-means",
  revision: 1,
  about: "Groups of rows around centres: quick, for round groups of like size.",
  params: {
    clusters: clusterParams.clusters,
    starts: { type: "integer", default: 1, min: 1, max: 1000, about: "searches from different centres; the best is kept" },
    iterationsMax: { type: "integer", default: 300, min: 1, max: 100_000, about: "steps of a search, at most" },
    tolerance: {
      type: "number",
      default: 1e-4,
      min: 0,
      max: 1,
      about: "a search ends when the squares of the centres' moves sum to no more than this part of the columns' mean variance",
    },
    standardise: clusterParams.standardise,
    countMin: clusterParams.countMin,
  },
  tags: { ...usualTags, tasks: ["clustering"], warmStart: true },
  fit,
};

async function fit(data: TrainingData, given: Params, context: FitContext): Promise<Predictor> {
  const params = completeParams(kMeans, given);
  checkTrainingData(kMeans, data);
  const start = clustersOf(kMeans.name, data, context);
  const clusters = start === undefined ? (params.clusters as number) : start.masses.length;
  checkClusters(kMeans.name, clusters, data.X.rowCount);
  const space = start?.space ?? spaceOf(data, params);
  const members = crewSize(data.X.rowCount, context.threads);
  const at = createClusterMemory(
    { rowCount: data.X.rowCount, width: space.width, clusters },
    data.weights !== undefined,
    members,
  );
  const factor = factorOf(space);
  if (start !== undefined) placeCentres(at, start.centres, factor);
  const order: LloydOrder = {
    at,
    starts: params.starts as number,
    iterationsMax: params.iterationsMax as number,
    tolerance: params.tolerance as number,
    seed: context.seed,
    isWarm: start !== undefined,
  };
  const fill = () => {
    placeRows(at, space, data, factor);
    return order;
  };
  const found = (await runCrew("search-clusters", fill, members, context))!;
  if (!found.converged)
    context.warn({
      reason: "not-converged",
      message: `k-means stopped after ${found.iterations} steps, and the centres still moved.`,
      fix: "raise iterationsMax, or tolerance",
    });
  return centresPredictor(modelOf(kMeans.name, space, at, found, factor));
}

export const spaceOf = (data: TrainingData, { standardise, countMin }: Params): PointSpace =>
  createSpace(data, { standardise: standardise as boolean, countMin: countMin as number, centre: true });

/** Error: `learn.bad-parameter`. */
export function checkClusters(estimator: string, clusters: number, rowCount: number): void {
  if (clusters <= rowCount) return;
  const detail = { at: `${estimator}.clusters`, expected: `at most ${rowCount}, the number of rows`, got: String(clusters) };
  throw new MillError("learn.bad-parameter", `${rowCount} rows cannot make ${clusters} clusters.`, {
    ...detail,
    fix: "Ask for fewer clusters, or give more rows.",
  });
}

function placeRows(at: ClusterMemory, space: PointSpace, { X, weights }: TrainingData, factor: number): void {
  fillPoints(space, X, at.points, at.stride, factor);
  if (weights !== undefined) at.weights!.set(weights);
}

/** From centres of a memory's stride and scale. */
export function modelOf(
  estimator: string,
  space: PointSpace,
  { clusters, stride }: Pick<ClusterMemory, "clusters" | "stride">,
  found: Clustering,
  factor: number,
): CentresModel {
  const { width } = space;
  const centres = new Float64Array(clusters * width);
  for (let cluster = 0; cluster < clusters; cluster++)
    for (let at = 0; at < width; at++) centres[cluster * width + at] = found.centres[cluster * stride + at]! / factor;
  return { estimator, space, centres, masses: found.masses, inertia: found.inertia / factor ** 2 };
}
