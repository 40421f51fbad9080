/** A process that does all that a lake does is killed, again and again: what it was told is done is there, once, and nothing that is referred to is gone. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createRandom, type Digest } from "../../base/index.ts";
import { openTestRecords, testAddress } from "../../ports/records/fixtures/open-test-records.ts";
import { openPostgres, type Records } from "../../ports/records/index.ts";
import { told } from "./fixtures/done.ts";
import { look, newFolder, openWorkspace, problemsOf, type Workspace } from "./fixtures/workspace.ts";

const root = newFolder("kills");
after(() => rmSync(root, { recursive: true, force: true }));
const MIXER = join(import.meta.dirname, "fixtures/mixer.ts");
const CI = join(import.meta.dirname, "../../../.ci/postgres");
const LIFE_MS = 2500;

test("a process is killed again and again: what was acknowledged is there, once, and everything is whole", {
  timeout: 400_000,
}, async (t) => {
  const folder = await newWorkspace("one");
  await killing(t, folder, ["a"], 12);
  await requireWhole(t, folder, ["a"]);
});

test("two processes on one database file are killed in turns: the same holds", { timeout: 300_000 }, async (t) => {
  const folder = await newWorkspace("two");
  await killing(t, folder, ["a", "b"], 4);
  await requireWhole(t, folder, ["a", "b"]);
});

test("on PostgreSQL the same holds, and when the server is killed too", {
  skip: !hasServer() && "needs PostgreSQL's programs (.ci/postgres start DIR)",
  timeout: 300_000,
}, async (t) => {
  const cluster = mkdtempSync(join(tmpdir(), "mill-kills-postgres-"));
  const ci = async (action: string) => {
    const child = spawn(CI, [action, cluster], { stdio: ["ignore", "pipe", "inherit"] });
    const said = text(child.stdout);
    const [code] = await once(child, "exit");
    assert.equal(code, 0, action);
    return said;
  };
  try {
    const address = (await ci("start")).trim().replace("MILL_TEST_POSTGRES=", "");
    const open = (path: string) => openPostgres(testAddress(address, path));
    const folder = await newWorkspace("postgres", open);
    const env = { ...process.env, MILL_RECORDS: "postgres", MILL_TEST_POSTGRES: address };
    await killing(t, folder, ["a"], 5, {
      env,
      async meanwhile(life) {
        if (life % 3 !== 1) return;
        await ci("kill");
        await ci("again");
        await delay(LIFE_MS / 2);
      },
    });
    await requireWhole(t, folder, ["a"], open);
  } finally {
    await ci("stop");
    rmSync(cluster, { recursive: true, force: true });
  }
});

type Open = (path: string) => Promise<Records>;

interface KillOptions {
  /** Of the processes. */
  readonly env?: NodeJS.ProcessEnv;
  /** What else happens in a life before its end. */
  meanwhile?(life: number): Promise<void>;
}

interface Reporter {
  diagnostic(message: string): void;
}

async function newWorkspace(name: string, open: Open = openTestRecords): Promise<string> {
  const folder = join(root, name);
  mkdirSync(folder);
  const workspace = await openWorkspace(folder, { records: await open(join(folder, "mill.db")) });
  await workspace.repositories.create({ name: "mix", actor: "tests" });
  await workspace.close();
  return folder;
}

/** Each worker lives a random time, is killed, and starts again on what it left. */
async function killing(
  t: Reporter,
  folder: string,
  workers: readonly string[],
  lives: number,
  { env = process.env, meanwhile }: KillOptions = {},
): Promise<void> {
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  await Promise.all(
    workers.map(async (worker, index) => {
      const random = createRandom(seed + index);
      for (let life = 0; life < lives; life++) {
        const child = await live(folder, [worker, `${life}`, `${random.below(2 ** 31)}`, ...(index === 0 ? ["alone"] : [])], env);
        await delay(random.next() * LIFE_MS);
        await meanwhile?.(life);
        await killed(child);
      }
    }),
  );
}

interface Living {
  readonly process: ChildProcess;
  readonly exited: Promise<unknown>;
  errors: string;
}

async function live(folder: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Living> {
  const child = spawn(process.execPath, [MIXER, folder, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  const living: Living = { process: child, exited: once(child, "exit"), errors: "" };
  child.stderr.on("data", (text) => (living.errors += text));
  await Promise.race([once(child.stdout, "data"), living.exited]);
  return living;
}

async function killed({ process: child, exited, ...living }: Living): Promise<void> {
  assert.equal(child.exitCode, null, `it ended by itself: ${living.errors}`);
  child.kill("SIGKILL");
  await exited;
}

async function requireWhole(
  t: Reporter,
  folder: string,
  workers: readonly string[],
  open: Open = openTestRecords,
): Promise<void> {
  const { paths, commits, rows } = told(folder, workers);
  const workspace = await openWorkspace(folder, { records: await open(join(folder, "mill.db")) });
  try {
    assert.deepEqual(await problemsOf(workspace), []);

    const there = new Map<string, Digest>();
    for await (const batch of workspace.repositories.of("mix").scan("main"))
      for (const { path, entry } of batch) there.set(path, entry.digest);
    const wrong = [...paths].filter(([path, may]) => !may.has(there.get(path) ?? null)).map(([path]) => path);
    assert.deepEqual(wrong, [], "paths that hold what they cannot hold");
    assert.deepEqual(
      [...there.keys()].filter((path) => !paths.has(path)),
      [],
      "paths that nobody put",
    );

    const messages = await history(workspace);
    assert.deepEqual(
      [...commits].filter(([id]) => !messages.has(id)),
      [],
      "commits that are lost",
    );
    assert.equal(new Set(messages.values()).size, messages.size, "commits that are there twice");

    const ids = await rowIds(workspace);
    const appended = new Set(ids);
    assert.equal(appended.size, ids.length, "rows that are there twice");
    assert.deepEqual(
      [...rows.acknowledged].filter((id) => !appended.has(id)),
      [],
      "rows that are lost",
    );
    assert.deepEqual(
      ids.filter((id) => !rows.begun.has(id)),
      [],
      "rows that nobody appended",
    );

    const collections = await workspace.collector.collections({ limit: 1000 });
    const removed = collections.reduce((sum, { objects }) => sum + objects, 0);
    t.diagnostic(
      `${paths.size} paths, ${commits.size} commits, ${rows.acknowledged.size} rows; ${collections.length} collections removed ${removed} objects`,
    );
    assert.ok(paths.size > 100 && commits.size > 20, "it did little");

    const before = await look(workspace);
    await workspace.collector.collect({ remove: true, graceMs: 0 });
    assert.deepEqual(await problemsOf(workspace), [], "behind a last collection");
    assert.equal(await look(workspace), before);
  } finally {
    await workspace.close();
  }
}

/** Messages of all commits that the branch came from. */
async function history({ records, repositories }: Workspace): Promise<Map<Digest, string>> {
  type Row = { id: Digest; parents: string; message: string };
  const rows = await records.query<Row>("SELECT id, parents, message FROM commits WHERE repository = 'mix'");
  const byId = new Map(rows.map((row) => [row.id, row]));
  const found = new Map<Digest, string>();
  const next = [(await repositories.of("mix").branch("main")).head];
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    if (found.has(id)) continue;
    const { message, parents } = byId.get(id)!;
    found.set(id, message);
    next.push(...(JSON.parse(parents) as Digest[]));
  }
  return found;
}

async function rowIds({ lake, tables }: Workspace): Promise<string[]> {
  const { relation, tail } = await lake.read("log");
  const engine = tables();
  const sealed = relation ? await engine.rows(`SELECT id FROM ${relation}`).finally(() => engine.close()) : [];
  return [...sealed, ...tail].map(({ id }) => String(id));
}

function hasServer(): boolean {
  try {
    execFileSync("sh", ["-c", "command -v initdb || ls /usr/lib/postgresql/*/bin/initdb"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
