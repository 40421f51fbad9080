import { bareEtag, writeConditions } from "./conditions.ts";
import { toS3Error } from "./faults.ts";
import { type Bucket, type Place, placeOf } from "./place.ts";
import { readXml, textOf, type XmlNode } from "./read-xml.ts";
import { empty, type Reply, xmlReply } from "./reply.ts";
import { headerOf, type Resources, type S3Request } from "./request.ts";
import { S3Error } from "./s3-error.ts";
import { change, writablePlace } from "./write.ts";
import { element } from "./xml.ts";

const KEYS_MAX = 1000;
/** 1,000 keys of 1,024 bytes, each byte escaped, with their tags. */
const XML_BYTES_MAX = 8 * 1024 ** 2;

/** DELETE of an object; one that is not there is gone as well. */
export async function deleteObject(request: S3Request, { buckets }: Resources): Promise<Reply> {
  const version = request.query.get("versionId");
  if (version !== undefined && version !== "null") throw new S3Error("NoSuchVersion");
  const bucket = await buckets.find(request.bucket);
  if (placeOf(bucket, request.key) === null) return empty(204);
  const place = writablePlace(bucket, request.key);
  await change(place, [{ path: place.path, entry: null }], writeConditions(place.path, request.headers), request);
  return empty(204);
}

interface Doomed {
  readonly key: string;
  readonly etag: string | null;
}

/** POST of a bucket with `delete`: up to 1,000 keys. Each one is told for itself; those without a condition go in one change per branch. */
export async function deleteObjects(request: S3Request, { buckets }: Resources): Promise<Reply> {
  requireDigest(request);
  const { bytes } = await request.body.whole(XML_BYTES_MAX);
  const root = readXml(bytes, "Delete");
  const doomed = (root.children.get("Object") ?? []).map(readDoomed);
  if (doomed.length === 0 || doomed.length > KEYS_MAX)
    throw new S3Error("MalformedXML", `A request deletes from 1 to ${KEYS_MAX} keys.`);
  const bucket = await buckets.find(request.bucket);
  await bucket.repository.info();

  const faults = new Map<Doomed, S3Error>();
  await Promise.all(inGroups(bucket, doomed, faults).map((group) => deleteGroup(group, faults, request)));
  const quiet = textOf(root, "Quiet")?.trim() === "true";
  return xmlReply("DeleteResult", doomed.map((one) => outcome(one, faults.get(one), quiet)).join(""));
}

function readDoomed(node: XmlNode): Doomed {
  const key = textOf(node, "Key");
  if (key === null || key === "") throw new S3Error("MalformedXML", "An Object has no Key.");
  const version = textOf(node, "VersionId");
  if (version && version !== "null") throw new S3Error("NoSuchVersion", undefined, { Key: key, VersionId: version });
  const etag = textOf(node, "ETag");
  return { key, etag: etag === null ? null : bareEtag(etag) };
}

interface Group {
  readonly members: readonly { readonly doomed: Doomed; readonly place: Place }[];
}

/** One group for each branch; a key with a condition stands alone. What names no path is not there. */
function inGroups(bucket: Bucket, all: readonly Doomed[], faults: Map<Doomed, S3Error>): Group[] {
  const groups: Group[] = [];
  const byRef = new Map<string, { doomed: Doomed; place: Place }[]>();
  for (const doomed of all) {
    if (placeOf(bucket, doomed.key) === null) continue;
    try {
      const place = writablePlace(bucket, doomed.key);
      const member = { doomed, place };
      if (doomed.etag !== null) groups.push({ members: [member] });
      else if (byRef.has(place.ref)) byRef.get(place.ref)!.push(member);
      else byRef.set(place.ref, [member]);
    } catch (thrown) {
      faults.set(doomed, toS3Error(thrown));
    }
  }
  return [...groups, ...[...byRef.values()].map((members) => ({ members }))];
}

async function deleteGroup({ members }: Group, faults: Map<Doomed, S3Error>, request: S3Request): Promise<void> {
  const { doomed, place } = members[0]!;
  const conditions = doomed.etag === null ? [] : [{ path: place.path, ifMatch: doomed.etag }];
  try {
    await change(
      place,
      members.map((member) => ({ path: member.place.path, entry: null })),
      conditions,
      request,
    );
  } catch (thrown) {
    const fault = toS3Error(thrown);
    for (const member of members) faults.set(member.doomed, fault);
  }
}

function outcome({ key }: Doomed, fault: S3Error | undefined, quiet: boolean): string {
  if (fault) return `<Error>${element("Key", key)}${element("Code", fault.code)}${element("Message", fault.message)}</Error>`;
  return quiet ? "" : `<Deleted>${element("Key", key)}</Deleted>`;
}

/** A list that was damaged on its way must not delete anything: it comes with a digest, of its own or in the signature. */
function requireDigest(request: S3Request): void {
  const signed = /^[0-9a-f]{64}$|^STREAMING-AWS4/.test(headerOf(request, "x-amz-content-sha256") ?? "");
  const checksum = Object.keys(request.headers).some((name) => /^x-amz-(checksum-(crc|sha)|trailer$)/.test(name));
  if (!signed && !checksum && request.headers["content-md5"] === undefined)
    throw new S3Error("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
}
