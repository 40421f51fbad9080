export type { Engine, Job, JobExit, JobUsage, ListedJob, RunningJob } from "./engine.ts";
export { createLocalEngine, type LocalEngineOptions } from "./local.ts";
export { processAlive, processHandle } from "./process.ts";
export { requireSandbox, type Sandbox } from "./sandbox.ts";
export { configuredSlurm } from "./slurm/configured.ts";
export { createDoor as createSlurmDoor } from "./slurm/door.ts";
export { probeSlurm } from "./slurm/probe.ts";
export { createSlurmEngine, type SlurmEngineOptions } from "./slurm/slurm.ts";
export { type TokenSource, tokenFromCommand, tokenFromFile } from "./slurm/token.ts";
