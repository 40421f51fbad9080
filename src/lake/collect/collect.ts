/**
 * Takes away what nothing refers to, and keeps the proof of it.
 *
 *     commits that a rule gives up, uploads that nobody goes on with
 *       -> mark what is referred to
 *       -> plan: what is stored, was not put within the grace period, and is not marked
 *       -> remove, object by object: one that was put again meanwhile stays
 *       -> proof: what went
 *
 * The plan is stored before the first object goes, so that of a collection that was cut off the next one can tell what went. Safe beside writers, as long
 * as what is put is referred to within the grace period: see `mark.ts`.
 */
import { type Digest, MillError } from "../../base/index.ts";
import type { Objects } from "../../ports/objects/index.ts";
import type { Records } from "../../ports/records/index.ts";
import type { Tree } from "../tree/tree.ts";
import type { Uploads } from "../uploads.ts";
import { type Collection, type Counts, createCollections } from "./collections.ts";
import { DigestSet } from "./digest-set.ts";
import { giveUp } from "./give-up.ts";
import { mark } from "./mark.ts";
import { decodeLines, encodeLines, type Gone, type Why } from "./proof.ts";
import { type Retention, readRetention, writeRetention } from "./retention.ts";

export interface CollectorResources {
  readonly records: Records;
  readonly objects: Objects;
  readonly tree: Tree;
  readonly uploads: Pick<Uploads, "expire">;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

export interface CollectOptions {
  /** Remove; else only tell what would go. */
  readonly remove?: boolean;
  /** What was put within this time stays: it may be on its way to be referred to. Longer than the longest step; default: a day. */
  readonly graceMs?: number;
  progress?(line: CollectProgress): void;
}

export interface CollectProgress {
  readonly phase: "marking" | "looking" | "removing";
  /** So far marked, looked at, removed. */
  readonly objects: number;
}

export interface Collector {
  /** One at a time. Errors: `lake.collecting`; what cannot be read while it marks, and then nothing was removed. */
  collect(options?: CollectOptions): Promise<Collection>;
  /** Waits for the one that is under way; none begins until what it gives is called, so that whoever copies what is named now finds it. */
  hold(): Promise<() => void>;
  /** What is kept of a repository's history; null: everything. Errors: `lake.unknown-repository`. */
  retention(repository: string): Promise<Retention | null>;
  /** Errors: `lake.unknown-repository`, `lake.bad-retention`. */
  setRetention(repository: string, rule: Retention | null): Promise<void>;
  /** Newest first. `after`: the id of the last one seen. */
  collections(page: { readonly limit: number; readonly after?: string }): Promise<Collection[]>;
  /** What a collection removed, or of a dry run would have. Errors: `lake.unknown-collection`. */
  proof(id: string): AsyncIterable<Gone>;
}

const DAY_MS = 24 * 3_600_000;
export const GRACE_MS = DAY_MS;
const UPLOAD_ABANDONED_MS = 7 * DAY_MS;
const REMOVED_AT_ONCE = 128;

export function createCollector({ records, objects, tree, uploads, clock = Date.now }: CollectorResources): Collector {
  const collections = createCollections(records, clock);
  let running: Promise<unknown> | null = null;
  let holders = 0;

  return {
    async collect(options = {}) {
      if (running !== null || holders > 0) throw collecting();
      const collected = run(options);
      running = collected.catch(() => undefined).finally(() => (running = null));
      return collected;
    },
    async hold() {
      holders++;
      await running;
      let held = true;
      return () => {
        if (held) holders--;
        held = false;
      };
    },
    retention: (repository) => readRetention(records, repository),
    setRetention: (repository, rule) => writeRetention(records, repository, rule),
    collections: (page) => collections.list(page),
    async *proof(id) {
      yield* decodeLines(objects.read(await collections.listOf(id)));
    },
  };

  async function run({ remove = false, graceMs = GRACE_MS, progress = () => undefined }: CollectOptions): Promise<Collection> {
    await settleCutOff();
    const startedAt = clock();
    const given = await giveUp({ records, tree, uploads }, startedAt, { abandonedMs: UPLOAD_ABANDONED_MS, write: remove });
    const marked = new DigestSet();
    for await (const _ of mark(marked, { records, tree, ...given })) progress({ phase: "marking", objects: marked.size });

    const look: Looking = { marked, untouchedSinceMs: startedAt - graceMs, whyOf: await given.reasons(marked) };
    const found = { objects: 0, bytes: 0, kept: 0 };
    const report = () => progress({ phase: "looking", objects: found.objects + found.kept });
    const plan = await store(unreferenced(look, found, report));
    const [commits, ended] = [given.freed.size, given.ended.size];
    const id = await collections.open({ dryRun: !remove, graceMs, ...found, commits, uploads: ended, plan, startedAt });
    if (!remove) return collections.close(id, plan, found);

    const gone = { objects: 0, bytes: 0, kept: found.kept };
    try {
      const proof = await store(removed(plan, look, gone, () => progress({ phase: "removing", objects: gone.objects })));
      return await collections.close(id, proof, gone);
    } catch (thrown) {
      await settleCutOff().catch(() => undefined); // where it cannot be told now, the next collection does
      throw thrown;
    }
  }

  async function* unreferenced(
    { marked, untouchedSinceMs, whyOf }: Looking,
    counts: Writable<Counts>,
    report: () => void,
  ): AsyncGenerator<Gone> {
    for await (const { digest, sizeBytes, modifiedMs } of objects.list()) {
      if ((counts.objects + counts.kept) % REPORTED_EVERY === 0) report();
      if (modifiedMs > untouchedSinceMs || marked.has(digest)) counts.kept++;
      else yield counted(counts, { digest, sizeBytes, lastPut: Math.round(modifiedMs), why: whyOf(digest) });
    }
  }

  /** Removes what the plan lists, and gives those that are gone. */
  async function* removed(
    plan: Digest,
    { untouchedSinceMs }: Looking,
    counts: Writable<Counts>,
    report: () => void,
  ): AsyncGenerator<Gone> {
    for await (const batch of batches(decodeLines(objects.read(plan)))) {
      const outcomes = await Promise.allSettled(batch.map(({ digest }) => objects.remove(digest, { untouchedSinceMs })));
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.status === "rejected") throw outcome.reason;
        if (outcome.value) yield counted(counts, batch[index]!);
        else counts.kept++;
      }
      report();
    }
  }

  /** What a collection that was cut off had planned and is not there any more was removed by it. */
  async function settleCutOff(): Promise<void> {
    for (const { id, plan, dryRun, objects: planned, bytes, kept } of await collections.cutOff()) {
      const counts = { objects: 0, bytes: 0, kept };
      if (dryRun) await collections.close(id, plan, { objects: planned, bytes, kept });
      else await collections.close(id, await store(missingOf(plan, counts)), counts);
    }
  }

  async function* missingOf(plan: Digest, counts: Writable<Counts>): AsyncGenerator<Gone> {
    for await (const batch of batches(decodeLines(objects.read(plan)))) {
      const sizes = await Promise.all(batch.map(({ digest }) => objects.sizeOf(digest)));
      for (const [index, size] of sizes.entries())
        if (size === null) yield counted(counts, batch[index]!);
        else counts.kept++;
    }
  }

  async function store(lines: AsyncIterable<Gone>): Promise<Digest> {
    return (await objects.putStream(encodeLines(lines))).digest;
  }
}

const REPORTED_EVERY = 10_000;

interface Looking {
  readonly marked: DigestSet;
  readonly untouchedSinceMs: number;
  whyOf(digest: Digest): Why;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function counted(counts: Writable<Counts>, gone: Gone): Gone {
  counts.objects++;
  counts.bytes += gone.sizeBytes;
  return gone;
}

async function* batches<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < REMOVED_AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

const collecting = () =>
  new MillError("lake.collecting", "Another collection, or a backup, is under way.", {
    expected: "one at a time",
    fix: "Wait for its end; `mill lake collections` shows a collection.",
  });
