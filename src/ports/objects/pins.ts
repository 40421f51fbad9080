import type { Digest } from "../../base/index.ts";
import type { Records, Statement } from "../records/index.ts";
import type { Objects } from "./objects.ts";

/** Keeps objects for a holder (`result:KEY`, `dataset:NAME@3`): commit these together with the row that names the digests. */
export function pin(holder: string, digests: Iterable<Digest>): Statement[] {
  return [...new Set(digests)].map((digest) => ({
    sql: "INSERT INTO pins (digest, holder) VALUES (?, ?) ON CONFLICT DO NOTHING",
    params: [digest, holder],
  }));
}

/** Lets go of everything a holder kept. */
export const unpin = (holder: string): Statement[] => [{ sql: "DELETE FROM pins WHERE holder = ?", params: [holder] }];

export interface CollectOptions {
  /** Objects put within this time stay: a step may have stored them and not yet published. Longer than the longest step. */
  readonly graceMs: number;
  /** Tell what would be freed, remove nothing. */
  readonly dryRun?: boolean;
  readonly nowMs?: number;
}

export interface Collected {
  readonly objects: number;
  readonly bytes: number;
  readonly kept: number;
}

const BATCH = 400;

/**
 * Removes the objects that nothing pins and that were last put more than `graceMs` ago. Safe beside running steps: whoever puts
 * an object again renews its time, and the removal looks at that time last.
 */
export async function collect(objects: Objects, records: Records, options: CollectOptions): Promise<Collected> {
  const { graceMs, dryRun = false, nowMs = Date.now() } = options;
  const untouchedSinceMs = nowMs - graceMs;
  const freed = { objects: 0, bytes: 0, kept: 0 };
  let batch: { digest: Digest; sizeBytes: number }[] = [];

  for await (const { digest, sizeBytes, modifiedMs } of objects.list()) {
    if (modifiedMs > untouchedSinceMs) freed.kept++;
    else batch.push({ digest, sizeBytes });
    if (batch.length === BATCH) await free();
  }
  await free();
  return freed;

  async function free(): Promise<void> {
    const pinned = await pinnedAmong(
      records,
      batch.map(({ digest }) => digest),
    );
    for (const { digest, sizeBytes } of batch) {
      const gone = !pinned.has(digest) && (dryRun || (await objects.remove(digest, { untouchedSinceMs })));
      if (gone) {
        freed.objects++;
        freed.bytes += sizeBytes;
      } else freed.kept++;
    }
    batch = [];
  }
}

async function pinnedAmong(records: Records, digests: readonly Digest[]): Promise<Set<string>> {
  if (digests.length === 0) return new Set();
  const places = digests.map(() => "?").join(", ");
  const rows = await records.query<{ digest: string }>(`SELECT DISTINCT digest FROM pins WHERE digest IN (${places})`, digests);
  return new Set(rows.map(({ digest }) => digest));
}
