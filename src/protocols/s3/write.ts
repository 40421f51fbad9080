import type { Change, Condition } from "../../lake/index.ts";
import { KEY_BYTES_MAX } from "./address.ts";
import { type Bucket, hasCode, noSuchBucket, noSuchKey, type Place, placeOf } from "./place.ts";
import type { S3Request } from "./request.ts";
import { S3Error } from "./s3-error.ts";

/** Where a key may be written. Errors: InvalidRequest, KeyTooLongError. */
export function writablePlace(bucket: Bucket, key: string): Place {
  const place = placeOf(bucket, key);
  if (!place)
    throw new S3Error("InvalidRequest", `A key of the bucket ${bucket.name} begins with a branch: BRANCH/PATH.`, { Key: key });
  if (Buffer.byteLength(place.path) > KEY_BYTES_MAX)
    throw new S3Error("KeyTooLongError", undefined, {
      Size: String(Buffer.byteLength(place.path)),
      MaxSizeAllowed: String(KEY_BYTES_MAX),
    });
  return place;
}

/**
 * Changes paths of one ref, all or none, durably. Errors: PreconditionFailed; NoSuchKey where an If-Match finds nothing; AccessDenied for what is
 * read-only; NoSuchBucket for a branch that does not exist.
 */
export async function change(
  place: Place,
  changes: readonly Change[],
  conditions: readonly Condition[],
  { actor }: Pick<S3Request, "actor">,
): Promise<void> {
  try {
    await place.repository.stage(place.ref, changes, conditions, actor.id);
  } catch (thrown) {
    throw await writeFault(thrown, place, conditions);
  }
}

/** Refuses before a long body is taken in what would be refused behind it; it is looked at again when the change is made. */
export async function requireWritable(place: Place, conditions: readonly Condition[] = []): Promise<void> {
  try {
    const { kind } = await place.repository.resolve(place.ref);
    if (kind !== "branch") throw readOnly(place, kind);
  } catch (thrown) {
    throw await writeFault(thrown, place, []);
  }
  for (const { ifMatch, ifNoneMatch } of conditions) {
    const entry = await place.repository.entry(place.ref, place.path);
    const fits = (etag: string) => entry !== null && (etag === "*" || etag === entry.etag);
    if (ifMatch !== undefined && !fits(ifMatch)) throw entry ? failed("If-Match") : noSuchKey(place.path);
    if (ifNoneMatch !== undefined && fits(ifNoneMatch)) throw failed("If-None-Match");
  }
}

async function writeFault(thrown: unknown, place: Place, conditions: readonly Condition[]): Promise<unknown> {
  const { bucket, repository, ref, path } = place;
  if (hasCode(thrown, "lake.unknown-repository")) return noSuchBucket(bucket.name);
  if (hasCode(thrown, "lake.condition") && conditions[0]?.ifMatch !== undefined) {
    const entry = await repository.entry(ref, path).catch(() => undefined);
    return entry === null ? noSuchKey(path) : failed("If-Match");
  }
  if (hasCode(thrown, "lake.condition")) return failed("If-None-Match");
  if (!hasCode(thrown, "lake.unknown-ref")) return thrown;
  const found = await repository.resolve(ref).catch(() => null);
  if (found && found.kind !== "branch") return readOnly(place, found.kind);
  return bucket.ref === null
    ? new S3Error("NoSuchBucket", `The repository ${repository.name} has no branch ${ref}.`, { BucketName: bucket.name })
    : noSuchBucket(bucket.name);
}

const failed = (condition: string) => new S3Error("PreconditionFailed", undefined, { Condition: condition });

const readOnly = ({ repository, ref }: Place, kind: string) =>
  new S3Error("AccessDenied", `${ref} of ${repository.name} is a ${kind}, which never changes: write to a branch.`);
