/** Steps in processes of their own: how one is started, and what it does. */
import { extname, join } from "node:path";
import { openKeyring } from "./guard/index.ts";
import { STEP_KINDS } from "./orchestrate/index.ts";
import { readPackage } from "./package.ts";
import { type ObjectsSpec, openObjects } from "./ports/objects/index.ts";
import { createEnvironments, type EnvironmentsOptions } from "./ports/python/index.ts";
import { runStep } from "./steps/index.ts";

export const STEP_COMMAND: readonly [string, string] = [
  process.execPath,
  join(import.meta.dirname, `main${extname(import.meta.filename)}`),
];

/** What a result depends on beside its input and its kind's revision. */
export function resultEnvironment() {
  const { version, dependencies } = readPackage(join(import.meta.dirname, ".."));
  return {
    millwright: version.split(".").slice(0, 2).join("."),
    node: Number(process.versions.node.split(".")[0]),
    duckdb: dependencies["@duckdb/node-api"]!,
  };
}

/**
 * The process of one step: `mill step FOLDER`, started by the local engine, with the store of the workspace's objects in
 * `MILL_STEP_OBJECTS` and where Python is in `MILL_STEP_PYTHON`.
 */
export async function runStepProcess(folder: string, environment: NodeJS.ProcessEnv): Promise<number> {
  const { workspace, ...stored } = JSON.parse(environment.MILL_STEP_OBJECTS!) as ObjectsSpec & { readonly workspace: string };
  const keyring = stored.encrypted ? await openKeyring(workspace, { configured: environment.MILL_KEY ?? null }) : null;
  const objects = openObjects(stored, { keyring, segments: "read" });
  const python = JSON.parse(environment.MILL_STEP_PYTHON!) as EnvironmentsOptions;
  return runStep(folder, STEP_KINDS, { objects, environments: createEnvironments(python) });
}
