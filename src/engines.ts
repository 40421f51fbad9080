/** Where steps may run, as configured. The first is the default. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newId } from "./base/index.ts";
import { configuredPython } from "./configured.ts";
import type { Config } from "./contract/index.ts";
import type { NamedSecrets } from "./guard/index.ts";
import {
  configuredSlurm,
  createLocalEngine,
  createSlurmEngine,
  type Engine,
  requireSandbox,
  type Sandbox,
} from "./ports/engines/index.ts";
import type { ObjectsSpec } from "./ports/objects/index.ts";

export interface EngineOptions {
  /** What comes before `step FOLDER`. */
  readonly command: readonly string[];
  /** Where the folders of attempts lie. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly secrets: Pick<NamedSecrets, "resolve">;
}

/** Errors: `config.value`, `engine.address`, `engine.sandbox`. */
export async function configuredEngines(config: Config, options: EngineOptions): Promise<readonly Engine[]> {
  const sandbox = await configuredSandbox(config, options);
  const python = configuredPython(config, options.environment);
  const withPython = (offline: boolean) => ({ ...options.environment, MILL_STEP_PYTHON: JSON.stringify({ ...python, offline }) });
  const local = createLocalEngine({ ...options, sandbox, environment: withPython(sandbox?.network === false) });
  const cluster = configuredSlurm(config, options.secrets);
  if (!cluster) return [local];
  const slurm = createSlurmEngine({
    ...options,
    ...cluster,
    workspace: workspaceName(config.workspace),
    environment: ownVariables(withPython(false)),
  });
  return config.on === "slurm" ? [slurm, local] : [local, slurm];
}

/** A step stores objects, keeps checkpoints (`steps/checkpoint.ts`), and makes Python environments. null: none is wanted, or none can be made where that is left to the machine. */
async function configuredSandbox(config: Config, { folder, environment }: EngineOptions): Promise<Sandbox | null> {
  const { sandbox, workspace, objects } = config;
  if (sandbox === "none") return null;
  const python = [configuredPython(config, environment).folder, ...(environment.UV_CACHE_DIR ? [environment.UV_CACHE_DIR] : [])];
  const writable = [join(workspace, objects === null ? "objects" : "cache"), join(folder, "checkpoints"), ...python];
  const made = requireSandbox().then(() => ({ writable, network: objects !== null }));
  return sandbox === "auto" ? made.catch(() => null) : made;
}

/** A step needs nothing of the platform's settings, many of which are secrets, but where its objects are and, where they are encrypted, their keys. */
export function stepEnvironment(
  environment: NodeJS.ProcessEnv,
  { workspace }: Pick<Config, "workspace">,
  stored: ObjectsSpec,
): NodeJS.ProcessEnv {
  const others = Object.entries(environment).filter(([name]) => !name.startsWith("MILL_"));
  const { MILL_KEY } = environment;
  return {
    ...Object.fromEntries(others),
    ...(stored.encrypted && { MILL_KEY }),
    MILL_STEP_OBJECTS: JSON.stringify({ ...stored, workspace }),
  };
}

/** The same for all servers of a workspace, and for no other workspace on the cluster. */
function workspaceName(workspace: string): string {
  const folder = join(workspace, "slurm");
  const path = join(folder, "workspace");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(path, `mill-${newId()}`, { flag: "wx", mode: 0o600 });
  } catch {
    // it has one
  }
  return readFileSync(path, "utf8");
}

/** A cluster keeps a job's variables: only those that a step reads are given to it. */
const ownVariables = (environment: NodeJS.ProcessEnv) =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => /^(PATH|HOME|LANG|TZ|(MILL|AWS)_.*)$/.test(name)));
