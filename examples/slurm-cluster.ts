/** For tests: a real Slurm cluster of their own, because some of them kill its controller, and processes of steps in it. */
import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const SCRIPT = join(import.meta.dirname, "../.ci/slurm");

export const withoutSlurm =
  process.env.MILL_TEST_SLURM === undefined && "needs Slurm: MILL_TEST_SLURM and what else `.ci/slurm start DIR` prints";

export interface Cluster {
  /** For a `mill` that is to reach it. */
  readonly settings: NodeJS.ProcessEnv;
  /** Kills the controller once it has written down what it knows, and starts it again when `away` is done. */
  killController(away: () => void): Promise<void>;
  /** From now on the node finds this folder empty. */
  hide(folder: string): Promise<unknown>;
  /** Jobs that wait or run, as `squeue` has them. */
  queue(): Promise<string[]>;
  /** Waits until there are none: one that has ended stays for a moment. */
  queueEmpties(): Promise<void>;
  stop(): Promise<void>;
}

export async function startCluster(): Promise<Cluster> {
  const root = mkdtempSync(join(tmpdir(), "mill-cluster-"));
  chmodSync(root, 0o711); // the REST door runs as another user
  const folder = join(root, "cluster");
  const token = join(root, "token");
  const run = async (action: string, ...words: string[]) =>
    (await promisify(execFile)(SCRIPT, [action, folder, ...words])).stdout;
  const queue = async () => {
    const env = { ...process.env, SLURM_CONF: join(folder, "slurm.conf") };
    const { stdout } = await promisify(execFile)("squeue", ["--noheader"], { env });
    return stdout.split("\n").filter((line) => line !== "");
  };
  const address = /^MILL_TEST_SLURM=(.*)$/m.exec(await run("start"))![1]!;
  writeFileSync(token, await run("token", "3600"), { mode: 0o600 });
  const { username, host } = new URL(address);
  return {
    settings: { MILL_SLURM_URL: `http://${host}`, MILL_SLURM_USER: username, MILL_SLURM_TOKEN_FILE: token },
    async killController(away) {
      const since = Date.now();
      while (statSync(join(folder, "state", "job_state")).mtimeMs <= since) await delay(50);
      await run("kill");
      away();
      await run("again");
    },
    hide: (hidden) => run("hide", hidden),
    queue,
    async queueEmpties() {
      for (let tries = 0; (await queue()).length > 0; tries++) {
        if (tries > 200) throw new Error(`still there: ${await queue()}`);
        await delay(50);
      }
    },
    async stop() {
      await run("stop");
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Waits until steps of a workspace run as jobs, and stops their processes where they are; gives what lets them go on. */
export async function freezeSteps(workspace: string): Promise<() => void> {
  for (let tries = 0; tries < 3000; tries++) {
    const pids = stepProcesses(workspace);
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    if (pids.length > 0) return () => pids.map((pid) => process.kill(pid, "SIGCONT"));
    await delay(10);
  }
  throw new Error("no step was seen");
}

const stepProcesses = (workspace: string): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && wordsOf(name).some((word) => word.startsWith(join(workspace, "steps"))))
    .map(Number);

function wordsOf(pid: string): string[] {
  try {
    return readFileSync(join("/proc", pid, "cmdline"), "utf8").split("\0");
  } catch {
    return []; // it has ended
  }
}
