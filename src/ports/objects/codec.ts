import type { Digest } from "../../base/index.ts";

/** A part of some bytes: `start` to `end`, exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * How a driver stores an object's bytes: as they are (`PLAIN`) or encrypted. The name of an object stays the digest of its plain bytes, and the
 * stored size follows from the plain size and back, so a driver needs no index for it.
 */
export interface Codec {
  storedBytes(sizeBytes: number): number;
  /** The plain size. */
  sizeBytes(storedBytes: number): number;
  encode(bytes: Uint8Array, digest: Digest): Uint8Array;
  /** What a whole object says. Errors: `object.corrupt`, `envelope.unknown-key`. */
  decode(stored: Uint8Array, digest: Digest): Uint8Array;
  /** For bytes that come piece by piece and whose digest is known at the end; what both return is to be stored, in order. */
  encoder(): { update(bytes: Uint8Array): Uint8Array; end(digest: Digest): Uint8Array };
  /** Bytes of an object whose stored form `stored` reads. Errors: as `decode`. */
  read(
    digest: Digest,
    storedBytes: number,
    stored: (range: Range) => AsyncIterable<Uint8Array>,
    range?: Range,
  ): AsyncIterable<Uint8Array>;
  /** How many of the last stored bytes depend on the current key; rotation reads and renews these alone. */
  readonly tailBytes: number;
  /** The tail under the current key; null when it is so already. */
  renew(tail: Uint8Array, digest: Digest): Uint8Array | null;
}

export const PLAIN: Codec = {
  storedBytes: (sizeBytes) => sizeBytes,
  sizeBytes: (storedBytes) => storedBytes,
  encode: (bytes) => bytes,
  decode: (stored) => stored,
  encoder: () => ({ update: (bytes) => bytes, end: () => new Uint8Array(0) }),
  async *read(_digest, storedBytes, stored, range = { start: 0, end: storedBytes }) {
    const { start, end } = clamp(range, storedBytes);
    if (start < end) yield* stored({ start, end });
  },
  tailBytes: 0,
  renew: () => null,
};

export const clamp = ({ start, end }: Range, sizeBytes: number): Range => ({
  start: Math.max(0, start),
  end: Math.min(end, sizeBytes),
});
