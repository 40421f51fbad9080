import type { Entry } from "../../lake/index.ts";
import { checksumType } from "./checksum-headers.ts";
import { type KeyListing, listKeys } from "./list-keys.ts";
import { type Reply, xmlReply } from "./reply.ts";
import { numberOf, type Resources, type S3Request } from "./request.ts";
import { S3Error } from "./s3-error.ts";
import { element, encodeKey } from "./xml.ts";

const KEYS_MAX = 1000;
export const OWNER_XML = "<Owner><ID>millwright</ID><DisplayName>millwright</DisplayName></Owner>";

/** What the three listings have in common. */
interface Asked {
  readonly prefix: string;
  readonly delimiter: string | undefined;
  readonly maxKeys: number;
  /** How keys are written: percent-encoded where the client asked so. */
  readonly keyText: (key: string) => string;
  readonly encodingType: string | undefined;
}

/** GET of a bucket with `list-type=2`. */
export async function listObjectsV2(request: S3Request, resources: Resources): Promise<Reply> {
  const { query } = request;
  const asked = askedOf(query, "max-keys");
  const token = query.get("continuation-token");
  const startAfter = query.get("start-after");
  const after = token === undefined ? startAfter : readToken(token);
  const { keys, prefixes, next } = await page(request, resources, asked, after);
  const owner = query.get("fetch-owner") === "true" ? OWNER_XML : "";
  return xmlReply(
    "ListBucketResult",
    heading(request, asked) +
      element("KeyCount", keys.length + prefixes.length) +
      element("IsTruncated", next !== null) +
      element("ContinuationToken", token) +
      element("NextContinuationToken", next === null ? null : writeToken(next)) +
      element("StartAfter", startAfter === undefined ? null : asked.keyText(startAfter)) +
      contents(keys, asked, owner) +
      commonPrefixes(prefixes, asked),
  );
}

/** GET of a bucket: the first version of the listing, whose pages go by marker. */
export async function listObjects(request: S3Request, resources: Resources): Promise<Reply> {
  const asked = askedOf(request.query, "max-keys");
  const marker = request.query.get("marker") ?? "";
  const { keys, prefixes, next } = await page(request, resources, asked, marker);
  return xmlReply(
    "ListBucketResult",
    heading(request, asked) +
      element("Marker", asked.keyText(marker)) +
      element("IsTruncated", next !== null) +
      element("NextMarker", next === null || asked.delimiter === undefined ? null : asked.keyText(next)) +
      contents(keys, asked, OWNER_XML) +
      commonPrefixes(prefixes, asked),
  );
}

/** GET of a bucket with `versions`: each key has one, "null"; what was before is in commits. */
export async function listVersions(request: S3Request, resources: Resources): Promise<Reply> {
  const asked = askedOf(request.query, "max-keys");
  const marker = request.query.get("key-marker") ?? "";
  const versionMarker = request.query.get("version-id-marker");
  if (versionMarker && marker === "")
    throw new S3Error("InvalidArgument", "A version-id marker cannot be specified without a key marker.");
  const { keys, prefixes, next } = await page(request, resources, asked, marker);
  const versions = keys.map(
    ({ key, entry }) =>
      `<Version>${element("Key", asked.keyText(key))}<VersionId>null</VersionId><IsLatest>true</IsLatest>${entryXml(entry)}${OWNER_XML}</Version>`,
  );
  return xmlReply(
    "ListVersionsResult",
    heading(request, asked) +
      element("KeyMarker", asked.keyText(marker)) +
      element("VersionIdMarker", versionMarker ?? "") +
      element("IsTruncated", next !== null) +
      (next === null ? "" : element("NextKeyMarker", asked.keyText(next)) + element("NextVersionIdMarker", "null")) +
      versions.join("") +
      commonPrefixes(prefixes, asked),
  );
}

/** Errors: InvalidArgument. */
export function askedOf(query: ReadonlyMap<string, string>, maxName: string): Asked {
  const encodingType = query.get("encoding-type");
  if (encodingType && encodingType !== "url")
    throw new S3Error("InvalidArgument", "Invalid Encoding Method specified in Request", {
      ArgumentName: "encoding-type",
      ArgumentValue: encodingType,
    });
  return {
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") || undefined,
    maxKeys: Math.min(numberOf(query, maxName, KEYS_MAX), KEYS_MAX),
    keyText: encodingType ? encodeKey : (key) => key,
    encodingType: encodingType || undefined,
  };
}

async function page(request: S3Request, { buckets }: Resources, asked: Asked, after: string | undefined): Promise<KeyListing> {
  return listKeys(await buckets.find(request.bucket), {
    prefix: asked.prefix,
    delimiter: asked.delimiter,
    after: after || undefined,
    limit: asked.maxKeys,
  });
}

const heading = ({ bucket }: S3Request, { prefix, delimiter, maxKeys, keyText, encodingType }: Asked): string =>
  element("Name", bucket) +
  element("Prefix", keyText(prefix)) +
  element("Delimiter", delimiter === undefined ? null : keyText(delimiter)) +
  element("MaxKeys", maxKeys) +
  element("EncodingType", encodingType);

const contents = (keys: KeyListing["keys"], { keyText }: Asked, owner: string): string =>
  keys.map(({ key, entry }) => `<Contents>${element("Key", keyText(key))}${entryXml(entry)}${owner}</Contents>`).join("");

export const commonPrefixes = (prefixes: readonly string[], { keyText }: Pick<Asked, "keyText">): string =>
  prefixes.map((prefix) => `<CommonPrefixes>${element("Prefix", keyText(prefix))}</CommonPrefixes>`).join("");

function entryXml({ modifiedMs, etag, sizeBytes, checksums }: Entry): string {
  const kept = Object.entries(checksums ?? {});
  return `<LastModified>${new Date(modifiedMs).toISOString()}</LastModified><ETag>&quot;${etag}&quot;</ETag>${kept
    .map(([algorithm]) => element("ChecksumAlgorithm", algorithm.toUpperCase()))
    .join(
      "",
    )}${element("ChecksumType", kept[0] && checksumType(kept[0][1]))}<Size>${sizeBytes}</Size><StorageClass>STANDARD</StorageClass>`;
}

const writeToken = (after: string): string => Buffer.from(`1${after}`).toString("base64url");

function readToken(token: string): string {
  const text = Buffer.from(token, "base64url").toString();
  if (!text.startsWith("1") || writeToken(text.slice(1)) !== token)
    throw new S3Error("InvalidArgument", "The continuation token provided is incorrect", { ArgumentName: "continuation-token" });
  return text.slice(1);
}
