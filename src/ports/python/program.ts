/** Runs a program to its end: what it prints is kept within bounds, and what it started ends with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { signalProcess } from "../engines/index.ts";

export interface ProgramOptions {
  readonly signal: AbortSignal;
  readonly environment: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** What it reads from standard input. */
  readonly input?: string;
}

export interface Printed {
  /** null: ended by a signal, or never started. */
  readonly code: number | null;
  readonly stdout: string;
  /** The last 64 KiB of standard error; where the program could not be started, why. */
  readonly stderr: string;
}

const STDOUT_CHARACTERS_MAX = 64 << 20;
const STDERR_CHARACTERS = 64 << 10;
const GRACE_MS = 1000;

/** Rejects only when it was aborted, with the signal's reason. */
export async function runProgram([program, ...words]: readonly string[], options: ProgramOptions): Promise<Printed> {
  options.signal.throwIfAborted();
  const { environment: env, cwd } = options;
  const child = spawn(program!, words, {
    env,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    ...(cwd !== undefined && { cwd }),
  });
  const stop = () => endGroup(child, GRACE_MS);
  options.signal.addEventListener("abort", stop);
  child.stdin.on("error", () => undefined).end(options.input ?? "");
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (stdout.length < STDOUT_CHARACTERS_MAX) stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_CHARACTERS);
  });
  const code = await new Promise<number | null>((resolve) => {
    child.once("error", (error) => {
      stderr = error.message;
      resolve(null);
    });
    child.once("close", resolve);
  });
  options.signal.removeEventListener("abort", stop);
  options.signal.throwIfAborted();
  return { code, stdout, stderr };
}

/** Asks the group of a detached child to end, and then makes it. */
export function endGroup(child: Pick<ChildProcess, "pid" | "once">, graceMs: number): void {
  const { pid } = child;
  if (pid === undefined) return;
  signalProcess(-pid, "SIGTERM");
  const late = setTimeout(() => signalProcess(-pid, "SIGKILL"), graceMs);
  child.once("close", () => {
    clearTimeout(late);
    signalProcess(-pid, "SIGKILL"); // what is left of the group
  });
}
