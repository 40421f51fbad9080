export type { Environments, Interpreter, Lock, LockedPackage, Making } from "./environments.ts";
