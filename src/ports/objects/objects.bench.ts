/** Objects on files: small ones in segments beside a file each, long streams up and down, and memory while they flow. Interleaved in one run. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Digest } from "../../base/index.ts";
import { createFileObjects } from "./files.ts";
import type { Objects } from "./objects.ts";

const ROUNDS = 5;
const SMALL = 4000;
const AT_ONCE = 64;
const LONG_BYTES = 512 << 20;
const CHUNK_BYTES = 64 << 10;

const folder = mkdtempSync(join(process.env.MILL_BENCH_FOLDER ?? tmpdir(), "mill-bench-"));
const stores = {
  segments: createFileObjects(join(folder, "segments")),
  "a file each": createFileObjects(join(folder, "files"), { segments: "read" }),
};
const results = new Map<string, number[]>();
const chunk = randomBytes(CHUNK_BYTES);
let peakBytes = 0;

async function timed(label: string, count: number, work: () => Promise<unknown>): Promise<void> {
  const started = performance.now();
  await work();
  const perSecond = (count * 1000) / (performance.now() - started);
  results.set(label, [...(results.get(label) ?? []), perSecond]);
}

/** `AT_ONCE` workers, each one call after the other, as clients do. */
async function byWorkers(count: number, work: (number: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function* long(): AsyncIterable<Uint8Array> {
  for (let at = 0; at < LONG_BYTES; at += CHUNK_BYTES) {
    if (at % (32 << 20) === 0) peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
    const fresh = Buffer.from(chunk);
    fresh.writeDoubleLE(at);
    yield fresh;
  }
}

async function readAll(objects: Objects, digest: Digest): Promise<void> {
  let at = 0;
  for await (const part of objects.read(digest)) {
    at += part.byteLength;
    if (at % (32 << 20) === 0) peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
  }
}

for (let round = 0; round < ROUNDS; round++) {
  for (const [name, objects] of Object.entries(stores)) {
    const contents = Array.from({ length: SMALL }, () => randomBytes(1024));
    const digests: Digest[] = [];
    await timed(`put 1 KB, ${AT_ONCE} at once, ${name}`, SMALL, () =>
      byWorkers(SMALL, async (number) => {
        digests[number] = await objects.put(contents[number]!);
      }),
    );
    await timed(`put again, ${AT_ONCE} at once, ${name}`, SMALL, () =>
      byWorkers(SMALL, (number) => objects.put(contents[number]!)),
    );
    await timed(`put 1 KB, one after the other, ${name}`, 200, async () => {
      for (let number = 0; number < 200; number++) await objects.put(randomBytes(1024));
    });
    await timed(`get 1 KB, ${AT_ONCE} at once, ${name}`, SMALL, () =>
      byWorkers(SMALL, (number) => objects.get(digests[number]!)),
    );
  }
  const before = process.memoryUsage.rss();
  peakBytes = before;
  let stored: Digest | null = null;
  await timed("putStream 512 MB, MB", LONG_BYTES / 1e6, async () => {
    stored = (await stores.segments.putStream(long())).digest;
  });
  await timed("read 512 MB, MB", LONG_BYTES / 1e6, () => readAll(stores.segments, stored!));
  results.set("memory more at the peak of both, MB", [
    ...(results.get("memory more at the peak of both, MB") ?? []),
    (peakBytes - before) / 1e6,
  ]);
  await stores.segments.remove(stored!);
}

for (const [label, values] of results) {
  const sorted = values.sort((a, b) => a - b);
  const show = (value: number) => value.toFixed(0).padStart(8);
  const unit = label.startsWith("memory") ? "" : "/s";
  console.log(
    `${label.padEnd(44)} ${show(sorted[sorted.length >> 1]!)}${unit}  (${show(sorted[0]!)} to ${show(sorted.at(-1)!)})`,
  );
}
for (const objects of Object.values(stores)) await objects.close();
rmSync(folder, { recursive: true });
