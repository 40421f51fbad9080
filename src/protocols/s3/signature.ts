/**
 * Who sent an S3 request: Signature Version 4, in the Authorization header or in the query (presigned), a link of Version 2 (`signature-v2.ts`), or the
 * platform's own token. Source: AWS, S3 API reference, "Authenticating Requests (AWS Signature Version 4)".
 *
 *     secret --HMAC date, region, "s3", "aws4_request"--> signing key --HMAC--> signature
 *     canonical request --SHA-256--> string to sign ------------------'
 */
import { createHmac, createSecretKey, hash, type KeyObject, randomBytes, timingSafeEqual } from "node:crypto";
import type { AccessKey, Actor } from "../../guard/index.ts";
import { canonicalRequests, type QueryPairs, type SignedRequest, splitUrl } from "./canonical.ts";
import { S3Error } from "./s3-error.ts";
import { type LinkV2, readLinkV2 } from "./signature-v2.ts";

export type { SignedRequest } from "./canonical.ts";

export interface AccessKeyFinder {
  find(id: string): AccessKey | null | Promise<AccessKey | null>;
}

/** What the signature says of the body, and what signatures within the body go on from. */
export interface Signing {
  /** `x-amz-content-sha256`: 64 hexadecimal digits, `UNSIGNED-PAYLOAD` or `STREAMING-...`. */
  readonly payload: string;
  readonly key: KeyObject;
  /** `20130524T000000Z` */
  readonly timestamp: string;
  /** `20130524/us-east-1/s3/aws4_request` */
  readonly scope: string;
  readonly signature: string;
}

export interface Authenticated {
  readonly actor: Actor;
  /** Empty: it came with a token. */
  readonly keyId: string;
  readonly signing: Signing;
}

export interface Authenticator {
  /** Throws an `S3Error`, or what `bearer` does, for whoever cannot be let in. Whether the actor may do what it asks is the caller's to say. */
  authenticate(request: SignedRequest): Promise<Authenticated>;
}

export interface AuthenticatorOptions {
  readonly keys: AccessKeyFinder;
  /** Who bears a token (`Authorization: Bearer TOKEN`); rejects where nobody does. Absent: no token is taken. */
  readonly bearer?: (token: string) => Promise<Actor>;
  /** Where buckets come in the host as well. */
  readonly domain?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

const ALGORITHM = "AWS4-HMAC-SHA256";
const SKEW_MS = 15 * 60_000;
const EXPIRES_MAX_S = 7 * 24 * 3600;

export function createAuthenticator({ keys, bearer, domain, now = Date.now }: AuthenticatorOptions): Authenticator {
  return {
    async authenticate(request) {
      const token = bearer && tokenOf(request.headers);
      const { path, query } = splitUrl(request.url);
      if (token !== undefined) return withToken(token, bearer!, request, query);
      const link = readLinkV2(request, path, query, { nowMs: now(), lifeMaxMs: EXPIRES_MAX_S * 1000, domain });
      if (link !== null) return withLinkV2(link, request, keys);
      const claim = readClaim(request, query, now());
      requireSigned(request, claim.signedHeaders);

      const found = keys.find(claim.keyId);
      const key = found instanceof Promise ? await found : found;
      if (key === null) throw new S3Error("InvalidAccessKeyId", undefined, { AWSAccessKeyId: claim.keyId });

      const signingKey = signingKeyOf(key, claim.date, claim.region);
      const tried: string[] = [];
      for (const canonical of canonicalRequests(request, path, claim.query, claim.signedHeaders, claim.payload)) {
        const text = `${ALGORITHM}\n${claim.timestamp}\n${claim.scope}\n${hash("sha256", Buffer.from(canonical, "latin1"), "hex")}`;
        if (equalTexts(hmacHex(signingKey, text), claim.signature)) {
          const { payload, timestamp, scope, signature } = claim;
          return { actor: key.actor, keyId: key.id, signing: { payload, key: signingKey, timestamp, scope, signature } };
        }
        tried.push(canonical, text);
      }
      throw new S3Error("SignatureDoesNotMatch", undefined, {
        AWSAccessKeyId: claim.keyId,
        CanonicalRequest: tried[0]!,
        StringToSign: tried[1]!,
        SignatureProvided: claim.signature,
      });
    },
  };
}

const tokenOf = ({ authorization }: SignedRequest["headers"]): string | undefined =>
  authorization === undefined ? undefined : /^bearer +(\S+) *$/i.exec(authorization)?.[1];

/** Nothing is signed: the body is as it comes, but for the digests and checksums that are sent with it. */
async function withToken(
  token: string,
  bearer: (token: string) => Promise<Actor>,
  { headers }: SignedRequest,
  query: QueryPairs,
): Promise<Authenticated> {
  if (query.some(([name]) => name === "X-Amz-Signature" || name === "Signature"))
    throw new S3Error("InvalidArgument", "A request is signed in its query or bears a token, not both.");
  return { actor: await bearer(token), keyId: "", signing: withoutChunks(headers, "one with a token") };
}

async function withLinkV2(link: LinkV2, { headers }: SignedRequest, keys: AccessKeyFinder): Promise<Authenticated> {
  if (headers.authorization !== undefined)
    throw new S3Error("InvalidArgument", "A request is signed in its header or in its query, not in both.");
  const key = await keys.find(link.keyId);
  if (key === null) throw new S3Error("InvalidAccessKeyId", undefined, { AWSAccessKeyId: link.keyId });
  link.verify(key);
  return { actor: key.actor, keyId: key.id, signing: withoutChunks(headers, "one by a link of Version 2") };
}

/** The body is not signed, but for a digest that comes in a header. */
function withoutChunks(headers: SignedRequest["headers"], instead: string): Signing {
  const payload = single(headers["x-amz-content-sha256"]) ?? "UNSIGNED-PAYLOAD";
  if (payload.startsWith("STREAMING-AWS4-"))
    throw new S3Error("InvalidRequest", `A body in signed chunks needs a signed request, not ${instead}.`);
  return { payload, key: NO_KEY, timestamp: "", scope: "", signature: "" };
}

const NO_KEY = createSecretKey(randomBytes(32));

/** What a request says of its own signature. */
interface Claim {
  readonly keyId: string;
  readonly date: string;
  readonly region: string;
  readonly scope: string;
  readonly signedHeaders: string;
  readonly signature: string;
  readonly timestamp: string;
  readonly payload: string;
  /** What of the query is signed. */
  readonly query: QueryPairs;
}

function readClaim(request: SignedRequest, query: QueryPairs, nowMs: number): Claim {
  const authorization = request.headers.authorization;
  const presigned = query.some(
    ([name]) => name === "X-Amz-Algorithm" || name === "X-Amz-Signature" || name === "X-Amz-Credential",
  );
  if (presigned && authorization !== undefined)
    throw new S3Error("InvalidArgument", "A request is signed in its header or in its query, not in both.");
  if (presigned) return presignedClaim(request.headers, query, nowMs);
  if (authorization !== undefined) return headerClaim(authorization, request.headers, query, nowMs);
  throw new S3Error("AccessDenied", "Access Denied: the request is not signed.");
}

function headerClaim(authorization: string, headers: SignedRequest["headers"], query: QueryPairs, nowMs: number): Claim {
  if (authorization.startsWith("AWS ")) throw oldSignature();
  if (authorization.startsWith("AWS4-ECDSA-P256-SHA256"))
    throw new S3Error("NotImplemented", `Signature Version 4A is not offered here; sign with ${ALGORITHM}.`);
  if (!authorization.startsWith(`${ALGORITHM} `))
    throw new S3Error("InvalidArgument", `Unsupported Authorization type; sign with ${ALGORITHM}.`);

  const fields = new Map<string, string>();
  for (const piece of authorization.slice(ALGORITHM.length + 1).split(",")) {
    const equals = piece.indexOf("=");
    const name = piece.slice(0, equals).trim();
    if (equals === -1 || fields.has(name))
      throw malformedHeader("expected Credential=..., SignedHeaders=..., Signature=..., each once");
    fields.set(name, piece.slice(equals + 1).trim());
  }
  const field = (name: string) => fields.get(name) ?? throwing(malformedHeader(`${name} is missing`));
  const credential = readCredential(field("Credential"), malformedHeader);
  const signedHeaders = field("SignedHeaders");
  const signature = field("Signature");

  const timestamp = timestampOf(headers);
  if (timestamp.slice(0, 8) !== credential.date)
    throw malformedHeader(`the credential is of ${credential.date}, the request of ${timestamp.slice(0, 8)}`);
  if (Math.abs(millisecondsOf(timestamp) - nowMs) > SKEW_MS) throw skewed(timestamp, nowMs);

  const payload = headers["x-amz-content-sha256"];
  if (typeof payload !== "string")
    throw new S3Error("InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  return { ...credential, signedHeaders, signature, timestamp, payload, query };
}

function presignedClaim(headers: SignedRequest["headers"], query: QueryPairs, nowMs: number): Claim {
  const fields = new Map<string, string>();
  for (const [name, value] of query) {
    if (!name.startsWith("X-Amz-")) continue;
    if (fields.has(name)) throw malformedQuery(`${name} comes twice`);
    fields.set(name, decoded(value));
  }
  const field = (name: string) => fields.get(name) ?? throwing(malformedQuery(`${name} is missing`));
  const algorithm = field("X-Amz-Algorithm");
  if (algorithm !== ALGORITHM) throw malformedQuery(`X-Amz-Algorithm only supports "${ALGORITHM}"`);
  const credential = readCredential(field("X-Amz-Credential"), malformedQuery);
  const signedHeaders = field("X-Amz-SignedHeaders");
  const signature = field("X-Amz-Signature");
  const timestamp = field("X-Amz-Date");
  if (!isTimestamp(timestamp)) throw malformedQuery('X-Amz-Date must be of the form "yyyyMMddTHHmmssZ"');
  if (timestamp.slice(0, 8) !== credential.date) throw malformedQuery("the credential and X-Amz-Date are of different days");

  const expires = field("X-Amz-Expires");
  if (!/^\d{1,6}$/.test(expires) || Number(expires) < 1 || Number(expires) > EXPIRES_MAX_S)
    throw malformedQuery(`X-Amz-Expires must be a number of seconds from 1 to ${EXPIRES_MAX_S}`);
  const startMs = millisecondsOf(timestamp);
  if (startMs - nowMs > SKEW_MS)
    throw new S3Error("AccessDenied", "Request is not valid yet", { ServerTime: new Date(nowMs).toISOString() });
  const endMs = startMs + Number(expires) * 1000;
  if (nowMs > endMs)
    throw new S3Error("AccessDenied", "Request has expired", {
      "X-Amz-Expires": expires,
      Expires: new Date(endMs).toISOString(),
      ServerTime: new Date(nowMs).toISOString(),
    });

  return {
    ...credential,
    signedHeaders,
    signature,
    timestamp,
    payload: fields.get("X-Amz-Content-Sha256") ?? single(headers["x-amz-content-sha256"]) ?? "UNSIGNED-PAYLOAD",
    query: query.filter(([name]) => name !== "X-Amz-Signature"),
  };
}

function readCredential(text: string, malformed: (why: string) => S3Error) {
  const [keyId, date, region, service, end, ...more] = text.split("/");
  if (!keyId || !date || !region || !service || !end || more.length > 0)
    throw malformed('the credential must be of the form "KEY/YYYYMMDD/REGION/s3/aws4_request"');
  if (!/^\d{8}$/.test(date)) throw malformed(`the credential's date must be of the form YYYYMMDD`);
  if (service !== "s3") throw malformed('the service of the credential must be "s3"');
  if (end !== "aws4_request") throw malformed('the credential must end with "aws4_request"');
  return { keyId, date, region, scope: `${date}/${region}/s3/aws4_request` };
}

/** What changes a request's meaning must be signed: host, and everything that AWS reads. */
function requireSigned({ headers }: SignedRequest, signedHeaders: string): void {
  const list = `;${signedHeaders};`;
  if (!list.includes(";host;"))
    throw new S3Error("AccessDenied", "The header host must be signed.", { HeadersNotSigned: "host" });
  for (const name in headers) {
    if (name.startsWith("x-amz-") && !list.includes(`;${name};`))
      throw new S3Error("AccessDenied", "There were headers present in the request which were not signed", {
        HeadersNotSigned: name,
      });
  }
  for (const name of signedHeaders.split(";")) {
    if (!Object.hasOwn(headers, name))
      throw new S3Error("SignatureDoesNotMatch", `The signed header ${JSON.stringify(name)} did not come.`);
  }
}

const signingKeys = new WeakMap<AccessKey, Map<string, KeyObject>>();

/** 60 us to derive, and the same for all requests of a day. */
function signingKeyOf(key: AccessKey, date: string, region: string): KeyObject {
  let derived = signingKeys.get(key);
  if (derived === undefined) signingKeys.set(key, (derived = new Map()));
  const name = `${date}/${region}`;
  let signingKey = derived.get(name);
  if (signingKey === undefined) {
    const hmac = (secret: string | Buffer, text: string) => createHmac("sha256", secret).update(text).digest();
    signingKey = createSecretKey(hmac(hmac(hmac(hmac(`AWS4${key.secret}`, date), region), "s3"), "aws4_request"));
    if (derived.size >= 64) derived.clear();
    derived.set(name, signingKey);
  }
  return signingKey;
}

export const hmacHex = (key: KeyObject, text: string): string => createHmac("sha256", key).update(text).digest("hex");

/** In a time that does not tell where they differ. */
export const equalTexts = (expected: string, given: string): boolean => {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
};

function timestampOf(headers: SignedRequest["headers"]): string {
  const stamp = headers["x-amz-date"];
  if (typeof stamp === "string" && isTimestamp(stamp)) return stamp;
  const text = stamp ?? headers.date;
  const ms = typeof text === "string" ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new S3Error("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header");
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
}

const isTimestamp = (text: string): boolean => /^\d{8}T\d{6}Z$/.test(text) && !Number.isNaN(millisecondsOf(text));

const millisecondsOf = (stamp: string): number =>
  Date.parse(
    `${stamp.slice(0, 4)}-${stamp.slice(4, 6)}-${stamp.slice(6, 8)}T${stamp.slice(9, 11)}:${stamp.slice(11, 13)}:${stamp.slice(13, 15)}Z`,
  );

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw malformedQuery("a value is not percent-encoded UTF-8");
  }
}

const malformedHeader = (why: string) =>
  new S3Error("AuthorizationHeaderMalformed", `The authorization header is malformed: ${why}.`);
const malformedQuery = (why: string) =>
  new S3Error("AuthorizationQueryParametersError", `The query parameters that sign the request are malformed: ${why}.`);
const oldSignature = () =>
  new S3Error("InvalidRequest", `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`);
const skewed = (timestamp: string, nowMs: number) =>
  new S3Error("RequestTimeTooSkewed", undefined, {
    RequestTime: timestamp,
    ServerTime: new Date(nowMs).toISOString(),
    MaxAllowedSkewMilliseconds: String(SKEW_MS),
  });

function throwing(error: Error): never {
  throw error;
}

const single = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);
