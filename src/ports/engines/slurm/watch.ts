/**
 * Waits for the ends of jobs. What a job leaves in its folder tells first and costs Slurm nothing; Slurm is asked now and then, for the jobs that
 * end without a word: killed, cancelled while they waited, or on a machine that failed.
 *
 *     folder   every 100 ms     new lines of stdout; the exit marker ─────────────────────────────> ended
 *     Slurm    every 2 s        ended, or unknown ── and still no marker after 5 s ───────────────> ended, as Slurm says
 *                               away, token refused: asked again, for as long as it takes
 *
 * No moment of Slurm's is compared with one of ours.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type JobExit, STDERR_BYTES } from "../engine.ts";
import type { JobRecord } from "./dialect.ts";
import type { Door } from "./door.ts";
import { asCodeAndSignal, type ExitStatus } from "./exit-status.ts";
import { type Handle, recordOf, taskId } from "./handle.ts";
import { EXIT, parseExit, STDERR, STDOUT, STOPPED } from "./job-script.ts";
import { endedForOf, standingOf } from "./job-states.ts";
import { readEnd, tailLog } from "./log-tail.ts";

export interface Pace {
  /** Between two looks into the folders; default 100. */
  readonly lookMs?: number;
  /** Between two questions to Slurm; default 2000. */
  readonly askMs?: number;
  /** How long a shared file system may hide what a job has written before it ended; default 5000. */
  readonly settleMs?: number;
}

export interface Watched {
  readonly exit: Promise<JobExit>;
  /** From now on its end is a cancellation. */
  cancelled(): void;
}

export interface Watch {
  add(handle: Handle, folder: string, onLine: (line: string) => void): Watched;
}

interface Watching {
  readonly handle: Handle;
  readonly folder: string;
  readonly tail: ReturnType<typeof tailLog>;
  readonly ended: (exit: JobExit) => void;
  cancelled: boolean;
  /** Since when Slurm says that the job has ended, and how; monotonic. */
  verdict: { readonly sinceMs: number; readonly record: JobRecord | null } | null;
}

export function createWatch(door: Door, { lookMs = 100, askMs = 2000, settleMs = 5000 }: Pace = {}): Watch {
  const watching = new Set<Watching>();
  let looking = false;
  let asking = false;

  return {
    add(handle, folder, onLine) {
      const { promise: exit, resolve: ended } = Promise.withResolvers<JobExit>();
      const one: Watching = {
        ...{ handle, folder, ended },
        ...{ tail: tailLog(join(folder, STDOUT), onLine), cancelled: false, verdict: null },
      };
      watching.add(one);
      if (!looking) look();
      if (!asking) setTimeout(ask, askMs);
      asking = true;
      return {
        exit,
        cancelled() {
          one.cancelled = true;
        },
      };
    },
  };

  async function look(): Promise<void> {
    looking = watching.size > 0;
    if (!looking) return;
    await Promise.all([...watching].map(lookAt));
    setTimeout(look, Math.max(lookMs, watching.size)); // many that wait are looked at less often
  }

  async function lookAt(one: Watching): Promise<void> {
    try {
      const byItself = await readStatus(one.folder, EXIT); // before the log, which is then whole
      const told = one.cancelled || one.verdict !== null;
      const status = byItself ?? (told ? await readStatus(one.folder, STOPPED) : null);
      await one.tail.read();
      const killed = status?.signal === 9; // by whom, only Slurm knows
      const settled = one.verdict !== null && performance.now() - one.verdict.sinceMs >= settleMs;
      if (settled || (status && (!killed || one.verdict || one.cancelled))) await conclude(one, status, byItself !== null);
    } catch {
      // a file system that is away for a moment
    }
  }

  async function conclude(one: Watching, status: ExitStatus | null, byItself: boolean): Promise<void> {
    one.tail.end();
    const stderr = await readEnd(join(one.folder, STDERR), STDERR_BYTES);
    watching.delete(one);
    one.ended(exitOf(one, status, byItself, stderr));
  }

  async function ask(): Promise<void> {
    asking = watching.size > 0;
    if (!asking) return;
    for (const [arrayId, tasks] of Map.groupBy(watching, ({ handle }) => handle.arrayId)) {
      const records = await door.array(arrayId).catch(() => undefined); // away: the jobs go on without us
      if (records !== undefined) for (const one of tasks) judge(one, records);
    }
    setTimeout(ask, askMs);
  }

  function judge(one: Watching, records: readonly JobRecord[] | null): void {
    const record = records && recordOf(one.handle, records);
    if (record && standingOf(record) !== "ended") one.verdict = null;
    else one.verdict = { sinceMs: one.verdict?.sinceMs ?? performance.now(), record };
  }
}

function exitOf({ handle, cancelled, verdict }: Watching, status: ExitStatus | null, byItself: boolean, stderr: string): JobExit {
  const record = verdict?.record ?? null;
  const endedFor = byItself && status?.signal !== 9 ? null : memoryIn(stderr) ? "memory" : endedForOf(record);
  const says = record ? `${record.states.join(", ")} (${record.reason})` : "it does not know the job any more";
  const how = asCodeAndSignal(status ?? (endedFor === null && record ? record.exit : { code: 0, signal: 9 }));
  return {
    ...how,
    stderr: status ? stderr : `${stderr}Slurm on job ${taskId(handle)}: ${says}\n`,
    endedFor: cancelled ? "cancel" : byItself && endedFor === "lost" ? null : endedFor,
    usage: null,
  };
}

/** Slurm's own words in the job's standard error, by jobacct_gather and by cgroups. */
const memoryIn = (stderr: string) => /exceeded (job )?memory limit|oom[-_ ]kill/i.test(stderr);

async function readStatus(folder: string, name: string): Promise<ExitStatus | null> {
  const text = await readFile(join(folder, name), "utf8").catch(() => "");
  return text === "" ? null : parseExit(text);
}
