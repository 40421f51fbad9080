/**
 * Submits attempts, each once. Those that come within some milliseconds and want the same become one array, because Slurm starts hundreds of tasks
 * of an array in the time of a few jobs.
 *
 * A submission whose answer we did not get may have happened: before a folder with a note of one is submitted (again), Slurm is asked for what it
 * has of that name. What slips through even so ends by itself: of two jobs of a name only the first that starts goes on (`job-script.ts`).
 */
import { mkdir, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Job } from "../engine.ts";
import { nameOf } from "../job-name.ts";
import type { Submission } from "./dialect.ts";
import type { Door } from "./door.ts";
import { formatHandle, parseHandle } from "./handle.ts";
import { JOB_LINK, jobScript, SUBMITTED } from "./job-script.ts";
import { commentOf, fitting, oursAmong } from "./ours.ts";
import { patiently } from "./patience.ts";

export interface SubmitOptions {
  readonly door: Door;
  readonly workspace: string;
  readonly command: readonly string[];
  readonly folder: string;
  /** Folder for what Slurm writes before a job knows its own. */
  readonly spool: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly partition: string | null;
  readonly batchMs: number;
  readonly patienceMs: number;
}

interface Waiting {
  readonly job: Job;
  readonly resolve: (handle: string) => void;
  readonly reject: (thrown: unknown) => void;
}

/** What a task holds beside the memory that a step counts as its own: pages of program files, which Slurm counts too. */
const PROGRAM_MB = 256;

/** Gives the handle of the attempt's job. Errors: those of the door. */
export function createSubmit(options: SubmitOptions): (job: Job) => Promise<string> {
  const { door, workspace, batchMs, patienceMs } = options;
  const groups = new Map<string, Waiting[]>();

  const submitting = new Map<string, Promise<string>>();

  return (job) => {
    const name = nameOf(job);
    const handle = submitting.get(name) ?? handleFor(job).finally(() => submitting.delete(name));
    submitting.set(name, handle);
    return handle;
  };

  async function handleFor(job: Job): Promise<string> {
    await mkdir(job.folder, { recursive: true, mode: 0o700 });
    const begun = await readlink(join(job.folder, JOB_LINK)).catch(() => "");
    const handle = `${begun}/${nameOf(job)}`;
    if (parseHandle(handle)) return handle;
    return new Promise((resolve, reject) => gather({ job, resolve, reject }));
  }

  function gather(one: Waiting): void {
    const alike = `${one.job.memoryMb} ${one.job.threads ?? 1}`;
    const group = groups.get(alike);
    if (group) return void group.push(one);
    const gathered = [one];
    groups.set(alike, gathered);
    setTimeout(() => {
      groups.delete(alike);
      void submitAll(gathered);
    }, batchMs);
  }

  async function submitAll(waiting: readonly Waiting[]): Promise<void> {
    for (let rest = waiting; rest.length > 0; ) {
      const batch = rest.slice(
        0,
        fitting(
          workspace,
          rest.map(({ job }) => job),
        ),
      );
      rest = rest.slice(batch.length);
      await submitBatch(batch).catch((thrown) => {
        for (const { reject } of batch) reject(thrown);
      });
    }
  }

  async function submitBatch(batch: readonly Waiting[]): Promise<void> {
    const fresh = await Promise.all(batch.map(({ job }) => noteSubmission(job.folder)));
    let doubtful = fresh.includes(false);
    let waiting = batch;
    await patiently(patienceMs, async () => {
      if (doubtful) waiting = await withoutKnown(waiting);
      if (waiting.length === 0) return;
      doubtful = true;
      const arrayId = await door.submit(submissionOf(waiting.map(({ job }) => job)));
      for (const [task, { job, resolve }] of waiting.entries()) resolve(formatHandle({ arrayId, task, name: nameOf(job) }));
    });
  }

  async function withoutKnown(waiting: readonly Waiting[]): Promise<readonly Waiting[]> {
    const known = new Map(oursAmong(await door.arrays(), workspace).map((job) => [nameOf(job), job.handle]));
    return waiting.filter(({ job, resolve }) => {
      const handle = known.get(nameOf(job));
      if (handle !== undefined) resolve(handle);
      return handle === undefined;
    });
  }

  function submissionOf(jobs: readonly Job[]): Submission {
    const { command, folder, spool, environment, partition } = options;
    const { memoryMb, threads = 1 } = jobs[0]!;
    return {
      name: `mill-${nameOf(jobs[0]!)}`,
      comment: commentOf(workspace, jobs),
      script: jobScript({ command, memoryMb, folder, spool, names: jobs.map(nameOf) }),
      tasks: jobs.length,
      ...{ folder, environment, partition, threads },
      stderr: join(spool.replaceAll("%", "%%"), "%A_%a"),
      memoryMb: memoryMb + PROGRAM_MB,
    };
  }
}

/** Whether it is the first of this folder. */
const noteSubmission = (folder: string): Promise<boolean> =>
  writeFile(join(folder, SUBMITTED), "", { flag: "wx" }).then(
    () => true,
    () => false,
  );
