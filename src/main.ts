/** The bin. What a command needs is loaded by the command: `mill --help` loads no engine. */
import { enableCompileCache } from "node:module";
import { join } from "node:path";

enableCompileCache();
const { effectsOf, runCli } = await import("./cli/index.ts");
const { readPackage } = await import("./package.ts");

/** Runs one command line; its exit code. `step FOLDER` is the process of one step, started by an engine and not by people. */
export async function runMain(argv: readonly string[]): Promise<number> {
  if (argv[0] === "step") return (await import("./step-process.ts")).runStepProcess(argv[1]!, process.env);
  return runCli(argv, effectsOf(process), {
    version: readPackage(join(import.meta.dirname, "..")).version,
    open: async (config) => (await import("./app.ts")).openWorkspace(config),
    rebuild: async (request, config) => (await import("./rebuild.ts")).rebuildRecipe(request, config),
  });
}

if (import.meta.main) process.exitCode = await runMain(process.argv.slice(2));
