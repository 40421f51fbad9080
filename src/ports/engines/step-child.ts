/**
 * A child process that runs steps one after the other. The first stands in its command line; a child that can take another prints the line that it was
 * given in MILL_STEP_AGAIN when its step is done, finds the next folder as a line on its standard input, with the variables of its job where it has some,
 * and prints its line again when it has it.
 *
 *     spawn `... step FOLDER` ──> step ──> AGAIN ──> free ──> FOLDER ──> AGAIN ──> step ──> ...
 *                                  └────> exit        └────> end of standard input: exit
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { MillError } from "../../base/index.ts";
import { childrenOf, descendantsOf, startedWith } from "./descendants.ts";
import { type Job, type JobExit, type JobUsage, type RunningJob, STDERR_BYTES } from "./engine.ts";
import { nameOf } from "./job-name.ts";
import { splitLines } from "./lines.ts";
import { type ProcessReading, processHandle, readProcess, signal } from "./process.ts";
import { endInside, type Sandbox, sandboxed } from "./sandbox.ts";

export interface StepChildOptions {
  /** null: it may do what this process may. */
  readonly sandbox: Sandbox | null;
  readonly command: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** From the first polite signal to the last one. */
  readonly graceMs: number;
}

export interface StepChild {
  readonly memoryMb: number;
  /** null: the free child has ended and has not begun the job. Errors: `engine.not-started`. */
  run(job: Job, onLine: (line: string) => void): Promise<RunningJob | null>;
  /** Its last step is done and left no process behind, it waits for another, and has kept so little memory that the next one misses none. */
  isFree(): boolean;
  /** Keeps a process that ends from waiting for it, or not; a free child is let go. */
  hold(held: boolean): void;
  /** Ends a free child. */
  dismiss(): void;
}

/** Who runs the job in this folder, as long as it runs. */
export const PROCESS_FILE = "process";

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

interface Current {
  readonly job: Job;
  readonly hear: (line: string) => void;
  readonly exit: PromiseWithResolvers<JobExit>;
  readonly watch: NodeJS.Timeout;
  readonly cpuBefore: number;
  endedFor: JobExit["endedFor"];
  usage: JobUsage | null;
}

const WATCH_MS = 100;
const AGAIN = "MILL_STEP_AGAIN";

export function startStepChild(first: Job, { command, environment, graceMs, sandbox }: StepChildOptions): StepChild {
  const [node, ...before] = command;
  const plain = [node!, `--max-old-space-size=${first.memoryMb}`, ...before, "step", first.folder];
  const [program, ...words] = sandbox ? sandboxed(plain, first.folder, sandbox) : plain;
  const again = randomUUID();
  const child: Child = spawn(program!, words, {
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...environment, [AGAIN]: again, ...(first.variables && { MILL_STEP_VARIABLES: JSON.stringify(first.variables) }) },
  });
  const started = spawned(child, program!).then(lowerPriority);
  const stderr = tailOf(child.stderr);
  let current: Current | null = null;
  let given: PromiseWithResolvers<boolean> | null = null;
  let gone = false;

  const lines = splitLines((line) => {
    if (line !== again) current?.hear(line);
    else if (given) taken(true);
    else settle({ code: 0, signal: null });
  });
  child.stdout.on("data", lines.push).on("end", lines.end);
  child.stdin.on("error", () => undefined); // the child may be gone before the pipe is
  child.once("exit", () => {
    gone = true;
    void endLeft(child.pid!, `${AGAIN}=${again}`);
  });
  child.once("close", (code, signalName) => {
    taken(false);
    settle(sandbox ? endInside(code, signalName) : { code, signal: signalName });
  });
  child.once("error", () => settle({ code: null, signal: null }));

  return {
    memoryMb: first.memoryMb,
    isFree: () => current === null && !gone && ownBytes() < (first.memoryMb * 2 ** 20) / 4 && childrenOf(child.pid!).length === 0,
    async run(job, onLine) {
      const one = begin(job, onLine);
      const pid = await started;
      const handle = processHandle(pid) ?? `${pid}:gone`;
      try {
        writeFileSync(join(job.folder, PROCESS_FILE), handle, { mode: 0o600 });
      } catch (error) {
        signal(-pid, "SIGKILL"); // nobody would hear of it
        throw error;
      }
      if (job !== first && !(await give(job))) return null;
      return {
        handle: `${handle}:${nameOf(job)}`,
        exit: one.exit.promise,
        cancel() {
          if (current !== one) return;
          one.endedFor ??= "cancel";
          endGroup(pid, one.exit.promise);
        },
      };
    },
    hold(held) {
      for (const part of [child, child.stdin, child.stdout, child.stderr] as { ref?(): void; unref?(): void }[])
        held ? part.ref?.() : part.unref?.();
    },
    dismiss: () => void child.stdin.end(),
  };

  function give({ folder, variables }: Job): Promise<boolean> {
    given = Promise.withResolvers();
    child.stdin.write(`${variables ? JSON.stringify({ folder, variables }) : folder}\n`);
    return given.promise;
  }

  /** At once: the line that says that it is taken and the one that says that it is done may come together. */
  function taken(whether: boolean): void {
    given?.resolve(whether);
    given = null;
  }

  function ownBytes(): number {
    return readProcess(child.pid!)?.ownBytes ?? Number.POSITIVE_INFINITY;
  }

  function begin(job: Job, hear: (line: string) => void): Current {
    const cpuBefore = job === first ? 0 : (readProcess(child.pid!)?.cpuSeconds ?? 0);
    const watch = setInterval(look, WATCH_MS);
    stderr.clear();
    current = { job, hear, exit: Promise.withResolvers(), watch, cpuBefore, endedFor: null, usage: null };
    return current;
  }

  function look(): void {
    const readings =
      child.pid === undefined ? [] : [child.pid, ...descendantsOf(child.pid)].map(readProcess).filter((one) => one !== null);
    if (readings.length === 0 || !current) return;
    const { job, cpuBefore, usage } = current;
    const sum = (field: keyof ProcessReading) => readings.reduce((total, reading) => total + reading[field], 0);
    // A process that is being ended has no memory left to tell of.
    const peakRssBytes = Math.max(usage?.peakRssBytes ?? 0, ...readings.map((reading) => reading.peakRssBytes));
    current.usage = { cpuSeconds: sum("cpuSeconds") - cpuBefore, peakRssBytes };
    if (sum("ownBytes") <= job.memoryMb * 2 ** 20) return;
    current.endedFor ??= "memory";
    signal(-child.pid!, "SIGKILL");
  }

  function settle({ code, signal: signalName }: Pick<JobExit, "code" | "signal">): void {
    if (!current) return;
    const { job, exit, watch, endedFor, usage } = current;
    current = null;
    clearInterval(watch);
    rmSync(join(job.folder, PROCESS_FILE), { force: true });
    exit.resolve({ code, signal: signalName, stderr: stderr.text(), endedFor, usage });
  }

  async function endGroup(pid: number, ended: Promise<JobExit>): Promise<void> {
    signal(-pid, "SIGTERM");
    const waiting = new AbortController();
    const late = delay(graceMs, "late", { signal: waiting.signal }).catch(() => "gone");
    if ((await Promise.race([ended, late])) === "late") signal(-pid, "SIGKILL");
    waiting.abort();
  }
}

/** Whatever a process started and left behind, in its own group and out of it: it may hold the pipes open. */
async function endLeft(pid: number, variable: string): Promise<void> {
  signal(-pid, "SIGKILL");
  for (;;) {
    const left = await startedWith(variable);
    if (left.filter((one) => signal(one, "SIGKILL")).length === 0) return;
    await delay(20);
  }
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
 * session of its own: the session's priority is what counts there. Not the lowest: beside four busy sessions on two cores a step then gets a
 * hundredth of a core, with this one six hundredths, and answers beside two busy steps are as quick (95 of 100 within 5.5 ms, and 8.5).
 */
const NICENESS = 5;

function lowerPriority(pid: number): number {
  try {
    setPriority(pid, NICENESS);
    writeFileSync(`/proc/${pid}/autogroup`, String(NICENESS));
  } catch {
    // it has ended already, or this system knows no such groups
  }
  return pid;
}

function tailOf(stream: Readable): { text(): string; clear(): void } {
  let chunks: Buffer[] = [];
  let sizeBytes = 0;
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    sizeBytes += chunk.byteLength;
    while (sizeBytes - chunks[0]!.byteLength >= STDERR_BYTES) sizeBytes -= chunks.shift()!.byteLength;
  });
  return {
    text: () => Buffer.concat(chunks).subarray(-STDERR_BYTES).toString("utf8"),
    clear() {
      chunks = [];
      sizeBytes = 0;
    },
  };
}
