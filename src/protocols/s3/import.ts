/**
 * Many small objects in one request, which S3 itself does not have: `POST /BUCKET?import`. A request for each of them costs several times what the
 * object does. All of them are staged, or none.
 *
 *     [ header bytes: u32 LE | header: JSON | content ] [ ... ] ...
 *     header: {"path": "cats/1.png", "sizeBytes": 1024, "md5": 32 hexadecimal digits, "contentType"?: "image/png"}
 */
import { hash } from "node:crypto";
import { MillError } from "../../base/index.ts";
import type { Change } from "../../lake/index.ts";
import { placeOf } from "./place.ts";
import { type Reply, xmlReply } from "./reply.ts";
import type { Resources, S3Request } from "./request.ts";
import { S3Error } from "./s3-error.ts";
import { requireWritable, writablePlace } from "./write.ts";
import { element } from "./xml.ts";

export const IMPORT_BYTES_MAX = 16 << 20;

interface Imported {
  readonly path: string;
  readonly bytes: Buffer;
  readonly md5: string;
  readonly contentType: string | undefined;
}

/** Errors: InvalidRequest, BadDigest, KeyTooLongError, and those of a PUT. */
export async function importObjects(request: S3Request, { buckets, objects, clock }: Resources): Promise<Reply> {
  const bucket = await buckets.find(request.bucket);
  if (bucket.ref === null) throw new S3Error("InvalidRequest", `Name the branch as well: ${bucket.name}.BRANCH.`);
  await requireWritable(placeOf(bucket, ".")!);
  const { bytes } = await request.body.whole(IMPORT_BYTES_MAX);
  const imported = [...framesOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))];
  for (const { path } of imported) writablePlace(bucket, path);

  const modifiedMs = clock();
  const changes = await Promise.all(
    imported.map(async ({ path, bytes, md5, contentType }): Promise<Change> => {
      const digest = await objects.put(bytes);
      const entry = { digest, sizeBytes: bytes.byteLength, etag: md5, modifiedMs, ...(contentType && { contentType }) };
      return { path, entry };
    }),
  );
  changes.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  const staged = bucket.repository.stageMany(bucket.ref, once(changes), request.actor.id);
  const count = await staged.catch((thrown) => {
    throw thrown instanceof MillError && thrown.code === "lake.unsorted" ? malformed("a path comes twice") : thrown;
  });
  return xmlReply("ImportResult", element("Imported", count));
}

async function* once<T>(item: T): AsyncGenerator<T> {
  yield item;
}

function* framesOf(bytes: Buffer): Generator<Imported> {
  for (let at = 0; at < bytes.byteLength; ) {
    const start = at + 4;
    if (start > bytes.byteLength) throw malformed("it ends within a frame");
    const content = start + bytes.readUInt32LE(at);
    if (content > bytes.byteLength) throw malformed("it ends within a frame");
    const { sizeBytes, ...header } = readHeader(bytes.toString("utf8", start, content));
    at = content + sizeBytes;
    if (at > bytes.byteLength) throw malformed("it ends within a frame");
    const body = bytes.subarray(content, at);
    if (hash("md5", body, "hex") !== header.md5)
      throw new S3Error("BadDigest", "The MD5 you specified did not match what we received.", { Key: header.path });
    yield { ...header, bytes: body };
  }
}

function readHeader(text: string) {
  let header: Readonly<Record<string, unknown>>;
  try {
    header = Object(JSON.parse(text));
  } catch {
    throw malformed("a header is not JSON");
  }
  const { path, sizeBytes, md5, contentType } = header;
  if (typeof path !== "string" || path === "") throw malformed("a header has no path");
  if (!Number.isSafeInteger(sizeBytes) || Number(sizeBytes) < 0) throw malformed("a header has no sizeBytes");
  if (typeof md5 !== "string") throw malformed("a header has no md5");
  if (contentType !== undefined && typeof contentType !== "string") throw malformed("a contentType is no text");
  return { path, sizeBytes: Number(sizeBytes), md5, contentType };
}

const malformed = (why: string) => new S3Error("InvalidRequest", `The body of the import is not as it must be: ${why}.`);
