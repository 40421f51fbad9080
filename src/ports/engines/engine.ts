/** Where a step's process runs. The step's input and manifest travel as files in `folder`; progress and logs as lines. */
export interface Job {
  readonly stepId: string;
  readonly fence: number;
  /** Folder of the attempt: `input.json` is there before the start, `manifest.json` after a success. */
  readonly folder: string;
  readonly memoryMb: number;
}

export interface JobExit {
  /** null when ended by a signal. */
  readonly code: number | null;
  readonly signal: string | null;
  /** The last 64 KiB of standard error. */
  readonly stderr: string;
  /** Why the engine itself ended the job: it was cancelled, or took more memory than `memoryMb`. null when the job ended alone. */
  readonly endedFor: "cancel" | "memory" | null;
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

export interface Engine {
  readonly name: string;
  /** `onLine` gets each line the job prints on standard output (NDJSON: progress, log). Errors: `engine.not-started`. */
  start(job: Job, onLine: (line: string) => void): Promise<RunningJob>;
  /** Whether a job started earlier, perhaps by another process, still runs. */
  alive(handle: string): Promise<boolean>;
  /** Ends a job started earlier; resolves when it is gone. */
  end(handle: string): Promise<void>;
}
