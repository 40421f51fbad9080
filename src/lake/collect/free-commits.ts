/** Commits that retention gives up: told, or marked in their rows. What refers to a commit's tree is refused from then on, so that marking may leave it out. */
import type { Digest } from "../../base/index.ts";
import type { Records } from "../../ports/records/index.ts";
import { type CommitNode, givenUp, type Kept } from "./alive.ts";
import { type Retention, readRetentions } from "./retention.ts";

export interface FreedCommits {
  readonly repository: string;
  readonly commits: readonly { readonly id: Digest; readonly root: Digest }[];
}

/** What the rules of all repositories give up, in batches. With `free` it is written down, and what was committed or tagged in the meantime stays. */
export async function* freeCommits(
  records: Records,
  { nowMs, free }: { readonly nowMs: number; readonly free: boolean },
): AsyncGenerator<FreedCommits> {
  for (const { repository, rule } of await readRetentions(records)) {
    const found = givenUp(rule, commitsOf(records, repository), await keptOf(records, repository, rule), nowMs);
    for await (const ids of batches(found))
      yield { repository, commits: await given(records, repository, ids, free ? { rule, nowMs } : null) };
  }
}

const PAGE = 5000;
const BATCH = 200;

async function* commitsOf(records: Records, repository: string): AsyncGenerator<CommitNode> {
  let below: readonly [generation: number, id: string] = [Number.MAX_SAFE_INTEGER, ""];
  for (;;) {
    const rows = await records.query<Omit<CommitNode, "parents"> & { parents: string; generation: number }>(
      `SELECT id, parents, generation, created_at AS "createdAt", freed_at AS "freedAt" FROM commits
        WHERE repository = ? AND (generation, id) < (?, ?) ORDER BY generation DESC, id DESC LIMIT ${PAGE}`,
      [repository, ...below],
    );
    for (const { parents, ...row } of rows) yield { ...row, parents: JSON.parse(parents) };
    const last = rows.at(-1);
    if (!last) return;
    below = [last.generation, last.id];
  }
}

async function keptOf(records: Records, repository: string, { keepTags = true }: Retention): Promise<Kept> {
  const branches = await records.query<{ name: string; head: Digest }>(
    "SELECT name, head FROM branches WHERE repository = ? ORDER BY name",
    [repository],
  );
  const held = await records.query<{ id: Digest | null }>(
    `SELECT commit_id AS id FROM dataset_versions v WHERE dataset = ? AND version = (SELECT max(version) FROM dataset_versions n WHERE n.dataset = v.dataset)
      UNION SELECT infrastructure AS id FROM runs WHERE infrastructure IS NOT NULL${keepTags ? " UNION SELECT commit_id AS id FROM tags WHERE repository = ?" : ""}`,
    [repository, ...(keepTags ? [repository] : [])],
  );
  return { branches, held: new Set(held.flatMap(({ id }) => id ?? [])) };
}

/** Those of the commits that were given up, or would be. */
async function given(
  records: Records,
  repository: string,
  ids: readonly Digest[],
  freeing: { readonly rule: Retention; readonly nowMs: number } | null,
): Promise<FreedCommits["commits"]> {
  const among = ids.map(() => "?").join(", ");
  if (freeing) await free(records, repository, ids, freeing);
  return records.query(
    `SELECT id, root FROM commits WHERE repository = ? AND id IN (${among})${freeing ? " AND freed_at IS NOT NULL" : ""}`,
    [repository, ...ids],
  );
}

async function free(
  records: Records,
  repository: string,
  ids: readonly Digest[],
  { rule: { keepTags = true }, nowMs }: { readonly rule: Retention; readonly nowMs: number },
): Promise<void> {
  const among = ids.map(() => "?").join(", ");
  const refs = [
    "SELECT head FROM branches WHERE repository = ?",
    ...(keepTags ? ["SELECT commit_id FROM tags WHERE repository = ?"] : []),
  ];
  await records.commit([
    {
      sql: `UPDATE commits SET freed_at = ? WHERE repository = ? AND id IN (${among}) AND freed_at IS NULL
        ${refs.map((taken) => `AND id NOT IN (${taken})`).join(" ")}`,
      params: [nowMs, repository, ...ids, ...refs.map(() => repository)],
    },
    {
      sql: `DELETE FROM tags WHERE repository = ? AND commit_id IN (SELECT id FROM commits WHERE repository = ? AND id IN (${among}) AND freed_at IS NOT NULL)`,
      params: [repository, repository, ...ids],
    },
  ]);
}

async function* batches<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
