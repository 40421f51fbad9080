/**
 * How a job is known as ours, by Slurm alone: the comment of an array is `WORKSPACE STEPID-FENCE STEPID-FENCE ...`, by task. So what we submitted
 * just before a crash is found again, and what nobody waits for any more too.
 */
import type { ListedJob } from "../engine.ts";
import { type JobName, nameOf, parseName } from "../job-name.ts";
import type { JobRecord } from "./dialect.ts";
import { formatHandle, namesIn } from "./handle.ts";
import { standingOf } from "./job-states.ts";

/** Slurm takes 1024. */
const COMMENT_CHARACTERS_MAX = 1000;

export const commentOf = (workspace: string, jobs: readonly JobName[]) => [workspace, ...jobs.map(nameOf)].join(" ");

/** As many of the first as fit one array; at least one. */
export function fitting<T extends JobName>(workspace: string, jobs: readonly T[]): number {
  let length = workspace.length;
  const over = jobs.findIndex((job) => (length += nameOf(job).length + 1) > COMMENT_CHARACTERS_MAX);
  return over === -1 ? jobs.length : Math.max(1, over);
}

/** The jobs that wait or run, one of each name: of doubled ones the first that started goes on, and the others end by themselves. */
export function oursAmong(records: readonly JobRecord[], workspace: string): ListedJob[] {
  const found = new Map<string, ListedJob>();
  for (const record of records) {
    const state = standingOf(record);
    if (record.comment.split(" ", 1)[0] !== workspace || state === "ended") continue;
    const names = namesIn(record.comment);
    for (const task of record.tasks) {
      const name = names[task] ?? "";
      const job = parseName(name);
      if (!job || found.get(name)?.state === "running") continue;
      if (state === "running" || !found.has(name))
        found.set(name, { ...job, handle: formatHandle({ arrayId: record.arrayId, task, name }), state });
    }
  }
  return [...found.values()];
}
