/**
 * Folders of small files into a running server and committed, as `mill lake add` does it, beside reading the same files alone, which is the floor;
 * then the same again, when nothing is to be sent. `node add.bench.ts [FILES]`, 600,000 of 1 to 4 KB by default.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanUp, millJson, newPath, serve, stopped } from "../../../examples/run-mill.ts";

const count = Number(process.argv[2] ?? 600_000);
const IN_FOLDER = 1000;

interface Added {
  readonly files: number;
  readonly unchanged: number;
  readonly bytes: number;
  readonly wallMs: number;
}

const folder = newPath("files");
const pool = randomBytes(1 << 20);
for (let index = 0; index < count; index++) {
  const below = join(folder, String(Math.floor(index / IN_FOLDER)));
  if (index % IN_FOLDER === 0) mkdirSync(below, { recursive: true });
  const at = (index * 104_729) % (pool.byteLength - 4096);
  const content = Buffer.from(pool.subarray(at, at + 1024 + ((index * 7919) % 3072)));
  content.writeUInt32LE(index);
  writeFileSync(join(below, `${index}.jpg`), content);
}

const project = newPath("project");
mkdirSync(project);
writeFileSync(join(project, "mill.ts"), "");
const server = await serve("--project", project);
await millJson("lake", "create", "photos", "--project", project);

const startedMs = performance.now();
for (const below of readdirSync(folder))
  for (const name of readdirSync(join(folder, below))) readFileSync(join(folder, below, name));
const readMs = performance.now() - startedMs;

const add = () => millJson<Added>("lake", "add", "photos@main", folder, "--message", "All of it", "--project", project);
const [first, again] = [await add(), await add()];
const peakMb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, "utf8"))?.[1] ?? Number.NaN) / 1024;
const row = (what: string, files: number, ms: number) => ({
  what,
  files,
  seconds: Number((ms / 1000).toFixed(1)),
  "files/s": Math.round(files / (ms / 1000)),
  "as reading": `${(ms / readMs).toFixed(1)} x`,
});
console.table([
  row("read the files, one after the other", count, readMs),
  row("added and committed", first.files, first.wallMs),
  row("again, unchanged", again.unchanged, again.wallMs),
]);
console.log(`${(first.bytes / 1e6).toFixed(0)} MB; the server's memory at most ${peakMb.toFixed(0)} MB`);
await stopped(server.child, "SIGTERM");
await cleanUp();
