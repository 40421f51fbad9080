/**
 * A node of a tree: sorted items, found without decoding the others. What all keys begin with is kept once.
 *
 *     0      2         3       4        8               10
 *     +------+---------+-------+--------+---------------+--------+-------------------------------+---------------------+
 *     | "MT" | version | level | count  | prefix length | prefix | count x (end, suffix length)  | suffix value suf... |
 *     |      |   u8    |  u8   |  u32   |      u16      |        |          u32  u16             |                     |
 *     +------+---------+-------+--------+---------------+--------+-------------------------------+---------------------+
 *
 * Little endian. `end` is where the item's value ends, counted from the first item. Level 0 holds paths and their values; a node above holds for each
 * child the child's last path, and as value a reference: SHA-256 of the child (32 bytes), then how many paths lie below it (u48).
 *
 * One content has one encoding: the prefix is the longest that first and last key share, cut back to whole UTF-8 characters.
 */
import { type Digest, MillError } from "../../base/index.ts";
import type { Item } from "./tree.ts";

const MAGIC = 0x544d;
const VERSION = 1;
const HEAD_BYTES = 10;
const ROW_BYTES = 6;
const DIGEST_BYTES = 32;
const REFERENCE_BYTES = DIGEST_BYTES + 6;
/** What an item costs beside its key and value. */
export const ITEM_BYTES = ROW_BYTES;

export class Node {
  readonly bytes: Buffer;
  readonly level: number;
  readonly count: number;
  readonly prefixLength: number;
  /** Where items begin in `bytes`; one more, where the last ends. */
  readonly starts: Uint32Array;
  readonly suffixLengths: Uint16Array;
  #prefix: string | null = null;

  constructor(bytes: Buffer, starts: Uint32Array, suffixLengths: Uint16Array) {
    this.bytes = bytes;
    this.level = bytes[3]!;
    this.count = suffixLengths.length;
    this.prefixLength = bytes.readUInt16LE(8);
    this.starts = starts;
    this.suffixLengths = suffixLengths;
  }

  /** The first item from `start` on whose path is not before the key; `count`: all are. */
  lowerBound(key: Uint8Array, start = 0): number {
    const order = this.#comparePrefix(key);
    if (order !== 0) return order < 0 ? this.count : start;
    let [low, high] = [start, this.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compareSuffix(middle, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  has(index: number, key: Uint8Array): boolean {
    return index < this.count && this.#comparePrefix(key) === 0 && this.#compareSuffix(index, key) === 0;
  }

  /** Below zero: all paths are before the key; above: all are behind it; 0: the key begins with the prefix. */
  #comparePrefix(key: Uint8Array): number {
    for (let at = 0; at < this.prefixLength; at++) {
      if (at === key.length) return 1;
      const difference = this.bytes[HEAD_BYTES + at]! - key[at]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #compareSuffix(index: number, key: Uint8Array): number {
    const start = this.starts[index]! - this.prefixLength;
    const length = this.keyLength(index);
    const shared = Math.min(length, key.length);
    for (let at = this.prefixLength; at < shared; at++) {
      const difference = this.bytes[start + at]! - key[at]!;
      if (difference !== 0) return difference;
    }
    return length - key.length;
  }

  keyLength(index: number): number {
    return this.prefixLength + this.suffixLengths[index]!;
  }

  key(index: number): Buffer {
    const key = Buffer.allocUnsafe(this.keyLength(index));
    this.writeKey(index, key, 0);
    return key;
  }

  lastKey(): Buffer {
    return this.key(this.count - 1);
  }

  /** Writes a key into `target` at `at`, and gives where it ends. */
  writeKey(index: number, target: Buffer, at: number): number {
    const { bytes, prefixLength } = this;
    const start = this.starts[index]!;
    bytes.copy(target, at, HEAD_BYTES, HEAD_BYTES + prefixLength);
    bytes.copy(target, at + prefixLength, start, start + this.suffixLengths[index]!);
    return at + this.keyLength(index);
  }

  path(index: number): string {
    this.#prefix ??= this.bytes.toString("utf8", HEAD_BYTES, HEAD_BYTES + this.prefixLength);
    return this.#prefix + this.bytes.toString("utf8", this.starts[index]!, this.valueStart(index));
  }

  valueStart(index: number): number {
    return this.starts[index]! + this.suffixLengths[index]!;
  }

  /** A view into the node. */
  value(index: number): Uint8Array {
    return this.bytes.subarray(this.valueStart(index), this.starts[index + 1]!);
  }

  items(start = 0, end = this.count): Item[] {
    return Array.from({ length: end - start }, (_, at) => ({ path: this.path(start + at), value: this.value(start + at) }));
  }

  child(index: number): Digest {
    const start = this.valueStart(index);
    return `sha256:${this.bytes.toString("hex", start, start + DIGEST_BYTES)}`;
  }

  sameChild(index: number, other: Node, otherIndex: number): boolean {
    const [start, otherStart] = [this.valueStart(index), other.valueStart(otherIndex)];
    return this.bytes.compare(other.bytes, otherStart, otherStart + DIGEST_BYTES, start, start + DIGEST_BYTES) === 0;
  }

  sameValue(index: number, other: Node, otherIndex: number): boolean {
    const [end, otherEnd] = [this.starts[index + 1]!, other.starts[otherIndex + 1]!];
    return this.bytes.compare(other.bytes, other.valueStart(otherIndex), otherEnd, this.valueStart(index), end) === 0;
  }

  /** How many paths there are at and below this node. */
  entries(): number {
    if (this.level === 0) return this.count;
    let sum = 0;
    for (let index = 0; index < this.count; index++) sum += referencedEntries(this.bytes, this.valueStart(index));
    return sum;
  }
}

/** The order of two paths by their bytes. */
export function comparePaths(a: Node, i: number, b: Node, j: number): number {
  const [startA, startB] = [a.starts[i]! - a.prefixLength, b.starts[j]! - b.prefixLength];
  const [lengthA, lengthB] = [a.keyLength(i), b.keyLength(j)];
  const shared = Math.min(lengthA, lengthB);
  for (let at = 0; at < shared; at++) {
    const byteA = a.bytes[at < a.prefixLength ? HEAD_BYTES + at : startA + at]!;
    const byteB = b.bytes[at < b.prefixLength ? HEAD_BYTES + at : startB + at]!;
    if (byteA !== byteB) return byteA - byteB;
  }
  return lengthA - lengthB;
}

export function encodeReference(digest: Digest, entries: number): Buffer {
  const reference = Buffer.allocUnsafe(REFERENCE_BYTES);
  reference.write(digest.slice("sha256:".length), 0, DIGEST_BYTES, "hex");
  reference.writeUIntLE(entries, DIGEST_BYTES, 6);
  return reference;
}

export const referencedEntries = (bytes: Buffer, at: number) => bytes.readUIntLE(at + DIGEST_BYTES, 6);

/** Items as they lie in `source`, each its key and then its value: `keyEnds` and `valueEnds` say where these end. */
export function encodeNode(
  level: number,
  source: Buffer,
  count: number,
  keyEnds: ArrayLike<number>,
  valueEnds: ArrayLike<number>,
): Buffer {
  const startOf = (index: number) => (index === 0 ? 0 : valueEnds[index - 1]!);
  const prefixLength = count === 0 ? 0 : sharedLength(source, keyEnds[0]!, startOf(count - 1), keyEnds[count - 1]!);
  const size = count === 0 ? 0 : valueEnds[count - 1]! - count * prefixLength;
  const tableAt = HEAD_BYTES + prefixLength;
  const itemsAt = tableAt + count * ROW_BYTES;
  const node = Buffer.allocUnsafe(itemsAt + size);
  node.writeUInt16LE(MAGIC, 0);
  node.writeUInt8(VERSION, 2);
  node.writeUInt8(level, 3);
  node.writeUInt32LE(count, 4);
  node.writeUInt16LE(prefixLength, 8);
  source.copy(node, HEAD_BYTES, 0, prefixLength);
  let end = 0;
  for (let index = 0, row = tableAt; index < count; index++, row += ROW_BYTES) {
    const suffixStart = startOf(index) + prefixLength;
    source.copy(node, itemsAt + end, suffixStart, valueEnds[index]!);
    end += valueEnds[index]! - suffixStart;
    node.writeUInt32LE(end, row);
    node.writeUInt16LE(keyEnds[index]! - suffixStart, row + 4);
  }
  return node;
}

/** How many bytes the first key (from 0 to `firstEnd`) and the last one share, in whole UTF-8 characters. */
function sharedLength(source: Buffer, firstEnd: number, lastStart: number, lastEnd: number): number {
  const most = Math.min(firstEnd, lastEnd - lastStart);
  let shared = 0;
  while (shared < most && source[shared] === source[lastStart + shared]) shared++;
  const insideCharacter = (at: number) =>
    (at < firstEnd && isContinuation(source[at]!)) || (lastStart + at < lastEnd && isContinuation(source[lastStart + at]!));
  while (shared > 0 && insideCharacter(shared)) shared--;
  return shared;
}

const isContinuation = (byte: number) => (byte & 0xc0) === 0x80;

/** A node, checked so far that reading it cannot go astray. Errors: `lake.corrupt-node`. */
export function decodeNode(digest: Digest, content: Uint8Array): Node {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const wrong = (got: string) =>
    new MillError("lake.corrupt-node", `The object ${digest} is not a node of a tree.`, {
      at: digest,
      expected: `a node of version ${VERSION}`,
      got,
      fix: "Check which object was named as a tree; if it was this one, restore it from a backup and run `mill lake verify`.",
    });
  if (bytes.length < HEAD_BYTES || bytes.readUInt16LE(0) !== MAGIC) throw wrong(`${bytes.length} bytes of another kind`);
  if (bytes[2] !== VERSION) throw wrong(`version ${bytes[2]}`);
  const count = bytes.readUInt32LE(4);
  const tableAt = HEAD_BYTES + bytes.readUInt16LE(8);
  const itemsAt = tableAt + count * ROW_BYTES;
  if (itemsAt > bytes.length) throw wrong(`${bytes.length} bytes, where ${count} items need more`);
  const starts = new Uint32Array(count + 1);
  const suffixLengths = new Uint16Array(count);
  starts[0] = itemsAt;
  for (let index = 0, row = tableAt; index < count; index++, row += ROW_BYTES) {
    const end = itemsAt + bytes.readUInt32LE(row);
    suffixLengths[index] = bytes.readUInt16LE(row + 4);
    starts[index + 1] = end;
    const valueBytes = end - starts[index]! - suffixLengths[index]!;
    if (end > bytes.length || valueBytes < 0) throw wrong(`item ${index} outside its node`);
    if (bytes[3]! > 0 && valueBytes !== REFERENCE_BYTES) throw wrong(`item ${index} that names no child`);
  }
  if (starts[count] !== bytes.length) throw wrong(`${bytes.length - starts[count]!} bytes behind the last item`);
  if (count === 0 && bytes[3]! > 0) throw wrong("a node without children above the leaves");
  const node = new Node(bytes, starts, suffixLengths);
  for (let index = 1; index < count; index++)
    if (comparePaths(node, index - 1, node, index) >= 0) throw wrong(`item ${index} out of order`);
  return node;
}
