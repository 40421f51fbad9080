/**
 * Durable batches of metrics, searches and lists, on SQLite in a temporary folder: `node src/train/tracking/tracking.bench.ts [RUNS]`, default 200,000
 * runs with 20 metrics, 10 parameters and 3 tags each.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqlite } from "../../ports/records/index.ts";
import { createTracking, type Tracking } from "./index.ts";

const RUNS = Number(process.argv[2] ?? 200_000);
const SEARCHED = 10_000;
const folder = process.argv[3] ?? mkdtempSync(join(tmpdir(), "mill-tracking-bench-"));
const records = await openSqlite(join(folder, "mill.db"));
const tracking = createTracking({ records });
if (process.argv[2] === "lists") {
  await lists(process.argv[4]!);
  process.exit();
}

console.log("| what | measured |\n|---|---|");
for (const [shape, keys] of [
  ["1,000 keys x 1 step", 1000],
  ["10 keys x 100 steps", 10],
] as const)
  await say(`log 1,000 metrics, 8 clients, ${shape}`, await logged(keys));

const small = await filled("searched", SEARCHED);
for (const filter of [
  "metrics.m3 > 0.99",
  "metrics.m3 < 0.5 and params.p1 = '1' and tags.t0 like 'a%'",
  "metrics.m1 < 0.5 or metrics.m2 < 0.5",
])
  await say(
    `search 10k runs, \`${filter}\`, page of 100`,
    await timed(() => tracking.searchRuns({ experimentIds: [small], filter, limit: 100 })),
  );
await say(
  "search 10k runs by a metric, page of 100",
  await timed(() => tracking.searchRuns({ experimentIds: [small], orderBy: ["metrics.m1 DESC"], limit: 100 })),
);
const { items } = await tracking.searchRuns({ experimentIds: [small], limit: 1000 });
await say("compare 1,000 runs", await timed(() => tracking.compare(items.map(({ id }) => id))));

const before = process.cpuUsage();
const many = await filled("many", RUNS);
await say(
  `create and log ${count(RUNS)} runs`,
  `${count(RUNS / (process.cpuUsage(before).user / 1e6))} runs per processor second`,
);
await tracking.close();
await records.close();
spawnSync(process.execPath, [import.meta.filename, "lists", folder, many], { stdio: "inherit" });
rmSync(folder, { recursive: true, force: true });

/** In a process of its own, as after a start. */
async function lists(experimentId: string): Promise<void> {
  const started = performance.now();
  const { id: open } = await tracking.experiment(experimentId);
  await say("open all of them", `${((performance.now() - started) / 1000).toFixed(1)} s`);
  await say("list page of 100", await timed(() => tracking.searchRuns({ experimentIds: [open], limit: 100 })));
  await say("list page of 1,000", await timed(() => tracking.searchRuns({ experimentIds: [open], limit: 1000 })));
  const search = { experimentIds: [open], filter: "metrics.m3 > 0.5", orderBy: ["metrics.m3"], limit: 100 };
  await say("search by a metric filter, page of 100", await timed(() => tracking.searchRuns(search)));
  await say("resident memory after that", `${Math.round(process.memoryUsage.rss() / 1e6)} MB`);
}

async function logged(keys: number): Promise<string> {
  const { id: experimentId } = await tracking.createExperiment({ name: `logged ${keys}` });
  const clients = await Promise.all(Array.from({ length: 8 }, () => tracking.createRun({ experimentId })));
  const from = performance.now();
  const processor = process.cpuUsage();
  let batches = 0;
  await Promise.all(
    clients.map(async ({ id }) => {
      for (let step = 0; performance.now() - from < 5000; step += 1000 / keys, batches++) {
        const metrics = Array.from({ length: 1000 }, (_, at) => ({
          key: `metric-${at % keys}`,
          value: Math.random(),
          timestamp: Date.now(),
          step: step + Math.floor(at / keys),
        }));
        await tracking.log(id, { metrics });
      }
    }),
  );
  const rate = (batches * 1000) / ((performance.now() - from) / 1000);
  await tracking.fold();
  const { user, system } = process.cpuUsage(processor);
  return `${count(rate)} metrics/s durable, ${count((batches * 1000) / ((user + system) / 1e6))} a processor second with folding`;
}

async function filled(name: string, runs: number): Promise<string> {
  const { id: experimentId } = await tracking.createExperiment({ name });
  let next = 0;
  const fill = async () => {
    for (let index = next++; index < runs; index = next++) {
      const tags = Object.fromEntries(Array.from({ length: 3 }, (_, at) => [`t${at}`, `${"abc"[(index + at) % 3]}-${at}`]));
      const { id } = await tracking.createRun({ experimentId, startedAt: 1_700_000_000_000 + index, tags });
      await tracking.log(id, {
        params: Array.from({ length: 10 }, (_, at) => ({ key: `p${at}`, value: String((index * (at + 1)) % 97) })),
        metrics: Array.from({ length: 20 }, (_, at) => ({ key: `m${at}`, value: Math.random(), timestamp: index, step: 0 })),
      });
    }
  };
  await Promise.all(Array.from({ length: 256 }, fill));
  await tracking.fold();
  return experimentId;
}

async function timed(work: (this: Tracking) => Promise<unknown>): Promise<string> {
  const times: number[] = [];
  for (let round = 0; round < 205; round++) {
    const from = performance.now();
    await work.call(tracking);
    if (round >= 5) times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  return `median ${times[100]!.toFixed(2)} ms, p99 ${times[197]!.toFixed(2)} ms`;
}

async function say(what: string, measured: string): Promise<void> {
  console.log(`| ${what} | ${measured} |`);
}

function count(number: number): string {
  return Math.round(number).toLocaleString("en");
}
