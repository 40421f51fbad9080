import { mkdirSync } from "node:fs";
import { access } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { MillError } from "../../../base/index.ts";
import type { Engine, Job, JobExit, RunningJob } from "../engine.ts";
import { createDoor, type DoorOptions } from "./door.ts";
import { formatHandle, type Handle, parseHandle, recordOf, taskId } from "./handle.ts";
import { EXIT } from "./job-script.ts";
import { type Standing, standingOf } from "./job-states.ts";
import { oursAmong } from "./ours.ts";
import { patiently } from "./patience.ts";
import { createSubmit } from "./submit.ts";
import { createWatch, type Pace } from "./watch.ts";

export interface SlurmEngineOptions extends DoorOptions, Pace {
  /** Whose jobs these are, among all on the cluster: no blanks, at most 100 characters. */
  readonly workspace: string;
  /** A Node binary and what comes before `step FOLDER`, as every node of the cluster finds them. */
  readonly command: readonly string[];
  /** Where the folders of attempts lie, under the same path on every node of the cluster. */
  readonly folder: string;
  /** Variables of the jobs; Slurm keeps them with the job until it ends. Default: PATH and HOME of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Default: the cluster's own. */
  readonly partition?: string | null;
  /** How long calls are gathered that become one array; default 10. */
  readonly batchMs?: number;
  /** How long a call waits for a Slurm that is away; jobs that run are waited for without an end. Default 600,000. */
  readonly patienceMs?: number;
}

const ENDING_MS = 100;
const ASK_AGAIN_MS = 1000;

/**
 * Runs each step as a task of a Slurm array, by Slurm's REST door. The folders of attempts lie on a file system that all machines share, and jobs
 * run as the user that we run as. A job goes on without us. At least once: Slurm may run a job again after a failure of its own, and the
 * step's log then says so. Errors: `engine.address`; of calls `engine.away`, `engine.denied`, `engine.refused`.
 */
export function createSlurmEngine(options: SlurmEngineOptions): Engine {
  const { workspace, folder, batchMs = 10, patienceMs = 600_000, partition = null } = options;
  if (!/^[\w.:-]{1,100}$/.test(workspace))
    throw new MillError("engine.address", "What tells our jobs among all on a cluster must be one word.", {
      expected: "at most 100 letters, digits and any of . _ : -",
      got: workspace,
      fix: "Name the workspace so.",
    });
  const door = createDoor(options);
  const spool = join(dirname(folder), "slurm");
  mkdirSync(spool, { recursive: true, mode: 0o700 });
  const environment = variablesOf(options.environment ?? { PATH: process.env.PATH, HOME: process.env.HOME });
  const submit = createSubmit({
    ...{ door, workspace, folder, spool, environment, partition, batchMs, patienceMs },
    command: options.command,
  });
  const watch = createWatch(door, options);

  return {
    name: "slurm",

    jobId(text) {
      const handle = parseHandle(text);
      return handle && taskId(handle);
    },

    async start(job, onLine) {
      return watched(job, parseHandle(await submit(job))!, onLine);
    },

    async attach(job, text, onLine) {
      const handle = parseHandle(text);
      if (!handle) return null;
      const there = (await standing(handle)) !== "ended" || (await hasEnded(job.folder));
      return there ? watched(job, handle, onLine) : null;
    },

    list: async () => oursAmong(await door.arrays(), workspace),

    async alive(text) {
      const handle = parseHandle(text);
      return handle !== null && (await standing(handle)) !== "ended";
    },

    async end(text) {
      const handle = parseHandle(text);
      if (!handle) return;
      await patiently(patienceMs, () => cancel(handle));
      while ((await patiently(patienceMs, () => standing(handle))) !== "ended") await delay(ENDING_MS);
    },
  };

  function watched({ folder }: Job, handle: Handle, onLine: (line: string) => void): RunningJob {
    const { exit, cancelled } = watch.add(handle, folder, onLine);
    return {
      handle: formatHandle(handle),
      exit,
      cancel() {
        cancelled();
        void askToEnd(handle, exit);
      },
    };
  }

  /** For as long as it has not ended: a Slurm that is away, or a token that ran out, keeps no job alive. */
  async function askToEnd(handle: Handle, exit: Promise<JobExit>): Promise<void> {
    const ended = exit.then(() => true);
    const asked = () =>
      cancel(handle).then(
        () => true,
        () => delay(ASK_AGAIN_MS, false),
      );
    while (!(await Promise.race([ended, asked()])));
  }

  async function cancel(handle: Handle): Promise<void> {
    if ((await standing(handle)) !== "ended") await door.cancel(taskId(handle));
  }

  async function standing(handle: Handle): Promise<Standing> {
    const record = recordOf(handle, (await door.array(handle.arrayId)) ?? []);
    return record ? standingOf(record) : "ended";
  }
}

const hasEnded = (folder: string) =>
  access(join(folder, EXIT)).then(
    () => true,
    () => false,
  );

const variablesOf = (environment: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(environment).filter((pair): pair is [string, string] => pair[1] !== undefined));
