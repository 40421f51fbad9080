#!/usr/bin/env node
// Starts Millwright under Node 24 or later: the Node that runs this, else the `node` package of the project, else it says what to install.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR_MIN = 24;
const here = dirname(fileURLToPath(import.meta.url));
const main = [join(here, "..", "src", "main.js"), join(here, "..", "src", "main.ts")].find(existsSync);

if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR_MIN) {
  const { enableCompileCache } = await import("node:module");
  enableCompileCache?.();
  const { runMain } = await import(main);
  process.exitCode = await runMain(process.argv.slice(2));
} else {
  const local = nodeOfProject(process.cwd());
  if (local === undefined) {
    console.error(`Millwright needs Node ${NODE_MAJOR_MIN} or later; this is ${process.version}. Run: npm i -D node@${NODE_MAJOR_MIN}`);
    process.exit(1);
  }
  const child = spawn(local, [main, ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
}

function nodeOfProject(folder) {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const candidate = join(at, "node_modules", "node", "bin", "node");
    if (existsSync(candidate)) return candidate;
    if (at === dirname(at)) return undefined;
  }
}
