/** One attempt of a step, from its folder to its published outcome. */
import { errorFromJson, MillError } from "../base/index.ts";
import type { JobExit, RunningJob } from "../ports/engines/index.ts";
import type { Statement } from "../ports/records/index.ts";
import {
  attemptFolder,
  type Marker,
  type Meters,
  type Progress,
  parseLine,
  readFailure,
  readMarker,
  removeFolder,
  writeInput,
} from "./attempt-folder.ts";
import type { StepManifest } from "./kind.ts";
import type { Beating, Pulse } from "./pulse.ts";
import { asStepError } from "./run-step.ts";
import {
  type Attempt,
  type EndDetail,
  type EndState,
  endStatements,
  type LogLine,
  metersOf,
  publishStatements,
} from "./settle.ts";
import type { Surroundings } from "./surroundings.ts";

export type Outcome =
  /** `reused`: there was a result already; `meters` are those of the attempt that made it. */
  | { readonly state: "reused" | "succeeded"; readonly manifest: StepManifest; readonly stepId: string; readonly meters: Meters }
  | { readonly state: "failed"; readonly error: MillError; readonly stepId: string }
  | { readonly state: "cancelled" };

export interface AttemptRequest {
  readonly revision: number;
  readonly input: unknown;
  readonly threads: number;
  readonly memoryMb: number;
  readonly signal: AbortSignal;
  onProgress(progress: Progress): void;
  onLog(text: string): void;
}

const LOG_LINES_KEPT = 200;
const LOG_LINE_CHARACTERS = 2000;
const STDERR_CHARACTERS = 2000;
const NOTE_AFTER_MS = 20;

/** Runs the attempt and commits its outcome; null when it was fenced out: another owner has taken the step over. */
export async function runAttempt(
  surroundings: Surroundings,
  pulse: Pulse,
  attempt: Attempt,
  request: AttemptRequest,
): Promise<Outcome | null> {
  const folder = attemptFolder(surroundings.folder, attempt.stepId, attempt.fence);
  const log: LogLine[] = [];
  const fenced = new AbortController();
  const beating: Beating = { attempt, progress: null, fenced: () => fenced.abort() };
  const started = performance.now();
  pulse.add(beating);
  try {
    const exit = await runJob().catch((thrown) => asStepError(thrown, folder));
    return await settle(exit);
  } finally {
    pulse.remove(beating);
  }

  async function runJob(): Promise<JobExit> {
    const { revision, input, threads, memoryMb } = request;
    await writeInput(folder, { kind: attempt.kind, revision, input, threads, memoryMb });
    const { stepId, fence } = attempt;
    const job = await surroundings.engine.start({ stepId, fence, folder, memoryMb }, hear);
    const noting = setTimeout(noteHandle, NOTE_AFTER_MS, job.handle);
    try {
      return await exitUnlessStopped(job);
    } finally {
      clearTimeout(noting);
    }
  }

  /** Only a recovery reads it: a step that ends at once is spared the commit. */
  async function noteHandle(handle: string): Promise<void> {
    const note = "UPDATE attempts SET handle = ? WHERE step_id = ? AND fence = ?";
    await surroundings.records.commit([{ sql: note, params: [handle, attempt.stepId, attempt.fence] }]).catch(() => undefined);
  }

  async function exitUnlessStopped(job: RunningJob): Promise<JobExit> {
    const stop = AbortSignal.any([request.signal, fenced.signal]);
    const cancel = () => job.cancel();
    stop.addEventListener("abort", cancel);
    if (stop.aborted) cancel();
    try {
      return await job.exit;
    } finally {
      stop.removeEventListener("abort", cancel);
    }
  }

  function hear(text: string): void {
    const line = parseLine(text);
    if ("progress" in line) {
      beating.progress = line.progress;
      request.onProgress(line.progress);
    } else {
      log.push({ at: surroundings.clock(), text: line.log.slice(0, LOG_LINE_CHARACTERS) });
      if (log.length > LOG_LINES_KEPT) log.shift();
      request.onLog(line.log);
    }
  }

  async function settle(exit: JobExit | MillError): Promise<Outcome | null> {
    const marker = await readMarker(folder);
    const failure = marker ? null : await readFailure(folder);
    const usage = exit instanceof MillError ? null : exit.usage;
    const meters = metersOf(performance.now() - started, (marker ?? failure)?.meters ?? null, usage);
    const { stepId } = attempt;

    const missing = marker && (await missingObject(surroundings, attempt, marker));
    if (marker && !missing) {
      const outcome: Outcome = { state: "succeeded", manifest: marker.manifest, stepId, meters };
      return (await commitPublished(marker, { meters, log })) ? outcome : null;
    }
    if (request.signal.aborted) return (await commitEnd("cancelled", { meters, log })) ? { state: "cancelled" } : null;
    const error =
      missing ??
      (failure ? errorFromJson(failure.error) : exit instanceof MillError ? exit : crash(attempt, request.memoryMb, exit));
    return (await commitEnd("failed", { meters, log, error })) ? { state: "failed", error, stepId } : null;
  }

  function commitPublished(marker: Marker, detail: EndDetail): Promise<boolean> {
    return conclude(publishStatements(attempt, marker, surroundings.clock(), detail));
  }

  function commitEnd(state: EndState, detail: EndDetail): Promise<boolean> {
    return conclude(endStatements(attempt, state, surroundings.clock(), detail));
  }

  /** The folder goes only after the commit: until then a recovery can still publish from it. */
  async function conclude(statements: readonly Statement[]): Promise<boolean> {
    const { committed } = await surroundings.records.commit(statements);
    tidy(surroundings, folder);
    return committed;
  }
}

function tidy({ tidying }: Surroundings, folder: string): void {
  const removed = removeFolder(folder)
    .catch(() => undefined) // the next recovery sweeps it
    .finally(() => tidying.delete(removed));
  tidying.add(removed);
}

async function missingObject({ objects }: Surroundings, attempt: Attempt, { manifest }: Marker): Promise<MillError | null> {
  for (const [role, one] of Object.entries(manifest.objects)) {
    if ((await objects.sizeOf(one)) !== null) continue;
    return new MillError("step.bad-manifest", `The manifest names an object that was not stored: ${role}.`, {
      at: nameOf(attempt),
      got: one,
      fix: "A step must store its objects before it returns their digests.",
    });
  }
  return null;
}

function crash(attempt: Attempt, memoryMb: number, { code, signal, stderr, endedFor }: JobExit): MillError {
  const at = nameOf(attempt);
  if (endedFor === "memory" || stderr.includes("JavaScript heap out of memory"))
    return new MillError("step.memory", `The step took more than the ${memoryMb} MB it may have, and was ended.`, {
      at,
      expected: `at most ${memoryMb} MB`,
      fix: "Give it more with --memory (MILL_MEMORY), or less data.",
    });
  const tail = stderr.trim().slice(-STDERR_CHARACTERS);
  return new MillError("step.crashed", `The process of the step ended ${signal ? `by ${signal}` : `with code ${code}`}.`, {
    at,
    ...(tail && { got: tail }),
    fix: "Run it again; if it ends so again, report it with these lines.",
  });
}

const nameOf = ({ kind, target }: Attempt) => `${kind} of ${target}`;
