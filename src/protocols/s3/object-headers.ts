import type { IncomingHttpHeaders } from "node:http";
import type { Entry } from "../../lake/index.ts";
import { S3Error } from "./s3-error.ts";

/** What a writer says of an object beside its bytes. */
export type Described = Pick<Entry, "contentType" | "metadata" | "headers">;

const META = "x-amz-meta-";
const METADATA_BYTES_MAX = 2048;
const DEFAULT_CONTENT_TYPE = "binary/octet-stream";
const KEPT = ["cache-control", "content-disposition", "content-encoding", "content-language", "expires"] as const;

/** Headers that ask for what is not offered; taking them in silence would promise what is not kept. */
const REFUSED: readonly (readonly [header: string, what: string])[] = [
  [
    "x-amz-server-side-encryption",
    "Encryption chosen by the client is not offered: the store encrypts everything, or nothing, by its own configuration",
  ],
  ["x-amz-server-side-encryption-customer-algorithm", "Encryption with the client's own key is not offered"],
  ["x-amz-copy-source-server-side-encryption-customer-algorithm", "Encryption with the client's own key is not offered"],
  ["x-amz-tagging", "Tags are not offered: use metadata"],
  ["x-amz-object-lock-mode", "Object lock is not offered: commits and tags keep what they hold"],
  ["x-amz-object-lock-legal-hold", "Object lock is not offered: commits and tags keep what they hold"],
  ["x-amz-website-redirect-location", "Redirects are not offered"],
  ["x-amz-write-offset-bytes", "Appending to an object is not offered"],
];
const PRIVATE_ACLS = ["private", "bucket-owner-full-control", "bucket-owner-read"];

/** Errors: MetadataTooLarge, NotImplemented, AccessControlListNotSupported, InvalidStorageClass. */
export function describedBy(headers: IncomingHttpHeaders): Described {
  refuseUnoffered(headers);
  let metadata: Record<string, string> | undefined;
  let bytes = 0;
  for (const name in headers) {
    if (!name.startsWith(META)) continue;
    const value = headers[name];
    const text = Array.isArray(value) ? value.join(",") : (value ?? "");
    metadata ??= {};
    metadata[name.slice(META.length)] = text;
    bytes += name.length - META.length + text.length;
  }
  if (bytes > METADATA_BYTES_MAX)
    throw new S3Error("MetadataTooLarge", undefined, { Size: String(bytes), MaxSizeAllowed: String(METADATA_BYTES_MAX) });
  const kept = keptHeaders(headers);
  const contentType = headers["content-type"];
  return {
    ...(contentType && { contentType }),
    ...(metadata && { metadata }),
    ...(kept && { headers: kept }),
  };
}

/** What an answer tells of an object. */
export function objectHeaders(entry: Entry): Record<string, string | number> {
  const headers: Record<string, string | number> = {
    etag: `"${entry.etag}"`,
    "last-modified": new Date(entry.modifiedMs).toUTCString(),
    "accept-ranges": "bytes",
    "content-type": headerText(entry.contentType ?? DEFAULT_CONTENT_TYPE),
  };
  if (entry.headers) for (const name of KEPT) if (entry.headers[name]) headers[name] = headerText(entry.headers[name]);
  if (entry.metadata)
    for (const [name, value] of Object.entries(entry.metadata))
      headers[META + name.replace(UNFIT_IN_NAME, "_")] = headerText(value);
  return headers;
}

const UNFIT_IN_NAME = /[^!#$%&'*+.^_`|~0-9A-Za-z-]/g;

/** What a header cannot hold goes as RFC 2047 has it, as S3 sends it. */
const headerText = (text: string): string =>
  /^[\t\x20-\x7e\x80-\xff]*$/.test(text) ? text : `=?UTF-8?B?${Buffer.from(text).toString("base64")}?=`;

function keptHeaders(headers: IncomingHttpHeaders): Record<string, string> | undefined {
  let kept: Record<string, string> | undefined;
  for (const name of KEPT) {
    const value = headers[name];
    if (typeof value !== "string") continue;
    const text = name === "content-encoding" ? withoutFraming(value) : value;
    if (text === "") continue;
    kept ??= {};
    kept[name] = text;
  }
  return kept;
}

/** `aws-chunked` says how the body was sent, not what the object is. */
const withoutFraming = (encoding: string): string =>
  encoding
    .split(",")
    .map((token) => token.trim())
    .filter((token) => token !== "" && token.toLowerCase() !== "aws-chunked")
    .join(",");

function refuseUnoffered(headers: IncomingHttpHeaders): void {
  for (const [header, what] of REFUSED)
    if (headers[header] !== undefined) throw new S3Error("NotImplemented", `${what} (${header}).`);
  const acl = headers["x-amz-acl"];
  if (
    (acl !== undefined && !PRIVATE_ACLS.includes(String(acl))) ||
    Object.keys(headers).some((name) => name.startsWith("x-amz-grant-"))
  )
    throw new S3Error("AccessControlListNotSupported");
  const storage = headers["x-amz-storage-class"];
  if (storage !== undefined && storage !== "STANDARD")
    throw new S3Error("InvalidStorageClass", "There is one storage class: STANDARD.");
}
