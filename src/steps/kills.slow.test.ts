/** A fan-out whose server, workers, database or its connections are killed at random moments, about a hundred times: no result is lost, none is published twice. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { createRandom } from "../base/index.ts";
import { testAddress } from "../ports/records/fixtures/open-test-records.ts";
import { openPostgres } from "../ports/records/index.ts";
import { faultsOf, openTestWorkspace } from "./fixtures/workspace.ts";

const root = mkdtempSync(join(tmpdir(), "mill-kills-"));
after(() => rmSync(root, { recursive: true, force: true }));
const SEED = Math.floor(Date.now() % 1e9);
const random = createRandom(SEED);
const CI = join(import.meta.dirname, "../../.ci/postgres");
const PROGRAM = join(import.meta.dirname, "fixtures", "fan-out.ts");

interface FanOut {
  readonly folder: string;
  readonly where: "inline" | "processes";
  readonly count: number;
  readonly env?: NodeJS.ProcessEnv;
}

function start({ folder, where, count, env }: FanOut): { child: ChildProcess; lines: Promise<string[]> } {
  const child = spawn(process.execPath, [PROGRAM, folder, where, String(count), "together"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_COMPILE_CACHE: join(root, "modules"), ...env },
  });
  return { child, lines: text(child.stdout!).then((all) => all.trim().split("\n")) };
}

function newFolder(name: string): string {
  mkdirSync(join(root, name));
  return join(root, name);
}

/** Lets it finish, then holds what is there against what was acknowledged: each result once, every object there. */
async function requireWhole(
  fanOut: FanOut,
  runs: readonly string[][],
  open?: Parameters<typeof openTestWorkspace>[2],
): Promise<void> {
  const last = await start(fanOut).lines;
  assert.equal(last.at(-1), "finished", `seed ${SEED}`);
  const made = [...runs, last].flat().filter((line) => line.startsWith("succeeded "));
  assert.equal(new Set(made).size, made.length, `a step that was acknowledged ran again; seed ${SEED}`);
  const workspace = await openTestWorkspace(fanOut.folder, "inline", open);
  try {
    assert.deepEqual(await faultsOf(workspace), [], `seed ${SEED}`);
    assert.deepEqual(await workspace.records.query("SELECT count(*) AS n FROM results"), [{ n: fanOut.count }]);
    assert.deepEqual(await workspace.records.query("SELECT count(*) AS n FROM steps WHERE state IN ('queued', 'running')"), [
      { n: 0 },
    ]);
  } finally {
    await workspace.close();
  }
}

/** Most of the time goes into starting programs: one that was not killed leaves what the next ones need not compile. */
before(async () => {
  assert.equal((await start({ folder: newFolder("first"), where: "processes", count: 1 }).lines).at(-1), "finished");
});

// Beside each other: each waits for programs that start, and for the disk.
describe("a fan-out", { concurrency: true }, () => {
  for (const server of ["one server", "another server"])
    test(`twenty-five kills of ${server}`, { timeout: 400_000 }, async () => {
      const fanOut: FanOut = { folder: newFolder(server), where: "inline", count: 800 };
      const runs: string[][] = [];
      for (let kill = 0; kill < 25; kill++) {
        const { child, lines } = start(fanOut);
        await once(child.stdout!, "readable"); // it has recovered
        await delay(random.below(150));
        child.kill("SIGKILL");
        runs.push(await lines);
      }
      await requireWhole(fanOut, runs);
    });

  test("kills of workers, up to twenty", { timeout: 400_000 }, async () => {
    const fanOut: FanOut = { folder: newFolder("workers"), where: "processes", count: 20 };
    const runs: string[][] = [];
    let killed = 0;
    for (let before = -1; killed < 20 && killed > before; ) {
      before = killed;
      const { child, lines } = start(fanOut);
      let ended = false;
      child.once("exit", () => (ended = true));
      while (!ended && killed < 20) {
        await delay(20 + random.below(100));
        const workers = childrenOf(child.pid!);
        if (ended || workers.length === 0) continue;
        if (kill(workers[random.below(workers.length)]!)) killed++;
      }
      runs.push(await lines);
    }
    assert.ok(killed > 0);
    await requireWhole(fanOut, runs);
  });

  test("six kills of the database's server and twenty-four of its connections", {
    skip: !hasServer() && "needs PostgreSQL's programs (.ci/postgres start DIR)",
    timeout: 400_000,
  }, async () => {
    const cluster = mkdtempSync(join(tmpdir(), "mill-kills-postgres-"));
    const ci = async (action: string) => {
      const child = spawn(CI, [action, cluster], { stdio: ["ignore", "pipe", "inherit"] });
      const said = text(child.stdout);
      assert.equal((await once(child, "exit"))[0], 0, action);
      return said;
    };
    try {
      const address = (await ci("start")).trim().replace("MILL_TEST_POSTGRES=", "");
      const env = { MILL_RECORDS: "postgres", MILL_TEST_POSTGRES: address };
      const fanOut: FanOut = { folder: newFolder("database"), where: "inline", count: 600, env };
      const runs: string[][] = [];
      const kills = { server: 0, connection: 0 };
      while (kills.server + kills.connection < 30 && runs.length < 12) {
        const { child, lines } = start(fanOut);
        let ended = false;
        child.once("exit", () => (ended = true));
        await once(child.stdout!, "readable");
        while (!ended && kills.server + kills.connection < 30) {
          await delay(random.below(100));
          if (kills.server < 6 && (kills.connection === 24 || random.below(3) === 0)) {
            await ci("kill");
            await ci("again");
            kills.server++;
          } else if (await killConnection(address)) kills.connection++;
        }
        runs.push(await lines);
      }
      await requireWhole(fanOut, runs, (path) => openPostgres(testAddress(address, path)));
    } finally {
      await ci("stop");
      rmSync(cluster, { recursive: true, force: true });
    }
  });
});

/** The process behind one of the store's connections: asked to end, or killed, which makes the server start all of its processes again. */
async function killConnection(address: string): Promise<boolean> {
  const client = new pg.Client(address);
  client.on("error", () => undefined); // it goes with the others
  try {
    await client.connect();
    const { rows } = await client.query("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'millwright%'");
    if (rows.length === 0) return false;
    const { pid } = rows[random.below(rows.length)];
    if (random.below(2) === 0) return kill(pid);
    return (await client.query("SELECT pg_terminate_backend($1) AS gone", [pid])).rows[0].gone;
  } catch {
    return false; // it starts again
  } finally {
    await client.end().catch(() => undefined);
  }
}

const childrenOf = (pid: number): number[] => {
  try {
    return execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" })
      .trim()
      .split("\n")
      .map(Number);
  } catch {
    return []; // none, or it is gone itself
  }
};

function kill(pid: number): boolean {
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}

function hasServer(): boolean {
  try {
    execFileSync("sh", ["-c", "command -v initdb || ls /usr/lib/postgresql/*/bin/initdb"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
