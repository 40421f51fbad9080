export type { Engine, Job, JobExit, JobUsage, ListedJob, RunningJob } from "./engine.ts";
export { createLocalEngine, type LocalEngineOptions } from "./local.ts";
export { processAlive, processHandle } from "./process.ts";
