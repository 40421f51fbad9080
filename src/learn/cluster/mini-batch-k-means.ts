/**
 * K-means on small draws of rows (`mini-batch.ts`): a little less exact, for more rows than one wants to read again and again. Memory: the frame, and a draw.
 * More rows go to the clusters of a model, each moving its centre by its part of all that the centre has seen; columns stay measured as in the first rows.
 */
import { runCrew } from "../crew/crew.ts";
import { sharedCopy } from "../crew/shared.ts";
import { type Estimator, type FitContext, type Params, type Predictor, type TrainingData, usualTags } from "../estimator.ts";
import { completeParams } from "../params.ts";
import { sharedFrame } from "../point-rows.ts";
import { factorOf } from "../points.ts";
import { checkTrainingData } from "../training-data.ts";
import { clustersOf } from "./go-on.ts";
import { checkClusters, clusterParams, modelOf, spaceOf } from "./k-means.ts";
import type { BatchesOrder } from "./mini-batch.ts";
import { centresPredictor } from "./predictor.ts";

export const miniBatchKMeans: Estimator = {
  name: "mini-batch-k-means",
  revision: 1,
  about: "K-means from small draws of rows: nearly as good, for very many rows.",
  params: {
    clusters: clusterParams.clusters,
    batchRows: { type: "integer", default: 1024, min: 1, max: 10_000_000, about: "rows of a draw" },
    iterationsMax: {
      type: "integer",
      default: 100,
      min: 1,
      max: 100_000,
      about: "draws, at most, counted in passes over all rows",
    },
    patience: { type: "integer", default: 10, min: 1, max: 100_000, about: "the search ends after so many draws without a gain" },
    standardise: clusterParams.standardise,
    countMin: clusterParams.countMin,
  },
  tags: { ...usualTags, tasks: ["clustering"], partialFit: true },
  fit,
};

async function fit(data: TrainingData, given: Params, context: FitContext): Promise<Predictor> {
  const params = completeParams(miniBatchKMeans, given) as Record<string, number>;
  checkTrainingData(miniBatchKMeans, data, context);
  const start = clustersOf(miniBatchKMeans.name, data, context);
  const { rowCount } = data.X;
  const clusters = start?.masses.length ?? params.clusters!;
  if (start === undefined) checkClusters(miniBatchKMeans.name, clusters, rowCount);
  const space = start?.space ?? spaceOf(data, params);
  const factor = factorOf(space);
  const batchRows = Math.min(params.batchRows!, rowCount);
  const order: BatchesOrder = {
    ...{ X: sharedFrame(data.X), space, weights: data.weights && sharedCopy(data.weights), factor, clusters, batchRows },
    ...{ stepsMax: Math.ceil((params.iterationsMax! * rowCount) / batchRows), patience: params.patience!, seed: context.seed },
    start: start && { centres: start.centres, masses: start.masses },
  };
  const found = await runCrew("mini-batches", order, 1, context);
  if (!found.converged)
    context.warn({
      reason: "not-converged",
      message: `mini-batch-k-means stopped after ${found.iterations} draws, and still gained by them.`,
      fix: "raise iterationsMax",
    });
  const model = modelOf(miniBatchKMeans.name, space, { clusters, stride: found.centres.length / clusters }, found, factor);
  return centresPredictor({ ...model, inertia: model.inertia + (start?.inertia ?? 0) });
}
