export { createEnvironments, type EnvironmentsOptions } from "./create-environments.ts";
export type { Environments, Interpreter, Lock, LockedPackage, Making } from "./environments.ts";
export { noPython } from "./no-python.ts";
export { endGroup, runProgram } from "./program.ts";
