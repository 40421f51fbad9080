/** Runs a user's script in an environment: it ends with us, what it started ends with it, and what it prints is told line by line. */
import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { MillError } from "../../base/index.ts";
import { signalProcess, splitLines } from "../engines/index.ts";
import { lastLines } from "./installer.ts";
import { endGroup } from "./program.ts";

export interface Script {
  /** Interpreter of its environment. */
  readonly python: string;
  readonly path: string;
  readonly words?: readonly string[];
  readonly cwd: string;
  /** Beside those of this process, of which the platform's own are left out. */
  readonly variables: Readonly<Record<string, string>>;
  readonly threads: number;
  readonly signal: AbortSignal;
  onLine(line: string): void;
}

const RUNNER = join(import.meta.dirname, "run_script.py");
/** A step that is cancelled has five seconds, one whose starter is gone two. */
const GRACE_MS = 1500;
const TAIL_CHARACTERS = 4000;

/** Resolves when it ended well. Errors: `python.script`; rejects with the signal's reason when it was aborted. */
export async function runScript({ python, path, words = [], cwd, variables, threads, signal, onLine }: Script): Promise<void> {
  signal.throwIfAborted();
  const env = { ...scriptEnvironment(process.env, python, threads), ...variables };
  const child = spawn(python, [RUNNER, path, ...words], { cwd, env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const tail = createTail();
  for (const stream of [child.stdout, child.stderr]) {
    const lines = splitLines((line) => {
      onLine(line);
      if (stream === child.stderr) tail.add(line);
    });
    stream.on("data", lines.push).on("end", lines.end);
  }
  child.stdin.on("error", () => undefined);
  const stop = () => endGroup(child, GRACE_MS);
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  const [code, endedBy] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once("error", (error) => {
      tail.add(error.message);
      resolve([null, null]);
    });
    child.once("exit", () => signalProcess(-child.pid!, "SIGKILL")); // what it left behind may hold the pipes
    child.once("close", (...ended) => resolve(ended));
  });
  signal.removeEventListener("abort", stop);
  signal.throwIfAborted();
  if (code !== 0) throw endedBy === null ? failed(path, code, tail.text()) : killed(path, endedBy, tail.text());
}

/** What marks the processes of a step stays (`ports/engines`); keys and addresses of the platform do not. */
function scriptEnvironment(given: NodeJS.ProcessEnv, python: string, threads: number): NodeJS.ProcessEnv {
  const kept = Object.entries(given).filter(([name]) => !/^(MILL_|PYTHON)/.test(name) || name === "MILL_STEP_AGAIN");
  const bin = dirname(python);
  return {
    ...Object.fromEntries(THREADS.map((name) => [name, String(threads)])),
    ...Object.fromEntries(kept),
    PATH: `${bin}${delimiter}${given.PATH ?? ""}`,
    VIRTUAL_ENV: dirname(bin),
    PYTHONUNBUFFERED: "1",
    PYTHONNOUSERSITE: "1",
    PYTHONHASHSEED: "0",
  };
}

const THREADS = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"];

function createTail() {
  const lines: string[] = [];
  let characters = 0;
  return {
    add(line: string): void {
      lines.push(line.slice(-TAIL_CHARACTERS));
      characters += lines.at(-1)!.length;
      while (characters > TAIL_CHARACTERS) characters -= lines.shift()!.length;
    },
    text: () => lastLines(lines.join("\n")),
  };
}

const failed = (path: string, code: number | null, said: string) =>
  new MillError("python.script", `The Python script failed: it ended with code ${code}.`, {
    at: path,
    got: said,
    fix: "The last lines of what it wrote to standard error say where; `mill log` has all of it.",
  });

const killed = (path: string, signal: string, said: string) =>
  new MillError("python.script", `The Python script was ended by ${signal}.`, {
    at: path,
    ...(said !== "" && { got: said }),
    fix:
      signal === "SIGKILL"
        ? "Somebody ended it, or the system had no memory left: give it less data, or run fewer steps at a time."
        : "A library of it failed in its own code: look into `mill log`, and try other versions in its requirements.",
  });
