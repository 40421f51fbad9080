import type { Digest } from "../../base/index.ts";

/** What a path of a repository holds. */
export interface Entry {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Without quotes: the MD5 in hex, of a multipart upload `MD5-PARTS`. */
  readonly etag: string;
  /** Milliseconds since 1970; no part of what the entry is when two are compared. */
  readonly modifiedMs: number;
  readonly contentType?: string;
  /** `x-amz-meta-*` without the prefix, lower case, and the standard headers kept with an object (`content-encoding`, `cache-control`, ...) under `headers`. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Checksums that the writer gave, as base64 by algorithm (`crc32`, `crc32c`, `crc64nvme`, `sha1`, `sha256`); composite ones end with `-PARTS`. */
  readonly checksums?: Readonly<Record<string, string>>;
}

/** A path put (entry) or removed (null). */
export interface Change {
  readonly path: string;
  readonly entry: Entry | null;
}
