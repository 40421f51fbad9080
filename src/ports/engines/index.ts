export type { Engine, Job, JobExit, RunningJob } from "./engine.ts";
