export { createEnvironments, type EnvironmentsOptions } from "./create-environments.ts";
export type { Environments, Interpreter, Lock, LockedPackage, Making } from "./environments.ts";
export { noPython } from "./no-python.ts";
export { endGroup, runProgram } from "./program.ts";
export { runScript, type Script } from "./script.ts";
export { openWorker, type Worker, type WorkerOptions } from "./worker.ts";
