/** What a crew can be told to do. A worker loads the job that it is told and no other: to load all of them takes longer than many a training. */
export const jobs = {
  "train-forest": async () => (await import("../boosting/train.ts")).trainForest,
  "grow-forest": async () => (await import("../forests/train.ts")).growForest,
  isolate: async () => (await import("../forests/isolation.ts")).isolate,
  "minimise-loss": async () => (await import("../linear/train.ts")).minimiseLoss,
  "count-classes": async () => (await import("../bayes/counts.ts")).countClasses,
  "solve-least-squares": async () => (await import("../linear/solve.ts")).solveLeastSquares,
  "search-clusters": async () => (await import("../cluster/lloyd.ts")).searchClusters,
  "fit-calibration": async () => (await import("../calibration/calibration-map.ts")).fitMaps,
  "find-neighbours": async () => (await import("../neighbors/search.ts")).findNeighbours,
  "sum-products": async () => (await import("../decomposition/products.ts")).sumProducts,
  "multiply-chunks": async () => (await import("../decomposition/helpers.ts")).multiplyChunks,
  "mini-batches": async () => (await import("../cluster/mini-batch.ts")).learnBatches,
} as const;

export type JobName = keyof typeof jobs;
type Job<Name extends JobName> = Awaited<ReturnType<(typeof jobs)[Name]>>;
export type JobInput<Name extends JobName> = Parameters<Job<Name>>[0];
export type JobResult<Name extends JobName> = ReturnType<Job<Name>>;
