import type { Interpreter, Lock } from "../../ports/python/index.ts";
import type { StepKind } from "../../steps/index.ts";

export interface EnvironmentInput {
  /** Names of packages, each with its versions, as pip reads them. */
  readonly requirements: readonly string[];
  /** The Python that it is for, so that another one gets a lock of its own; null: whichever is found. */
  readonly interpreter: Interpreter | null;
}

/** What `job.X` is made with; there whatever the script asks for. */
const OURS = ["pandas", "pyarrow"];

/** Resolves requirements once: what an unpinned one was resolved to stays, as long as its step's result does. */
export const environment: StepKind<EnvironmentInput> = {
  name: "environment",
  revision: 1,
  readsOutside: true,
  async run({ requirements }, context) {
    const named = new Set(requirements.map(nameOf));
    const asked = [...requirements, ...OURS.filter((name) => !named.has(name))];
    const lock: Lock = await context.environments.lock(asked, context);
    return {
      objects: { lock: await context.objects.put(Buffer.from(JSON.stringify(lock))) },
      facts: { python: lock.python, platform: lock.platform, packages: lock.packages.length },
      measurements: [],
    };
  },
};

const nameOf = (requirement: string): string =>
  /^[\w.-]*/
    .exec(requirement.trim())![0]
    .replace(/[-_.]+/g, "-")
    .toLowerCase();
