import { type ChildProcessByStdio, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { MillError } from "../../base/index.ts";
import { type Engine, type Job, type JobExit, type JobUsage, type ListedJob, type RunningJob, STDERR_BYTES } from "./engine.ts";
import { type JobName, nameOf } from "./job-name.ts";
import { splitLines } from "./lines.ts";
import { pidOf, processAlive, processHandle, readProcess, signal } from "./process.ts";
import { listStepProcesses } from "./step-processes.ts";

export interface LocalEngineOptions {
  /** A Node binary and what comes before `step FOLDER`, as in `[process.execPath, "/app/main.ts"]`. */
  readonly command: readonly string[];
  /** Where the folders of attempts lie, each called STEPID-FENCE: whose jobs `list` tells. */
  readonly folder: string;
  /** Variables of the child; default: those of this process. */
  readonly environment?: NodeJS.ProcessEnv;
  /** From the first polite signal to the last one; default 5000. */
  readonly graceMs?: number;
}

interface Started {
  readonly name: JobName;
  readonly job: Promise<RunningJob>;
  readonly listeners: Set<(line: string) => void>;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

const WATCH_MS = 100;

/**
 * Runs each step as a child process of low priority in a process group of its own. The child holds one end of a pipe as its standard
 * input: when this process dies the pipe closes, and the child must end itself. Its V8 heap is capped at `memoryMb`, and the child is
 * ended when all of its own memory is above that. Errors: `engine.not-started`.
 */
export function createLocalEngine({ command, folder, environment, graceMs = 5000 }: LocalEngineOptions): Engine {
  const [program, ...programArguments] = command;
  const running = new Map<string, Started>();

  return {
    name: "local",

    async start(job, onLine) {
      const name = nameOf(job);
      const started = running.get(name) ?? startChild(job);
      running.set(name, started);
      started.listeners.add(onLine);
      return started.job;
    },

    attach: async () => null,

    // where there is no /proc, at least our own
    list: async () => (process.platform === "linux" ? listStepProcesses(folder) : Promise.all([...running.values()].map(listed))),

    alive: async (handle) => processAlive(handle),

    async end(handle) {
      const pid = pidOf(handle);
      if (!processAlive(handle)) return;
      signal(-pid, "SIGTERM");
      for (let waited = 0; waited < graceMs && processAlive(handle); waited += 20) await delay(20);
      while (processAlive(handle)) {
        signal(-pid, "SIGKILL");
        await delay(5);
      }
    },
  };

  function startChild(job: Job): Started {
    const heap = `--max-old-space-size=${job.memoryMb}`;
    const child = spawn(program!, [heap, ...programArguments, "step", job.folder], {
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      ...(environment && { env: environment }),
    });
    const listeners: Started["listeners"] = new Set();
    const exit = exitOf(child, job);
    const runs = async (): Promise<RunningJob> => {
      const pid = await spawned(child, program!);
      lowerPriority(pid);
      const lines = splitLines((line) => {
        for (const listener of listeners) listener(line);
      });
      child.stdout.on("data", lines.push).on("end", lines.end);
      return {
        handle: processHandle(pid) ?? `${pid}:gone`,
        exit: exit.promise,
        cancel() {
          exit.endedFor("cancel");
          endGroup(pid, exit.promise);
        },
      };
    };
    const forget = () => running.delete(nameOf(job));
    child.once("close", forget).once("error", forget);
    return { name: { stepId: job.stepId, fence: job.fence }, job: runs(), listeners };
  }

  async function endGroup(pid: number, gone: Promise<JobExit>): Promise<void> {
    signal(-pid, "SIGTERM");
    const waiting = new AbortController();
    const late = delay(graceMs, "late", { signal: waiting.signal }).catch(() => "gone");
    if ((await Promise.race([gone, late])) === "late") signal(-pid, "SIGKILL");
    waiting.abort();
  }
}

const listed = async ({ name, job }: Started): Promise<ListedJob> => {
  return { ...name, handle: (await job).handle, state: "running" };
};

/** The end of a child, watched from its start: its errors, its memory, and what it used. */
function exitOf(child: Child, job: Job): { promise: Promise<JobExit>; endedFor(reason: "cancel" | "memory"): void } {
  let endedFor: JobExit["endedFor"] = null;
  let usage: JobUsage | null = null;
  const stderr = tailOf(child.stderr);
  child.stdin.on("error", () => undefined); // the child may be gone before the pipe is

  const watch = setInterval(() => {
    const reading = child.pid === undefined ? null : readProcess(child.pid);
    if (!reading) return;
    // A process that is being ended has no memory left to tell of.
    usage = { cpuSeconds: reading.cpuSeconds, peakRssBytes: Math.max(usage?.peakRssBytes ?? 0, reading.peakRssBytes) };
    if (reading.ownBytes <= job.memoryMb * 2 ** 20) return;
    endedFor ??= "memory";
    signal(-child.pid!, "SIGKILL");
  }, WATCH_MS);

  child.once("exit", () => {
    clearInterval(watch);
    signal(-child.pid!, "SIGKILL"); // whatever it started and left behind, which may hold its pipes open
  });
  const promise = new Promise<JobExit>((resolve) => {
    child.once("close", (code, signalName) => resolve({ code, signal: signalName, stderr: stderr(), endedFor, usage }));
    child.once("error", () => clearInterval(watch));
  });
  return {
    promise,
    endedFor: (reason) => {
      endedFor ??= reason;
    },
  };
}

function spawned(child: Child, program: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("spawn", () => resolve(child.pid!));
    child.once("error", (cause) =>
      reject(
        new MillError("engine.not-started", `The process of a step could not be started: ${cause.message}.`, {
          at: program,
          fix: "Check that the program exists and that the system has memory and processes to spare, then run again.",
          cause,
        }),
      ),
    );
  });
}

/**
 * Answers come first. Linux shares the cores among sessions before it looks at the priorities inside one (sched_autogroup(7)), and a step leads a
 * session of its own: the session's priority is what counts there.
 */
function lowerPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
    writeFileSync(`/proc/${pid}/autogroup`, String(constants.priority.PRIORITY_LOW));
  } catch {
    // it has ended already, or this system knows no such groups
  }
}

function tailOf(stream: Readable): () => string {
  let tail = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]).subarray(-STDERR_BYTES);
  });
  return () => tail.toString("utf8");
}
