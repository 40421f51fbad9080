/** Random histories, and collections among them: what goes is what nothing refers to and is old, the proof says just that, and the rest verifies. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, type Digest, type MillError } from "../../base/index.ts";
import { pin, unpin } from "../../ports/objects/index.ts";
import { fromRow } from "../repositories/branch-state.ts";
import { decodeEntry } from "../repositories/encode-entry.ts";
import { verify } from "../verify.ts";
import { openStored, type StoredLake } from "./fixtures/stored.ts";
import type { Retention } from "./retention.ts";

const HOUR_MS = 3_600_000;
const REPOSITORY = "r";
const by = { message: "m", author: "ann", strategy: "ours" as const };

test("after every collection of random histories what is referred to is there, and nothing else that is old", async () => {
  for (const seed of [1, 2, 3, 4]) {
    await using lake = await openStored({ foldAt: { rows: 12, removed: 5 } });
    const random = createRandom(seed);
    await lake.repositories.create({ name: REPOSITORY, actor: "ann" });
    const removed: number[] = [];
    for (let step = 0; step < 250; step++) {
      await act(lake, () => random.next()).catch((thrown: MillError) => {
        if (!EXPECTED.has(thrown.code)) throw thrown;
      });
      if (step % 25 === 24) removed.push(await collectAndCompare(lake, random.next() < 0.5 ? 24 * HOUR_MS : HOUR_MS));
    }
    assert.ok(removed.reduce((sum, count) => sum + count, 0) > 30, `seed ${seed}: ${removed}`);
  }
});

const EXPECTED = new Set([
  ...["lake.nothing-staged", "lake.ref-exists", "lake.unknown-ref", "lake.branch-needed", "lake.freed", "lake.uncommitted"],
  ...["lake.unknown-upload", "lake.moved"],
]);

async function act(lake: StoredLake, random: () => number): Promise<void> {
  const r = lake.repositories.of(REPOSITORY);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const branches = (await r.branches({ limit: 100 })).map(({ name }) => name);
  const branch = pick(branches);
  const path = () => `${pick(["a", "b", "c"])}/${Math.floor(random() * 12)}`;
  const text = () => `text ${Math.floor(random() * 60)}`;
  const actions: readonly (() => Promise<unknown>)[] = [
    async () => lake.put(text()),
    ...Array(4).fill(async () => r.stage(branch, [{ path: path(), entry: await lake.put(text()) }])),
    async () =>
      r.stage(branch, await Promise.all([1, 2, 3, 4].map(async () => ({ path: path(), entry: await lake.put(text()) })))),
    async () => r.stage(branch, [{ path: path(), entry: null }]),
    async () => r.reset(branch, pick(["", "a/"])),
    async () => r.commit(branch, by),
    async () => r.commit(branch, by),
    async () => r.createBranch(`b${Math.floor(random() * 4)}`, pick([branch, `${branch}~1`, `${branch}~3`])),
    async () => r.deleteBranch(branch),
    async () => r.merge(pick(branches), branch, by),
    async () => r.revert(branch, `${branch}~1`, by),
    async () => r.resetTo(branch, `${branch}~2`),
    async () => r.createTag(`t${Math.floor(random() * 5)}`, `${branch}~1`),
    async () => r.deleteTag(`t${Math.floor(random() * 5)}`),
    async () => lake.records.commit(pin(`result:${Math.floor(random() * 4)}`, [(await lake.put(text())).digest])),
    async () => lake.records.commit(unpin(`result:${Math.floor(random() * 4)}`)),
    async () => {
      const upload = await lake.uploads.begin({ repository: REPOSITORY, branch, path: path(), headers: "{}", actor: "ann" });
      const { digest, sizeBytes } = await lake.put(text());
      await lake.uploads.putPart(upload.id, { number: 1, digest, sizeBytes, etag: "", checksums: {} });
      if (random() < 0.4) await lake.uploads.abort(upload.id);
    },
    async () => lake.later(random() * 60 * HOUR_MS),
    async () => lake.later(random() * 2 * HOUR_MS),
    async () => {
      const rule: Retention = { keepDays: random() * 6, keepTags: random() < 0.5, branches: { "b*": random() * 3 } };
      await lake.collector.setRetention(REPOSITORY, random() < 0.3 ? null : rule);
    },
  ];
  await pick(actions)();
}

/** Gives how many objects went. */
async function collectAndCompare(lake: StoredLake, graceMs: number): Promise<number> {
  const nowMs = lake.later(1);
  const told = await lake.collector.collect({ graceMs });
  const before = new Map<Digest, number>();
  for await (const { digest, modifiedMs } of lake.objects.list()) before.set(digest, modifiedMs);
  const { id, objects, commits } = await lake.collector.collect({ graceMs, remove: true });
  assert.deepEqual([told.objects, told.commits], [objects, commits], "the dry run told the truth");

  const wanted = await referred(lake);
  const left = await lake.stored();
  const gone = [...before.keys()].filter((digest) => !left.has(digest));
  const due = [...before].filter(([digest, modifiedMs]) => modifiedMs <= nowMs - graceMs && !wanted.has(digest));
  assert.deepEqual(new Set(gone), new Set(due.map(([digest]) => digest)));
  const proof: Digest[] = [];
  for await (const { digest } of lake.collector.proof(id)) proof.push(digest);
  assert.deepEqual(new Set(proof), new Set(gone));
  for await (const line of verify(lake, { content: true })) assert.notEqual(line.event, "fault", JSON.stringify(line));
  return gone.length;
}

/** Everything that is referred to, by walking it all. */
async function referred({ records, tree }: StoredLake): Promise<Set<Digest>> {
  const found = new Set<Digest>();
  const digests = await records.query<{ digest: Digest }>("SELECT digest FROM pins UNION SELECT digest FROM upload_parts");
  for (const { digest } of digests) found.add(digest);
  for (const { entry } of await records.query<{ entry: string }>("SELECT entry FROM staged WHERE entry IS NOT NULL"))
    found.add(decodeEntry(fromRow(entry)!).digest);
  const roots = await records.query<{ root: Digest }>(
    "SELECT root FROM branches UNION SELECT root FROM commits WHERE freed_at IS NULL",
  );
  for (const { root } of roots)
    for await (const { node, items } of tree.nodes(root, () => false)) {
      found.add(node);
      for (const { value } of items) found.add(decodeEntry(value).digest);
    }
  return found;
}
