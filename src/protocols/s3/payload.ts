/**
 * The body of an S3 request: its framing taken off, its length, digests and signatures verified, in one pass and without copies.
 *
 *     headers, signing -> announced
 *     bytes as they come -> [chunked] -> content -> the caller's store, and MD5 and the checksum beside it -> verified
 */
import { createHash, hash } from "node:crypto";
import { type IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Digest } from "../../base/index.ts";
import { type Announced, CONTENT_BYTES_MAX, readAnnounced } from "./announced.ts";
import { type ChecksumAlgorithm, type Checksums, checksumOf, createChecksum, isChecksum } from "./checksums.ts";
import { createChunkedDecoder } from "./chunked.ts";
import { letGo } from "./let-go.ts";
import { S3Error } from "./s3-error.ts";
import type { Signing } from "./signature.ts";

export interface Verified {
  readonly sizeBytes: number;
  /** The ETag: 32 hexadecimal digits. */
  readonly md5: string;
  /** The one that the client sent, and those that the caller asked for. */
  readonly checksums: Checksums;
}

export interface Payload {
  /** The content, as views on the bytes of the source, each good until the next one is asked for. Ends with an `S3Error` when the content is not what was announced, so that nothing of it is kept. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Of the content; null: it is not known before the end. */
  readonly contentLength: number | null;
  /**
   * After the last of the body: `stored` is the digest of what came out of it, which the store computes anyway. Nothing counts as received before it.
   * Errors: `XAmzContentSHA256Mismatch`, `BadDigest`.
   */
  done(stored: Digest): Promise<Verified>;
}

/** `algorithms`: checksums to compute beside the one that the client sends. Throws `S3Error` for headers that cannot be. */
export function decodePayload(
  headers: IncomingHttpHeaders,
  signing: Signing,
  source: AsyncIterable<Uint8Array>,
  algorithms: readonly ChecksumAlgorithm[] = [],
): Payload {
  const announced = readAnnounced(headers, signing);
  const unframe = unframing(announced, signing);
  const md5 = createHash("md5");
  const running = wanted(announced, algorithms)
    .filter((algorithm) => algorithm !== "sha256")
    .map((algorithm) => ({ algorithm, checksum: createChecksum(algorithm) }));
  let ended: { sizeBytes: number; md5: Buffer; checksums: Checksums; claims: Claims } | null = null;

  async function* body(): AsyncGenerator<Uint8Array> {
    let sizeBytes = 0;
    for await (const bytes of receiving(source)) {
      for (const piece of unframe.push(bytes)) {
        sizeBytes += piece.byteLength;
        checkNotLonger(sizeBytes, announced);
        md5.update(piece);
        for (const { checksum } of running) checksum.update(piece);
        yield piece;
      }
    }
    const claims = claimsOf(announced, unframe.end());
    checkLength(sizeBytes, announced);
    const checksums = Object.fromEntries(running.map(({ algorithm, checksum }) => [algorithm, checksum.digest()]));
    ended = { sizeBytes, md5: md5.digest(), checksums, claims };
    verify(claims, ended.md5, checksums);
  }

  return {
    body: body(),
    contentLength: announced.contentBytes,
    async done(stored) {
      if (ended === null) throw new Error("the body was not read to its end");
      const { sizeBytes, md5, claims } = ended;
      const sha256 = Buffer.from(stored.slice("sha256:".length), "hex");
      const checksums = wanted(announced, algorithms).includes("sha256")
        ? { ...ended.checksums, sha256: sha256.toString("base64") }
        : ended.checksums;
      verifySha256(announced, sha256.toString("hex"));
      verify(claims, md5, checksums);
      return { sizeBytes, md5: md5.toString("hex"), checksums };
    },
  };
}

/** The same of a body that is here as a whole, at once. */
export function verifySmall(
  headers: IncomingHttpHeaders,
  signing: Signing,
  bytes: Uint8Array,
  algorithms: readonly ChecksumAlgorithm[] = [],
): { readonly body: Uint8Array; readonly verified: Verified } {
  const announced = readAnnounced(headers, signing);
  const unframe = unframing(announced, signing);
  const pieces = unframe.push(bytes);
  const claims = claimsOf(announced, unframe.end());
  const body = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  checkLength(body.byteLength, announced);
  const md5 = hash("md5", body, "buffer");
  const checksums: Partial<Record<ChecksumAlgorithm, string>> = {};
  for (const algorithm of wanted(announced, algorithms)) checksums[algorithm] = checksumOf(algorithm, body);
  verify(claims, md5, checksums);
  if (announced.sha256 !== null) verifySha256(announced, hash("sha256", body, "hex"));
  return { body, verified: { sizeBytes: body.byteLength, md5: md5.toString("hex"), checksums } };
}

interface Unframing {
  push(bytes: Uint8Array): readonly Uint8Array[];
  end(): ReadonlyMap<string, string>;
}

const NO_TRAILERS: ReadonlyMap<string, string> = new Map();

function unframing({ chunked, contentBytes }: Announced, signing: Signing): Unframing {
  if (chunked === null) return { push: (bytes) => [bytes], end: () => NO_TRAILERS };
  return createChunkedDecoder({
    signing: chunked.signed ? signing : null,
    trailers: chunked.trailers,
    decodedBytes: contentBytes!,
  });
}

const wanted = ({ checksum }: Announced, algorithms: readonly ChecksumAlgorithm[]): readonly ChecksumAlgorithm[] =>
  checksum === null || algorithms.includes(checksum.algorithm) ? algorithms : [...algorithms, checksum.algorithm];

/** What the content must turn out to be, once trailers are known too; base64. */
interface Claims {
  readonly md5: string | null;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | null;
}

function claimsOf({ md5, checksum }: Announced, trailers: ReadonlyMap<string, string>): Claims {
  for (const name of trailers.keys()) {
    if (name.startsWith("x-amz-checksum-") && name !== `x-amz-checksum-${checksum?.algorithm}`)
      throw new S3Error("MalformedTrailerError", `The trailer ${name} was not announced in x-amz-trailer.`);
  }
  if (checksum === null) return { md5, checksum: null };
  const { algorithm } = checksum;
  const value = checksum.value ?? trailers.get(`x-amz-checksum-${algorithm}`);
  if (value === undefined)
    throw new S3Error("MalformedTrailerError", `The trailer x-amz-checksum-${algorithm} was announced and did not come.`);
  if (!isChecksum(algorithm, value))
    throw new S3Error("InvalidRequest", `Value for x-amz-checksum-${algorithm} trailing header is invalid.`);
  return { md5, checksum: { algorithm, value } };
}

function verify({ md5, checksum }: Claims, gotMd5: Uint8Array, got: Checksums): void {
  if (md5 !== null && Buffer.from(md5, "base64").compare(gotMd5) !== 0)
    throw new S3Error("BadDigest", "The Content-MD5 you specified did not match what we received.");
  const value = checksum === null ? undefined : got[checksum.algorithm];
  if (value !== undefined && value !== checksum!.value)
    throw new S3Error(
      "BadDigest",
      `The ${checksum!.algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
    );
}

function verifySha256({ sha256 }: Announced, got: string): void {
  if (sha256 !== null && sha256 !== got)
    throw new S3Error("XAmzContentSHA256Mismatch", undefined, {
      ClientComputedContentSHA256: sha256,
      S3ComputedContentSHA256: got,
    });
}

function checkNotLonger(sizeBytes: number, { contentBytes }: Announced): void {
  if (contentBytes === null && sizeBytes > CONTENT_BYTES_MAX) throw new S3Error("EntityTooLarge");
  if (contentBytes !== null && sizeBytes > contentBytes)
    throw new S3Error("InvalidRequest", `The body is longer than its announced length of ${contentBytes} bytes.`);
}

function checkLength(sizeBytes: number, announced: Announced): void {
  checkNotLonger(sizeBytes, announced);
  if (announced.contentBytes !== null && sizeBytes < announced.contentBytes)
    throw new S3Error("IncompleteBody", `The body ended after ${sizeBytes} of ${announced.contentBytes} bytes.`);
}

/** A connection that breaks is a body that ended too early. One whose body is refused stays open, for the answer. */
async function* receiving(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (source instanceof IncomingMessage) {
      for await (const bytes of source.iterator({ destroyOnReturn: false })) {
        yield bytes;
        letGo(bytes);
      }
    } else for await (const bytes of source) if (bytes.byteLength > 0) yield bytes;
  } catch (cause) {
    throw Object.assign(new S3Error("IncompleteBody"), { cause });
  }
}
