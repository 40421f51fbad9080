import type { Digest } from "../../base/index.ts";
import type { Received } from "./body.ts";
import { checksumHeaders } from "./checksum-headers.ts";
import { writeConditions } from "./conditions.ts";
import { describedBy } from "./object-headers.ts";
import { type Bucket, placeOf } from "./place.ts";
import { empty, type Reply } from "./reply.ts";
import type { Resources, S3Request } from "./request.ts";
import { S3Error } from "./s3-error.ts";
import { change, requireWritable, writablePlace } from "./write.ts";

/** Up to this size a body is taken in whole, and checked before anything is stored. */
export const SMALL_BYTES_MAX = 64 * 1024;
export const PUT_BYTES_MAX = 5 * 1024 ** 3;

const MD5_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e";

/** PUT of an object: stored, then staged on its branch; both are on disk before the answer. */
export async function putObject(request: S3Request, { buckets, objects, clock }: Resources): Promise<Reply> {
  const bucket = await buckets.find(request.bucket);
  if (isTopFolder(bucket, request)) return putTopFolder(bucket, request);
  const place = writablePlace(bucket, request.key);
  const described = describedBy(request.headers);
  const conditions = writeConditions(place.path, request.headers);
  const { body } = request;
  requireLength(request);

  let stored: { readonly digest: Digest; readonly sizeBytes: number };
  let received: Received;
  if (body.sizeBytes !== null && body.sizeBytes <= SMALL_BYTES_MAX) {
    const whole = await body.whole(SMALL_BYTES_MAX);
    stored = { digest: await objects.put(whole.bytes), sizeBytes: whole.bytes.byteLength };
    received = whole;
  } else {
    await requireWritable(place, conditions);
    ({ stored, received } = await body.into((chunks) => objects.putStream(chunks)));
  }
  const { digest, sizeBytes } = stored;
  const { etag, checksums } = received;
  const entry = { digest, sizeBytes, etag, modifiedMs: clock(), ...described, ...(hasAny(checksums) && { checksums }) };
  await change(place, [{ path: place.path, entry }], conditions, request);
  return empty(200, { etag: `"${etag}"`, ...checksumHeaders(checksums) });
}

/** `BRANCH/` where a bucket shows refs: the folder that a client makes sure of is there as long as the branch is. */
const isTopFolder = (bucket: Bucket, { key, body }: S3Request): boolean =>
  bucket.ref === null && /^[^/]+\/$/.test(key) && body.sizeBytes === 0;

async function putTopFolder(bucket: Bucket, { key, body }: S3Request): Promise<Reply> {
  await body.whole(0);
  await requireWritable(placeOf(bucket, `${key}.`)!);
  return empty(200, { etag: `"${MD5_OF_NOTHING}"` });
}

const hasAny = (fields: Readonly<Record<string, string>>): boolean => {
  for (const _ in fields) return true;
  return false;
};

/** Content must say how long it is, or come in chunks that do. Errors: MissingContentLength, EntityTooLarge. */
export function requireLength({ headers, body: { sizeBytes } }: S3Request): void {
  if (sizeBytes === 0 && headers["content-length"] === undefined && headers["transfer-encoding"] === undefined)
    throw new S3Error("MissingContentLength");
  if (sizeBytes !== null && sizeBytes > PUT_BYTES_MAX)
    throw new S3Error("EntityTooLarge", undefined, { ProposedSize: String(sizeBytes), MaxSizeAllowed: String(PUT_BYTES_MAX) });
}
