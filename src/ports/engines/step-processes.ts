/** The processes of steps on this machine, whoever started them: found by their command line, `... step FOLDER/STEPID-FENCE`, in /proc (proc(5)). */
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import type { ListedJob } from "./engine.ts";
import { parseName } from "./job-name.ts";
import { leadsGroup, processHandle } from "./process.ts";

/** Those whose attempts lie in `folder`. */
export async function listStepProcesses(folder: string): Promise<ListedJob[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => stepOf(Number(pid), resolve(folder))));
  return found.filter((job) => job !== null);
}

async function stepOf(pid: number, folder: string): Promise<ListedJob | null> {
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""); // it has ended since
  const [verb, attempt] = command.split("\0").slice(0, -1).slice(-2);
  if (verb !== "step" || attempt === undefined || dirname(resolve(attempt)) !== folder || !leadsGroup(pid)) return null;
  const name = parseName(basename(attempt));
  const handle = processHandle(pid);
  return name && handle !== null ? { ...name, handle, state: "running" } : null;
}
