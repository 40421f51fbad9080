/**
 * How long an answer takes while the platform looks after itself: 200 predictions a second, one request each, at fixed moments (a late answer does
 * not hold back the next request), first with nothing else to do, then while the model is trained again and days are looked at.
 *
 *     npm run bench loop [WORKSPACE]      WORKSPACE: of examples/flights, trained already; it is written to
 */
import { Agent, request } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { formatMoment } from "../src/base/index.ts";
import { cleanUp, mill, newPath, serve, start, stopped } from "./run-mill.ts";

const PROJECT = join(import.meta.dirname, "flights");
const RATE = 200;
const SECONDS = 45;
/** Requests in a day of data: one is closed, and looked at, each twenty seconds. */
const ROWS_A_DAY = RATE * 20;
const AIRPORTS = ["ATL", "ORD", "DFW", "LAX", "PHX", "STL", "DTW", "MSP", "LAS", "BOS"];

const workspace = process.argv[2] ?? newPath("flights");
const at = ["--project", PROJECT, "--workspace", workspace];
if (process.argv[2] === undefined) await mill("run", ...at);
const server = await serve(...at, "--log", "error");
const url = new URL("/v1/endpoints/late-arrival/predict", server.url);
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** A day and a half of real traffic, so that there is something to look at and to train on. */
await mill("traffic", ...at, "--to", "2001-06-02T12:00");
let row = 0;
const first = Date.UTC(2001, 5, 2, 13) * 1000;

const ask = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const date = formatMoment(first + Math.floor((row * 86_400e6) / ROWS_A_DAY));
    const [origin, destination] = [AIRPORTS[row % 10], AIRPORTS[(row * 7 + 3) % 10]];
    row++;
    const asked = request(url, { method: "POST", agent, headers: { "content-type": "application/json" } }, (reply) => {
      reply.resume();
      reply.on("end", () => (reply.statusCode === 200 ? resolve() : reject(new Error(`answered with ${reply.statusCode}`))));
    });
    asked.on("error", reject);
    asked.end(JSON.stringify({ rows: [{ date, distance: 200 + ((row * 37) % 2000), origin, destination }] }));
  });

async function measure(name: string, until: () => boolean): Promise<void> {
  const took: number[] = [];
  const underWay: Promise<void>[] = [];
  const begun = performance.now();
  for (let sent = 0; !until() || sent < RATE * 10; sent++) {
    const due = begun + (sent * 1000) / RATE;
    const early = due - performance.now();
    if (early > 0) await delay(early);
    underWay.push(ask().then(() => void took.push(performance.now() - due)));
    if (sent > RATE * 300) break;
  }
  await Promise.all(underWay);
  took.sort((a, b) => a - b);
  const quantile = (share: number) => `${took[Math.floor((took.length - 1) * share)]!.toFixed(2)} ms`.padStart(10);
  console.log(`${name.padEnd(34)}${String(took.length).padStart(9)}${[0.5, 0.9, 0.99, 0.999, 1].map(quantile).join("")}`);
}

const forSeconds = (seconds: number) => {
  const end = performance.now() + seconds * 1000;
  return () => performance.now() > end;
};

console.log(
  `${"".padEnd(34)}${"requests".padStart(9)}${["p50", "p90", "p99", "p99.9", "greatest"].map((head) => head.padStart(10)).join("")}`,
);
await measure("(warming)", forSeconds(5));
await measure("days are looked at", forSeconds(SECONDS));
const training = start(["retrain", "late-arrival", "--reason", "bench", ...at]);
let trained = false;
training.child.once("close", () => {
  trained = true;
});
await measure("and the model is trained again", () => trained);
console.log(training.text.stderr.trim().split("\n").slice(-2).join("\n"));
await stopped(server.child, "SIGTERM");
agent.destroy();
await cleanUp();
