import { MillError } from "../../base/index.ts";
import type { Environments } from "./environments.ts";

const refuse = async () => {
  throw new MillError("python.missing", "No Python was given to this program.", {
    fix: "Give it environments: `createEnvironments({ folder })`.",
  });
};

/** Of a program that runs nothing in Python. */
export const noPython: Environments = { interpreter: refuse, lock: refuse, open: refuse };
