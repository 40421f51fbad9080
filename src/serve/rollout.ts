/** What one version did of late. */
export interface Arm {
  readonly version: number;
  readonly requests: number;
  readonly rows: number;
  /** Requests that ended in a fault of ours, and of a candidate those that only the champion could read; a row that nobody can read is none. */
  readonly errors: number;
  /** 99th percentile of the time to compute an answer, within 9 %; null before the first. */
  readonly p99Micros: number | null;
}

/** A version that answers a share of an endpoint's requests, beside the one that is deployed. */
export interface Rollout {
  readonly model: string;
  readonly version: number;
  readonly base: number;
  /** Shares of the requests, rising to 1; `step` counts from 0. */
  readonly steps: readonly number[];
  readonly step: number;
  readonly share: number;
  /** How long a step is held, in data time. */
  readonly holdMicros: number;
  /** Data time at which the step began; null where the endpoint had none yet. */
  readonly sinceAsOf: number | null;
  /** Wall clock at which the step began. */
  readonly sinceAt: number;
  readonly startedAt: number;
  /** Counted since the step began or the endpoint was loaded, whichever came later. */
  readonly candidate: Arm;
  readonly champion: Arm;
}
