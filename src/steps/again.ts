/** A step that has run, run once more from its recorded input: its result is neither used nor replaced. */
import { MillError, newId } from "../base/index.ts";
import { attemptFolder, type Progress, parseLine } from "./attempt-folder.ts";
import type { StepManifest } from "./kind.ts";
import { type Job, perform } from "./perform.ts";
import { readingStatements, type Sealed, sealStatements } from "./sealed.ts";
import type { Surroundings } from "./surroundings.ts";

interface Repetition {
  /** What it reads of a holdout. */
  readonly sealed: readonly Sealed[];
  readonly signal: AbortSignal;
  onProgress(progress: Progress): void;
}

/** Errors: those of the step, `step.cancelled`. What it reads of a holdout is recorded, and what it makes of one is sealed. */
export async function runAgain(
  surroundings: Surroundings,
  step: Omit<Job, "stepId" | "fence">,
  { sealed, signal, onProgress }: Repetition,
): Promise<StepManifest> {
  const { records, clock } = surroundings;
  const job: Job = { ...step, stepId: newId(clock()), fence: 0 };
  const { kind, input } = step;
  await records.commit(readingStatements({ sealed, kind, target: `${step.target}, again`, input, granted: true, atMs: clock() }));
  const folder = attemptFolder(surroundings.folder, job.stepId, job.fence);
  try {
    const { marker, error } = (await perform(surroundings, job, { folder, signal, hear }))!;
    if (marker === null) throw signal.aborted ? cancelled(error) : error;
    await records.commit(sealStatements(marker.manifest.objects));
    return marker.manifest;
  } finally {
    surroundings.folders.remove(folder);
  }

  function hear(text: string): void {
    const line = parseLine(text);
    if ("progress" in line) onProgress(line.progress);
  }
}

const cancelled = (cause: MillError) =>
  cause.code === "step.cancelled"
    ? cause
    : new MillError("step.cancelled", "The step was cancelled before it was done.", { fix: "Ask for it again.", cause });
