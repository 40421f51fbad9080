/** What a request's headers say of its body before the body comes: framing, length, and the values it must have. */
import type { IncomingHttpHeaders } from "node:http";
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm, checksumAlgorithm, isChecksum } from "./checksums.ts";
import { S3Error } from "./s3-error.ts";
import type { Signing } from "./signature.ts";

export interface Announced {
  readonly chunked: { readonly signed: boolean; readonly trailers: boolean } | null;
  /** Of the content, without framing; null: it is not known before the end. */
  readonly contentBytes: number | null;
  /** Lower-case hexadecimal digits. */
  readonly sha256: string | null;
  /** Base64. */
  readonly md5: string | null;
  /** `value` null: it comes as a trailer. */
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string | null } | null;
}

/** What S3 takes in one request. */
export const CONTENT_BYTES_MAX = 5 * 2 ** 30;

/** Throws `S3Error` for headers that contradict themselves or ask for what is not offered. */
export function readAnnounced(headers: IncomingHttpHeaders, { payload }: Pick<Signing, "payload">): Announced {
  const mode = readMode(payload);
  const contentBytes = lengthOf(headers, mode.chunked === null ? "content-length" : "x-amz-decoded-content-length");
  if (mode.chunked !== null && contentBytes === null)
    throw new S3Error("MissingContentLength", "You must provide the x-amz-decoded-content-length HTTP header.");
  if (contentBytes !== null && contentBytes > CONTENT_BYTES_MAX) throw new S3Error("EntityTooLarge");
  return {
    ...mode,
    contentBytes,
    md5: readMd5(headers["content-md5"]),
    checksum: readChecksum(headers, mode.chunked?.trailers === true),
  };
}

function readMode(payload: string): Pick<Announced, "chunked" | "sha256"> {
  switch (payload) {
    case "UNSIGNED-PAYLOAD":
      return { chunked: null, sha256: null };
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
      return { chunked: { signed: true, trailers: false }, sha256: null };
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
      return { chunked: { signed: true, trailers: true }, sha256: null };
    case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
      return { chunked: { signed: false, trailers: true }, sha256: null };
  }
  if (/^[0-9a-fA-F]{64}$/.test(payload)) return { chunked: null, sha256: payload.toLowerCase() };
  if (payload.startsWith("STREAMING-AWS4-ECDSA-"))
    throw new S3Error("NotImplemented", "Signature Version 4A is not offered here.");
  throw new S3Error(
    "InvalidArgument",
    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-UNSIGNED-PAYLOAD-TRAILER or a valid sha256 value.",
  );
}

function lengthOf(headers: IncomingHttpHeaders, name: string): number | null {
  const text = headers[name];
  if (text === undefined) return null;
  if (typeof text !== "string" || !/^\d{1,15}$/.test(text))
    throw new S3Error("InvalidArgument", `The header ${name} must be a number of bytes.`);
  return Number(text);
}

function readMd5(text: IncomingHttpHeaders[string]): string | null {
  if (text === undefined) return null;
  if (typeof text !== "string" || !/^[A-Za-z0-9+/]{22}==$/.test(text))
    throw new S3Error("InvalidDigest", "The Content-MD5 you specified was invalid.");
  return text;
}

const ABOUT_CHECKSUMS = new Set(["x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type"]);

function readChecksum(headers: IncomingHttpHeaders, trailers: boolean): Announced["checksum"] {
  const announced = trailers ? readTrailerNames(headers["x-amz-trailer"]) : [];
  const sent: NonNullable<Announced["checksum"]>[] = announced.map((algorithm) => ({ algorithm, value: null }));
  for (const name in headers) {
    if (!name.startsWith("x-amz-checksum-") || ABOUT_CHECKSUMS.has(name)) continue;
    const algorithm = algorithmOf(name);
    const value = headers[name];
    if (typeof value !== "string" || !isChecksum(algorithm, value))
      throw new S3Error("InvalidRequest", `Value for ${name} header is invalid.`);
    sent.push({ algorithm, value });
  }
  if (sent.length > 1)
    throw new S3Error("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");

  const named = headers["x-amz-sdk-checksum-algorithm"];
  if (typeof named === "string") {
    const algorithm = checksumAlgorithm(named) ?? notOffered(named);
    if (sent.length === 0)
      throw new S3Error(
        "InvalidRequest",
        "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
      );
    if (sent[0]!.algorithm !== algorithm)
      throw new S3Error("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.");
  }
  return sent[0] ?? null;
}

function readTrailerNames(text: IncomingHttpHeaders[string]): ChecksumAlgorithm[] {
  if (typeof text !== "string") return [];
  return text
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name.startsWith("x-amz-checksum-"))
    .map(algorithmOf);
}

function algorithmOf(header: string): ChecksumAlgorithm {
  const name = header.slice("x-amz-checksum-".length);
  return checksumAlgorithm(name) ?? notOffered(name);
}

function notOffered(algorithm: string): never {
  throw new S3Error(
    "NotImplemented",
    `The checksum ${JSON.stringify(algorithm)} is not offered here; use one of ${CHECKSUM_ALGORITHMS.join(", ")}.`,
  );
}
