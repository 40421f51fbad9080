import { MillError } from "../../base/index.ts";
import type { Repositories, Repository } from "../../lake/index.ts";
import { S3Error } from "./s3-error.ts";

/** What a bucket shows: one ref of a repository as an ordinary bucket, or (ref null) its refs as the first elements of the keys. */
export interface Bucket {
  readonly name: string;
  readonly repository: Repository;
  readonly ref: string | null;
}

/** Where a key leads: a path of a ref. */
export interface Place {
  readonly bucket: Bucket;
  readonly repository: Repository;
  readonly ref: string;
  readonly path: string;
}

export interface Buckets {
  /** Of a name `REPOSITORY` or `REPOSITORY.REF`. Errors: NoSuchBucket. */
  find(name: string): Promise<Bucket>;
  /** To be called when a repository was made or taken away. */
  forget(repository: string): void;
}

/** How long another process's new repository of a name that was just taken away may be shown in the old one's mode. */
const MODE_KEPT_MS = 1000;
const MODES_MAX = 10_000;

export function createBuckets(repositories: Repositories): Buckets {
  const modes = new Map<string, { readonly bucketBranch: string | null; readonly untilMs: number }>();

  return {
    async find(name) {
      const dot = name.indexOf(".");
      if (dot >= 0) return { name, repository: repositories.of(name.slice(0, dot)), ref: name.slice(dot + 1) };
      return { name, repository: repositories.of(name), ref: await modeOf(name) };
    },
    forget(repository) {
      modes.delete(repository);
    },
  };

  async function modeOf(name: string): Promise<string | null> {
    const known = modes.get(name);
    if (known && known.untilMs > performance.now()) return known.bucketBranch;
    const { bucketBranch } = await repositories
      .of(name)
      .info()
      .catch((thrown) => {
        throw hasCode(thrown, "lake.unknown-repository", "lake.bad-name") ? noSuchBucket(name) : thrown;
      });
    if (modes.size >= MODES_MAX) modes.clear();
    modes.set(name, { bucketBranch, untilMs: performance.now() + MODE_KEPT_MS });
    return bucketBranch;
  }
}

/** null: the key names no path, only a ref or the beginning of one. */
export function placeOf(bucket: Bucket, key: string): Place | null {
  const { repository } = bucket;
  if (bucket.ref !== null) return { bucket, repository, ref: bucket.ref, path: key };
  const slash = key.indexOf("/");
  if (slash <= 0 || slash === key.length - 1) return null;
  return { bucket, repository, ref: key.slice(0, slash), path: key.slice(slash + 1) };
}

/** What a read of a place throws, as S3 says it: where a ref is part of the key, an unknown one is a missing key. */
export function readFault(thrown: unknown, bucket: Bucket, key: string): unknown {
  if (hasCode(thrown, "lake.unknown-ref"))
    return bucket.ref === null ? new S3Error("NoSuchKey", undefined, { Key: key }) : noSuchBucket(bucket.name);
  return hasCode(thrown, "lake.unknown-repository") ? noSuchBucket(bucket.name) : thrown;
}

export const noSuchBucket = (name: string) => new S3Error("NoSuchBucket", undefined, { BucketName: name });
export const noSuchKey = (key: string) => new S3Error("NoSuchKey", undefined, { Key: key });

export const hasCode = (thrown: unknown, ...codes: readonly string[]): thrown is MillError =>
  thrown instanceof MillError && codes.includes(thrown.code);
