/** How much of standard error an exit tells. */
export const STDERR_BYTES = 64 << 10;

/** Where a step's process runs. The step's input and manifest travel as files in `folder`; progress and logs as lines. */
export interface Job {
  readonly stepId: string;
  readonly fence: number;
  /** Folder of the attempt: `input.json` is there before the start, `manifest.json` after a success. */
  readonly folder: string;
  readonly memoryMb: number;
  /** Processors that it may keep busy; default 1. Only an engine that shares machines among many takes notice. */
  readonly threads?: number;
  /** For its process alone, written nowhere; only an engine that is `near` hands them on. */
  readonly variables?: Readonly<Record<string, string>>;
}

export interface JobExit {
  /** null when ended by a signal. */
  readonly code: number | null;
  readonly signal: string | null;
  /** The last 64 KiB of standard error. */
  readonly stderr: string;
  /**
   * Why the engine itself ended the job: it was cancelled, or took more memory than `memoryMb`; "lost": it is gone without a trace of how it
   * ended (its machine failed, the engine forgot it). null when the job ended alone.
   */
  readonly endedFor: "cancel" | "memory" | "lost" | null;
  /** What the job used, as far as the engine saw; null when it was too short to be seen. */
  readonly usage: JobUsage | null;
}

export interface JobUsage {
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
}

export interface RunningJob {
  /** What finds the job again: for `local` the process id and its start time. */
  readonly handle: string;
  readonly exit: Promise<JobExit>;
  cancel(): void;
}

/** A job as the engine tells of it. */
export interface ListedJob {
  readonly stepId: string;
  readonly fence: number;
  readonly handle: string;
  /** "pending": the engine has it and has not started it yet. */
  readonly state: "pending" | "running";
}

/** Several engines may serve one workspace; each knows only its own jobs. */
export interface Engine {
  readonly name: string;
  /** Its jobs get the variables that a job comes with, and reach what listens on this machine's loopback address. */
  readonly near?: boolean;
  /** What the engine's own tools call the job of a handle, as Slurm's job id; absent: they do not know it. */
  readonly jobId?: (handle: string) => string | null;
  /**
   * Idempotent by `stepId` and `fence`: a job of the same name that was submitted before our crash is adopted, not doubled.
   * `onLine` gets each line the job prints on standard output (NDJSON: progress, log). Errors: `engine.not-started`.
   */
  start(job: Job, onLine: (line: string) => void): Promise<RunningJob>;
  /** Takes up a job that another process of ours started. null: it cannot be (`local`: a job ends with the process that started it), or it is gone. */
  attach(job: Job, handle: string, onLine: (line: string) => void): Promise<RunningJob | null>;
  /** Jobs of this workspace that the engine knows and that have not ended, whoever started them: what the reconciler compares with. Errors: `engine.away`. */
  list(): Promise<ListedJob[]>;
  /** Whether a job started earlier, perhaps by another process, still runs or is still going to. */
  alive(handle: string): Promise<boolean>;
  /** Ends a job started earlier; resolves when it is gone. */
  end(handle: string): Promise<void>;
}
