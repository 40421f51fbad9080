/**
 * What the families of Slurm's REST answers have in common, and where they differ. Two are known:
 *
 *     plain   v0.0.36 to v0.0.38 (Slurm 20.11 to 22.05)    numbers are numbers, a state is a word, the exit is a wait status
 *     sets    v0.0.39 to v0.0.44 (Slurm 23.02 to 25.11)    numbers are {set, infinite, number}, states are lists, the exit is an object
 *
 * Reading takes both, because newer ones mix them; only what is written is chosen by family.
 */
import type { ExitStatus } from "./exit-status.ts";

export interface Submission {
  readonly name: string;
  readonly comment: string;
  readonly script: string;
  readonly tasks: number;
  readonly folder: string;
  readonly stderr: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly partition: string | null;
  readonly memoryMb: number;
  readonly threads: number;
}

/** One task of an array, or a record that stands for several which wait. */
export interface JobRecord {
  readonly arrayId: number;
  readonly tasks: readonly number[];
  readonly comment: string;
  readonly states: readonly string[];
  readonly reason: string;
  readonly exit: ExitStatus;
}

export interface Dialect {
  /** As in `v0.0.38`. */
  readonly version: string;
  submission(submission: Submission): object;
}

const NEWEST_PLAIN = 38;
const NEWEST = 44;
const OLDEST = 36;
/** From here on the script is a field of the job. */
const SCRIPT_IN_JOB = 41;

/** The newest that both sides know, from the paths of `/openapi/v3`; null when there is none. */
export function chooseDialect(paths: Iterable<string>): Dialect | null {
  const known = [...paths]
    .map((path) => Number(/^\/slurm\/v0\.0\.(\d+)\/job\/submit$/.exec(path)?.[1]))
    .filter((family) => family >= OLDEST && family <= NEWEST);
  if (known.length === 0) return null;
  const family = Math.max(...known);
  return { version: `v0.0.${family}`, submission: (submission) => bodyOf(submission, family) };
}

function bodyOf(submission: Submission, family: number): object {
  const { name, comment, script, tasks, folder, stderr, environment, partition, memoryMb, threads } = submission;
  const sets = family > NEWEST_PLAIN;
  const job = {
    ...{ name, comment, array: `0-${tasks - 1}`, current_working_directory: folder },
    ...{ standard_output: "/dev/null", standard_error: stderr, cpus_per_task: threads },
    ...(partition !== null && { partition }),
    memory_per_node: sets ? { set: true, infinite: false, number: memoryMb } : memoryMb,
    environment: sets ? Object.entries(environment).map(([key, value]) => `${key}=${value}`) : environment,
  };
  return family >= SCRIPT_IN_JOB ? { job: { ...job, script } } : { script, job };
}

/** The records of an answer; those that are no array are left out: ours all are. */
export function readJobs(answer: unknown): JobRecord[] {
  return listOf(field(answer, "jobs")).flatMap((job) => {
    const arrayId = numberOf(field(job, "array_job_id"));
    if (!arrayId) return [];
    const task = numberOf(field(job, "array_task_id"));
    const states = field(job, "job_state");
    return {
      arrayId,
      tasks: task === null ? expandTasks(String(field(job, "array_task_string") ?? "")) : [task],
      comment: String(field(job, "comment") ?? ""),
      states: (Array.isArray(states) ? states : [states]).map(String),
      reason: String(field(job, "state_reason") ?? ""),
      exit: exitOf(field(job, "exit_code")),
    };
  });
}

export const readJobId = (answer: unknown): number | null => numberOf(field(answer, "job_id"));

/** Of an error the number says what it is; it is called by three names. */
export function readErrors(answer: unknown): { readonly code: number; readonly text: string }[] {
  return listOf(field(answer, "errors")).map((error) => ({
    code: Number(field(error, "error_number") ?? field(error, "error_code") ?? field(error, "errno") ?? -1),
    text: [field(error, "description"), field(error, "error")]
      .filter((part) => typeof part === "string" && part !== "")
      .join(": "),
  }));
}

/** "1,3-5%2" is 1, 3, 4, 5, two at a time. */
function expandTasks(text: string): number[] {
  return text
    .replace(/%.*$/, "")
    .split(",")
    .flatMap((part) => {
      const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
      if (from === undefined) return [];
      return Array.from({ length: Number(to ?? from) - Number(from) + 1 }, (_, i) => Number(from) + i);
    });
}

/** A wait status (wait(2)), or what newer families take it apart into. */
function exitOf(exit: unknown): ExitStatus {
  const status = numberOf(exit);
  if (status !== null) return { code: status >> 8, signal: status & 127 };
  return { code: numberOf(field(exit, "return_code")) ?? 0, signal: numberOf(field(field(exit, "signal"), "id")) ?? 0 };
}

function numberOf(value: unknown): number | null {
  if (typeof value === "number") return value;
  return field(value, "set") === true ? numberOf(field(value, "number")) : null;
}

const field = (value: unknown, name: string): unknown => (value as Record<string, unknown> | null | undefined)?.[name];

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
