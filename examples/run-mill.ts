/** For tests and benches: the command line as a user has it, a process of its own for each command. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

const MAIN = join(import.meta.dirname, "..", "src", "main.ts");
const root = mkdtempSync(join(tmpdir(), "mill-examples-"));
const left = new Set<ChildProcess>();
let made = 0;

/** Stops what still runs and removes what was written. */
export async function cleanUp(): Promise<void> {
  for (const child of left) await stopped(child, "SIGKILL");
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
if (process.env.NODE_TEST_CONTEXT !== undefined) after(cleanUp);

/** A path in a temporary folder that goes away with the tests; nothing is there yet. */
export const newPath = (name: string) => join(root, `${name}-${made++}`);

export interface Outcome {
  /** null: ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command to its end. */
export const mill = (...words: readonly string[]): Promise<Outcome> => millIn({}, ...words);

/** The same with settings in the environment. */
export async function millIn(env: NodeJS.ProcessEnv, ...words: readonly string[]): Promise<Outcome> {
  const { child, text } = start(words, env);
  const code = await ended(child);
  return { code, ...text };
}

/** The data of the one document that `--json` answers with. */
export async function millJson<T>(...words: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await mill(...words, "--json");
  const last = stdout.trimEnd().split("\n").at(-1)!;
  const answer = JSON.parse(last === "" ? "{}" : last) as { ok?: boolean; data?: T };
  if (answer.ok === true) return answer.data!;
  throw new Error(`mill ${words.join(" ")} ended with ${code}: ${stdout}${stderr}`);
}

export interface Started {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly text: { stdout: string; stderr: string };
}

/** Starts a command in a process group of its own. */
export function start(words: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
  const { MILL_TOKEN: _, MILL_PROJECT: __, MILL_WORKSPACE: ___, ...rest } = process.env;
  const child = spawn(process.execPath, [MAIN, ...words], {
    cwd: root,
    env: { ...rest, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  left.add(child);
  child.once("exit", () => left.delete(child));
  const text = { stdout: "", stderr: "" };
  child.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
    text.stdout += chunk;
  });
  child.stderr!.setEncoding("utf8").on("data", (chunk: string) => {
    text.stderr += chunk;
  });
  return { child, text };
}

/** The exit code; null when a signal ended it. */
export const ended = (child: ChildProcess): Promise<number | null> =>
  child.stdout!.closed && child.stderr!.closed
    ? Promise.resolve(child.exitCode)
    : new Promise((resolve) => child.once("close", resolve));

export async function stopped(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const end = ended(child);
  child.kill(signal);
  return end;
}

/** Starts a server on a free port; its address, once it says that it serves. */
export const serve = (...words: readonly string[]) => serveIn({}, ...words);

export async function serveIn(env: NodeJS.ProcessEnv, ...words: readonly string[]): Promise<Started & { readonly url: string }> {
  const server = start(["up", "--port", "0", ...words], env);
  const url = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const found = /^serving on (http\S+)$/m.exec(server.text.stdout);
      if (found) resolve(found[1]!);
    };
    server.child.stdout!.on("data", look);
    server.child.once("close", () => reject(new Error(`it ended: ${server.text.stdout}${server.text.stderr}`)));
  });
  return { ...server, url };
}
