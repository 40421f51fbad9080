import { MillError } from "../../base/index.ts";
import { type S3Code, S3Error } from "./s3-error.ts";

/** Our errors that a client can act on. The message of those marked is ours: it names nothing that the client did not. */
const CODES: Readonly<Record<string, readonly [code: S3Code, tell: boolean]>> = {
  "guard.token-wrong": ["AccessDenied", true],
  "guard.token-expired": ["AccessDenied", true],
  "guard.token-revoked": ["AccessDenied", true],
  "guard.too-many-requests": ["SlowDown", false],
  "guard.user-disabled": ["AccessDenied", true],
  "lake.unknown-repository": ["NoSuchBucket", false],
  "lake.unknown-ref": ["NoSuchBucket", false],
  "lake.unknown-upload": ["NoSuchUpload", false],
  "lake.repository-exists": ["BucketAlreadyOwnedByYou", false],
  "lake.bad-name": ["InvalidBucketName", true],
  "lake.bad-path": ["InvalidArgument", true],
  "lake.protected": ["AccessDenied", true],
  "lake.locked": ["AccessDenied", true],
  "lake.hook-refused": ["AccessDenied", true],
  "lake.condition": ["PreconditionFailed", false],
  "lake.moved": ["OperationAborted", false],
  "object.disk-full": ["InsufficientStorage", false],
  "records.disk-full": ["InsufficientStorage", false],
  "records.closed": ["ServiceUnavailable", false],
};

/** Anything thrown, as what the client is told; what is no fault of the request is InternalError, and its words stay in the log. */
export function toS3Error(thrown: unknown): S3Error {
  if (thrown instanceof S3Error) return thrown;
  const found = thrown instanceof MillError ? CODES[thrown.code] : undefined;
  if (!found) return new S3Error("InternalError");
  return new S3Error(found[0], found[1] ? (thrown as MillError).message : undefined);
}
