/** MurmurHash3 of the UTF-8 bytes, x86, 32 bits, seed 0, as a signed integer (Appleby, public domain): the hash of scikit-learn's hashers. */
export function murmur3(text: string): number {
  const bytes = new TextEncoder().encode(text);
  const blocks = bytes.length & ~3;
  let hash = 0;
  for (let at = 0; at < blocks; at += 4) {
    const block = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    hash ^= mixed(block);
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= blocks; at--) tail = (tail << 8) | bytes[at]!;
  if (bytes.length > blocks) hash ^= mixed(tail);
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}

function mixed(block: number): number {
  const product = Math.imul(block, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}

/** Adds +1 or -1 at the place that a text has among so many, as the hash says: what falls together cancels out on average. */
export function addHashed(text: string, out: Float64Array): void {
  const hash = murmur3(text);
  out[Math.abs(hash) % out.length]! += hash >= 0 ? 1 : -1;
}
