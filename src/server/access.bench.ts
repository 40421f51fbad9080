/** What the access log costs a request: processor time of a server with it beside one without, rounds in turn; the verb itself does next to nothing. */
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAccessLog } from "../guard/index.ts";
import { startSample } from "./fixtures/sample-platform.ts";

const ROUNDS = 11;
const REQUESTS = 1500;
const folder = mkdtempSync(join(tmpdir(), "mill-access-bench-"));
const log = await openAccessLog(folder, { bytesMax: 8 << 20 });
const servers = { without: await startSample(), with: await startSample({}, { access: log.note }) };
const agent = new Agent({ keepAlive: true, maxSockets: 16 });
const body = JSON.stringify({ rows: [{ distance: 954 }] });

const ask = (url: string) =>
  new Promise<void>((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const sent = request(new URL("/v1/endpoints/late-arrival/predict", url), { method: "POST", agent, headers }, (reply) => {
      reply.resume().on("end", resolve);
    });
    sent.on("error", reject).end(body);
  });

const micros = { without: [] as number[], with: [] as number[] };
for (let round = 0; round <= ROUNDS; round++)
  for (const name of ["without", "with"] as const) {
    const before = process.cpuUsage();
    let left = REQUESTS;
    const lane = async () => {
      while (left-- > 0) await ask(servers[name].url);
    };
    await Promise.all(Array.from({ length: 16 }, lane));
    const { user, system } = process.cpuUsage(before);
    if (round > 0) micros[name].push((user + system) / REQUESTS); // the first warms up
  }

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
const [without, withLog] = [median(micros.without), median(micros.with)];
console.log(
  `without ${without.toFixed(0)} us a request (client included), with ${withLog.toFixed(0)} us: ${(withLog / without).toFixed(3)}`,
);
agent.destroy();
await log.close();
for (const server of Object.values(servers)) await server.close();
rmSync(folder, { recursive: true });
