/** What a collection lets go before it looks: commits that retention gives up, and uploads that nobody went on with. Told alone, or written down. */
import { type Digest, MillError } from "../../base/index.ts";
import type { Records } from "../../ports/records/index.ts";
import type { Tree } from "../tree/tree.ts";
import type { Uploads } from "../uploads.ts";
import { DigestSet } from "./digest-set.ts";
import { freeCommits } from "./free-commits.ts";
import { markTree } from "./mark.ts";
import type { Why } from "./proof.ts";

export interface GivenUp {
  /** Commits, as `REPOSITORY/ID`. */
  readonly freed: ReadonlySet<string>;
  /** Ids of uploads. */
  readonly ended: ReadonlySet<string>;
  /** Looks at what only these held; `marked` is what stays. */
  reasons(marked: DigestSet): Promise<(digest: Digest) => Why>;
}

export async function giveUp(
  { records, tree, uploads }: { readonly records: Records; readonly tree: Tree; readonly uploads: Pick<Uploads, "expire"> },
  nowMs: number,
  { abandonedMs, write }: { readonly abandonedMs: number; readonly write: boolean },
): Promise<GivenUp> {
  const freed = new Map<string, Digest>();
  for await (const { repository, commits } of freeCommits(records, { nowMs, free: write }))
    for (const { id, root } of commits) freed.set(`${repository}/${id}`, root);

  const stale = await records.query<{ id: string; digest: Digest | null }>(
    `SELECT u.id, p.digest FROM uploads u LEFT JOIN upload_parts p ON p.upload_id = u.id WHERE u.ended_at IS NULL AND u.created_at < ?
      AND NOT EXISTS (SELECT 1 FROM upload_parts n WHERE n.upload_id = u.id AND n.at >= ?)`,
    [nowMs - abandonedMs, nowMs - abandonedMs],
  );
  if (write) await uploads.expire(nowMs - abandonedMs);

  return {
    freed: new Set(freed.keys()),
    ended: new Set(stale.map(({ id }) => id)),
    async reasons(marked) {
      const retained = new DigestSet();
      for (const root of freed.values()) await lookAt(root);
      const parts = new Set(stale.flatMap(({ digest }) => digest ?? []));
      return (digest) => (retained.has(digest) ? "retention" : parts.has(digest) ? "upload" : "unreferenced");

      async function lookAt(root: Digest): Promise<void> {
        try {
          for await (const _ of markTree(retained, tree, root, marked));
        } catch (thrown) {
          if (!(thrown instanceof MillError) || !GONE.has(thrown.code)) throw thrown;
        }
      }
    },
  };
}

/** A tree that was given up may be gone in part, and is then nothing to stop for. */
const GONE = new Set(["object.missing", "object.corrupt", "lake.corrupt-node"]);
