/**
 * A tree of 1M entries against a manifest of 1M lines of JSON, in one run and in turns: building, one changed path, a diff of 10 edits, a first page.
 * The store is the real one on files; cold: a tree with nothing in its cache (the system's cache of files is warm for both).
 */
import { createHash } from "node:crypto";
import { closeSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Digest, digestOf } from "../../base/index.ts";
import { createFileObjects } from "../../ports/objects/index.ts";
import { encodeEntry } from "../repositories/encode-entry.ts";
import type { Entry } from "../repositories/entry.ts";
import { createTree } from "./create-tree.ts";
import { createMemoryStore } from "./fixtures/memory-store.ts";
import type { Edit, NodeStore, Tree } from "./tree.ts";

const ENTRIES = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 5;
const PAGE = 1000;
const folder = mkdtempSync(join(tmpdir(), "mill-bench-"));

const pathOf = (n: number) => `images/train/${String(Math.floor(n / 1000)).padStart(4, "0")}/${String(n).padStart(8, "0")}.jpg`;
function entryOf(n: number, of = ""): Entry {
  const sha256 = createHash("sha256").update(`${n}${of}`).digest("hex");
  return {
    digest: `sha256:${sha256}`,
    sizeBytes: 50_000 + (n % 977),
    etag: sha256.slice(0, 32),
    modifiedMs: 1.79e12 + n,
    contentType: "image/jpeg",
  };
}
/** Edits spread over all paths, so that each meets another leaf. */
const editsOf = (count: number, round: number): Edit[] =>
  Array.from({ length: count }, (_, at) => Math.floor(((at + 0.5) / count) * ENTRIES) + round).map((n) => ({
    path: pathOf(n),
    value: encodeEntry(entryOf(n, `round ${round}`)),
  }));

const times = new Map<string, { readonly wall: number; readonly cpu: number }[]>();
async function timed<T>(label: string, work: () => T | Promise<T>): Promise<T> {
  const [started, used] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(used);
  times.set(label, [...(times.get(label) ?? []), { wall: performance.now() - started, cpu: (user + system) / 1000 }]);
  return result;
}

const batches = Array.from({ length: Math.ceil(ENTRIES / 1000) }, (_, batch) =>
  Array.from({ length: Math.min(1000, ENTRIES - batch * 1000) }, (_, at) => ({
    path: pathOf(batch * 1000 + at),
    value: encodeEntry(entryOf(batch * 1000 + at)),
  })),
);
async function* all(): AsyncIterable<readonly Edit[]> {
  yield* batches;
}

async function differences(tree: Tree, before: Digest, after: Digest): Promise<number> {
  let count = 0;
  for await (const batch of tree.diff(before, after)) count += batch.length;
  return count;
}

async function page(tree: Tree, root: Digest, after: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const items of tree.scan(root, { after })) {
    paths.push(...items.map(({ path }) => path));
    if (paths.length >= PAGE) break;
  }
  return paths.slice(0, PAGE);
}

interface Line {
  readonly path: string;
  readonly entry: Entry;
}
const readManifest = (file: string): Line[] =>
  readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
function writeManifest(file: string, lines: Iterable<Line>): void {
  const out = openSync(file, "w");
  let chunk: string[] = [];
  for (const line of lines) {
    chunk.push(JSON.stringify(line));
    if (chunk.length < 10_000) continue;
    writeSync(out, `${chunk.join("\n")}\n`);
    chunk = [];
  }
  if (chunk.length > 0) writeSync(out, `${chunk.join("\n")}\n`);
  fsyncSync(out);
  closeSync(out);
}
function* allLines(): Iterable<Line> {
  for (let n = 0; n < ENTRIES; n++) yield { path: pathOf(n), entry: entryOf(n) };
}

const plain = createFileObjects(join(folder, "objects"));
let [putBytes, puts] = [0, 0];
const objects: NodeStore = {
  get: plain.get,
  put(bytes) {
    putBytes += bytes.byteLength;
    puts++;
    return plain.put(bytes);
  },
};

const memory = createTree(createMemoryStore());
await timed("build: tree, in memory", async () => memory.apply(await memory.empty(), all()));
const warm = createTree(objects);
const first = await timed("build: tree, on files", async () => warm.apply(await warm.empty(), all()));
const builtBytes = putBytes;
const builtNodes = puts;
const manifest = join(folder, "manifest.jsonl");
await timed("build: manifest", () => writeManifest(manifest, allLines()));

[putBytes, puts] = [0, 0];
let root = first;
for (let round = 1; round <= ROUNDS; round++) {
  const edit = editsOf(1, round);
  const coldTree = createTree(objects);
  await timed("1 path changed: tree, cold", () => coldTree.apply(root, editsOf(1, round + 100)));
  root = await timed("1 path changed: tree, warm", () => warm.apply(root, edit));
  const after = join(folder, "after.jsonl");
  if (round <= 3)
    await timed("1 path changed: manifest", () => {
      const lines = readManifest(manifest);
      const at = lines.findIndex(({ path }) => path === edit[0]!.path);
      lines[at] = { path: lines[at]!.path, entry: entryOf(at, `round ${round}`) };
      writeManifest(after, lines);
    });
}
const [changeBytes, changeNodes] = [putBytes / (2 * ROUNDS), puts / (2 * ROUNDS)];

for (let round = 1; round <= ROUNDS; round++) {
  const edits = editsOf(10, round);
  const next = await warm.apply(root, edits);
  const found = [
    await timed("diff of 10 edits: tree, cold", () => differences(createTree(objects), root, next)),
    await timed("diff of 10 edits: tree, warm", () => differences(warm, root, next)),
  ];
  if (found.some((count) => count !== 10)) throw new Error(`found ${found} instead of 10`);
  if (round <= 3) {
    const after = join(folder, "after.jsonl");
    await timed("diff of 10 edits: manifest", () => {
      const [a, b] = [readManifest(manifest), readManifest(after)];
      return a.filter(({ path, entry }, at) => b[at]!.path !== path || b[at]!.entry.digest !== entry.digest).length;
    });
  }
}

for (let round = 1; round <= ROUNDS; round++) {
  const behind = pathOf(Math.floor((ENTRIES * round) / (ROUNDS + 2)));
  const pages = [
    await timed("first page of 1,000: tree, cold", () => page(createTree(objects), root, behind)),
    await timed("first page of 1,000: tree, warm", () => page(warm, root, behind)),
  ];
  if (round <= 2)
    pages.push(
      await timed("first page of 1,000: manifest", () => {
        const lines = readManifest(manifest).map(({ path }) => path);
        const at = lines.indexOf(behind) + 1;
        return lines.slice(at, at + PAGE);
      }),
    );
  if (new Set(pages.map((paths) => digestOf(paths.join("\n")))).size !== 1) throw new Error("the pages differ");
}
await timed("count: tree, cold", () => createTree(objects).count(root));

const milliseconds = (list: readonly number[]) => {
  const middle = list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!;
  return middle.toFixed(middle < 100 ? 2 : 0).padStart(12);
};
console.log(`${"medians".padEnd(36)}     wall, ms      cpu, ms`);
for (const [label, list] of [...times].sort(([a], [b]) => a.localeCompare(b)))
  console.log(`${label.padEnd(36)} ${milliseconds(list.map(({ wall }) => wall))} ${milliseconds(list.map(({ cpu }) => cpu))}`);
console.log(
  `\ntree: ${builtNodes} nodes, ${(builtBytes / 2 ** 20).toFixed(1)} MiB; manifest: ${(statSync(manifest).size / 2 ** 20).toFixed(1)} MiB`,
);
console.log(`1 path changed writes ${changeNodes.toFixed(1)} nodes, ${(changeBytes / 1024).toFixed(1)} KiB`);
await plain.close();
rmSync(folder, { recursive: true, force: true });
