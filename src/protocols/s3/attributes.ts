import { checksumElement, checksumType } from "./checksum-headers.ts";
import { judgeRead } from "./conditions.ts";
import { entryAt } from "./get.ts";
import { objectHeaders } from "./object-headers.ts";
import { partSizes, partsOf } from "./part-sizes.ts";
import { type Reply, xmlReply } from "./reply.ts";
import { headerOf, type Resources, type S3Request } from "./request.ts";
import { S3Error } from "./s3-error.ts";
import { element } from "./xml.ts";

const PARTS_SHOWN_MAX = 1000;

/** GET of an object with `attributes`: what `x-amz-object-attributes` names, of ETag, Checksum, ObjectParts, StorageClass, ObjectSize. */
export async function getAttributes(request: S3Request, { buckets }: Resources): Promise<Reply> {
  const asked = new Set((headerOf(request, "x-amz-object-attributes") ?? "").split(",").map((name) => name.trim()));
  if (asked.size === 1 && asked.has("")) throw new S3Error("InvalidArgument", "x-amz-object-attributes names no attribute.");
  const entry = await entryAt(await buckets.find(request.bucket), request.key, request.query);
  if (judgeRead(entry, request.headers) !== "go-on") throw new S3Error("PreconditionFailed");
  const checksum = Object.entries(entry.checksums ?? {})[0];
  return xmlReply(
    "GetObjectAttributesResponse",
    (asked.has("ETag") ? element("ETag", entry.etag) : "") +
      (asked.has("Checksum") && checksum
        ? `<Checksum>${element(checksumElement(checksum[0]), checksum[1])}${element("ChecksumType", checksumType(checksum[1]))}</Checksum>`
        : "") +
      (asked.has("ObjectParts") && partsOf(entry) > 1 ? partsXml(partSizes(entry), partsOf(entry), request) : "") +
      (asked.has("StorageClass") ? element("StorageClass", "STANDARD") : "") +
      (asked.has("ObjectSize") ? element("ObjectSize", entry.sizeBytes) : ""),
    { "last-modified": objectHeaders(entry)["last-modified"]! },
  );
}

function partsXml(sizes: readonly number[] | null, count: number, request: S3Request): string {
  const max = Math.min(Number(headerOf(request, "x-amz-max-parts") ?? PARTS_SHOWN_MAX) || PARTS_SHOWN_MAX, PARTS_SHOWN_MAX);
  const after = Number(headerOf(request, "x-amz-part-number-marker") ?? 0) || 0;
  const shown = (sizes ?? []).slice(after, after + max);
  return `<ObjectParts>${element("PartsCount", count)}${element("PartNumberMarker", after)}${element(
    "NextPartNumberMarker",
    after + shown.length,
  )}${element("MaxParts", max)}${element("IsTruncated", after + shown.length < (sizes?.length ?? 0))}${shown
    .map((size, index) => `<Part>${element("PartNumber", after + index + 1)}${element("Size", size)}</Part>`)
    .join("")}</ObjectParts>`;
}
