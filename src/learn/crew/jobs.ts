/** What a crew can be told to do. */

import { countClasses } from "../bayes/counts.ts";
import { trainForest } from "../boosting/train.ts";
import { fitMaps } from "../calibration/calibration-map.ts";
import { searchClusters } from "../cluster/lloyd.ts";
import { learnBatches } from "../cluster/mini-batch.ts";
import { sumProducts } from "../decomposition/products.ts";
import { isolate } from "../forests/isolation.ts";
import { growForest } from "../forests/train.ts";
import { solveLeastSquares } from "../linear/solve.ts";
import { minimiseLoss } from "../linear/train.ts";
import { findNeighbours } from "../neighbors/search.ts";
export const jobs = {
  "minimise-loss": minimiseLoss,
  "count-classes": countClasses,
  "solve-least-squares": solveLeastSquares,
  "train-forest": trainForest,
  "grow-forest": growForest,
  isolate,
  "search-clusters": searchClusters,
  "fit-calibration": fitMaps,
  "find-neighbours": findNeighbours,
  "sum-products": sumProducts,
  "mini-batches": learnBatches,
} as const;

export type JobName = keyof typeof jobs;
export type JobInput<Job extends JobName> = Parameters<(typeof jobs)[Job]>[0];
export type JobResult<Job extends JobName> = ReturnType<(typeof jobs)[Job]>;
