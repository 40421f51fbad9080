import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { type SignOptions, signed } from "./fixtures/sign.ts";

const MEGABYTE = randomBytes(1 << 20);
const SMALL_MB = 32;
const LARGE_MB = 256;
/** What the garbage of so much more may take until it is collected. */
const SLACK_MB = 128;

test("an object of 256 MB goes up and down in the memory that one of 32 MB takes", {
  skip: !existsSync("/proc/self/status") && "the peak of another process's memory is only told by Linux",
}, async (t) => {
  const door = spawn(process.execPath, [join(import.meta.dirname, "fixtures/open-door.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => {
    door.kill();
    return once(door, "exit");
  });
  const { url, id, secret } = JSON.parse(String((await once(door.stdout, "data"))[0]));
  const ask = (method: string, path: string, megabytes = 0) => send(url, { method, url: path, key: { id, secret } }, megabytes);
  await ask("PUT", "/flat");

  await ask("PUT", "/flat/small", SMALL_MB);
  assert.equal(await ask("GET", "/flat/small"), SMALL_MB << 20);
  const before = peakMbOf(door.pid!);
  await ask("PUT", "/flat/large", LARGE_MB);
  assert.equal(await ask("GET", "/flat/large"), LARGE_MB << 20);
  const grownMb = peakMbOf(door.pid!) - before;
  assert.ok(grownMb < SLACK_MB, `the peak grew by ${grownMb} MB`);
});

/** Sends so many megabytes; gives the number of bytes that came back. */
async function send(
  origin: string,
  asked: Required<Pick<SignOptions, "method" | "url" | "key">>,
  megabytes: number,
): Promise<number> {
  const { host, hostname, port } = new URL(origin);
  const { headers } = signed({ ...asked, payload: "UNSIGNED-PAYLOAD", atMs: Date.now(), headers: { host } });
  const outgoing = request({
    ...{ hostname, port, method: asked.method, path: asked.url },
    headers: { ...headers, "content-length": megabytes << 20 },
  });
  const answered = once(outgoing, "response");
  await pipeline(Readable.from(Array(megabytes).fill(MEGABYTE)), outgoing);
  const [response] = await answered;
  let bytes = 0;
  for await (const chunk of response) bytes += chunk.length;
  assert.equal(response.statusCode, 200);
  return bytes;
}

const peakMbOf = (pid: number): number =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))![1]) / 1024;
