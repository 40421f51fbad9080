/** Uploads in parts: begin, put a part, copy a part, list, abort. How they end well stands in `complete.ts`. */

import { createHash } from "node:crypto";
import type { Digest } from "../../base/index.ts";
import { PARTS_MAX, type Part, type Upload } from "../../lake/index.ts";
import { checksumElement, checksumHeaders } from "./checksum-headers.ts";
import { type ChecksumAlgorithm, type Checksums, checksumAlgorithm, createChecksum, hasFullChecksum } from "./checksums.ts";
import { copyResult, keepForCopy, sourceOf } from "./copy.ts";
import { askedOf, commonPrefixes, OWNER_XML } from "./list.ts";
import { type Described, describedBy } from "./object-headers.ts";
import { patiently } from "./patience.ts";
import { type Bucket, hasCode, noSuchBucket, placeOf } from "./place.ts";
import { PUT_BYTES_MAX, requireLength, SMALL_BYTES_MAX } from "./put.ts";
import { type ByteRange, parseCopyRange } from "./ranges.ts";
import { empty, type Reply, xmlReply } from "./reply.ts";
import { headerOf, numberOf, type Resources, type S3Request } from "./request.ts";
import { S3Error } from "./s3-error.ts";
import { requireWritable, writablePlace } from "./write.ts";
import { element } from "./xml.ts";

/** What the one who begins an upload says of it; kept with it as JSON. */
export interface UploadHeaders extends Described {
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly type: "COMPOSITE" | "FULL_OBJECT" } | null;
}

const LIST_MAX = 1000;

/** POST of an object with `uploads`. */
export async function createUpload(request: S3Request, { buckets, uploads }: Resources): Promise<Reply> {
  const place = writablePlace(await buckets.find(request.bucket), request.key);
  const headers: UploadHeaders = { ...describedBy(request.headers), checksum: checksumAsked(request) };
  await requireWritable(place);
  await request.body.whole(0);
  const upload = await uploads.begin({
    repository: place.repository.name,
    branch: place.ref,
    path: place.path,
    headers: JSON.stringify(headers),
    actor: request.actor.id,
  });
  return xmlReply(
    "InitiateMultipartUploadResult",
    element("Bucket", request.bucket) + element("Key", request.key) + element("UploadId", upload.id),
    headers.checksum
      ? {
          "x-amz-checksum-algorithm": headers.checksum.algorithm.toUpperCase(),
          "x-amz-checksum-type": headers.checksum.type,
        }
      : {},
  );
}

/** PUT of an object with `partNumber` and `uploadId`. */
export async function putPart(request: S3Request, resources: Resources): Promise<Reply> {
  const { objects, uploads } = resources;
  const number = partNumberOf(request);
  const upload = await uploadUnderWay(request, resources);
  if (headerOf(request, "x-amz-copy-source") !== undefined) return copyPart(request, number, upload, resources);
  const { body } = request;
  requireLength(request);
  const wanted = algorithmsOf(upload);
  if (body.sizeBytes !== null && body.sizeBytes <= SMALL_BYTES_MAX) {
    const { bytes, sizeBytes, etag, checksums } = await body.whole(SMALL_BYTES_MAX, wanted);
    await uploads.putPart(upload.id, { number, digest: await objects.put(bytes), sizeBytes, etag, checksums });
    return empty(200, { etag: `"${etag}"`, ...partChecksums(checksums) });
  }
  const { stored, received } = await body.into((chunks) => objects.putStream(chunks), wanted);
  const { etag, checksums } = received;
  await uploads.putPart(upload.id, { number, ...stored, etag, checksums });
  return empty(200, { etag: `"${etag}"`, ...partChecksums(checksums) });
}

/** A part out of another object: of a whole one no bytes are moved. */
async function copyPart(request: S3Request, number: number, upload: Upload, resources: Resources): Promise<Reply> {
  const source = await sourceOf(request, resources);
  const { entry } = source;
  const header = headerOf(request, "x-amz-copy-source-range");
  const range = header === undefined ? null : parseCopyRange(header, entry.sizeBytes);
  const sizeBytes = range ? range.end - range.start : entry.sizeBytes;
  if (sizeBytes > PUT_BYTES_MAX) throw new S3Error("InvalidRequest", "A part copied has at most 5 GiB: name a range.");
  await request.body.whole(0);
  const copied = copyBytes(entry, range, algorithmsOf(upload), resources)
    .then(async (bytes) => {
      if (bytes.digest === entry.digest) await keepForCopy(source, resources);
      return resources.uploads.putPart(upload.id, { number, sizeBytes, ...bytes });
    })
    .then(({ at, etag, checksums }) => copyResult({ modifiedMs: at, etag }) + partChecksumsXml(checksums));
  return patiently(request, "CopyPartResult", copied, resources);
}

async function copyBytes(
  { digest, sizeBytes }: { readonly digest: Digest; readonly sizeBytes: number },
  range: ByteRange | null,
  algorithms: readonly ChecksumAlgorithm[],
  { objects }: Resources,
): Promise<Pick<Part, "digest" | "etag" | "checksums">> {
  const whole = range === null || (range.start === 0 && range.end === sizeBytes);
  const md5 = createHash("md5");
  const running = algorithms.map((algorithm) => ({ algorithm, checksum: createChecksum(algorithm) }));
  async function* hashed() {
    for await (const chunk of objects.read(digest, range ?? undefined)) {
      md5.update(chunk);
      for (const { checksum } of running) checksum.update(chunk);
      yield chunk;
    }
  }
  let stored = digest;
  if (whole) for await (const _ of hashed());
  else stored = (await objects.putStream(hashed())).digest;
  return {
    digest: stored,
    etag: md5.digest("hex"),
    checksums: Object.fromEntries(running.map(({ algorithm, checksum }) => [algorithm, checksum.digest()])),
  };
}

/** DELETE of an object with `uploadId`. */
export async function abortUpload(request: S3Request, resources: Resources): Promise<Reply> {
  const upload = await uploadUnderWay(request, resources);
  await resources.uploads.abort(upload.id);
  return empty(204);
}

/** GET of an object with `uploadId`. */
export async function listParts(request: S3Request, resources: Resources): Promise<Reply> {
  const { query, bucket, key } = request;
  const upload = await uploadUnderWay(request, resources);
  const limit = Math.min(numberOf(query, "max-parts", LIST_MAX), LIST_MAX);
  const after = numberOf(query, "part-number-marker", 0);
  const found = await resources.uploads.parts(upload.id, { after, limit: limit + 1 });
  const parts = found.slice(0, limit);
  const { checksum } = uploadHeaders(upload);
  return xmlReply(
    "ListPartsResult",
    element("Bucket", bucket) +
      element("Key", query.get("encoding-type") === "url" ? askedOf(query, "max-parts").keyText(key) : key) +
      element("UploadId", upload.id) +
      OWNER_XML.replaceAll("Owner>", "Initiator>") +
      OWNER_XML +
      element("StorageClass", "STANDARD") +
      element("PartNumberMarker", after) +
      element("NextPartNumberMarker", parts.at(-1)?.number ?? 0) +
      element("MaxParts", limit) +
      element("IsTruncated", limit > 0 && found.length > limit) +
      element("ChecksumAlgorithm", checksum?.algorithm.toUpperCase()) +
      element("ChecksumType", checksum?.type) +
      parts.map(partXml).join(""),
  );
}

/** GET of a bucket with `uploads`. */
export async function listUploads(request: S3Request, { buckets, uploads }: Resources): Promise<Reply> {
  const { query } = request;
  const asked = askedOf(query, "max-uploads");
  const bucket = await buckets.find(request.bucket);
  await bucket.repository.info().catch((thrown) => {
    throw hasCode(thrown, "lake.unknown-repository", "lake.bad-name") ? noSuchBucket(bucket.name) : thrown;
  });
  const keyMarker = query.get("key-marker") ?? "";
  const idMarker = keyMarker === "" ? "" : (query.get("upload-id-marker") ?? "");
  const { shown, prefixes, more } = await uploadsPage(bucket, uploads, asked, { key: keyMarker, id: idMarker });
  const last = shown.at(-1);
  const lastPrefix = prefixes.at(-1);
  const nextKey = lastPrefix !== undefined && (!last || lastPrefix > last.key) ? lastPrefix : last?.key;
  return xmlReply(
    "ListMultipartUploadsResult",
    element("Bucket", request.bucket) +
      element("KeyMarker", asked.keyText(keyMarker)) +
      element("UploadIdMarker", idMarker) +
      (more
        ? element("NextKeyMarker", asked.keyText(nextKey!)) + element("NextUploadIdMarker", nextKey === last?.key ? last?.id : "")
        : "") +
      element("Prefix", asked.keyText(asked.prefix)) +
      element("Delimiter", asked.delimiter === undefined ? null : asked.keyText(asked.delimiter)) +
      element("EncodingType", asked.encodingType) +
      element("MaxUploads", asked.maxKeys) +
      element("IsTruncated", more) +
      shown.map((upload) => uploadXml(upload, asked.keyText)).join("") +
      commonPrefixes(prefixes, asked),
  );
}

type KeyedUpload = Upload & { readonly key: string };

/** Uploads and common prefixes together, up to the limit. Behind a key marker without an id all uploads of that key are passed over. */
async function uploadsPage(
  { repository, ref }: Bucket,
  uploads: Resources["uploads"],
  { prefix, delimiter, maxKeys }: ReturnType<typeof askedOf>,
  marker: { readonly key: string; readonly id: string },
): Promise<{ readonly shown: readonly KeyedUpload[]; readonly prefixes: readonly string[]; readonly more: boolean }> {
  const shown: KeyedUpload[] = [];
  const prefixes: string[] = [];
  if (maxKeys === 0) return { shown, prefixes, more: false };
  let after = { key: marker.key, id: marker.id === "" ? LAST_ID : marker.id };
  for (;;) {
    const found = await uploads.list(repository.name, { branch: ref, prefix, after, limit: LIST_MAX + 1 });
    for (const upload of found) {
      after = { key: upload.key, id: upload.id };
      const cut = delimiter === undefined ? -1 : upload.key.indexOf(delimiter, prefix.length);
      const common = cut < 0 ? null : upload.key.slice(0, cut + delimiter!.length);
      if (common !== null && (common === prefixes.at(-1) || common === marker.key)) continue;
      if (shown.length + prefixes.length === maxKeys) return { shown, prefixes, more: true };
      if (common === null) shown.push(upload);
      else prefixes.push(common);
    }
    if (found.length <= LIST_MAX) return { shown, prefixes, more: false };
  }
}

/** Behind every id of an upload, which begins with a hexadecimal digit. */
const LAST_ID = "~";

/** Errors: NoSuchUpload, also for one that ended or is of another key. */
async function uploadUnderWay(request: S3Request, resources: Resources): Promise<Upload> {
  const upload = await uploadOf(request, resources);
  if (upload.endedAt !== null) throw noSuchUpload(upload.id);
  return upload;
}

/** Ended ones too. Errors: NoSuchUpload, NoSuchBucket. */
export async function uploadOf(request: S3Request, { buckets, uploads }: Resources): Promise<Upload> {
  const id = request.query.get("uploadId")!;
  const [bucket, upload] = await Promise.all([buckets.find(request.bucket), uploads.find(id)]);
  const place = placeOf(bucket, request.key);
  const fits =
    upload && place && upload.repository === place.repository.name && upload.branch === place.ref && upload.path === place.path;
  if (!fits) throw noSuchUpload(id);
  return upload;
}

export const uploadHeaders = ({ headers }: Upload): UploadHeaders => JSON.parse(headers);

const algorithmsOf = (upload: Upload): readonly ChecksumAlgorithm[] => {
  const { checksum } = uploadHeaders(upload);
  return checksum ? [checksum.algorithm] : [];
};

const noSuchUpload = (id: string) => new S3Error("NoSuchUpload", undefined, { UploadId: id });

function partNumberOf({ query }: S3Request): number {
  const text = query.get("partNumber") ?? "";
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > PARTS_MAX)
    throw new S3Error("InvalidArgument", `Part number must be an integer between 1 and ${PARTS_MAX}, inclusive`, {
      ArgumentName: "partNumber",
      ArgumentValue: text,
    });
  return number;
}

/** CRC-64 is always of the whole object, the others are of the parts unless asked otherwise; SHA can only be of the parts. */
function checksumAsked(request: S3Request): UploadHeaders["checksum"] {
  const named = headerOf(request, "x-amz-checksum-algorithm");
  const type = headerOf(request, "x-amz-checksum-type")?.toUpperCase();
  if (named === undefined) {
    if (type !== undefined) throw new S3Error("InvalidRequest", "x-amz-checksum-type needs x-amz-checksum-algorithm.");
    return null;
  }
  const algorithm = checksumAlgorithm(named);
  if (!algorithm) throw new S3Error("InvalidRequest", "Checksum algorithm provided is unsupported.");
  const kind = type ?? (algorithm === "crc64nvme" ? "FULL_OBJECT" : "COMPOSITE");
  const possible = kind === "FULL_OBJECT" ? hasFullChecksum(algorithm) : kind === "COMPOSITE" && algorithm !== "crc64nvme";
  if (!possible)
    throw new S3Error("InvalidRequest", `The ${kind} checksum type cannot be used with the ${algorithm} checksum algorithm.`);
  return { algorithm, type: kind as "COMPOSITE" | "FULL_OBJECT" };
}

const partChecksums = (checksums: Checksums): Record<string, string> => {
  const { "x-amz-checksum-type": _, ...headers } = checksumHeaders(checksums);
  return headers;
};

const partChecksumsXml = (checksums: Checksums): string =>
  Object.entries(checksums)
    .map(([algorithm, value]) => element(checksumElement(algorithm), value))
    .join("");

const partXml = ({ number, at, etag, sizeBytes, checksums }: Part): string =>
  `<Part>${element("PartNumber", number)}${element("LastModified", new Date(at).toISOString())}${element("ETag", `"${etag}"`)}${element(
    "Size",
    sizeBytes,
  )}${partChecksumsXml(checksums)}</Part>`;

function uploadXml(upload: KeyedUpload, keyText: (key: string) => string): string {
  const { checksum } = uploadHeaders(upload);
  return `<Upload>${element("Key", keyText(upload.key))}${element("UploadId", upload.id)}${OWNER_XML.replaceAll("Owner>", "Initiator>")}${OWNER_XML}${element(
    "StorageClass",
    "STANDARD",
  )}${element("Initiated", new Date(upload.createdAt).toISOString())}${element("ChecksumAlgorithm", checksum?.algorithm.toUpperCase())}${element(
    "ChecksumType",
    checksum?.type,
  )}</Upload>`;
}
