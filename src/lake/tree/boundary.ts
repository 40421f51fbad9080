/**
 * Where nodes end. The items of a level form one sorted sequence; a node ends behind an item by that item's key and by the bytes in the node so far,
 * by nothing else. So equal content is cut equally whatever edits led to it, and an edit moves few boundaries.
 *
 * The chance to end grows with the node (Dolt's rule, a Weibull law of shape 4), so that sizes stay together instead of spreading as with a plain
 * modulo of the hash:
 *
 *     chance(from, to) = (to / SCALE)^4 - (from / SCALE)^4       from, to: bytes before and behind the item
 *
 *     0 ---- 2 KiB ------------------- 11 KiB ----------------- 24 KiB
 *     never        rare        half of all nodes ended          always
 *
 * It is the Weibull hazard without its exponential: sums and products of doubles are the same on every machine, `Math.exp` need not be.
 * Each level salts the hash: the keys of level 1 are those whose hash ended a node of level 0.
 */
export const NODE_MIN_BYTES = 2 << 10;
export const NODE_MAX_BYTES = 24 << 10;
const SCALE_BYTES = 12 << 10;

/** Whether a node of this level ends behind an item with this key, which grew it from `from` to `to` bytes and to `count` items. */
export function endsNode(level: number, keyHash: number, from: number, to: number, count: number): boolean {
  if (to < NODE_MIN_BYTES || (level > 0 && count < 2)) return false; // one child a node: a level would never become shorter
  return (
    to >= NODE_MAX_BYTES || salted(keyHash, level) < 2 ** 32 * (fourthPower(to / SCALE_BYTES) - fourthPower(from / SCALE_BYTES))
  );
}

/** FNV-1a of bytes, 32 bits. */
export function hashKey(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash >>> 0;
}

/** The finalizer of MurmurHash3: every bit of the hash and of the level moves every bit. */
function salted(hash: number, level: number): number {
  let mixed = hash ^ Math.imul(level + 1, 0x9e3779b9);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

const fourthPower = (x: number) => x * x * x * x;
