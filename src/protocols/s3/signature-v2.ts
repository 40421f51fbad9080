/**
 * Links of Signature Version 2, which boto3 and awscli 1 make for every endpoint that is not AWS's, and `s3cmd signurl`. Only links: a header of
 * Version 2 is refused. Source: AWS, "Signing and authenticating REST requests" (S3 developer guide), query string authentication.
 *
 *     METHOD \n Content-MD5 \n Content-Type \n Expires \n x-amz-name:value \n ... /BUCKET/KEY?subresource  --HMAC-SHA1--> Signature
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { AccessKey } from "../../guard/index.ts";
import { bucketOfHost } from "./address.ts";
import type { QueryPairs, SignedRequest } from "./canonical.ts";
import { S3Error } from "./s3-error.ts";

export interface LinkV2 {
  readonly keyId: string;
  /** Errors: SignatureDoesNotMatch. */
  verify(key: AccessKey): void;
}

/** The query parameters that Version 2 signs. */
const SIGNED = new Set(
  (
    "accelerate acl analytics cors defaultObjectAcl delete inventory lifecycle location logging metrics notification object-lock partNumber policy " +
    "replication requestPayment response-cache-control response-content-disposition response-content-encoding response-content-language " +
    "response-content-type response-expires restore select select-type storageClass tagging torrent uploadId uploads versionId versioning versions website"
  ).split(" "),
);
/** Headers that clients move into the query; they are signed as headers. */
const HOISTED = /^(content-md5|content-type|x-amz-.+)$/;
const OWN = ["AWSAccessKeyId", "Expires", "Signature"];

/** null: the query is not signed so. Errors: AccessDenied for what is malformed, expired, or would not be covered by the signature. */
export function readLinkV2(
  request: SignedRequest,
  path: string,
  query: QueryPairs,
  { nowMs, lifeMaxMs, domain }: { readonly nowMs: number; readonly lifeMaxMs: number; readonly domain: string | undefined },
): LinkV2 | null {
  if (!query.some(([name]) => OWN[0] === name || OWN[2] === name)) return null;
  const values = new Map<string, string>();
  for (const [name, value] of query) {
    if (values.has(name)) throw refused(`the query parameter ${name} comes twice`);
    if (!OWN.includes(name) && !SIGNED.has(name) && !HOISTED.test(name))
      throw refused(`Signature Version 2 does not cover the query parameter ${name}: sign with AWS4-HMAC-SHA256`);
    values.set(name, decoded(value));
  }
  const field = (name: string): string => values.get(name) || throwing(refused(`the query parameter ${name} is missing`));
  const [keyId, expires, signature] = [field("AWSAccessKeyId"), field("Expires"), field("Signature")];
  if (!/^\d{1,11}$/.test(expires)) throw refused("Expires must be a time in seconds since 1970");
  const endMs = Number(expires) * 1000;
  if (nowMs > endMs)
    throw new S3Error("AccessDenied", "Request has expired", {
      Expires: new Date(endMs).toISOString(),
      ServerTime: new Date(nowMs).toISOString(),
    });
  if (endMs - nowMs > lifeMaxMs) throw refused(`Expires lies more than ${lifeMaxMs / 86_400_000} days ahead`);

  const text = stringToSign(request, path, values, expires, domain);
  return {
    keyId,
    verify(key) {
      const expected = createHmac("sha1", key.secret).update(text, "latin1").digest();
      const given = Buffer.from(signature, "base64");
      if (!equalBytes(expected, given))
        throw new S3Error("SignatureDoesNotMatch", undefined, {
          AWSAccessKeyId: keyId,
          StringToSign: text,
          SignatureProvided: signature,
        });
    },
  };
}

function stringToSign(
  { method, headers }: SignedRequest,
  path: string,
  query: ReadonlyMap<string, string>,
  expires: string,
  domain: string | undefined,
): string {
  const named = new Map<string, string>();
  for (const [name, value] of query) if (HOISTED.test(name)) named.set(name.toLowerCase(), value);
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && HOISTED.test(name)) named.set(name, Array.isArray(value) ? value.join(",") : value);
  const amz = [...named].filter(([name]) => name.startsWith("x-amz-")).sort(byName);
  const lines = amz.map(([name, value]) => `${name}:${value.trim()}\n`).join("");
  const bucket = domain === undefined ? null : bucketOfHost(headers.host, domain);
  const subresources = [...query].filter(([name]) => SIGNED.has(name)).sort(byName);
  const asked = subresources.map(([name, value]) => (value === "" ? name : `${name}=${value}`)).join("&");
  const resource = `${bucket === null ? "" : `/${bucket}`}${path}${asked === "" ? "" : `?${asked}`}`;
  return `${method}\n${named.get("content-md5") ?? ""}\n${named.get("content-type") ?? ""}\n${expires}\n${lines}${resource}`;
}

const byName = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : a > b ? 1 : 0);

const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => a.byteLength === b.byteLength && timingSafeEqual(a, b);

/** As everything that is signed: Latin-1, one character for one byte. A line break would make one signed field out of two. */
function decoded(value: string): string {
  let text: string;
  try {
    text = Buffer.from(decodeURIComponent(value)).toString("latin1");
  } catch {
    throw refused("a query parameter is not percent-encoded UTF-8");
  }
  if (/[\r\n]/.test(text)) throw refused("a query parameter holds a line break");
  return text;
}

const refused = (why: string) => new S3Error("AccessDenied", `Access Denied: ${why}.`);

function throwing(error: Error): never {
  throw error;
}
