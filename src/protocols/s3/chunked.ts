/**
 * The framing `aws-chunked`: a body in chunks, each with a signature of its own or none, and trailers behind them. Source: AWS, S3 API reference,
 * "Transferring Payload in Multiple Chunks", "... including trailing headers".
 *
 *     10000;chunk-signature=ad80...\r\n <65536 bytes> \r\n ... 0;chunk-signature=b6c6...\r\n
 *     x-amz-checksum-crc32c:wdBDMA==\r\n x-amz-trailer-signature:63bd...\r\n \r\n
 *
 * Each signature covers the one before it, from the request's own on: no chunk can be left out, changed or moved.
 */
import { createHash, type Hash } from "node:crypto";
import { S3Error } from "./s3-error.ts";
import { equalTexts, hmacHex, type Signing } from "./signature.ts";

export interface ChunkedOptions {
  /** Present when the chunks are signed. */
  readonly signing: Signing | null;
  readonly trailers: boolean;
  /** `x-amz-decoded-content-length` */
  readonly decodedBytes: number;
}

/** Takes the framing off, however the bytes are cut into pieces. Throws `S3Error`. */
export interface ChunkedDecoder {
  /** The content in these bytes, as views on them. */
  push(bytes: Uint8Array): readonly Uint8Array[];
  /** The body ended: the trailers, by lower-case name. */
  end(): ReadonlyMap<string, string>;
}

const HEAD_BYTES_MAX = 1024;
const TRAILER_BYTES_MAX = 16 << 10;
const EMPTY_SHA256 = createHash("sha256").digest("hex");
const CR = 13;
const LF = 10;

type State = "head" | "content" | "after content" | "trailer";

export function createChunkedDecoder({ signing, trailers, decodedBytes }: ChunkedOptions): ChunkedDecoder {
  let state: State = "head";
  let head = "";
  let left = 0; // of the chunk's content
  let received = 0;
  let line = 0; // bytes of the line break behind a chunk
  let claimed = ""; // the chunk's signature
  let previous = signing?.signature ?? "";
  let content: Hash | null = null;
  let trailer = "";

  const begin = () => {
    const { sizeBytes, signature } = readHead(head, signing !== null);
    head = "";
    if (sizeBytes > decodedBytes - received) throw tooLong(decodedBytes);
    left = sizeBytes;
    claimed = signature;
    if (sizeBytes === 0) {
      if (signing !== null) verify(signing, EMPTY_SHA256);
      if (received !== decodedBytes) throw tooShort(decodedBytes, received);
      state = "trailer";
    } else {
      if (signing !== null) content = createHash("sha256");
      state = "content";
    }
  };

  const verify = (by: Signing, digest: string) => {
    const text = `AWS4-HMAC-SHA256-PAYLOAD\n${by.timestamp}\n${by.scope}\n${previous}\n${EMPTY_SHA256}\n${digest}`;
    if (!equalTexts(hmacHex(by.key, text), claimed))
      throw new S3Error("SignatureDoesNotMatch", "The signature of a chunk does not match.");
    previous = claimed;
  };

  return {
    push(bytes) {
      const found: Uint8Array[] = [];
      let at = 0;
      while (at < bytes.byteLength) {
        if (state === "content") {
          const piece = bytes.subarray(at, at + left);
          found.push(piece);
          content?.update(piece);
          at += piece.byteLength;
          left -= piece.byteLength;
          received += piece.byteLength;
          if (left > 0) continue;
          if (signing !== null) verify(signing, content!.digest("hex"));
          state = "after content";
        } else if (state === "after content") {
          if (bytes[at++] !== (line === 0 ? CR : LF)) throw malformed("a chunk must end with a line break where its size says");
          line = (line + 1) % 2;
          if (line === 0) state = "head";
        } else if (state === "head") {
          const end = bytes.indexOf(LF, at);
          const upto = end === -1 ? bytes.byteLength : end;
          if (head.length + upto - at > HEAD_BYTES_MAX) throw malformed("the line before a chunk is too long");
          head += latin1(bytes, at, upto);
          at = upto + 1;
          if (end !== -1) begin();
        } else {
          if (trailer.length + bytes.byteLength - at > TRAILER_BYTES_MAX)
            throw new S3Error("MalformedTrailerError", `The trailers are longer than ${TRAILER_BYTES_MAX} bytes.`);
          trailer += latin1(bytes, at, bytes.byteLength);
          at = bytes.byteLength;
        }
      }
      return found;
    },

    end() {
      if (state !== "trailer") throw tooShort(decodedBytes, received);
      if (!trailers) {
        if (trailer !== "" && trailer !== "\r\n") throw malformed("something stands behind the last chunk");
        return new Map();
      }
      const { fields, signed } = readTrailer(trailer);
      if (signing !== null && fields.size > 0) {
        const claimedByTrailer = fields.get(TRAILER_SIGNATURE);
        if (claimedByTrailer === undefined)
          throw new S3Error("MalformedTrailerError", `The trailer ${TRAILER_SIGNATURE} is missing.`);
        const digest = createHash("sha256").update(signed, "latin1").digest("hex");
        const text = `AWS4-HMAC-SHA256-TRAILER\n${signing.timestamp}\n${signing.scope}\n${previous}\n${digest}`;
        if (!equalTexts(hmacHex(signing.key, text), claimedByTrailer))
          throw new S3Error("SignatureDoesNotMatch", "The signature of the trailers does not match.");
      }
      return fields;
    },
  };
}

const TRAILER_SIGNATURE = "x-amz-trailer-signature";

/** `10000;chunk-signature=ad80...\r`, the line break's last byte taken off. */
function readHead(head: string, signed: boolean): { readonly sizeBytes: number; readonly signature: string } {
  const match = /^([0-9A-Fa-f]{1,12})(?:;([^\r\n]*))?\r$/.exec(head);
  if (match === null) throw malformed("a chunk must begin with its size in hexadecimal digits and a line break");
  const sizeBytes = Number.parseInt(match[1]!, 16);
  if (!signed) return { sizeBytes, signature: "" };
  const signature = /^chunk-signature=([0-9a-f]{64})$/.exec(match[2] ?? "")?.[1];
  if (signature === undefined) throw malformed("a chunk must be signed with chunk-signature= and 64 hexadecimal digits");
  return { sizeBytes, signature };
}

/** Lines end with `\n` or `\r\n`, and empty ones may stand between them: clients differ. What is signed is `name:value\n` of all but the signature. */
function readTrailer(text: string): { readonly fields: ReadonlyMap<string, string>; readonly signed: string } {
  const fields = new Map<string, string>();
  let signed = "";
  for (const row of text.split("\n")) {
    const field = row.trim();
    if (field === "") continue;
    const colon = field.indexOf(":");
    const name = field.slice(0, colon).trim().toLowerCase();
    const value = field.slice(colon + 1).trim();
    if (colon < 1 || fields.has(name)) throw new S3Error("MalformedTrailerError", "A trailer must be NAME:VALUE, and come once.");
    fields.set(name, value);
    if (name !== TRAILER_SIGNATURE) signed += `${name}:${value}\n`;
  }
  return { fields, signed };
}

const latin1 = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1", start, end);

const malformed = (why: string) => new S3Error("InvalidChunkSizeError", `The body is not aws-chunked: ${why}.`);
const tooLong = (decodedBytes: number) =>
  new S3Error("InvalidRequest", `The body is longer than x-amz-decoded-content-length says (${decodedBytes}).`);
const tooShort = (decodedBytes: number, received: number) =>
  new S3Error("IncompleteBody", `The body ended after ${received} of ${decodedBytes} bytes.`);
