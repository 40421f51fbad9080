/** One attempt of a step, from its folder to its published outcome. */
import { existsSync, rmSync } from "node:fs";
import type { MillError } from "../base/index.ts";
import type { RunningJob } from "../ports/engines/index.ts";
import type { Statement } from "../ports/records/index.ts";
import { attemptFolder, type Care, type Marker, type Meters, type Progress, parseLine } from "./attempt-folder.ts";
import type { Attended } from "./attending.ts";
import { checkpointFile } from "./checkpoint.ts";
import type { StepManifest } from "./kind.ts";
import { createLog } from "./log.ts";
import { type Left, type Performing, perform, waitFor } from "./perform.ts";
import type { Beating, Pulse } from "./pulse.ts";
import { afterTries, backoffAfter, commitPatiently } from "./retry.ts";
import { type Attempt, type EndDetail, type EndState, endStatements, publishStatements, tryAgainStatements } from "./settle.ts";
import { engineNamed, type Surroundings } from "./surroundings.ts";
import { firstOf, startTimer, timeoutOf } from "./timeouts.ts";

export type Outcome =
  /** `reused`: there was a result already; `meters` are those of the attempt that made it. */
  | { readonly state: "reused" | "succeeded"; readonly manifest: StepManifest; readonly stepId: string; readonly meters: Meters }
  | { readonly state: "failed"; readonly error: MillError; readonly stepId: string }
  | { readonly state: "cancelled" };

/** What became of an attempt: its step's outcome, or another try, or nothing: somebody else looks after the step. */
export type Ending = Outcome | { readonly state: "again"; readonly dueInMs: number } | null;

/** Who waits for an outcome. */
export interface Waiter {
  /** Ends the attempt: as cancelled, or as failed when the reason is a timeout. */
  readonly signal: AbortSignal;
  /** Lets go of the attempt, unless it is being ended: its job goes on, and another owner takes it up. */
  readonly letGo?: AbortSignal;
  onProgress(progress: Progress): void;
  onLog(text: string): void;
  /** The job has ended well: what is left to do is to publish what it made. */
  onMade?(): void;
}

export interface AttemptRequest extends Waiter, Care {
  readonly engine: string;
  readonly memoryMb: number;
}

export interface NewAttempt extends AttemptRequest {
  readonly runId: string | null;
  readonly revision: number;
  readonly input: unknown;
  readonly threads: number;
}

const NOTE_AFTER_MS = 20;

/** Runs the attempt and commits how it ended. */
export async function runAttempt(
  surroundings: Surroundings,
  pulse: Pulse,
  attempt: Attempt,
  request: NewAttempt,
): Promise<Ending> {
  const checkpoint = checkpointFile(surroundings.folder, attempt.key);
  const { retry, timeouts, tries, runId } = request;
  const isNear = engineNamed(surroundings.engines, request.engine).near === true;
  const attended = isNear ? ((await surroundings.attend?.({ ...attempt, runId })) ?? null) : null;
  let state: Parameters<Attended["end"]>[0] = "failed";
  try {
    const along = attended && { variables: attended.variables };
    const ending = await live(surroundings, pulse, attempt, { ...request, ranForMs: 0 }, (performing) =>
      perform(surroundings, { ...attempt, ...request, ...along, checkpoint, care: { retry, timeouts, tries } }, performing),
    );
    if (ending === null || ending.state === "cancelled") state = "cancelled";
    else if (ending.state === "succeeded") state = "succeeded";
    return ending;
  } finally {
    await attended?.end(state);
  }
}

/** Goes on with an attempt that another process started; `attach` tells what its job has printed so far, then the rest. */
export function adoptAttempt(
  surroundings: Surroundings,
  pulse: Pulse,
  attempt: Attempt,
  request: AttemptRequest,
  attach: (hear: (line: string) => void) => RunningJob,
): Promise<Ending> {
  const ranForMs = Math.max(0, surroundings.clock() - attempt.startedAt);
  return live(surroundings, pulse, attempt, { ...request, ranForMs }, (performing) =>
    waitFor(surroundings, { ...attempt, ...request }, performing, async () => attach(performing.hear)),
  );
}

async function live(
  surroundings: Surroundings,
  pulse: Pulse,
  attempt: Attempt,
  request: AttemptRequest & { readonly ranForMs: number },
  work: (performing: Performing) => Promise<Left | null>,
): Promise<Ending> {
  const { records, clock, leaseMs } = surroundings;
  const { stepId, fence } = attempt;
  const folder = attemptFolder(surroundings.folder, stepId, fence);
  const log = createLog(surroundings, folder);
  const step = `${attempt.kind} of ${attempt.target}`;
  const running = startTimer(request.timeouts, "startToCloseMs", step, request.ranForMs);
  const silent = startTimer(request.timeouts, "heartbeatMs", step);
  const ceased = new AbortController();
  const released = new AbortController();
  const stop = firstOf(request.signal, running.signal, silent.signal, ceased.signal);
  const beating: Beating = {
    attempt,
    progress: null,
    ceased: (why) => (why === "displaced" ? released.abort() : ceased.abort(why)),
  };
  const letGo = () => stop.aborted || released.abort();
  pulse.add(beating);
  request.letGo?.addEventListener("abort", letGo);
  if (request.letGo?.aborted) letGo();
  try {
    const left = await work({ folder, signal: stop, released: released.signal, hear, started });
    if (left === null) return null;
    if (left.stderr !== "") for (const line of left.stderr.trimEnd().split("\n")) tell(line);
    return await settle(left, await log.keep());
  } finally {
    running.clear();
    silent.clear();
    request.letGo?.removeEventListener("abort", letGo);
    pulse.remove(beating);
    log.close();
  }

  /** Only a recovery reads the handle: a step that ends at once is spared the commit, which brings its claim to the disk. */
  function started(handle: string): () => void {
    const noting = setTimeout(noteHandle, NOTE_AFTER_MS, handle);
    return () => clearTimeout(noting);
  }

  async function noteHandle(handle: string): Promise<void> {
    const note = "UPDATE attempts SET handle = ? WHERE step_id = ? AND fence = ?";
    await records.commit([{ sql: note, params: [handle, stepId, fence] }]).catch(() => undefined);
  }

  function hear(text: string): void {
    silent.again();
    const line = parseLine(text);
    if ("progress" in line) {
      beating.progress = line.progress;
      request.onProgress(line.progress);
    } else tell(line.log);
  }

  function tell(text: string): void {
    log.add(text);
    request.onLog(text);
  }

  async function settle({ marker, error, meters }: Left, logObject: EndDetail["logObject"]): Promise<Ending> {
    const detail = { meters, log: log.lines, logObject: logObject ?? null };
    if (marker) {
      request.onMade?.();
      return publish(marker, detail);
    }
    const timeout = timeoutOf(stop);
    if (stop.aborted && !timeout) return (await end("cancelled", detail)) ? { state: "cancelled" } : null;
    const failure = timeout ?? error;
    const backoffMs = request.signal.aborted ? null : backoffAfter(request.retry, failure, request.tries);
    if (backoffMs !== null)
      return (await tryAgain(backoffMs, { ...detail, error: failure })) ? { state: "again", dueInMs: backoffMs } : null;
    const told = afterTries(failure, request.tries);
    return (await end("failed", { ...detail, error: told })) ? { state: "failed", error: told, stepId } : null;
  }

  async function publish(marker: Marker, detail: EndDetail & { readonly meters: Meters }): Promise<Outcome | null> {
    if (!(await conclude(publishStatements(attempt, marker, clock(), detail)))) return null;
    const checkpoint = checkpointFile(surroundings.folder, attempt.key);
    if (existsSync(checkpoint)) rmSync(checkpoint, { force: true }); // few keep one, and to look costs less
    return { state: "succeeded", manifest: marker.manifest, stepId, meters: detail.meters };
  }

  function end(state: EndState, detail: EndDetail): Promise<boolean> {
    return conclude(endStatements(attempt, state, clock(), detail));
  }

  function tryAgain(backoffMs: number, detail: EndDetail & { readonly error: MillError }): Promise<boolean> {
    const nowMs = clock();
    const dueAt = nowMs + backoffMs;
    request.onLog(`Try ${request.tries} failed: ${detail.error.message} The next one is in ${backoffMs} ms.`);
    return conclude(tryAgainStatements(attempt, { dueAt, leaseUntil: nowMs + leaseMs }, nowMs, detail));
  }

  /** The folder goes only after the commit: until then a recovery can still publish from it. */
  async function conclude(statements: readonly Statement[]): Promise<boolean> {
    const committed = await commitPatiently(records, statements);
    surroundings.folders.remove(folder);
    return committed;
  }
}
