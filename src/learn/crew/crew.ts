/**
 * A crew: worker threads that all run the same job on shared memory, each on its part of the rows or columns (SPMD), meeting at barriers.
 * The calling thread only listens, so that its event loop stays free for progress, cancelling and other work.
 */
import { Worker } from "node:worker_threads";
import { asMillError, type ErrorJson, errorFromJson, type Json, MillError } from "../../base/index.ts";
import type { FitContext } from "../estimator.ts";
import { BARRIER_BYTES } from "./barrier.ts";
import type { JobInput, JobName, JobResult } from "./jobs.ts";

/** What a job sees of its crew. */
export interface Member {
  readonly index: number;
  readonly count: number;
  barrier(): void;
  /** Heard from member 0 only. */
  progress(done: number, total: number, note?: string): void;
  /** A checkpoint, from member 0 only. */
  keep(state: Json): void;
}

export type CrewMessage =
  | { readonly progress: readonly [done: number, total: number, note?: string] }
  | { readonly keep: Json }
  | { readonly result: unknown }
  | { readonly error: ErrorJson };

export interface CrewOrder {
  readonly job: JobName;
  readonly index: number;
  readonly count: number;
  readonly barrier: SharedArrayBuffer;
}

/** A member has at least so many rows; with fewer, waiting for each other costs more than it saves. */
const ROWS_PER_MEMBER = 4096;

/** How many members a crew for so many rows has, of the threads it may use. The work must not depend on it. */
export const crewSize = (rowCount: number, threads: number) =>
  Math.max(1, Math.min(Math.floor(threads), Math.floor(rowCount / ROWS_PER_MEMBER)));

/**
 * Runs a job on `count` worker threads and resolves to what member 0 returned. Large arrays of `input` must lie in
 * SharedArrayBuffers, else each worker gets a copy. A function makes the input while the workers start.
 * Whatever the end, no worker is left alive when the promise settles.
 * Errors: `learn.cancelled`, `learn.worker-lost`, and what the job throws.
 */
export async function runCrew<Job extends JobName>(
  job: Job,
  input: JobInput<Job> | (() => JobInput<Job>),
  count: number,
  context: Pick<FitContext, "progress" | "signal" | "checkpoint">,
): Promise<JobResult<Job>> {
  throwIfCancelled(context.signal);
  const barrier = new SharedArrayBuffer(BARRIER_BYTES);
  const workers = Array.from({ length: count }, (_, index) => {
    const order: CrewOrder = { job, index, count, barrier };
    return new Worker(entry(), { workerData: order });
  });
  try {
    const made = typeof input === "function" ? (input as () => JobInput<Job>)() : input;
    for (const worker of workers) worker.postMessage(made);
    return (await firstEnd(workers, context)) as JobResult<Job>;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled();
}

/** The built package runs JavaScript, the sources run as TypeScript: the worker's file has the ending of this one. */
const entry = () => new URL(import.meta.url.endsWith(".ts") ? "./member.ts" : "./member.js", import.meta.url);

function firstEnd(workers: readonly Worker[], context: Pick<FitContext, "progress" | "signal" | "checkpoint">): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const cancel = () => reject(cancelled());
    context.signal.addEventListener("abort", cancel, { once: true });
    const settle = (end: () => void) => {
      context.signal.removeEventListener("abort", cancel);
      end();
    };
    for (const worker of workers) {
      worker.on("message", (message: CrewMessage) => {
        if ("progress" in message) context.progress(...message.progress);
        else if ("keep" in message) context.checkpoint?.keep(message.keep);
        else if ("error" in message) settle(() => reject(errorFromJson(message.error)));
        else settle(() => resolve(message.result));
      });
      worker.on("error", (error) => settle(() => reject(lost(error))));
      worker.on("exit", (code) => code !== 0 && settle(() => reject(lost(new Error(`exit code ${code}`)))));
    }
  });
}

const cancelled = () => new MillError("learn.cancelled", "Training was cancelled before it ended; nothing was kept.");

const lost = (cause: unknown) =>
  new MillError("learn.worker-lost", `A training thread ended early: ${asMillError(cause).message}.`, {
    fix: "If memory ran out, train on fewer rows or raise the memory limit.",
    cause,
  });
