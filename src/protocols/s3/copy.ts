import type { Entry } from "../../lake/index.ts";
import { parseCopySource } from "./address.ts";
import { checksumElement, checksumType } from "./checksum-headers.ts";
import { judgeRead, writeConditions } from "./conditions.ts";
import { entryAt } from "./get.ts";
import { describedBy } from "./object-headers.ts";
import { withPartSizesOf } from "./part-sizes.ts";
import { type Bucket, noSuchKey, placeOf } from "./place.ts";
import { type Reply, xmlReply } from "./reply.ts";
import { headerOf, type Resources, type S3Request } from "./request.ts";
import { S3Error } from "./s3-error.ts";
import { change, writablePlace } from "./write.ts";
import { element } from "./xml.ts";

/** PUT of an object with `x-amz-copy-source`: another entry for the same object, of any ref of any bucket. No bytes are moved. */
export async function copyObject(request: S3Request, resources: Resources): Promise<Reply> {
  const bucket = await resources.buckets.find(request.bucket);
  const target = writablePlace(bucket, request.key);
  const conditions = writeConditions(target.path, request.headers);
  const described = describedBy(request.headers);
  const replace = directive(request) === "REPLACE";
  const source = await sourceOf(request, resources);
  const from = placeOf(source.bucket, source.key)!;
  const itself = from.repository.name === target.repository.name && from.ref === target.ref && from.path === target.path;
  if (itself && !replace)
    throw new S3Error(
      "InvalidRequest",
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  await request.body.whole(0);

  const { digest, sizeBytes, etag, checksums } = source.entry;
  await keepForCopy(source, resources);
  const kept = { contentType: source.entry.contentType, metadata: source.entry.metadata, headers: source.entry.headers };
  const { contentType, metadata, headers } = replace ? withPartSizesOf(source.entry, described) : kept;
  const entry: Entry = {
    ...{ digest, sizeBytes, etag, modifiedMs: resources.clock() },
    ...(contentType !== undefined && { contentType }),
    ...(metadata && { metadata }),
    ...(headers && { headers }),
    ...(checksums && { checksums }),
  };
  await change(target, [{ path: target.path, entry }], conditions, request);
  return xmlReply("CopyObjectResult", copyResult(entry));
}

export interface CopySource {
  readonly bucket: Bucket;
  readonly key: string;
  readonly entry: Entry;
}

/** What `x-amz-copy-source` names, where its conditions hold. Errors: NoSuchKey, NoSuchBucket, PreconditionFailed. */
export async function sourceOf(request: S3Request, { buckets }: Resources): Promise<CopySource> {
  const { bucket: name, key } = parseCopySource(headerOf(request, "x-amz-copy-source")!);
  const bucket = await buckets.find(name);
  const entry = await entryAt(bucket, key);
  if (judgeRead(entry, request.headers, "x-amz-copy-source-") !== "go-on") throw new S3Error("PreconditionFailed");
  return { bucket, key, entry };
}

/** What is referred to once more counts as put, so that no collection frees it between here and there. Errors: NoSuchKey. */
export async function keepForCopy({ key, entry }: Pick<CopySource, "key" | "entry">, { objects }: Resources): Promise<void> {
  if (!(await objects.touch(entry.digest))) throw noSuchKey(key);
}

export const copyResult = ({ modifiedMs, etag, checksums }: Pick<Entry, "modifiedMs" | "etag" | "checksums">): string =>
  element("LastModified", new Date(modifiedMs).toISOString()) + element("ETag", `"${etag}"`) + checksumsXml(checksums);

export const checksumsXml = (checksums: Entry["checksums"]): string =>
  Object.entries(checksums ?? {})
    .map(([algorithm, value]) => element(checksumElement(algorithm), value) + element("ChecksumType", checksumType(value)))
    .join("");

function directive(request: S3Request): "COPY" | "REPLACE" {
  const given = headerOf(request, "x-amz-metadata-directive")?.toUpperCase() ?? "COPY";
  if (given !== "COPY" && given !== "REPLACE")
    throw new S3Error("InvalidArgument", "Unknown metadata directive.", {
      ArgumentName: "x-amz-metadata-directive",
      ArgumentValue: given,
    });
  return given;
}
