/** POST of an object with `uploadId`: the parts become one object. Asked again it gives the same answer, also while the first one is under way. */
import { createHash } from "node:crypto";
import { digestOfJson } from "../../base/index.ts";
import { PARTS_MAX, type Part, type Upload } from "../../lake/index.ts";
import { checksumElement } from "./checksum-headers.ts";
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm, type Checksums, compositeChecksum, fullChecksum } from "./checksums.ts";
import { bareEtag, writeConditions } from "./conditions.ts";
import { checksumsXml } from "./copy.ts";
import { uploadHeaders, uploadOf } from "./multipart.ts";
import { keepPartSizes } from "./part-sizes.ts";
import { patiently } from "./patience.ts";
import { readXml, textOf, type XmlNode } from "./read-xml.ts";
import { type Reply, xmlReply } from "./reply.ts";
import { headerOf, type Resources, type S3Request } from "./request.ts";
import { S3Error } from "./s3-error.ts";
import { change, writablePlace } from "./write.ts";
import { element } from "./xml.ts";

const XML_BYTES_MAX = 4 * 1024 ** 2;
const PART_BYTES_MIN = 5 * 1024 ** 2;

/** Of an upload that was completed; kept with it, to answer whoever asks again. */
interface Completed {
  /** Of the parts that were named. */
  readonly asked: string;
  readonly etag: string;
  readonly checksums: Checksums;
}

interface NamedPart {
  readonly number: number;
  readonly etag: string;
  readonly checksums: Checksums;
}

const underWay = new Map<string, { readonly asked: string; readonly completed: Promise<Completed> }>();

export async function completeUpload(request: S3Request, resources: Resources): Promise<Reply> {
  const { bytes } = await request.body.whole(XML_BYTES_MAX, [], aboutBody(request));
  const named = readNamed(readXml(bytes, "CompleteMultipartUpload"));
  const asked = digestOfJson(named);
  const upload = await uploadOf(request, resources);
  if (upload.endedAt !== null) return xmlReply(ROOT, resultXml(request, again(upload, asked)));

  const running = underWay.get(upload.id);
  if (running?.asked === asked) return finish(request, running.completed, resources);
  const completed = complete(upload, named, asked, request, resources).finally(() => underWay.delete(upload.id));
  completed.catch(() => undefined); // the one who asked may be gone by then
  underWay.set(upload.id, { asked, completed });
  return finish(request, completed, resources);
}

/** Errors: NoSuchUpload. */
function again({ id, completed }: Upload, asked: string): Completed {
  const before: Completed | null = completed === null ? null : JSON.parse(completed);
  if (before?.asked !== asked) throw new S3Error("NoSuchUpload", undefined, { UploadId: id });
  return before;
}

async function complete(
  upload: Upload,
  named: readonly NamedPart[],
  asked: string,
  request: S3Request,
  resources: Resources,
): Promise<Completed> {
  const { buckets, uploads, clock } = resources;
  const parts = await chooseParts(named, upload, request, resources).catch(async (thrown) => {
    const now = await uploads.find(upload.id); // ended a moment ago, and its parts went with it
    if (!now || now.endedAt === null) throw thrown;
    return again(now, asked);
  });
  if (!isChosen(parts)) return parts;
  const place = writablePlace(await buckets.find(request.bucket), request.key);
  const { contentType, metadata, headers, checksum } = uploadHeaders(upload);
  const etag = `${md5OfMd5s(parts)}-${parts.length}`;
  const checksums = checksum ? { [checksum.algorithm]: combined(checksum, parts) } : {};
  requireSame(request, checksums);
  const stored = await uploads.join(parts);
  const entry = {
    ...stored,
    ...{ etag, modifiedMs: clock(), checksums },
    ...(contentType !== undefined && { contentType }),
    ...(metadata && { metadata }),
    headers: { ...headers, ...keepPartSizes(parts.map(({ sizeBytes }) => sizeBytes)) },
  };
  await change(place, [{ path: place.path, entry }], writeConditions(place.path, request.headers), request);
  const completed: Completed = { asked, etag, checksums };
  await uploads.finish(upload.id, JSON.stringify(completed));
  return completed;
}

const isChosen = (found: readonly Part[] | Completed): found is readonly Part[] => Array.isArray(found);

/** The parts as they lie here, for those that were named. Errors: InvalidPart, InvalidPartOrder, EntityTooSmall, InvalidRequest. */
async function chooseParts(
  named: readonly NamedPart[],
  upload: Upload,
  request: S3Request,
  { uploads }: Resources,
): Promise<readonly Part[]> {
  const stored = new Map((await uploads.parts(upload.id, { limit: PARTS_MAX })).map((part) => [part.number, part]));
  let before = 0;
  const parts = named.map(({ number, etag, checksums }) => {
    if (number <= before) throw new S3Error("InvalidPartOrder");
    before = number;
    const part = stored.get(number);
    const differs = part && Object.entries(checksums).some(([algorithm, value]) => part.checksums[algorithm] !== value);
    if (!part || part.etag !== etag || differs)
      throw new S3Error("InvalidPart", undefined, { PartNumber: String(number), ETag: etag });
    return part;
  });
  for (const { number, sizeBytes } of parts.slice(0, -1))
    if (sizeBytes < PART_BYTES_MIN)
      throw new S3Error("EntityTooSmall", undefined, {
        PartNumber: String(number),
        ProposedSize: String(sizeBytes),
        MinSizeAllowed: String(PART_BYTES_MIN),
      });
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  const announced = headerOf(request, "x-amz-mp-object-size");
  if (announced !== undefined && Number(announced) !== sizeBytes)
    throw new S3Error("InvalidRequest", `The parts have ${sizeBytes} bytes, x-amz-mp-object-size says ${announced}.`);
  return parts;
}

function readNamed(root: XmlNode): readonly NamedPart[] {
  const parts = (root.children.get("Part") ?? []).map((node) => {
    const number = Number(textOf(node, "PartNumber")?.trim() || Number.NaN);
    const etag = textOf(node, "ETag");
    if (!Number.isInteger(number) || number < 1 || etag === null) throw new S3Error("MalformedXML");
    const checksums: Partial<Record<ChecksumAlgorithm, string>> = {};
    for (const algorithm of CHECKSUM_ALGORITHMS) {
      const value = textOf(node, checksumElement(algorithm));
      if (value !== null) checksums[algorithm] = value.trim();
    }
    return { number, etag: bareEtag(etag), checksums };
  });
  if (parts.length === 0 || parts.length > PARTS_MAX)
    throw new S3Error("MalformedXML", `An object has from 1 to ${PARTS_MAX} parts.`);
  return parts;
}

const md5OfMd5s = (parts: readonly Part[]): string =>
  createHash("md5")
    .update(Buffer.from(parts.map(({ etag }) => etag).join(""), "hex"))
    .digest("hex");

function combined(
  { algorithm, type }: { readonly algorithm: ChecksumAlgorithm; readonly type: "COMPOSITE" | "FULL_OBJECT" },
  parts: readonly Part[],
): string {
  const values = parts.map(({ checksums, sizeBytes }) => ({ checksum: checksums[algorithm]!, sizeBytes }));
  if (type === "FULL_OBJECT") return fullChecksum(algorithm, values);
  return compositeChecksum(
    algorithm,
    values.map(({ checksum }) => checksum),
  );
}

/** The headers that speak of the document; its `x-amz-checksum-*` are the object's. */
const aboutBody = ({ headers }: S3Request) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !/^x-amz-(checksum-|sdk-checksum-)/.test(name)));

/** Errors: BadDigest, InvalidRequest. */
function requireSame(request: S3Request, checksums: Checksums): void {
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const claimed = headerOf(request, `x-amz-checksum-${algorithm}`);
    if (claimed === undefined) continue;
    const value = checksums[algorithm];
    if (value === undefined)
      throw new S3Error("InvalidRequest", `The upload was not begun with the checksum ${algorithm.toUpperCase()}.`);
    if (value.replace(/-\d+$/, "") !== claimed.replace(/-\d+$/, ""))
      throw new S3Error("BadDigest", `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`);
  }
}

const finish = (request: S3Request, completed: Promise<Completed>, resources: Resources): Promise<Reply> =>
  patiently(
    request,
    ROOT,
    completed.then((done) => resultXml(request, done)),
    resources,
  );

const ROOT = "CompleteMultipartUploadResult";

const resultXml = (request: S3Request, { etag, checksums }: Completed): string =>
  element("Location", `http://${headerOf(request, "host") ?? ""}/${encodeURI(`${request.bucket}/${request.key}`)}`) +
  element("Bucket", request.bucket) +
  element("Key", request.key) +
  element("ETag", `"${etag}"`) +
  checksumsXml(checksums as Readonly<Record<string, string>>);
