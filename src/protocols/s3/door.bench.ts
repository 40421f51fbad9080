/**
 * The S3 door in a process of its own, on SQLite and files: 1 KB objects by wrk, one object of 512 MB over a plain socket, every request signed. Beside
 * it, in turns, node:http that takes and gives the same bytes and does nothing else. The load runs on the same processors as the door.
 *
 *   npm run bench door [MB]
 */
import { execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { openKeyring } from "../../guard/index.ts";
import { openObjects } from "../../ports/objects/index.ts";
import { openDoor } from "./fixtures/open-door.ts";
import { signed } from "./fixtures/sign.ts";

const KINDS = ["plain", "encrypted", "bare"] as const;
type Kind = (typeof KINDS)[number];

const SMALL_BYTES = 1024;
const ROUNDS = 3;
const SECONDS = 4;
const CONNECTIONS = 64;
const KEYS = 60_000;
const ANSWERED = Buffer.alloc(SMALL_BYTES, "x");
const CHUNK = randomBytes(1 << 20);

if (process.argv[2] === "serve") await serve(process.argv[3] as Kind);
else await bench(Number(process.argv[2] ?? 512) << 20);

interface Serving {
  readonly kind: Kind;
  readonly pid: number;
  readonly origin: URL;
  readonly key: { readonly id: string; readonly secret: string };
  stop(): Promise<void>;
}

/** One measure of one door: a rate, and what the door's process used. */
interface Found {
  readonly rate: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly cpuMicros: number;
  readonly grownMb?: number;
}

async function bench(largeBytes: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mill-door-bench-"));
  const doors = await Promise.all(KINDS.map(start));
  const found = new Map<string, Found[]>();
  const note = (what: string, kind: Kind, measured: Found) => {
    const name = `${what}|${kind}`;
    found.set(name, [...(found.get(name) ?? []), measured]);
  };
  let stored = KEYS;
  try {
    for (const door of doors.filter(({ kind }) => kind !== "bare")) await makeBucket(door);
    for (let round = 0; round < ROUNDS; round++) {
      for (const door of doors) {
        const put = await small(door, "PUT", round, KEYS, folder);
        stored = Math.min(stored, put.requests - CONNECTIONS); // the last ones were cut off
        note("1 KB PUT, durable", door.kind, put);
      }
      for (const door of doors) note("1 KB GET", door.kind, await small(door, "GET", 0, stored, folder));
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const door of doors) note(`${largeBytes >> 20} MB up`, door.kind, await large(door, "PUT", largeBytes));
      for (const door of doors) note(`${largeBytes >> 20} MB down`, door.kind, await large(door, "GET", largeBytes));
    }
  } finally {
    await Promise.all(doors.map((door) => door.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
  print(found);
}

/** What wrk reaches on prepared requests, all of one length. */
async function small(
  door: Serving,
  method: "PUT" | "GET",
  round: number,
  keys: number,
  folder: string,
): Promise<Found & { readonly requests: number }> {
  const file = join(folder, "requests");
  const out = createWriteStream(file);
  let bytes = 0; // of each request; wrk tries the first one out and does not send it
  const atMs = Date.now();
  for (let key = 0; key < KEYS; key++) {
    const body = method === "PUT" ? contentOf(`${round} ${key}`) : "";
    const payload = createHash("sha256").update(body).digest("hex");
    const name = method === "PUT" ? key : 1 + (key % (keys - 1));
    const url = `/bench/${round}/${String(name).padStart(8, "0")}`;
    const request = Buffer.concat([head(door, method, url, payload, body.length, atMs), Buffer.from(body)]);
    bytes = request.byteLength;
    if (!out.write(request)) await once(out, "drain");
  }
  out.end();
  await once(out, "close");

  const script = join(import.meta.dirname, "fixtures/replay.lua");
  const before = cpuMicrosOf(door.pid);
  const { stdout } = await promisify(execFile)("wrk", [
    ...["-t", "1", "-c", String(CONNECTIONS), "-d", String(SECONDS), "-s", script, door.origin.href, "--", file, String(bytes)],
  ]);
  const told = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
  if (told.unreached + told.refused > 0) throw new Error(`failed at ${door.kind}: ${JSON.stringify(told)}`);
  return { ...told, rate: told.requests / told.seconds, cpuMicros: (cpuMicrosOf(door.pid) - before) / told.requests };
}

/** One object over one connection, from and into memory. */
async function large(door: Serving, method: "PUT" | "GET", bytes: number): Promise<Found> {
  let grownMb = 0;
  const rssBefore = rssMbOf(door.pid);
  const sampling = setInterval(() => (grownMb = Math.max(grownMb, rssMbOf(door.pid) - rssBefore)), 20);
  const cpuBefore = cpuMicrosOf(door.pid);
  const started = performance.now();
  await (method === "PUT" ? upload(door, bytes) : download(door, bytes));
  const seconds = (performance.now() - started) / 1000;
  clearInterval(sampling);
  const megabytes = bytes / 1e6;
  return { rate: megabytes / seconds, cpuMicros: (cpuMicrosOf(door.pid) - cpuBefore) / megabytes, grownMb };
}

async function upload(door: Serving, bytes: number): Promise<void> {
  const socket = connect({ host: door.origin.hostname, port: Number(door.origin.port) });
  const answer = once(socket, "data");
  socket.write(head(door, "PUT", "/bench/large", "UNSIGNED-PAYLOAD", bytes));
  for (let sent = 0; sent < bytes; sent += CHUNK.byteLength) if (!socket.write(CHUNK)) await once(socket, "drain");
  requireOk(String((await answer)[0]));
  socket.destroy();
}

function download(door: Serving, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left: number | null = null;
    const socket = connect({
      host: door.origin.hostname,
      port: Number(door.origin.port),
      onread: {
        buffer: Buffer.alloc(1 << 20),
        callback(length, buffer) {
          if (left === null) {
            const text = Buffer.from(buffer.buffer, 0, length).toString("latin1");
            requireOk(text);
            left = bytes + text.indexOf("\r\n\r\n") + 4;
          }
          left -= length;
          if (left === 0) socket.destroy();
          return true;
        },
      },
    });
    socket.once("error", reject);
    socket.once("close", () => (left === 0 ? resolve() : reject(new Error(`${left} bytes did not come`))));
    socket.write(head(door, "GET", "/bench/large", "UNSIGNED-PAYLOAD", 0));
  });
}

function requireOk(answer: string): void {
  if (!answer.startsWith("HTTP/1.1 200")) throw new Error(answer);
}

async function makeBucket(door: Serving): Promise<void> {
  const { hostname, port } = door.origin;
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(head(door, "PUT", "/bench", "UNSIGNED-PAYLOAD", 0));
  requireOk(String((await once(socket, "data"))[0]));
  socket.destroy();
}

function head({ origin, key }: Serving, method: string, url: string, payload: string, length: number, atMs = Date.now()): Buffer {
  const { headers } = signed({ method, url, payload, key, atMs, headers: { host: origin.host } });
  const lines = Object.entries(method === "PUT" ? { ...headers, "content-length": length } : headers);
  return Buffer.from(
    `${method} ${url} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`,
    "latin1",
  );
}

function contentOf(name: string): string {
  return createHash("sha256")
    .update(name)
    .digest("hex")
    .repeat(SMALL_BYTES / 64);
}

async function start(kind: Kind): Promise<Serving> {
  const child = spawn(process.execPath, [import.meta.filename, "serve", kind], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  const { url, id, secret } = JSON.parse(String(line));
  return {
    kind,
    pid: child.pid!,
    origin: new URL(url),
    key: { id, secret },
    async stop() {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

async function serve(kind: Kind): Promise<void> {
  if (kind === "bare") return serveBare();
  const folder = mkdtempSync(join(tmpdir(), "mill-door-bench-"));
  const keyring = await openKeyring(folder);
  const objects = openObjects({ kind: "files", folder: join(folder, "objects"), encrypted: kind === "encrypted" }, { keyring });
  const door = await openDoor({ objects, log: { access: () => {}, error: (event, fields) => console.error(event, fields) } });
  console.log(JSON.stringify({ url: door.url, ...door.key }));
  process.once("SIGTERM", async () => {
    await door.close();
    rmSync(folder, { recursive: true, force: true });
    process.exit();
  });
}

/** The same bytes in and out, and nothing else. */
function serveBare(): void {
  let largeBytes = 0;
  const server = createServer({ highWaterMark: 256 * 1024, noDelay: true }, async (incoming, response) => {
    const isLarge = incoming.url === "/bench/large";
    if (incoming.method === "PUT") {
      if (isLarge) largeBytes = Number(incoming.headers["content-length"]);
      incoming.on("data", () => {});
      incoming.once("end", () => response.writeHead(200, { "content-length": 0 }).end());
      return;
    }
    response.writeHead(200, { "content-length": isLarge ? largeBytes : SMALL_BYTES });
    if (!isLarge) return void response.end(ANSWERED);
    for (let sent = 0; sent < largeBytes; sent += CHUNK.byteLength) if (!response.write(CHUNK)) await once(response, "drain");
    response.end();
  });
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo;
    console.log(JSON.stringify({ url: `http://127.0.0.1:${port}`, id: "bare", secret: "bare" }));
  });
  process.once("SIGTERM", () => process.exit());
}

/** Of all threads, user and system. */
function cpuMicrosOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function rssMbOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))![1]) / 1000;
}

function print(found: ReadonlyMap<string, readonly Found[]>): void {
  const columns = ["", "a second", "p50 ms", "p99 ms", "CPU us each", "MB grown"];
  console.log(`| ${columns.join(" | ")} |\n|${"---|".repeat(columns.length)}`);
  for (const [name, rounds] of [...found].sort(([a], [b]) => a.localeCompare(b))) {
    const middle = (field: keyof Found, digits: number) => {
      const values = rounds.map((round) => round[field] ?? Number.NaN).sort((a, b) => a - b);
      const value = values[values.length >> 1]!;
      return Number.isNaN(value) ? "" : value.toLocaleString("en", { maximumFractionDigits: digits });
    };
    const cells = [middle("rate", 0), middle("p50Ms", 1), middle("p99Ms", 1), middle("cpuMicros", 0), middle("grownMb", 0)];
    console.log(`| ${name.replace("|", ", ")} | ${cells.join(" | ")} |`);
  }
}
