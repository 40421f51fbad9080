import type { Entry, Repository } from "../../lake/index.ts";
import { type Bucket, hasCode, noSuchBucket } from "./place.ts";

/** A page of a bucket's keys, in the order of their UTF-8 bytes. */
export interface KeyListing {
  readonly keys: readonly { readonly key: string; readonly entry: Entry }[];
  readonly prefixes: readonly string[];
  /** To be given as `after`; null: that was all. */
  readonly next: string | null;
}

export interface KeyListOptions {
  readonly prefix: string;
  readonly delimiter: string | undefined;
  /** Only what stands behind this key or common prefix. */
  readonly after: string | undefined;
  /** Keys and common prefixes together. */
  readonly limit: number;
}

const NOTHING: KeyListing = { keys: [], prefixes: [], next: null };

/**
 * Keys of a bucket. Where a bucket shows its refs, branches and tags are common prefixes (`REF/`, whatever the delimiter) until the prefix names one;
 * of a ref that does not exist there are no keys. Errors: NoSuchBucket.
 */
export async function listKeys(bucket: Bucket, options: KeyListOptions): Promise<KeyListing> {
  const slash = options.prefix.indexOf("/");
  try {
    if (bucket.ref !== null) return await listPaths(bucket.repository, bucket.ref, "", options);
    if (slash < 0) return await listRefs(bucket.repository, options);
    return await listPaths(bucket.repository, options.prefix.slice(0, slash), options.prefix.slice(0, slash + 1), options);
  } catch (thrown) {
    if (hasCode(thrown, "lake.unknown-repository", "lake.bad-name")) throw noSuchBucket(bucket.name);
    if (!hasCode(thrown, "lake.unknown-ref")) throw thrown;
    if (bucket.ref !== null) throw noSuchBucket(bucket.name);
    return NOTHING;
  }
}

/** `before` stands before each path of the ref in the bucket's keys: `REF/`, or nothing. */
async function listPaths(
  repository: Repository,
  ref: string,
  before: string,
  { prefix, delimiter, after, limit }: KeyListOptions,
): Promise<KeyListing> {
  let behind: string | undefined;
  if (after?.startsWith(before)) behind = after.slice(before.length) || undefined;
  else if (after !== undefined && Buffer.compare(Buffer.from(after), Buffer.from(before)) > 0) return NOTHING;
  if (limit === 0) {
    await repository.resolve(ref);
    return NOTHING;
  }
  const found = await repository.list(ref, {
    prefix: prefix.slice(before.length),
    limit,
    ...(delimiter !== undefined && { delimiter }),
    ...(behind !== undefined && { after: behind }),
  });
  return {
    keys: found.entries.map(({ path, entry }) => ({ key: before + path, entry })),
    prefixes: before === "" ? found.prefixes : found.prefixes.map((path) => before + path),
    next: found.next === null ? null : before + found.next,
  };
}

async function listRefs(repository: Repository, { prefix, after, limit }: KeyListOptions): Promise<KeyListing> {
  if (limit === 0) {
    await repository.info();
    return NOTHING;
  }
  const marker = after?.split("/")[0];
  const from = marker !== undefined && marker >= prefix ? marker : justBefore(prefix);
  const page = { limit: limit + 1, ...(from !== undefined && { after: from }) };
  const [branches, tags] = await Promise.all([repository.branches(page), repository.tags(page)]);
  const names = new Set([...branches, ...tags].map(({ name }) => name).filter((name) => name.startsWith(prefix)));
  const shown = [...names].sort();
  const prefixes = shown.slice(0, limit).map((name) => `${name}/`);
  return { keys: [], prefixes, next: shown.length > limit ? prefixes.at(-1)! : null };
}

/** Names of refs are ASCII: no name lies between this and the first one with the prefix. */
const justBefore = (prefix: string): string | undefined =>
  prefix === "" ? undefined : prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) - 1) + "\u007f";
