/** The processes of steps on this machine, whoever started them: each is named in the folder of the attempt that it runs. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ListedJob } from "./engine.ts";
import { nameOf, parseName } from "./job-name.ts";
import { processAlive } from "./process.ts";
import { PROCESS_FILE } from "./step-child.ts";

/** Those whose attempts lie in `folder`. */
export async function listStepProcesses(folder: string): Promise<ListedJob[]> {
  const found = await Promise.all((await readdir(folder).catch(() => [])).map((name) => stepOf(folder, name)));
  return found.filter((job) => job !== null);
}

/** Whether the process still runs that very job, and not another one after it. */
export async function runsStep(folder: string, handle: string): Promise<boolean> {
  const name = handle.split(":").slice(3).join(":");
  if (!processAlive(handle)) return false;
  return name === "" || (await stepOf(folder, name))?.handle === handle;
}

async function stepOf(folder: string, attempt: string): Promise<ListedJob | null> {
  const name = parseName(attempt);
  const handle = await readFile(join(folder, attempt, PROCESS_FILE), "utf8").catch(() => ""); // it has ended since, or is no attempt
  return name && processAlive(handle) ? { ...name, handle: `${handle}:${nameOf(name)}`, state: "running" } : null;
}
