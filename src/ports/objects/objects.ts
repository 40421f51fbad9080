import type { Digest } from "../../base/index.ts";

/** What a store keeps of one object. */
export interface StoredObject {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Bytes by the digest of their content. Writing the same bytes twice is one object; an object never changes. */
export interface Objects {
  /** Durable when this resolves. Small objects put at the same time share one write and one sync. Safe from several processes at once. */
  put(bytes: Uint8Array): Promise<Digest>;
  /** Takes bytes of any length in as they come, in bounded memory. Durable when this resolves; a source that fails leaves nothing behind. A chunk is done with when the next one is asked for. */
  putStream(source: AsyncIterable<Uint8Array>): Promise<StoredObject>;
  /** Takes a finished file in (moved when it lies on the same file system and `consume` is set, else copied). */
  putFile(path: string, options?: { readonly consume?: boolean }): Promise<Digest>;
  /** The bytes, checked against the digest. Errors: `object.missing`, `object.corrupt`. */
  get(digest: Digest): Promise<Uint8Array>;
  /** Bytes `start` to `end` (exclusive; default: all) in chunks, in bounded memory. Not checked against the digest: a range cannot be. The chunks are the caller's alone. Errors: `object.missing`. */
  read(digest: Digest, range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>;
  /** A local path that engines such as DuckDB can read, for at least ten minutes. Errors: `object.missing`. */
  pathOf(digest: Digest): Promise<string>;
  /** null: it is not stored here. */
  sizeOf(digest: Digest): Promise<number | null>;
  /** Renews its time as a put would, for whoever refers to what is stored already; false: it is not stored here. */
  touch(digest: Digest): Promise<boolean>;
  /** Every stored object; `modifiedMs` is when it was last put. */
  list(): AsyncIterable<StoredObject & { readonly modifiedMs: number }>;
  /** Whether it was there and is gone now. With `untouchedSinceMs` an object put after that moment stays. */
  remove(digest: Digest, options?: { readonly untouchedSinceMs?: number }): Promise<boolean>;
  /** Waits for what is under way and lets go of files and connections. */
  close(): Promise<void>;
}
