import { DIGEST_BYTES } from "./segment-format.ts";

/** Where the newest known content of a digest lies, and until when it counts. Places are dense numbers from 0 on. */
export interface SegmentIndex {
  readonly count: number;
  /** The place of a digest, -1 when it is unknown. */
  find(digest: Uint8Array): number;
  /** The place of a digest, made when it is unknown. */
  place(digest: Uint8Array): number;
  digestAt(place: number): Buffer;
  /** Segment by number; `NOWHERE`: no content is known. */
  segment: Uint32Array;
  offset: Uint32Array;
  length: Uint32Array;
  /** Microseconds since 1970 of the last put or touch; 0: none. */
  time: Float64Array;
  /** What was put up to this moment is removed; 0: nothing. */
  droppedUntil: Float64Array;
}

export const NOWHERE = 0xffffffff;

/**
 * Open addressing over dense typed arrays: 60 bytes an object and 4 to 8 for its slot. Digests are random already, so their first four bytes
 * are the hash. Nothing is taken out: who wants the room back makes a new index of what is left.
 */
export function createSegmentIndex(expected = 1024): SegmentIndex {
  let slots = new Int32Array(slotCountFor(expected)).fill(-1);
  let digests = Buffer.alloc(expected * DIGEST_BYTES);
  const index = {
    count: 0,
    segment: new Uint32Array(expected),
    offset: new Uint32Array(expected),
    length: new Uint32Array(expected),
    time: new Float64Array(expected),
    droppedUntil: new Float64Array(expected),

    find(digest: Uint8Array): number {
      return slots[slotOf(digest)]!;
    },

    place(digest: Uint8Array): number {
      const known = slots[slotOf(digest)]!;
      if (known !== -1) return known;
      if (index.count === index.time.length) grow();
      const place = index.count++;
      digests.set(digest, place * DIGEST_BYTES);
      index.segment[place] = NOWHERE;
      slots[slotOf(digest)] = place;
      return place;
    },

    digestAt: (place: number) => digests.subarray(place * DIGEST_BYTES, (place + 1) * DIGEST_BYTES),
  };
  return index;

  function slotOf(digest: Uint8Array): number {
    const mask = slots.length - 1;
    let slot = (digest[0]! | (digest[1]! << 8) | (digest[2]! << 16) | (digest[3]! << 24)) & mask;
    for (;;) {
      const place = slots[slot]!;
      if (place === -1 || same(digest, place * DIGEST_BYTES)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  function same(digest: Uint8Array, at: number): boolean {
    for (let byte = 0; byte < DIGEST_BYTES; byte++) if (digest[byte] !== digests[at + byte]) return false;
    return true;
  }

  function grow(): void {
    const room = Math.ceil(index.count * 1.25);
    const larger = Buffer.alloc(room * DIGEST_BYTES);
    digests.copy(larger);
    digests = larger;
    for (const name of ["segment", "offset", "length"] as const) {
      const longer = new Uint32Array(room);
      longer.set(index[name]);
      index[name] = longer;
    }
    for (const name of ["time", "droppedUntil"] as const) {
      const longer = new Float64Array(room);
      longer.set(index[name]);
      index[name] = longer;
    }
    if (slotCountFor(room) === slots.length) return;
    slots = new Int32Array(slotCountFor(room)).fill(-1);
    for (let place = 0; place < index.count; place++) slots[slotOf(index.digestAt(place))] = place;
  }
}

/** At most three quarters of the slots are taken. */
const slotCountFor = (places: number): number => 2 ** Math.ceil(Math.log2(Math.max(1024, places) / 0.75));
