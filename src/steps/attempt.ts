/** One attempt of a step, from its folder to its published outcome. */
import { rmSync } from "node:fs";
import type { MillError } from "../base/index.ts";
import type { Statement } from "../ports/records/index.ts";
import { attemptFolder, type Marker, type Meters, type Progress, parseLine, removeFolder } from "./attempt-folder.ts";
import { checkpointFile } from "./checkpoint.ts";
import type { StepManifest } from "./kind.ts";
import { type Left, perform } from "./perform.ts";
import type { Beating, Pulse } from "./pulse.ts";
import { type Attempt, type EndDetail, type EndState, endStatements, type LogLine, publishStatements } from "./settle.ts";
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
const NOTE_AFTER_MS = 20;

/** Runs the attempt and commits its outcome; null when it was fenced out: another owner has taken the step over. */
export async function runAttempt(
  surroundings: Surroundings,
  pulse: Pulse,
  attempt: Attempt,
  request: AttemptRequest,
): Promise<Outcome | null> {
  const folder = attemptFolder(surroundings.folder, attempt.stepId, attempt.fence);
  const checkpoint = checkpointFile(surroundings.folder, attempt.key);
  const log: LogLine[] = [];
  const fenced = new AbortController();
  const beating: Beating = { attempt, progress: null, fenced: () => fenced.abort() };
  pulse.add(beating);
  try {
    const signal = AbortSignal.any([request.signal, fenced.signal]);
    return await settle(await perform(surroundings, { ...attempt, ...request, checkpoint }, { folder, signal, hear, started }));
  } finally {
    pulse.remove(beating);
  }

  /** Only a recovery reads the handle: a step that ends at once is spared the commit. */
  function started(handle: string): () => void {
    const noting = setTimeout(noteHandle, NOTE_AFTER_MS, handle);
    return () => clearTimeout(noting);
  }

  async function noteHandle(handle: string): Promise<void> {
    const note = "UPDATE attempts SET handle = ? WHERE step_id = ? AND fence = ?";
    await surroundings.records.commit([{ sql: note, params: [handle, attempt.stepId, attempt.fence] }]).catch(() => undefined);
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

  async function settle({ marker, error, meters }: Left): Promise<Outcome | null> {
    const { stepId } = attempt;
    if (marker) {
      const outcome: Outcome = { state: "succeeded", manifest: marker.manifest, stepId, meters };
      if (!(await commitPublished(marker, { meters, log }))) return null;
      rmSync(checkpoint, { force: true });
      return outcome;
    }
    if (request.signal.aborted) return (await commitEnd("cancelled", { meters, log })) ? { state: "cancelled" } : null;
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
