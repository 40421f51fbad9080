import type { Digest } from "../../base/index.ts";

/** Bytes by the digest of their content. Writing the same bytes twice is one object; an object never changes. */
export interface Objects {
  /** Stored when this resolves: written, fsynced, renamed into place. Safe from several processes at once. */
  put(bytes: Uint8Array): Promise<Digest>;
  /** Takes a finished file in (moved when it lies on the same file system and `consume` is set, else copied). */
  putFile(path: string, options?: { readonly consume?: boolean }): Promise<Digest>;
  /** The bytes, checked against the digest. Errors: `object.missing`, `object.corrupt`. */
  get(digest: Digest): Promise<Uint8Array>;
  /** A local path that engines such as DuckDB can read. Errors: `object.missing`. */
  pathOf(digest: Digest): Promise<string>;
  sizeOf(digest: Digest): Promise<number | null>;
  /** Every stored object; `modifiedMs` is when it was last put. */
  list(): AsyncIterable<{ readonly digest: Digest; readonly sizeBytes: number; readonly modifiedMs: number }>;
  /** Whether it was there and is gone now. With `untouchedSinceMs` an object put after that moment stays. */
  remove(digest: Digest, options?: { readonly untouchedSinceMs?: number }): Promise<boolean>;
}
