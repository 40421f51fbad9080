/** What a job is called in folders, processes and queues: STEPID-FENCE. */
import type { Job } from "./engine.ts";

export type JobName = Pick<Job, "stepId" | "fence">;

export const nameOf = ({ stepId, fence }: JobName): string => `${stepId}-${fence}`;

/** null when it is the name of something else. */
export function parseName(name: string): JobName | null {
  const [, stepId, fence] = /^(.+)-(\d{1,9})$/.exec(name) ?? [];
  return stepId === undefined ? null : { stepId, fence: Number(fence) };
}
