import { readFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { MillError } from "../base/index.ts";
import { type Config, readConfig } from "../contract/index.ts";
import type { Effects } from "./app.ts";

/** The settings of this call: flags, variables, the project's `mill.config.json`; folders as absolute paths. Errors: `config.*`. */
export async function findConfig(given: Readonly<Record<string, string | true>>, { env, cwd }: Effects): Promise<Config> {
  const flags = Object.fromEntries(Object.entries(given).flatMap(([name, value]) => (value === true ? [] : [[name, value]])));
  const project = resolve(cwd, flags.project ?? (env.MILL_PROJECT || "."));
  const machine = { cores: availableParallelism(), memoryMb: Math.floor(totalmem() / 2 ** 20), cwd };
  const config = readConfig({ flags: { ...flags, project }, env, file: await readFileSettings(project), machine });
  const fromProject = flags.workspace === undefined && !env.MILL_WORKSPACE;
  return { ...config, workspace: resolve(fromProject ? project : cwd, config.workspace) };
}

async function readFileSettings(project: string): Promise<unknown> {
  const path = join(project, "mill.config.json");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return "{}";
    throw error;
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MillError("config.not-json", `${path} is not JSON: ${(cause as Error).message}`, {
      at: path,
      expected: "one JSON object",
      fix: "Correct the file.",
      cause,
    });
  }
}
