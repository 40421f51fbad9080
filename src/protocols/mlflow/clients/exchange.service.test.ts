/** A real MLflow server is taken over, compared by its own client, and given back as a folder and to a second server. */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { type MlflowMill, missing, startMill } from "./fixtures/start-mill.ts";

const SERVER = process.env.MILL_TEST_MLFLOW_SERVER;
const skip = missing || (SERVER === undefined && "MILL_TEST_MLFLOW_SERVER names no mlflow: `.ci/mlflow start DIR` makes one");
const MAIN = join(import.meta.dirname, "../../../main.ts");

let mill: MlflowMill;
const servers: ChildProcess[] = [];

before(async () => {
  if (!skip) mill = await startMill();
});
after(async () => {
  for (const server of servers) await stop(server);
  await mill?.close();
});

test("what MLflow's server has is here as its client sees it there, goes into a folder that MLflow reads, and to another server", {
  skip,
}, async () => {
  const first = await serve("first");
  await mill.program("exchange_program.py", { EXCHANGE: "fill", OTHER_URI: first.url });
  const taken = await exchange("import", "mlflow", first.url);
  assert.deepEqual([taken.counts.runs!.new, taken.counts.versions!.new, taken.left], [4, 2, []]);
  await mill.program("exchange_program.py", { EXCHANGE: "compare", OTHER_URI: first.url });
  assert.deepEqual(changed(await exchange("import", "mlflow", first.url)), []);

  await stop(first.server);
  const away = await promisify(execFile)(process.execPath, [MAIN, "import", "mlflow", first.url], { cwd: mill.folder }).then(
    () => 0,
    (error: { readonly code: number }) => error.code,
  );
  assert.equal(away, 8);
  const data = join(mill.folder, "first");
  const read = await exchange(
    "import",
    "mlflow",
    join(data, "mlflow.db"),
    "--artifacts",
    join(data, "artifacts"),
    "--as",
    first.url,
  );
  // files have another stamp on a disk, and are taken once more
  assert.deepEqual([changed(read).filter(([kind]) => kind !== "files"), read.left], [[], []]);

  const folder = join(mill.folder, "given-back");
  await exchange("export", "mlflow", folder);
  await mill.program("exchange_program.py", {
    EXCHANGE: "compare",
    OTHER_URI: `file:${folder}`,
    MLFLOW_ALLOW_FILE_STORE: "true",
  });
  assert.deepEqual(changed(await exchange("export", "mlflow", folder)), []);
  const back = await exchange("import", "mlflow", folder);
  for (const [kind, count] of Object.entries(back.counts)) assert.equal(count.new, 0, kind);

  const second = await serve("second");
  assert.equal((await exchange("export", "mlflow", second.url)).counts.runs!.new, 4);
  assert.deepEqual(changed(await exchange("export", "mlflow", second.url)), []);
});

interface Told {
  readonly counts: Readonly<Record<string, { readonly new: number; readonly changed: number }>>;
  readonly left: readonly unknown[];
}

/** Kinds of which something is new or changed. */
const changed = ({ counts }: Told) =>
  Object.entries(counts).flatMap(([kind, count]) => (count.new + count.changed > 0 ? [[kind, count]] : []));

async function exchange(...argv: string[]): Promise<Told> {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...argv, "--json"], {
    cwd: mill.folder,
    maxBuffer: 1 << 24,
  });
  return JSON.parse(stdout).data;
}

async function serve(name: string): Promise<{ readonly url: string; readonly server: ChildProcess }> {
  const folder = join(mill.folder, name);
  mkdirSync(folder);
  const url = `http://127.0.0.1:${await freePort()}`;
  const backend = [
    "--backend-store-uri",
    `sqlite:///${join(folder, "mlflow.db")}`,
    "--artifacts-destination",
    join(folder, "artifacts"),
  ];
  const server = spawn(SERVER!, ["server", ...backend, "--host", "127.0.0.1", "--port", new URL(url).port, "--workers", "1"], {
    cwd: folder,
    stdio: "ignore",
    detached: true, // its workers end with it
    env: { PATH: process.env.PATH, HOME: folder, LANG: "C.UTF-8", MLFLOW_DISABLE_TELEMETRY: "true" },
  });
  servers.push(server);
  while (
    server.exitCode === null &&
    !(await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await new Promise((later) => setTimeout(later, 200));
  assert.equal(server.exitCode, null, "mlflow server runs");
  return { url, server };
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, "exit");
  process.kill(-server.pid!, "SIGKILL");
  await ended;
}

async function freePort(): Promise<number> {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const { port } = holder.address() as { readonly port: number };
  holder.close();
  return port;
}
