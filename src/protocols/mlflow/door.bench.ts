/**
 * Batches of metrics and searches through the door, beside `mlflow server` on SQLite: `node src/protocols/mlflow/door.bench.ts [RUNS]`, default 1,000 runs
 * with 20 metrics. The peer comes from `bench/peers/.venv-mlflow` (`pip install mlflow==3.18.0`); without it only our own numbers are told.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startMill } from "./clients/fixtures/start-mill.ts";

const RUNS = Number(process.argv[2] ?? 1000);
const CLIENTS = 8;
const ROUNDS = 3;
const ROUND_MS = 3000;
const PEER = join(import.meta.dirname, "../../../bench/peers/.venv-mlflow/bin/mlflow");

interface Server {
  readonly name: string;
  readonly url: string;
  readonly token: string | null;
  close(): Promise<void>;
}

const mill = await startMill();
const servers: Server[] = [{ name: "Millwright", url: mill.url, token: mill.token, close: () => mill.close() }];
if (existsSync(PEER)) servers.push(await startPeer());
let agent = new Agent();

const rates = new Map<string, number[]>();
const experiments = new Map<Server, string>();
for (const server of servers) {
  reconnect();
  experiments.set(server, await filled(server));
}
for (let round = 0; round < ROUNDS; round++)
  for (const server of servers) {
    reconnect();
    const experiment = experiments.get(server)!;
    note("log-batch of 1,000 metrics, 8 clients, metrics/s", server, await logged(server, experiment));
    const search = { experiment_ids: [experiment], max_results: 100 };
    note(`search ${RUNS} runs by a metric, ms`, server, await timed(server, { ...search, filter: "metrics.m3 > 0.99" }));
    note(`order ${RUNS} runs by a metric, ms`, server, await timed(server, { ...search, order_by: ["metrics.m1 DESC"] }));
    note(`list page of 100 of ${RUNS} runs, ms`, server, await timed(server, search));
  }

console.log(`| median of ${ROUNDS} | ${servers.map(({ name }) => name).join(" | ")} |\n|---|${"---|".repeat(servers.length)}`);
for (const what of new Set([...rates.keys()].map((key) => key.split("|")[0]!)))
  console.log(`| ${what} | ${servers.map(({ name }) => median(rates.get(`${what}|${name}`)!).toPrecision(3)).join(" | ")} |`);
agent.destroy();
for (const { close } of servers) await close();

/** A server closes connections that nobody uses while the other one is measured. */
function reconnect(): void {
  agent.destroy();
  agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
}

function note(what: string, { name }: Server, value: number): void {
  const key = `${what}|${name}`;
  rates.set(key, [...(rates.get(key) ?? []), value]);
}

async function filled(server: Server): Promise<string> {
  const { experiment_id } = await call(server, "experiments/create", { name: `bench ${process.pid}` });
  let next = 0;
  const fill = async () => {
    for (let index = next++; index < RUNS; index = next++) {
      const id = await newRun(server, experiment_id);
      const metrics = Array.from({ length: 20 }, (_, at) => ({ key: `m${at}`, value: Math.random(), timestamp: index, step: 0 }));
      await call(server, "runs/log-batch", { run_id: id, metrics });
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, fill));
  return experiment_id;
}

async function newRun(server: Server, experiment_id: string): Promise<string> {
  const { run } = await call(server, "runs/create", { experiment_id, start_time: Date.now() });
  return run.info.run_id;
}

/** Metrics a second. */
async function logged(server: Server, experiment: string): Promise<number> {
  const runs = await Promise.all(Array.from({ length: CLIENTS }, () => newRun(server, experiment)));
  const started = performance.now();
  let batches = 0;
  await Promise.all(
    runs.map(async (run_id) => {
      for (let first = 0; performance.now() - started < ROUND_MS; first += 100, batches++) {
        const point = (at: number) => ({
          key: `k${at % 10}`,
          value: at / 7,
          timestamp: 1_700_000_000_000 + at,
          step: first + Math.floor(at / 10),
        });
        await call(server, "runs/log-batch", { run_id, metrics: Array.from({ length: 1000 }, (_, at) => point(at)) });
      }
    }),
  );
  return (batches * 1000) / ((performance.now() - started) / 1000);
}

async function timed(server: Server, search: object): Promise<number> {
  const times: number[] = [];
  for (let time = 0; time < 20; time++) {
    const started = performance.now();
    await call(server, "runs/search", search);
    times.push(performance.now() - started);
  }
  return median(times);
}

// biome-ignore lint/suspicious/noExplicitAny: a foreign form
function call({ url, token }: Server, path: string, body: object): Promise<any> {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
    const sent = request(`${url}/api/2.0/mlflow/${path}`, { method: "POST", agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const answer = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(JSON.parse(answer));
        else reject(new Error(`${path}: ${response.statusCode} ${answer.slice(0, 300)}`));
      });
    });
    sent.on("error", reject);
    sent.end(text);
  });
}

async function startPeer(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "mlflow-bench-"));
  const port = await freePort();
  const store = `sqlite:///${join(folder, "mlflow.db")}`;
  const arguments_ = [
    "server",
    "--backend-store-uri",
    store,
    "--artifacts-destination",
    folder,
    "--port",
    String(port),
    "--workers",
    "2",
  ];
  const child = spawn(PEER, arguments_, {
    cwd: folder,
    stdio: "ignore",
    detached: true,
    env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: "true" },
  });
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    const answered = await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (answered) break;
    if (child.exitCode !== null) throw new Error("mlflow server ended");
    await delay(200);
  }
  return {
    ...{ name: "mlflow server", url, token: null },
    async close() {
      process.kill(-child.pid!, "SIGTERM");
      await new Promise((resolve) => child.once("exit", resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
