/**
 * One process owns a workspace. The file `lock` in it names the owner; it is made whole and linked into place, so that of two starters one loses.
 * A process is known by its id and the moment it started, so that a reused id is never taken for the owner.
 */
import { link, mkdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { MillError } from "../base/index.ts";
import { placeSecret, writeSecret } from "./secret-file.ts";

export interface LockInfo {
  readonly pid: number;
  /** What the operating system says about the start of `pid`; null where it does not tell. */
  readonly started: string | null;
  /** Wall clock, for people. */
  readonly since: string;
  /** Address of the server; null while none listens. */
  readonly url: string | null;
  /** Address of its S3 door. */
  readonly s3: string | null;
  /** File of the certificate that the server shows: who shows it is the server, whatever name it stands for. */
  readonly certificate: string | null;
}

export interface WorkspaceLock {
  /** Tells other processes where the owner listens. */
  announce(url: string | null, s3: string | null, certificate?: string | null): Promise<void>;
  release(): Promise<void>;
}

/**
 * Makes the workspace (0700) when there is none. A stale lock is taken over.
 * Errors: `guard.workspace-locked` naming the owner, `guard.workspace-unwritable`.
 */
export async function lockWorkspace(workspace: string): Promise<WorkspaceLock> {
  const told = <T>(work: Promise<T>): Promise<T> =>
    work.catch((thrown: unknown) => {
      throw thrown instanceof MillError ? thrown : unwritable(workspace, thrown as NodeJS.ErrnoException);
    });
  const { announce, release } = await told(takeLock(workspace));
  return { announce: (...where) => told(announce(...where)), release };
}

async function takeLock(workspace: string): Promise<WorkspaceLock> {
  await mkdir(workspace, { recursive: true, mode: 0o700 });
  const path = join(workspace, "lock");
  const own: LockInfo = {
    pid: process.pid,
    started: await startOf(process.pid),
    since: new Date().toISOString(),
    url: null,
    s3: null,
    certificate: null,
  };
  for (;;) {
    if (await placeSecret(path, JSON.stringify(own))) break;
    const owner = await readLock(workspace);
    if (owner !== null) throw locked(workspace, owner);
    await takeAway(path);
  }
  return {
    announce: (url, s3, certificate = null) => writeSecret(path, JSON.stringify({ ...own, url, s3, certificate })),
    release: () => rm(path, { force: true }),
  };
}

/** The live owner of a workspace, or null when there is none (no lock, a stale one, or a broken one). */
export async function readLock(workspace: string): Promise<LockInfo | null> {
  const text = await readFile(join(workspace, "lock"), "utf8").catch(() => "");
  const info = parseLock(text);
  return info !== null && (await isAlive(info)) ? info : null;
}

function parseLock(text: string): LockInfo | null {
  try {
    const info = JSON.parse(text) as LockInfo;
    return Number.isSafeInteger(info.pid) && info.pid > 0 ? info : null;
  } catch {
    return null;
  }
}

/**
 * Of those that find a stale lock one takes it away: who makes the claim, a second name of the file that is the lock in that moment. As long as it stands nobody
 * else removes the lock, so that none removes the fresh lock of one that was faster.
 */
async function takeAway(path: string): Promise<void> {
  const claim = `${path}.claim`;
  try {
    await link(path, claim);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return;
    if (code !== "EEXIST") throw error;
    return waitFor(claim);
  }
  try {
    const found = parseLock(await readFile(claim, "utf8"));
    if (found === null || !(await isAlive(found))) await rm(path, { force: true });
  } finally {
    await rm(claim, { force: true });
  }
}

const CLAIM_WAIT_MS = 20;
/** A claim stands for milliseconds: the maker of an older one was ended in between. */
const CLAIM_MAX_MS = 10_000;

async function waitFor(claim: string): Promise<void> {
  const madeMs = await stat(claim).then(
    ({ ctimeMs }) => ctimeMs,
    () => Date.now(),
  );
  if (Math.abs(Date.now() - madeMs) > CLAIM_MAX_MS) await rm(claim, { force: true });
  else await setTimeout(CLAIM_WAIT_MS);
}

async function isAlive({ pid, started }: LockInfo): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return started === null || started === (await startOf(pid));
}

/**
 * Fields 3 and 22 of /proc/PID/stat: clock ticks from boot to the start, with the boot they count from; null where there is no /proc, and for a process
 * that has ended and that its parent has not collected yet.
 */
async function startOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state === "Z" || state === "X") return null;
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
    return `${boot.trim()}:${fields[18]}`;
  } catch {
    return null;
  }
}

function locked(workspace: string, { pid, since, url }: LockInfo): MillError {
  return new MillError("guard.workspace-locked", `Another Millwright (process ${pid}, since ${since}) owns this workspace.`, {
    at: workspace,
    expected: "a workspace that no other process owns",
    got: url === null ? `process ${pid} is at work in it` : `process ${pid} serves it on ${url}`,
    fix:
      url === null
        ? "Wait until it has finished, or use another --workspace."
        : `Use the running one at ${url}, or stop process ${pid} first.`,
  });
}

function unwritable(workspace: string, cause: NodeJS.ErrnoException): MillError {
  const full = cause.code === "ENOSPC" || cause.code === "EDQUOT";
  return new MillError("guard.workspace-unwritable", `The workspace ${workspace} cannot be written: ${cause.message}`, {
    at: workspace,
    expected: "a folder on a disk with room, which this account may write",
    got: full ? "a full disk" : (cause.code ?? cause.message),
    fix: full
      ? "Free some space and run the same command again: what was done before is kept."
      : "Correct the folder's rights, or name another one with --workspace DIR.",
    cause,
  });
}
