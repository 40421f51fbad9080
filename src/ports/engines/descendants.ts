/** What a process has started, read from Linux's /proc (proc(5)); elsewhere nothing is found. */
import { readdirSync, readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";

/** Its children, theirs, and so on; one whose parent has ended is nobody's child any more. */
export function descendantsOf(pid: number): number[] {
  const children = childrenOf(pid);
  return [...children, ...children.flatMap(descendantsOf)];
}

/** Each thread has its own. */
export function childrenOf(pid: number): number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.flatMap((thread) => pidsIn(readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")));
  } catch {
    return []; // it ends
  }
}

const pidsIn = (text: string) => text.split(" ").filter(Boolean).map(Number);

/** Those that began with `NAME=VALUE` among their variables, as what inherits them does, whoever its parent is by now. */
export async function startedWith(variable: string): Promise<number[]> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found: number[] = [];
  for (const pid of pids) {
    const variables = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => ""); // another user's, or gone
    if (variables.split("\0").includes(variable)) found.push(Number(pid));
  }
  return found;
}
