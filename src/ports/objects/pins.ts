import type { Digest } from "../../base/index.ts";
import type { Statement } from "../records/index.ts";

/** Keeps objects for a holder (`result:KEY`, `dataset:NAME@3`): commit these together with the row that names the digests. */
export function pin(holder: string, digests: Iterable<Digest>): Statement[] {
  return [...new Set(digests)].map((digest) => ({
    sql: "INSERT INTO pins (digest, holder) VALUES (?, ?) ON CONFLICT DO NOTHING",
    params: [digest, holder],
  }));
}

/** Lets go of everything a holder kept. */
export const unpin = (holder: string): Statement[] => [{ sql: "DELETE FROM pins WHERE holder = ?", params: [holder] }];
