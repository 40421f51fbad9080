/** Bubblewrap (bwrap(1)) around the process of a step: all files can be read, few written, and no network reached unless it must be. */
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { constants } from "node:os";
import { promisify } from "node:util";
import { MillError } from "../../base/index.ts";

export interface Sandbox {
  /** Folders that a step may write beside that of its attempt; made where they are missing. */
  readonly writable: readonly string[];
  readonly network: boolean;
}

/**
 * The command inside of the sandbox; it writes `folder` and what is `writable`. Bubblewrap itself lets the polite signal pass: the step hears it, and
 * ends in its own way. What the sandbox is made of ends with the process that starts it.
 */
export function sandboxed(command: readonly string[], folder: string, { writable, network }: Sandbox): readonly string[] {
  const folders = [folder, ...writable];
  for (const one of folders) mkdirSync(one, { recursive: true, mode: 0o700 });
  const binds = folders.flatMap((one) => ["--bind", one, one]);
  const rules = ["--die-with-parent", "--ro-bind", "/", "/", "--dev", "/dev", ...binds, ...(network ? [] : ["--unshare-net"])];
  return ["env", "--ignore-signal=TERM", "bwrap", ...rules, "--", "env", "--default-signal=TERM", ...command];
}

/** How what is inside has ended: Bubblewrap tells a signal as shells do, by its number and 128. */
export function endInside(
  code: number | null,
  signal: string | null,
): { readonly code: number | null; readonly signal: string | null } {
  const [name] = Object.entries(constants.signals).find(([, number]) => number + 128 === code) ?? [];
  return name === undefined ? { code, signal } : { code: null, signal: name };
}

/** Errors: `engine.sandbox`. */
export async function requireSandbox(): Promise<void> {
  const [program, ...words] = sandboxed(["true"], "/tmp", { writable: [], network: false });
  await promisify(execFile)(program!, words).catch((cause: Error & { readonly stderr?: string }) => {
    throw new MillError("engine.sandbox", "Steps cannot be put into a sandbox on this machine.", {
      at: "bwrap",
      expected: "Bubblewrap, and a system that lets this user make namespaces",
      got: (cause.stderr || cause.message).trim().slice(0, 300),
      fix: "Install the package bubblewrap, allow user namespaces (in a container: its seccomp profile), or set MILL_SANDBOX=none.",
      cause,
    });
  });
}
