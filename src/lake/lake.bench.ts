/**
 * What a change costs in a repository of 1M entries, on SQLite and files, all of it durable; in turns with a manifest (a line of JSON an entry, written
 * anew by every commit) and DVC on git, at the sizes that they bear. Cold: nothing of the repository is in the memory of the process.
 *
 *   npm run bench lake.bench [ENTRIES [DVC_FILES ...]]      default: 1000000 20000
 */
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { createFileObjects } from "../ports/objects/index.ts";
import { openSqlite } from "../ports/records/index.ts";
import { manifestDiff, readManifest, writeManifest } from "./fixtures/manifest.ts";
import { type Change, createRepositories, createTree, type Entry, type Repositories, type Repository } from "./index.ts";

const ENTRIES = Number(process.argv[2] ?? 1_000_000);
const DVC_FILES = process.argv.length > 3 ? process.argv.slice(3).map(Number) : [20_000];
const ROUNDS = 100;
const COLD_ROUNDS = 30;
const REMOVED = 100_000;
const FILES = 600_000;
const FILE_BYTES = 2800;
const PAGE = 1000;
const COMMIT = { message: "bench", author: "bench" };
const venv = join(import.meta.dirname, "../../bench/peers/.venv-dvc");
const folder = mkdtempSync(join(tmpdir(), "mill-lake-bench-"));
const run = promisify(execFile);
const found = new Map<string, number[]>();

async function bench(): Promise<void> {
  installDvc();
  await withRepository("1", ENTRIES, behindRemoved);
  for (const files of DVC_FILES) await withRepository(`dvc-${files}`, files, (_, size) => withDvc(size));
  await added(FILES);
  print();
}

interface Opened {
  /** What a process has that worked before. */
  readonly warm: Repositories;
  /** What a process has that has just begun. */
  cold(options?: { readonly foldAt: { readonly rows: number; readonly removed: number } }): Repositories;
}

/** Every operation on a repository of so many entries and on a manifest of the same, in turns. */
async function withRepository(
  name: string,
  size: number,
  further: (opened: Opened, size: number) => Promise<void>,
): Promise<void> {
  const place = join(folder, name);
  const objects = createFileObjects(join(place, "objects"));
  const records = await openSqlite(join(place, "mill.db"));
  const cold: Opened["cold"] = (options) => createRepositories({ records, tree: createTree(objects), ...options });
  const warm = cold();
  const repository = warm.of("bench");
  await warm.create({ name: "bench", actor: "bench" });
  const of = `${size.toLocaleString("en")} entries`;
  await repository.stageMany("main", inBatches(entries(size)));
  await repository.commit("main", COMMIT);

  const manifest = join(place, "manifest.jsonl");
  writeManifest(manifest, entries(size));
  for (let round = 0; round < ROUNDS; round++) {
    await changes(of, "", warm.of("bench"), size, round);
    if (round < COLD_ROUNDS) await changes(of, ", cold", cold().of("bench"), size, ROUNDS + round);
    if (round < 3) await manifestChanges(of, manifest, size, round);
  }
  await further({ warm, cold }, size);
  await records.close();
  await objects.close();
}

async function changes(of: string, how: string, repository: Repository, size: number, round: number): Promise<void> {
  const label = (what: string) => `${of}: ${what}${how}`;
  const branch = `branch-${round}`;
  await timed(label("branch"), () => repository.createBranch(branch, "main"));

  const before = writtenBytes();
  await timed(label("1 path staged and committed"), async () => {
    await repository.stage("main", edits(1, size, round));
    await repository.commit("main", COMMIT);
  });
  note(label("kB written for 1 path"), (writtenBytes() - before) / 1000);

  await repository.stage(branch, edits(10, size, round + 1000));
  const { id } = await repository.commit(branch, COMMIT);
  await timed(label("diff of 10 edits"), async () => {
    const { length } = await repository.diff(`${id}~1`, id, { limit: PAGE });
    if (length !== 10) throw new Error(`${length} differences`);
  });
  await timed(label("merge of 10 edits"), async () => {
    const { merged } = await repository.merge(branch, "main", { ...COMMIT, strategy: "theirs" });
    if (!merged) throw new Error("nothing was merged");
  });
  await timed(label("first page"), () => page(repository, "main", pathOf(0)));
  await timed(label("first page by folders"), async () => {
    const { prefixes } = await repository.list("main", { prefix: "images/train/", delimiter: "/", limit: PAGE });
    if (prefixes[0] !== "images/train/0000/") throw new Error(prefixes[0]);
  });
}

async function page(repository: Repository, branch: string, first: string): Promise<void> {
  const { entries } = await repository.list(branch, { limit: PAGE });
  if (entries[0]?.path !== first) throw new Error(entries[0]?.path);
}

async function manifestChanges(of: string, manifest: string, size: number, round: number): Promise<void> {
  const label = (what: string) => `${of}: ${what}, manifest`;
  await timed(label("1 path staged and committed"), () => {
    const [edit] = edits(1, size, round);
    const lines = readManifest(manifest);
    writeManifest(
      `${manifest}.1`,
      lines.map((line) => (line.path === edit!.path ? edit! : line)),
    );
  });
  note(label("kB written for 1 path"), statSync(`${manifest}.1`).size / 1000);
  await timed(label("diff of 10 edits"), () => manifestDiff(manifest, `${manifest}.1`));
  await timed(label("first page"), () => readManifest(manifest).slice(0, PAGE));
}

/** A first page with many removed paths before it: folded into the tree as they came, and all of them still staged. */
async function behindRemoved({ warm, cold }: Opened, size: number): Promise<void> {
  const never = cold({ foldAt: { rows: Number.POSITIVE_INFINITY, removed: Number.POSITIVE_INFINITY } });
  const removed = Math.min(REMOVED, size / 2);
  for (const [branch, repositories] of [
    ["folded", warm],
    ["staged", never],
  ] as const) {
    const repository = repositories.of("bench");
    await repository.createBranch(branch, "main");
    for (let at = 0; at < removed; at += PAGE)
      await repository.stage(
        branch,
        Array.from({ length: PAGE }, (_, n) => ({ path: pathOf(at + n), entry: null })),
      );
  }
  for (let round = 0; round < COLD_ROUNDS; round++)
    for (const branch of ["folded", "staged"]) {
      const label = `${size.toLocaleString("en")} entries: first page behind ${removed.toLocaleString("en")} removed, ${branch}`;
      await timed(label, () => page(warm.of("bench"), branch, pathOf(removed)));
      await timed(`${label}, cold`, () => page(cold().of("bench"), branch, pathOf(removed)));
    }
}

/** Files that are small and many: from memory into the store, and into a commit. */
async function added(count: number): Promise<void> {
  const objects = createFileObjects(join(folder, "added", "objects"));
  const records = await openSqlite(join(folder, "added", "mill.db"));
  const repositories = createRepositories({ records, tree: createTree(objects) });
  await repositories.create({ name: "bench", actor: "bench" });
  const repository = repositories.of("bench");
  await timed(
    `${count.toLocaleString("en")} files of ${FILE_BYTES} bytes: added and committed, s`,
    async () => {
      await repository.stageMany("main", stored());
      await repository.commit("main", COMMIT);
    },
    1000,
  );
  if ((await repository.count("main")) !== count) throw new Error("files are missing");
  await records.close();
  await objects.close();

  async function* stored(): AsyncGenerator<readonly Change[]> {
    for (let at = 0; at < count; at += PAGE)
      yield await Promise.all(
        Array.from({ length: Math.min(PAGE, count - at) }, async (_, n): Promise<Change> => {
          const content = contentOf(at + n);
          const digest = await objects.put(content);
          const etag = createHash("md5").update(content).digest("hex");
          return { path: pathOf(at + n), entry: { digest, sizeBytes: content.byteLength, etag, modifiedMs: Date.now() } };
        }),
      );
  }
}

/** As its users work: a folder of files, `dvc add` and a git commit for each version. `--quiet`, no analytics, its cache on the same disk. */
async function withDvc(files: number): Promise<void> {
  const place = join(folder, `with-dvc-${files}`);
  for (let n = 0; n < files; n++) {
    const path = join(place, "data", pathOf(n));
    if (n % 1000 === 0) mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contentOf(n));
  }
  const dvc = (...args: string[]) => run(join(venv, "bin/dvc"), args, { cwd: place, maxBuffer: 1 << 30 });
  const git = (...args: string[]) =>
    run("git", ["-c", "user.name=bench", "-c", "user.email=bench@localhost", ...args], { cwd: place });
  await git("init", "--quiet");
  await dvc("init", "--quiet");
  await dvc("config", "core.analytics", "false");
  const label = (what: string) => `${files.toLocaleString("en")} entries: ${what}, DVC`;
  const commit = async () => {
    await dvc("add", "--quiet", "data");
    await git("add", "--all");
    await git("commit", "--quiet", "--message", "bench");
  };
  await timed(`${files.toLocaleString("en")} files of ${FILE_BYTES} bytes: added and committed, DVC, s`, commit, 1000);
  for (let round = 1; round <= 3; round++) {
    await timed(label("start alone"), () => dvc("--version"));
    await timed(label("branch"), () => git("branch", `branch-${round}`));
    writeFileSync(join(place, "data", edits(1, files, round)[0]!.path), `round ${round}`);
    await timed(label("1 path staged and committed"), commit);
    for (const { path } of edits(10, files, round + 3)) writeFileSync(join(place, "data", path), `round ${round}`);
    await commit();
    await timed(label("diff of 10 edits"), () => dvc("diff", "HEAD~1", "HEAD"));
    await timed(label("first page"), () => dvc("list", ".", "data/images/train/0000"));
  }
}

function installDvc(): void {
  if (existsSync(join(venv, "bin/dvc"))) return;
  console.log(`installing DVC into ${venv}`);
  execFileSync("python3", ["-m", "venv", venv]);
  execFileSync(join(venv, "bin/pip"), ["install", "--quiet", "-r", join(venv, "../requirements-dvc.txt")], { stdio: "inherit" });
}

function pathOf(n: number): string {
  return `images/train/${String(Math.floor(n / 1000)).padStart(4, "0")}/${String(n).padStart(8, "0")}.jpg`;
}

function entryOf(n: number, of = ""): Entry {
  const sha256 = createHash("sha256").update(`${n} ${of}`).digest("hex");
  return {
    digest: `sha256:${sha256}`,
    sizeBytes: 50_000 + (n % 977),
    etag: sha256.slice(0, 32),
    modifiedMs: 1.79e12 + n,
    contentType: "image/jpeg",
  };
}

function* entries(size: number): Iterable<Change> {
  for (let n = 0; n < size; n++) yield { path: pathOf(n), entry: entryOf(n) };
}

async function* inBatches(changes: Iterable<Change>): AsyncGenerator<readonly Change[]> {
  let batch: Change[] = [];
  for (const change of changes) {
    batch.push(change);
    if (batch.length < PAGE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Spread over all paths, others in each round. */
function edits(count: number, size: number, round: number): Change[] {
  return Array.from({ length: count }, (_, edit) => {
    const n = (Math.floor((edit * size) / count) + 7919 * round + 100) % size;
    return { path: pathOf(n), entry: entryOf(n, `round ${round}`) };
  });
}

function contentOf(n: number): Buffer {
  const line = createHash("sha256").update(`${n}`).digest("hex");
  return Buffer.from(line.repeat(FILE_BYTES / line.length + 1).slice(0, FILE_BYTES));
}

/** By this process and its threads: segments, files, the database with its log. */
function writtenBytes(): number {
  return Number(/^wchar: (\d+)/m.exec(readFileSync("/proc/self/io", "latin1"))![1]);
}

async function timed(label: string, work: () => unknown, unitMs = 1): Promise<void> {
  const started = performance.now();
  await work();
  note(label, (performance.now() - started) / unitMs);
}

function note(label: string, value: number): void {
  found.set(label, [...(found.get(label) ?? []), value]);
}

function print(): void {
  console.log("| ms, where nothing else is said | p50 | p99 | times |\n|---|---|---|---|");
  for (const [label, values] of [...found].sort(([a], [b]) => a.localeCompare(b))) {
    const sorted = values.toSorted((a, b) => a - b);
    const at = (share: number) =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toLocaleString("en", {
        maximumSignificantDigits: 3,
      });
    console.log(`| ${label} | ${at(0.5)} | ${at(0.99)} | ${sorted.length} |`);
  }
}

try {
  await bench();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
