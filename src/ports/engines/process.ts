/**
 * Processes of this machine, named so that a process id used again is never mistaken for the old process: by id, start time (clock
 * ticks since boot) and boot, from Linux's /proc (proc(5)). Elsewhere the id alone has to do.
 */
import { readFileSync } from "node:fs";

const TICKS_PER_SECOND = 100; // USER_HZ, fixed for user space on all Linux architectures that Node runs on

/** `pid:start:boot`, or null when no such process runs. */
export function processHandle(pid: number): string | null {
  if (process.platform !== "linux") return signal(pid, 0) ? `${pid}:0:0` : null;
  const stat = readStat(pid);
  return stat && stat.state !== "Z" ? `${pid}:${stat.startTicks}:${bootOf()}` : null;
}

/** Whether exactly this process runs; one that has ended and waits to be reaped does not. */
export const processAlive = (handle: string): boolean => processHandle(pidOf(handle)) === handle.split(":", 3).join(":");

export const pidOf = (handle: string): number => Number(handle.split(":", 1)[0]);

export interface ProcessReading {
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
  /** Memory that is the process's own: no pages of files, which the system can take back. */
  readonly ownBytes: number;
}

export function readProcess(pid: number): ProcessReading | null {
  const stat = readStat(pid);
  const status = readText(`/proc/${pid}/status`);
  if (!stat || !status) return null;
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) * 1024;
  return {
    cpuSeconds: stat.cpuTicks / TICKS_PER_SECOND,
    peakRssBytes: bytes("VmHWM"),
    ownBytes: bytes("RssAnon") + bytes("RssShmem"),
  };
}

/** Sends a signal (to a whole group when `pid` is negative); false when nobody is there to get it. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

function readStat(pid: number): { state: string; cpuTicks: number; startTicks: string } | null {
  const text = readText(`/proc/${pid}/stat`);
  if (!text) return null;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" "); // the command before it may hold blanks and parentheses
  return {
    state: fields[0]!,
    cpuTicks: Number(fields[11]) + Number(fields[12]),
    startTicks: fields[19]!,
  };
}

let boot: string | undefined;
const bootOf = () => (boot ??= (readText("/proc/sys/kernel/random/boot_id") ?? "0").slice(0, 8));

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
