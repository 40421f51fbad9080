import { endsNode, hashKey } from "./boundary.ts";
import { encodeNode, ITEM_BYTES, type Node, referencedEntries } from "./node.ts";

/** A node that is full: its last key, its bytes, and how many paths lie at and below it. */
export interface Built {
  readonly lastKey: Buffer;
  readonly bytes: Buffer;
  readonly entries: number;
}

/** Cuts the items of one level, which come in order, into nodes. */
export class NodeBuilder {
  readonly level: number;
  readonly #emit: (built: Built) => void;
  #source = Buffer.allocUnsafe(64 << 10);
  #keyEnds: number[] = [];
  #valueEnds: number[] = [];
  #count = 0;
  #end = 0;

  constructor(level: number, emit: (built: Built) => void) {
    this.level = level;
    this.#emit = emit;
  }

  get empty(): boolean {
    return this.#count === 0;
  }

  /** Whether the first key of the node under way is behind this one. */
  startsBehind(key: Uint8Array): boolean {
    return this.#source.compare(key, 0, key.length, 0, this.#keyEnds[0]!) > 0;
  }

  append(key: Uint8Array, value: Uint8Array): void {
    this.#reserve(key.length + value.length);
    this.#source.set(key, this.#end);
    const keyEnd = this.#end + key.length;
    this.#source.set(value, keyEnd);
    this.#appended(keyEnd, keyEnd + value.length);
  }

  copy(node: Node, index: number): void {
    const valueStart = node.valueStart(index);
    const valueEnd = node.starts[index + 1]!;
    this.#reserve(node.keyLength(index) + valueEnd - valueStart);
    const keyEnd = node.writeKey(index, this.#source, this.#end);
    node.bytes.copy(this.#source, keyEnd, valueStart, valueEnd);
    this.#appended(keyEnd, keyEnd + valueEnd - valueStart);
  }

  /** Emits what is left as the level's last node. */
  finish(): void {
    if (!this.empty) this.#close();
  }

  #appended(keyEnd: number, valueEnd: number): void {
    const start = this.#end;
    const from = start + this.#count * ITEM_BYTES;
    this.#keyEnds[this.#count] = keyEnd;
    this.#valueEnds[this.#count] = valueEnd;
    this.#count++;
    this.#end = valueEnd;
    const to = valueEnd + this.#count * ITEM_BYTES;
    if (endsNode(this.level, hashKey(this.#source, start, keyEnd), from, to, this.#count)) this.#close();
  }

  #close(): void {
    const last = this.#count - 1;
    const built = {
      lastKey: Buffer.from(this.#source.subarray(last === 0 ? 0 : this.#valueEnds[last - 1]!, this.#keyEnds[last]!)),
      bytes: encodeNode(this.level, this.#source, this.#count, this.#keyEnds, this.#valueEnds),
      entries: this.level === 0 ? this.#count : this.#entriesBelow(),
    };
    this.#count = 0;
    this.#end = 0;
    this.#emit(built);
  }

  #entriesBelow(): number {
    let sum = 0;
    for (let index = 0; index < this.#count; index++) sum += referencedEntries(this.#source, this.#keyEnds[index]!);
    return sum;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#source.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#end + bytes));
    this.#source.copy(larger, 0, 0, this.#end);
    this.#source = larger;
  }
}
