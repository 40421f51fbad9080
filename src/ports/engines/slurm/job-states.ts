/** What Slurm's states of a job mean to us. See squeue(1), JOB STATE CODES. */
import type { JobRecord } from "./dialect.ts";

export type Standing = "pending" | "running" | "ended";

/** A job that is completing still has processes. */
const STILL_THERE = ["COMPLETING", "RUNNING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"];
const ENDED = [
  "COMPLETED",
  "CANCELLED",
  "FAILED",
  "TIMEOUT",
  "NODE_FAIL",
  "PREEMPTED",
  "BOOT_FAIL",
  "DEADLINE",
  "OUT_OF_MEMORY",
  "REVOKED",
];
/** Those in which the job did nothing to deserve its end: it can be run again as it is. */
const NOT_ITS_FAULT = ["NODE_FAIL", "BOOT_FAIL", "PREEMPTED", "REVOKED"];
const WAITS_AGAIN = ["REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"];

/** A state that we do not know is one in which a job waits: nothing is concluded from it. */
export function standingOf({ states }: JobRecord): Standing {
  if (has(states, STILL_THERE)) return "running";
  return has(states, ENDED) && !has(states, WAITS_AGAIN) ? "ended" : "pending";
}

/** Of a job that has ended, or that Slurm does not know any more (null): whose doing that was. */
export function endedForOf(record: JobRecord | null): "cancel" | "memory" | "lost" | null {
  if (record === null || has(record.states, NOT_ITS_FAULT)) return "lost";
  if (has(record.states, ["OUT_OF_MEMORY"])) return "memory";
  return has(record.states, ["CANCELLED"]) ? "cancel" : null;
}

const has = (states: readonly string[], some: readonly string[]) => some.some((state) => states.includes(state));
