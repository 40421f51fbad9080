/**
 * Objects encrypted where they are stored, so that a range of a large one opens without the rest (the STREAM construction of Hoang, Reyhanitabar,
 * Rogaway and Vizár 2015, as in age).
 *
 *     +----------------+----------------+-- ... --+-------------------+---------------------+
 *     | chunk 0        | chunk 1        |         | chunk n-1, final  | data key, wrapped   |
 *     | 64 KiB + tag   | 64 KiB + tag   |         | 0..64 KiB + tag   | 112                 |
 *     +----------------+----------------+-- ... --+-------------------+---------------------+
 *
 * A chunk is AES-256-GCM under the object's own random data key; its nonce is its number (11 bytes, big-endian), then 1 for the final chunk, else 0. So a
 * chunk that was altered, moved or cut off does not open. No bytes at all are one empty final chunk. The data key lies wrapped at the end, bound
 * to the digest of the plain bytes (which a stream knows only then): an object put in another's place does not open either. Rotation writes
 * this last part anew and copies the chunks.
 */
import { randomBytes } from "node:crypto";
import {
  type Digest,
  decrypt,
  encrypt,
  type Keyring,
  keyIdOf,
  MillError,
  unwrapKey,
  WRAPPED_KEY_BYTES,
  wrapKey,
} from "../../base/index.ts";
import { type Codec, clamp } from "./codec.ts";

const CHUNK_BYTES = 64 << 10;
const TAG_BYTES = 16;
const SEALED_BYTES = CHUNK_BYTES + TAG_BYTES;
const FINAL_AT = 11;

/** Objects under keys of this ring. Errors of what it returns: `object.corrupt`, `envelope.unknown-key`, `envelope.bad-key`. */
export function encryptedBy(keyring: Keyring): Codec {
  return {
    storedBytes: (sizeBytes) => sizeBytes + chunksOf(sizeBytes) * TAG_BYTES + WRAPPED_KEY_BYTES,
    sizeBytes: plainSize,

    encode(bytes, digest) {
      const encoder = createEncoder();
      return Buffer.concat([encoder.update(bytes), encoder.end(digest)]);
    },

    decode(stored, digest) {
      const bodyBytes = stored.byteLength - WRAPPED_KEY_BYTES;
      if (bodyBytes < TAG_BYTES) throw corrupt(digest);
      const chunks = createDecoder(dataKeyOf(stored.subarray(bodyBytes), digest), digest, bodyBytes);
      const opened: Uint8Array[] = [];
      for (let at = 0; at < bodyBytes; at += SEALED_BYTES)
        opened.push(chunks.open(at / SEALED_BYTES, stored.subarray(at, Math.min(at + SEALED_BYTES, bodyBytes))));
      return opened.length === 1 ? opened[0]! : Buffer.concat(opened);
    },

    encoder: createEncoder,

    async *read(digest, storedBytes, stored, range) {
      const bodyBytes = storedBytes - WRAPPED_KEY_BYTES;
      if (bodyBytes < TAG_BYTES) throw corrupt(digest);
      const sizeBytes = plainSize(storedBytes);
      const { start, end } = clamp(range ?? { start: 0, end: sizeBytes }, sizeBytes);
      if (start >= end && (range || sizeBytes > 0)) return;
      const tail = await gather(stored({ start: bodyBytes, end: storedBytes }));
      const chunks = createDecoder(dataKeyOf(tail, digest), digest, bodyBytes);
      const first = Math.floor(start / CHUNK_BYTES);
      const last = Math.max(first, Math.ceil(end / CHUNK_BYTES) - 1);
      const sealed = stored({ start: first * SEALED_BYTES, end: Math.min((last + 1) * SEALED_BYTES, bodyBytes) });
      let at = first;
      for await (const chunk of inPieces(sealed, SEALED_BYTES)) {
        const opened = chunks.open(at, chunk);
        const from = at * CHUNK_BYTES;
        yield opened.subarray(Math.max(0, start - from), Math.min(opened.byteLength, end - from));
        at++;
      }
      if (at !== last + 1) throw corrupt(digest);
    },

    tailBytes: WRAPPED_KEY_BYTES,

    renew(tail, digest) {
      if (keyIdOfTail(tail, digest) === keyring.current) return null;
      return wrapKey(dataKeyOf(tail, digest), keyring, digest);
    },
  };

  function createEncoder() {
    const dataKey = randomBytes(32);
    const held = Buffer.allocUnsafe(CHUNK_BYTES);
    let heldBytes = 0;
    let at = 0;
    return {
      /** Holds the last chunk back, full or not: whether it is the final one is known only at the end. */
      update(bytes: Uint8Array): Uint8Array {
        const sealed: Uint8Array[] = [];
        for (let rest = bytes; rest.byteLength > 0; ) {
          if (heldBytes === CHUNK_BYTES) {
            sealed.push(encrypt(held, dataKey, nonceOf(at++, false)));
            heldBytes = 0;
          }
          if (heldBytes === 0 && rest.byteLength > CHUNK_BYTES) {
            sealed.push(encrypt(rest.subarray(0, CHUNK_BYTES), dataKey, nonceOf(at++, false)));
            rest = rest.subarray(CHUNK_BYTES);
          } else {
            const taken = Math.min(CHUNK_BYTES - heldBytes, rest.byteLength);
            held.set(rest.subarray(0, taken), heldBytes);
            heldBytes += taken;
            rest = rest.subarray(taken);
          }
        }
        return sealed.length === 1 ? sealed[0]! : Buffer.concat(sealed);
      },
      end: (digest: Digest): Uint8Array =>
        Buffer.concat([encrypt(held.subarray(0, heldBytes), dataKey, nonceOf(at, true)), wrapKey(dataKey, keyring, digest)]),
    };
  }

  function dataKeyOf(tail: Uint8Array, digest: Digest): Uint8Array {
    try {
      return unwrapKey(tail, keyring, digest);
    } catch (error) {
      throw asObjectError(error, digest);
    }
  }
}

function createDecoder(dataKey: Uint8Array, digest: Digest, bodyBytes: number) {
  const final = Math.ceil(bodyBytes / SEALED_BYTES) - 1;
  return {
    open(at: number, chunk: Uint8Array): Buffer {
      try {
        return decrypt(chunk, dataKey, nonceOf(at, at === final));
      } catch (error) {
        throw asObjectError(error, digest);
      }
    },
  };
}

function keyIdOfTail(tail: Uint8Array, digest: Digest): string {
  try {
    return keyIdOf(tail);
  } catch (error) {
    throw asObjectError(error, digest);
  }
}

function nonceOf(at: number, final: boolean): Buffer {
  const nonce = Buffer.alloc(FINAL_AT + 1);
  nonce.writeUIntBE(at, FINAL_AT - 6, 6);
  nonce[FINAL_AT] = final ? 1 : 0;
  return nonce;
}

const chunksOf = (sizeBytes: number) => Math.max(1, Math.ceil(sizeBytes / CHUNK_BYTES));

function plainSize(storedBytes: number): number {
  const bodyBytes = storedBytes - WRAPPED_KEY_BYTES;
  return Math.max(0, bodyBytes - Math.ceil(bodyBytes / SEALED_BYTES) * TAG_BYTES);
}

/** The same bytes in pieces of `pieceBytes`, the last one shorter. */
async function* inPieces(source: AsyncIterable<Uint8Array>, pieceBytes: number): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (let bytes of source) {
    while (heldBytes + bytes.byteLength >= pieceBytes) {
      const taken = pieceBytes - heldBytes;
      yield heldBytes === 0 ? bytes.subarray(0, taken) : Buffer.concat([...held, bytes.subarray(0, taken)]);
      bytes = bytes.subarray(taken);
      held = [];
      heldBytes = 0;
    }
    if (bytes.byteLength > 0) {
      held.push(bytes);
      heldBytes += bytes.byteLength;
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

async function gather(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

const asObjectError = (error: unknown, digest: Digest) =>
  error instanceof MillError && error.code === "envelope.altered" ? corrupt(digest, error) : error;

const corrupt = (digest: Digest, cause?: unknown) =>
  new MillError("object.corrupt", `The encrypted bytes stored for ${digest} are not those that were written.`, {
    expected: digest,
    fix: "Check the disk, remove this object, then run `mill run` (the step that makes it runs again) or restore a backup.",
    cause,
  });
