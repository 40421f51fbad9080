/**
 * The door beside `mlflow server`, each in its own process, on SQLite, asked in turns by the same clients: `node src/protocols/mlflow/mlflow.bench.ts [RUNS]`,
 * default 2,000 runs of 20 metrics to search. `MILL_MLFLOW_PEER` names the peer's `mlflow`; without it the door is measured alone.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startMill } from "./clients/fixtures/start-mill.ts";

const RUNS = Number(process.argv[2] ?? 2000);
const LOG_MS = 5000;

/** One call; its answer. Errors: any status but 200. */
type Post = (path: string, body: object) => Promise<Answer>;
// biome-ignore lint/suspicious/noExplicitAny: as the wire has it
type Answer = any;

const mill = await startMill();
const peer = process.env.MILL_MLFLOW_PEER === undefined ? null : await startPeer(process.env.MILL_MLFLOW_PEER);
const doors = [postTo(mill.url, mill.token), ...(peer ? [postTo(peer.url)] : [])];

console.log("| what | door | `mlflow server` | ratio |\n|---|---|---|---|");
await compare("log-batch of 1,000 metrics, 8 clients: metrics a second", logBatches, "more");
await compare("64 clients write one run, 20 metrics each: ms", manyWriters, "less");
const experiments = await compare(`${RUNS} runs of 20 metrics made and logged, 8 clients: ms`, fill, "less");
for (const [what, search] of [
  ["a filter over two metrics, 20 answers", { filter: "metrics.m3 < 0.5 and metrics.m7 > 0.2", max_results: 20 }],
  ["ordered by a metric, 20 answers", { order_by: ["metrics.m1 DESC"], max_results: 20 }],
  ["a page of 100", { max_results: 100 }],
] as const)
  await compare(`search, ${what}: median ms`, (post, at) => searches(post, experiments[at]!, search), "less");
await mill.close();
await peer?.close();
process.exit();

interface Measured {
  readonly value: number;
  /** For what comes later. */
  readonly made?: string;
  readonly note?: string;
}

async function compare(what: string, measure: (post: Post, at: number) => Promise<Measured>, better: "more" | "less") {
  const found: Measured[] = [];
  for (const [at, post] of doors.entries()) found.push(await measure(post, at));
  const [ours, theirs] = found as [Measured, Measured | undefined];
  const ratio = theirs && (better === "more" ? ours.value / theirs.value : theirs.value / ours.value);
  const cell = (one: Measured | undefined) => (one ? `${one.value.toPrecision(3)}${one.note ?? ""}` : "");
  console.log(`| ${what} | ${cell(ours)} | ${cell(theirs)} | ${ratio?.toPrecision(2) ?? ""} |`);
  return found.map(({ made }) => made ?? "");
}

async function logBatches(post: Post): Promise<Measured> {
  const experiment = await newExperiment(post);
  const runs = await Promise.all(Array.from({ length: 8 }, () => newRun(post, experiment)));
  let count = 0;
  const begun = performance.now();
  await Promise.all(
    runs.map(async (run_id) => {
      for (let step = 0; performance.now() < begun + LOG_MS; step += 50) {
        const metrics = Array.from({ length: 1000 }, (_, n) => ({
          ...{ key: `m${n % 20}`, value: Math.random(), timestamp: 1_700_000_000_000 + step, step: step + Math.floor(n / 20) },
        }));
        await post("runs/log-batch", { run_id, metrics });
        count += metrics.length;
      }
    }),
  );
  return { value: (count / (performance.now() - begun)) * 1000 };
}

async function manyWriters(post: Post): Promise<Measured> {
  const run_id = await newRun(post, await newExperiment(post));
  let refused = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: 64 }, async (_, writer) => {
      for (let step = 0; step < 20; step++)
        await post("runs/log-metric", { run_id, key: `w${writer}`, value: step, timestamp: step, step }).catch(() => refused++);
    }),
  );
  return { value: performance.now() - begun, note: refused > 0 ? `, ${refused} of 1280 refused` : "" };
}

async function fill(post: Post): Promise<Measured> {
  const made = await newExperiment(post);
  let next = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (next++ < RUNS) {
        const metrics = Array.from({ length: 20 }, (_, n) => ({ key: `m${n}`, value: Math.random(), timestamp: 1, step: 0 }));
        await post("runs/log-batch", { run_id: await newRun(post, made), metrics });
      }
    }),
  );
  return { value: performance.now() - begun, made };
}

async function searches(post: Post, experiment: string, search: object): Promise<Measured> {
  const times: number[] = [];
  for (let n = 0; n < 21; n++) {
    const begun = performance.now();
    await post("runs/search", { experiment_ids: [experiment], ...search });
    times.push(performance.now() - begun);
  }
  return { value: times.sort((a, b) => a - b)[10]! };
}

async function newExperiment(post: Post): Promise<string> {
  return (await post("experiments/create", { name: `bench ${performance.now()}` })).experiment_id;
}

async function newRun(post: Post, experiment_id: string): Promise<string> {
  return (await post("runs/create", { experiment_id, start_time: Date.now() })).run.info.run_id;
}

function postTo(url: string, token = "none"): Post {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true });
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  return (path, body) =>
    new Promise((resolve, reject) => {
      const sent = request({ agent, hostname, port, method: "POST", path: `/api/2.0/mlflow/${path}`, headers }, (reply) => {
        let text = "";
        reply.setEncoding("utf8").on("data", (chunk) => {
          text += chunk;
        });
        reply.on("end", () => (reply.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(text.slice(0, 300)))));
      });
      sent.on("error", reject);
      sent.end(JSON.stringify(body));
    });
}

async function startPeer(mlflow: string) {
  const folder = mkdtempSync(join(tmpdir(), "mill-mlflow-peer-"));
  const port = await freePort();
  const stores = ["--backend-store-uri", `sqlite:///${folder}/mlflow.db`, "--artifacts-destination", join(folder, "artifacts")];
  const child = spawn(mlflow, ["server", ...stores, "--host", "127.0.0.1", "--port", String(port), "--workers", "1"], {
    stdio: "ignore",
    env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: "true" },
  });
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/health`).catch(() => null))?.ok) {
    if (child.exitCode !== null) throw new Error(`${mlflow} ended with ${child.exitCode}`);
    await delay(200);
  }
  return {
    url,
    async close() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
