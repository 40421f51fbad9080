import type { Digest } from "../../base/index.ts";

/** Where nodes are kept: the objects, or a map in a test. */
export interface NodeStore {
  put(bytes: Uint8Array): Promise<Digest>;
  get(digest: Digest): Promise<Uint8Array>;
}

/** A path and what it holds, as bytes that the tree does not look into. Paths are ordered by their UTF-8 bytes. */
export interface Item {
  readonly path: string;
  readonly value: Uint8Array;
}

/** null: the path is taken out; taking out what is not there changes nothing. */
export interface Edit {
  readonly path: string;
  readonly value: Uint8Array | null;
}

/** A path whose value is not the same in two trees; null: it is not there. */
export interface Difference {
  readonly path: string;
  readonly before: Uint8Array | null;
  readonly after: Uint8Array | null;
}

export interface ScanOptions {
  /** Only paths that begin with this. */
  readonly prefix?: string;
  /** Only paths behind this one. */
  readonly after?: string;
  /** Only paths from this one on. */
  readonly from?: string;
}

/** Sorted maps from paths to values that never change, kept as content-addressed nodes: equal content has the equal root, whatever way it was made. */
export interface Tree {
  /** The root of the tree without a path; its node is stored when it is first needed. */
  empty(): Promise<Digest>;
  get(root: Digest, path: string): Promise<Uint8Array | null>;
  /** Items in order, in batches. Stops reading when the caller stops asking. */
  scan(root: Digest, options?: ScanOptions): AsyncIterable<readonly Item[]>;
  /** The root after these edits, which are sorted by path, each path once. Writes the nodes that changed, each once; work is as the edits, not as the tree. */
  apply(root: Digest, edits: AsyncIterable<readonly Edit[]> | readonly Edit[]): Promise<Digest>;
  /** Paths whose value bytes differ, in order, in batches; equal nodes are not opened. */
  diff(before: Digest, after: Digest, options?: ScanOptions): AsyncIterable<readonly Difference[]>;
  /** How many paths there are below a root, without walking it. */
  count(root: Digest): Promise<number>;
  /** Every node below a root, itself included, with the items of those that hold items; `skip` says which nodes (and all below) were seen. */
  nodes(root: Digest, skip: (node: Digest) => boolean): AsyncIterable<{ readonly node: Digest; readonly items: readonly Item[] }>;
}
