import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Digest } from "../../base/index.ts";
import { type Objects, readJson } from "../../ports/objects/index.ts";
import { type Environments, type Lock, openWorker, type Worker } from "../../ports/python/index.ts";
import type { Fitted } from "./fitted.ts";
import { layOut } from "./lay-out.ts";
import { PREDICT_PROGRAM } from "./programs.ts";

export interface FittedResources {
  readonly objects: Objects;
  readonly environments: Environments;
  readonly threads: number;
  readonly memoryMb: number;
  readonly signal: AbortSignal;
  log(text: string): void;
  /** Default: the system's folder for such files. */
  readonly scratch?: string;
}

/** What a script saved, asked by its own framework in the environment that it was trained in. Errors: `python.*`, and those of `openWorker`. */
export async function openFitted(fitted: Fitted, lock: Digest, resources: FittedResources): Promise<Worker> {
  const { objects, environments, signal, log, threads, memoryMb, scratch = tmpdir() } = resources;
  const { python } = await environments.open(await readJson<Lock>(objects, lock), { signal, log });
  const folder = await mkdtemp(join(scratch, "mill-model-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await layOut(fitted.files, objects, folder);
    const worker = await openWorker({ python, program: PREDICT_PROGRAM, folder, model: fitted, scratch, threads, memoryMb, log });
    return { ...worker, close: () => worker.close().finally(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}
