/** What a crew can be told to do. */
import { trainForest } from "../boosting/train.ts";
import { searchClusters } from "../cluster/lloyd.ts";
import { growForest } from "../forests/train.ts";
import { minimiseLoss } from "../linear/train.ts";

export const jobs = {
  "train-forest": trainForest,
  "grow-forest": growForest,
  "minimise-loss": minimiseLoss,
  "search-clusters": searchClusters,
} as const;

export type JobName = keyof typeof jobs;
export type JobInput<Job extends JobName> = Parameters<(typeof jobs)[Job]>[0];
export type JobResult<Job extends JobName> = ReturnType<(typeof jobs)[Job]>;
