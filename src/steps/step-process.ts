/** The process that runs steps for the engine `local`, one after the other; `ports/engines/step-child.ts` is the other side. */
import { once } from "node:events";
import { fstatSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { StepKind } from "./kind.ts";
import { performStep, type StepResources } from "./run-step.ts";

const ORPHAN_GRACE_MS = 2000;

/**
 * What `mill step FOLDER` does in its own process. SIGTERM asks the step to stop; so does the end of standard input when that is a pipe,
 * because then the ledger's process is gone, and this one ends for good 2 seconds later. After a step that went well it prints the line of
 * MILL_STEP_AGAIN, where it has one, takes the next folder from a line of standard input, and prints the line again. Variables
 * of an attempt alone come with its folder: of the first in MILL_STEP_VARIABLES, then in the line, as {folder, variables}. Returns the exit code of the last
 * step; throws nothing.
 */
export async function runStep(first: string, kinds: readonly StepKind<never>[], resources: StepResources): Promise<number> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const stop = () => stopping.abort();
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  process.once("SIGTERM", stop);
  process.stdout.on("error", stop);
  const folders = linesOfInput(() => {
    stop();
    setTimeout(() => process.exit(1), ORPHAN_GRACE_MS).unref();
  });
  const again = process.env.MILL_STEP_AGAIN;
  let attempt: Given = { folder: first, variables: JSON.parse(process.env.MILL_STEP_VARIABLES ?? "{}") };
  for (;;) {
    const code = await performStep(attempt.folder, kinds, { ...resources, variables: attempt.variables, signal, print });
    if (code !== 0 || again === undefined || folders === null) return code;
    const next = folders.next(signal);
    print(again);
    const found = await next;
    if (found === null) return code;
    attempt = parseGiven(found);
    resetPeakMemory();
    print(again);
  }
}

interface Given {
  readonly folder: string;
  readonly variables: Readonly<Record<string, string>>;
}

const parseGiven = (line: string): Given => (line.startsWith("{") ? JSON.parse(line) : { folder: line, variables: {} });

interface Lines {
  /** null: there is no further one, or it is to stop. */
  next(signal: AbortSignal): Promise<string | null>;
}

/** null: standard input is a person's terminal, or nothing at all. The process ends without waiting for it, except for a line that was asked for. */
function linesOfInput(ended: () => void): Lines | null {
  const input = fstatSync(0);
  if (!input.isFIFO() && !input.isSocket()) return null;
  const lines = createInterface({ input: process.stdin }).on("close", ended);
  process.stdin.on("error", ended).unref();
  return {
    async next(signal) {
      process.stdin.ref();
      const [line] = await once(lines, "line", { signal }).catch(() => [null]);
      process.stdin.unref();
      return line;
    },
  };
}

/** The most memory of the process is told per step (proc_pid_clear_refs(5)). */
function resetPeakMemory(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // this system cannot: what the steps before took is told as well
  }
}
