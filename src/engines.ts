/** Where steps may run, as configured. The first is the default. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { MillError, newId } from "./base/index.ts";
import type { Config } from "./contract/index.ts";
import { createLocalEngine, createSlurmEngine, type Engine, tokenFromFile } from "./ports/engines/index.ts";

export interface EngineOptions {
  /** What comes before `step FOLDER`. */
  readonly command: readonly string[];
  /** Where the folders of attempts lie. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** Errors: `config.value`, `engine.address`. */
export function configuredEngines(config: Config, options: EngineOptions): readonly Engine[] {
  const local = createLocalEngine(options);
  if (config.slurmUrl === null && config.on === "local") return [local];
  const slurm = createSlurmEngine({
    ...options,
    url: required(config.slurmUrl, "MILL_SLURM_URL", "http://127.0.0.1:6820"),
    user: config.slurmUser ?? userInfo().username,
    token: tokenFromFile(required(config.slurmTokenFile, "MILL_SLURM_TOKEN_FILE", "/run/mill/slurm-token")),
    partition: config.slurmPartition,
    allowPlainHttp: config.slurmPlainHttp,
    workspace: workspaceName(config.workspace),
    environment: ownVariables(options.environment),
  });
  return config.on === "slurm" ? [slurm, local] : [local, slurm];
}

function required(value: string | null, variable: string, example: string): string {
  if (value !== null) return value;
  throw new MillError("config.value", `Steps cannot run on Slurm without ${variable}.`, {
    at: variable,
    expected: `as in ${example}`,
    fix: `Set ${variable}, or run steps locally.`,
  });
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
  Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) => /^(PATH|HOME|LANG|TZ|(MILL|AWS)_.*)$/.test(name) && !name.startsWith("MILL_SLURM_"),
    ),
  );
