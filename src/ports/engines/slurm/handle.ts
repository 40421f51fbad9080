/**
 * Every job of ours is a task of an array, `ARRAY_TASK` as Slurm itself says. A handle adds the attempt, `ARRAY_TASK/STEPID-FENCE`: a controller
 * that lost its last seconds gives the same numbers to other jobs.
 */
import type { JobRecord } from "./dialect.ts";

export interface Handle {
  readonly arrayId: number;
  readonly task: number;
  /** Of the attempt. */
  readonly name: string;
}

/** What Slurm calls it. */
export const taskId = ({ arrayId, task }: Pick<Handle, "arrayId" | "task">) => `${arrayId}_${task}`;

export const formatHandle = (handle: Handle) => `${taskId(handle)}/${handle.name}`;

/** null when it is a handle of something else. */
export function parseHandle(text: string): Handle | null {
  const [, arrayId, task, name] = /^(\d{1,10})_(\d{1,10})\/(.+)$/.exec(text) ?? [];
  return name === undefined ? null : { arrayId: Number(arrayId), task: Number(task), name };
}

/** The record of exactly this job, if any of the array's is. */
export const recordOf = ({ arrayId, task, name }: Handle, records: readonly JobRecord[]): JobRecord | null =>
  records.find((record) => record.arrayId === arrayId && record.tasks.includes(task) && namesIn(record.comment)[task] === name) ??
  null;

/** By task; see `ours.ts`. */
export const namesIn = (comment: string): string[] => comment.split(" ").slice(1);
