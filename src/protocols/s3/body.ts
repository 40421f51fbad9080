import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Digest } from "../../base/index.ts";
import type { ChecksumAlgorithm, Checksums } from "./checksums.ts";
import { decodePayload, type Verified, verifySmall } from "./payload.ts";
import { S3Error } from "./s3-error.ts";
import type { Signing } from "./signature.ts";

/** What came in, verified. */
export interface Received {
  readonly sizeBytes: number;
  /** MD5 in hex. */
  readonly etag: string;
  readonly checksums: Checksums;
}

const FRAMING_BYTES_MAX = 64 * 1024;

/** The body of a request: still on the wire until one of its methods takes it in, which also tells a client that waits for `100 Continue` to go on. */
export class RequestBody {
  /** Of the content, without framing; null: it is told at the end. */
  readonly sizeBytes: number | null;
  readonly #incoming: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #signing: Signing;
  #waiting: boolean;

  constructor(incoming: IncomingMessage, response: ServerResponse, signing: Signing, waiting: boolean) {
    this.#incoming = incoming;
    this.#response = response;
    this.#signing = signing;
    this.#waiting = waiting;
    this.sizeBytes = announcedBytes(incoming);
  }

  /** All of it in memory. `headers`: those that speak of the body, where others do not. Errors: EntityTooLarge, and what is wrong with a body. */
  async whole(
    bytesMax: number,
    algorithms?: readonly ChecksumAlgorithm[],
    headers: IncomingHttpHeaders = this.#incoming.headers,
  ): Promise<Received & { readonly bytes: Uint8Array }> {
    const raw = await this.#raw(bytesMax + FRAMING_BYTES_MAX);
    const { body, verified } = verifySmall(headers, this.#signing, raw, algorithms);
    if (body.byteLength > bytesMax) throw tooLong(bytesMax);
    return { bytes: body, ...received(verified) };
  }

  /** Through a store that takes chunks as they come. Errors: what is wrong with a body, and those of the store. */
  async into<T extends { readonly digest: Digest }>(
    store: (chunks: AsyncIterable<Uint8Array>) => Promise<T>,
    algorithms?: readonly ChecksumAlgorithm[],
  ): Promise<{ readonly stored: T; readonly received: Received }> {
    const payload = decodePayload(this.#incoming.headers, this.#signing, this.#incoming, algorithms);
    this.#goOn();
    const stored = await store(payload.body);
    return { stored, received: received(await payload.done(stored.digest)) };
  }

  #goOn(): void {
    if (this.#waiting) this.#response.writeContinue();
    this.#waiting = false;
  }

  #raw(bytesMax: number): Promise<Uint8Array> {
    if (this.sizeBytes !== null && this.sizeBytes > bytesMax) return Promise.reject(tooLong(bytesMax));
    const incoming = this.#incoming;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let length = 0;
      incoming.on("data", (chunk: Buffer) => {
        length += chunk.byteLength;
        if (length <= bytesMax) chunks.push(chunk);
        else reject(tooLong(bytesMax));
      });
      incoming.once("end", () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
      incoming.once("error", (cause) => reject(Object.assign(new S3Error("IncompleteBody"), { cause })));
      incoming.once("close", () => {
        if (!incoming.readableEnded) reject(new S3Error("IncompleteBody"));
      });
      this.#goOn();
    });
  }
}

const received = ({ sizeBytes, md5, checksums }: Verified): Received => ({ sizeBytes, etag: md5, checksums });

/** Errors: InvalidArgument. */
function announcedBytes({ headers }: IncomingMessage): number | null {
  const text = headers["x-amz-decoded-content-length"] ?? headers["content-length"];
  if (text === undefined) return headers["transfer-encoding"] === undefined ? 0 : null;
  const sizeBytes = Number(text);
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0)
    throw new S3Error("InvalidArgument", "The length of the body is no number.");
  return sizeBytes;
}

const tooLong = (bytesMax: number) => new S3Error("EntityTooLarge", `The body of this request has at most ${bytesMax} bytes.`);
