/** One run of a step's job in its folder, and what it left there. Commits nothing. */
import { errorFromJson, MillError } from "../base/index.ts";
import type { JobExit, RunningJob } from "../ports/engines/index.ts";
import { type Care, type Marker, type Meters, readFailure, readMarker, writeInput } from "./attempt-folder.ts";
import { missingRole } from "./results.ts";
import { asStepError } from "./run-step.ts";
import { metersOf } from "./settle.ts";
import { engineNamed, type Surroundings } from "./surroundings.ts";

export interface Job {
  readonly engine: string;
  readonly stepId: string;
  readonly fence: number;
  readonly kind: string;
  readonly target: string;
  readonly revision: number;
  readonly input: unknown;
  readonly threads: number;
  readonly memoryMb: number;
  readonly checkpoint?: string;
  readonly care?: Care;
  readonly variables?: Readonly<Record<string, string>>;
}

export interface Performing {
  readonly folder: string;
  /** Ends the job. */
  readonly signal: AbortSignal;
  /** Another owner looks after the job from now on: it goes on. */
  readonly released?: AbortSignal;
  /** A line of the job's standard output. */
  hear(line: string): void;
  /** The job runs; its handle finds it again. */
  started?(handle: string): (() => void) | undefined;
}

/** `error` is null when the manifest is whole and its objects are stored; `stderr` is the end of what the job printed there. */
export type Left = { readonly meters: Meters; readonly stderr: string } & (
  | { readonly marker: Marker; readonly error: null }
  | { readonly marker: null; readonly error: MillError }
);

/** Starts the job and waits for its end. Throws only what keeps the outcome from being read; null: it was released. */
export function perform(surroundings: Surroundings, job: Job, performing: Performing): Promise<Left | null> {
  return waitFor(surroundings, job, performing, async () => {
    const { kind, revision, input, threads, memoryMb, stepId, fence, checkpoint, care, variables } = job;
    const { folder, hear } = performing;
    surroundings.folders.make(folder);
    await writeInput(folder, {
      kind,
      revision,
      input,
      threads,
      memoryMb,
      ...(checkpoint && { checkpoint }),
      ...(care && { care }),
    });
    return engineNamed(surroundings.engines, job.engine).start(
      { stepId, fence, folder, memoryMb, threads, ...(variables && { variables }) },
      hear,
    );
  });
}

/** Waits for the end of what `begin` gives, and reads what it has left. */
export async function waitFor(
  surroundings: Surroundings,
  job: Omit<Job, "input" | "threads" | "revision">,
  performing: Performing,
  begin: () => Promise<RunningJob>,
): Promise<Left | null> {
  const { folder, signal, released, started } = performing;
  const startedAt = performance.now();
  const exit = await runJob().catch((thrown) => asStepError(thrown, folder));
  if (exit === null) return null;
  const marker = await readMarker(folder);
  const failure = marker ? null : await readFailure(folder);
  const { usage, stderr } = exit instanceof MillError ? { usage: null, stderr: "" } : exit;
  const meters = metersOf(performance.now() - startedAt, (marker ?? failure)?.meters ?? null, usage);
  const missing = marker && (await missingObject(surroundings, job, marker));
  if (marker && !missing) return { marker, error: null, meters, stderr };
  const error = missing ?? (failure ? errorFromJson(failure.error) : exit instanceof MillError ? exit : crash(job, exit));
  return { marker: null, error, meters, stderr };

  async function runJob(): Promise<JobExit | null> {
    const running = await begin();
    const ended = started?.(running.handle);
    try {
      return await exitOf(running, signal, released);
    } finally {
      ended?.();
    }
  }
}

async function exitOf(job: RunningJob, signal: AbortSignal, released?: AbortSignal): Promise<JobExit | null> {
  const cancel = () => job.cancel();
  const letGo = Promise.withResolvers<null>();
  const release = () => letGo.resolve(null);
  signal.addEventListener("abort", cancel);
  released?.addEventListener("abort", release);
  if (signal.aborted) cancel();
  if (released?.aborted) release();
  try {
    return await Promise.race([job.exit, letGo.promise]);
  } finally {
    signal.removeEventListener("abort", cancel);
    released?.removeEventListener("abort", release);
  }
}

async function missingObject({ objects }: Surroundings, job: Named, { manifest }: Marker): Promise<MillError | null> {
  const role = await missingRole(objects, manifest);
  if (role === null) return null;
  return new MillError("step.bad-manifest", `The manifest names an object that was not stored: ${role}.`, {
    at: nameOf(job),
    got: manifest.objects[role],
    fix: "A step must store its objects before it returns their digests.",
  });
}

type Named = Pick<Job, "kind" | "target">;

const STDERR_CHARACTERS = 2000;

function crash(job: Named & Pick<Job, "memoryMb">, { code, signal, stderr, endedFor }: JobExit): MillError {
  const at = nameOf(job);
  if (endedFor === "memory" || stderr.includes("JavaScript heap out of memory"))
    return new MillError("step.memory", `The step took more than the ${job.memoryMb} MB it may have, and was ended.`, {
      at,
      expected: `at most ${job.memoryMb} MB`,
      fix: "Give it more with --memory (MILL_MEMORY), or less data.",
    });
  if (endedFor === "lost")
    return new MillError("engine.lost", "The engine lost the job: it is gone without a trace of how it ended.", {
      at,
      fix: "It is tried again by itself; if that does not help, look at the machines of the engine.",
    });
  const tail = stderr.trim().slice(-STDERR_CHARACTERS);
  return new MillError("step.crashed", `The process of the step ended ${signal ? `by ${signal}` : `with code ${code}`}.`, {
    at,
    ...(tail && { got: tail }),
    fix: "Run it again; if it ends so again, report it with these lines.",
  });
}

const nameOf = ({ kind, target }: Named) => `${kind} of ${target}`;
