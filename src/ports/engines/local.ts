import { setTimeout as delay } from "node:timers/promises";
import type { Engine, Job, RunningJob } from "./engine.ts";
import { nameOf } from "./job-name.ts";
import { pidOf, signal } from "./process.ts";
import type { Sandbox } from "./sandbox.ts";
import { type StepChild, startStepChild } from "./step-child.ts";
import { listStepProcesses, runsStep } from "./step-processes.ts";

export interface LocalEngineOptions {
  /** A Node binary and what comes before `step FOLDER`, as in `[process.execPath, "/app/main.ts"]`. */
  readonly command: readonly string[];
  /** Where the folders of attempts lie, each called STEPID-FENCE: whose jobs `list` tells. */
  readonly folder: string;
  /** Variables of the child; default: those of this process. */
  readonly environment?: NodeJS.ProcessEnv;
  /** From the first polite signal to the last one; default 5000. */
  readonly graceMs?: number;
  /** Default: none. In one, each step has a process of its own, which writes the folder of its attempt and no other one's. */
  readonly sandbox?: Sandbox | null;
}

interface Started {
  readonly job: Promise<RunningJob>;
  readonly listeners: Set<(line: string) => void>;
}

const FREE_MOST = 2;
const FREE_MS = 10_000;

/**
 * Runs each step in a child process of low priority in a process group of its own; a child whose step is done may take the next one of the same memory,
 * which spares that one the start of a program. The child holds one end of a pipe as its standard input: when this process dies the pipe closes, and the
 * child must end itself. Its V8 heap is capped at `memoryMb`, and the child is ended when all of its own memory is above that.
 * Errors: `engine.not-started`.
 */
export function createLocalEngine({
  command,
  folder,
  environment = process.env,
  graceMs = 5000,
  sandbox = null,
}: LocalEngineOptions): Engine {
  const running = new Map<string, Started>();
  const free = new Map<StepChild, NodeJS.Timeout>();

  return {
    name: "local",
    near: sandbox === null || sandbox.network,

    async start(job, onLine) {
      const name = nameOf(job);
      const started = running.get(name) ?? begin(job);
      running.set(name, started);
      started.listeners.add(onLine);
      return started.job;
    },

    attach: async () => null,

    list: () => listStepProcesses(folder),

    alive: (handle) => runsStep(folder, handle),

    async end(handle) {
      const pid = pidOf(handle);
      const runs = () => runsStep(folder, handle);
      if (!(await runs())) return;
      signal(-pid, "SIGTERM");
      for (let waited = 0; waited < graceMs && (await runs()); waited += 20) await delay(20);
      while (await runs()) {
        signal(-pid, "SIGKILL");
        await delay(5);
      }
    },
  };

  function begin(job: Job): Started {
    const listeners: Started["listeners"] = new Set();
    const hear = (line: string) => {
      for (const listener of listeners) listener(line);
    };
    const started = run(job, hear);
    const forget = () => running.delete(nameOf(job));
    started.then(({ exit }) => exit).then(forget, forget);
    return { job: started, listeners };
  }

  async function run(job: Job, hear: (line: string) => void): Promise<RunningJob> {
    for (;;) {
      const child = take(job.memoryMb) ?? startStepChild(job, { command, environment, graceMs, sandbox });
      const one = await child.run(job, hear);
      if (one === null) continue;
      one.exit.then(() => (free.size < FREE_MOST && child.isFree() ? keep(child) : child.dismiss()));
      return one;
    }
  }

  function take(memoryMb: number): StepChild | null {
    for (const [child, dismissal] of free) {
      if (child.memoryMb !== memoryMb) continue;
      clearTimeout(dismissal);
      free.delete(child);
      if (!child.isFree()) continue;
      child.hold(true);
      return child;
    }
    return null;
  }

  function keep(child: StepChild): void {
    const dismiss = () => {
      free.delete(child);
      child.dismiss();
    };
    free.set(child, setTimeout(dismiss, FREE_MS).unref());
    child.hold(false);
  }
}
