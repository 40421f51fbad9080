import type { Entry } from "../../lake/index.ts";
import { readWhole } from "../../ports/objects/index.ts";
import { checksumHeaders } from "./checksum-headers.ts";
import { bareEtag, judgeRead } from "./conditions.ts";
import { objectHeaders } from "./object-headers.ts";
import { partRange, partsOf } from "./part-sizes.ts";
import { type Bucket, noSuchKey, placeOf, readFault } from "./place.ts";
import { type ByteRange, parseRange } from "./ranges.ts";
import { empty, type Reply } from "./reply.ts";
import { headerOf, numberOf, type Resources, type S3Request } from "./request.ts";
import { S3Error } from "./s3-error.ts";

/** Up to this size an object is read and answered in one go. */
const WHOLE_BYTES_MAX = 256 * 1024;

const OVERRIDES = ["content-type", "content-language", "expires", "cache-control", "content-disposition", "content-encoding"];

/** GET and HEAD of an object. */
export async function getObject(request: S3Request, { buckets, objects }: Resources): Promise<Reply> {
  const bucket = await buckets.find(request.bucket);
  const entry = await entryAt(bucket, request.key, request.query);
  const verdict = judgeRead(entry, request.headers);
  if (verdict === "failed") throw new S3Error("PreconditionFailed");
  const headers = objectHeaders(entry);
  if (verdict === "not-modified") return empty(304, { etag: headers.etag!, "last-modified": headers["last-modified"]! });

  override(headers, request.query);
  const range = rangeOf(request, entry, headers);
  if (!range && headerOf(request, "x-amz-checksum-mode")?.toUpperCase() === "ENABLED")
    Object.assign(headers, checksumHeaders(entry.checksums));
  const { start, end } = range ?? { start: 0, end: entry.sizeBytes };
  headers["content-length"] = end - start;
  if (range) headers["content-range"] = `bytes ${start}-${end - 1}/${entry.sizeBytes}`;
  const status = range ? 206 : 200;
  if (request.method === "HEAD" || end === start) return { status, headers };
  if (entry.sizeBytes > WHOLE_BYTES_MAX) {
    const body = range ? objects.read(entry.digest, range) : readWhole(objects, entry.digest);
    return { status, headers, body };
  }
  const bytes = await objects.get(entry.digest);
  return { status, headers, body: range ? bytes.subarray(start, end) : bytes };
}

/** Errors: NoSuchKey, NoSuchBucket, NoSuchVersion. */
export async function entryAt(bucket: Bucket, key: string, query?: ReadonlyMap<string, string>): Promise<Entry> {
  const version = query?.get("versionId");
  if (version !== undefined && version !== "null")
    throw new S3Error("NoSuchVersion", undefined, { Key: key, VersionId: version });
  const place = placeOf(bucket, key);
  const entry = place
    ? await place.repository.entry(place.ref, place.path).catch((thrown) => {
        throw readFault(thrown, bucket, key);
      })
    : null;
  if (!entry) throw noSuchKey(key);
  return entry;
}

function rangeOf(request: S3Request, entry: Entry, headers: Record<string, string | number>): ByteRange | null {
  const asked = request.query.get("partNumber");
  if (asked === undefined) {
    const ifRange = headerOf(request, "if-range");
    const stale = ifRange !== undefined && bareEtag(ifRange) !== entry.etag && ifRange !== headers["last-modified"];
    return stale ? null : parseRange(headerOf(request, "range"), entry.sizeBytes);
  }
  if (headerOf(request, "range") !== undefined)
    throw new S3Error("InvalidRequest", "A request takes a Range or a partNumber, not both.");
  const number = numberOf(request.query, "partNumber", 1, 1);
  const parts = partsOf(entry);
  if (parts > 1) headers["x-amz-mp-parts-count"] = parts;
  return partRange(entry, number);
}

/** What the query says instead of the object's own headers. */
function override(headers: Record<string, string | number>, query: ReadonlyMap<string, string>): void {
  if (query.size === 0) return;
  for (const name of OVERRIDES) {
    const value = query.get(`response-${name}`);
    if (value === undefined) continue;
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new S3Error("InvalidArgument", `response-${name} holds characters that a header cannot.`);
    headers[name] = value;
  }
}
