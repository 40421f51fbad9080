/**
 * Digests in as little room as will do: the first 16 of their 32 bytes, in open addressing over typed arrays. 256 tables by the first byte, so that
 * one that grows copies little; 20 to 40 bytes a digest, half a gigabyte at most for ten million.
 *
 *     first byte -> table -> | 4 words | 4 words | free: zeros | 4 words | ...     at most three quarters taken
 *
 * Two digests that share 16 bytes are one here. Nobody finds such by chance, and to make them takes 2^64 tries.
 */
import type { Digest } from "../../base/index.ts";

const WORDS = 4;
const FIRST_SLOTS = 16;

export class DigestSet {
  readonly #tables = Array.from({ length: 256 }, () => new Uint32Array(FIRST_SLOTS * WORDS));
  readonly #counts = new Uint32Array(256);
  readonly #key = new Uint32Array(WORDS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Whether it was not in yet. */
  add(digest: Digest): boolean {
    const table = this.#read(digest);
    return this.#insert(table);
  }

  has(digest: Digest): boolean {
    const table = this.#tables[this.#read(digest)]!;
    return table[this.#slotIn(table) + WORDS - 1] !== 0;
  }

  /** Puts the words into `#key` and gives the table's number. The last word is never 0, which marks a free slot. */
  #read(digest: Digest): number {
    for (let word = 0; word < WORDS; word++) this.#key[word] = Number.parseInt(digest.slice(7 + 8 * word, 15 + 8 * word), 16);
    if (this.#key[WORDS - 1] === 0) this.#key[WORDS - 1] = 1;
    return this.#key[0]! >>> 24;
  }

  #insert(number: number): boolean {
    const table = this.#tables[number]!;
    const at = this.#slotIn(table);
    if (table[at + WORDS - 1] !== 0) return false;
    table.set(this.#key, at);
    this.#size++;
    if (++this.#counts[number]! * WORDS * 4 > table.length * 3) this.#tables[number] = grown(table);
    return true;
  }

  #slotIn(table: Uint32Array): number {
    const [a, b, c, d] = this.#key as unknown as [number, number, number, number];
    for (let at = firstSlot(b, table); ; at = (at + WORDS) % table.length)
      if (table[at + 3] === 0 || (table[at] === a && table[at + 1] === b && table[at + 2] === c && table[at + 3] === d))
        return at;
  }
}

const firstSlot = (word: number, table: Uint32Array): number => (word % (table.length / WORDS)) * WORDS;

function grown(table: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(table.length * 2);
  for (let from = 0; from < table.length; from += WORDS) {
    if (table[from + WORDS - 1] === 0) continue;
    let at = firstSlot(table[from + 1]!, larger);
    while (larger[at + WORDS - 1] !== 0) at = (at + WORDS) % larger.length;
    larger.set(table.subarray(from, from + WORDS), at);
  }
  return larger;
}
