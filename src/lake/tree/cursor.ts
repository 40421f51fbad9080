import type { Node } from "./node.ts";
import type { Nodes } from "./nodes.ts";
import type { ScanOptions } from "./tree.ts";

/** Keys from `from` on, those from `until` on left out. */
export interface Range {
  readonly from: Uint8Array;
  readonly until: Uint8Array | null;
}

export function rangeOf({ prefix = "", after, from }: ScanOptions): Range {
  const starts: Buffer[] = [Buffer.from(prefix)];
  if (after !== undefined) starts.push(Buffer.from(`${after}\0`)); // the smallest text behind it
  if (from !== undefined) starts.push(Buffer.from(from));
  return { from: starts.sort(Buffer.compare).at(-1)!, until: prefix === "" ? null : behindAll(prefix) };
}

/** The smallest key behind all that begin with a text; the byte 0xff is in no UTF-8. */
function behindAll(prefix: string): Buffer {
  const key = Buffer.from(prefix);
  key[key.length - 1]! += 1;
  return key;
}

interface Frame {
  readonly node: Node;
  index: number;
  readonly end: number;
}

/** A place in a tree, in order, that stands before an item or before a node that was not opened. */
export class Cursor {
  readonly #nodes: Nodes;
  readonly #range: Range;
  readonly #frames: Frame[] = [];

  constructor(nodes: Nodes, range: Range, root: Node) {
    this.#nodes = nodes;
    this.#range = range;
    this.#push(root);
  }

  get done(): boolean {
    return this.#frames.length === 0;
  }

  /** Of the node that it stands in: 0, before an item; above, before a child. */
  get level(): number {
    return this.#top.node.level;
  }

  get node(): Node {
    return this.#top.node;
  }

  get index(): number {
    return this.#top.index;
  }

  /** Where what counts of this node ends. */
  get end(): number {
    return this.#top.end;
  }

  /** Goes behind the items or children before `index`. */
  moveTo(index: number): void {
    this.#top.index = index;
    this.#leaveFinished();
  }

  skip(): void {
    this.moveTo(this.index + 1);
  }

  /** Goes into the child that it stands before. */
  async open(): Promise<void> {
    const { node, index } = this.#top;
    const child = await this.#nodes.load(node.child(index), node.level - 1);
    this.#top.index++;
    this.#push(child);
  }

  /** Begins to load the next children, of those behind the one that it stands before. */
  prefetch(count: number): void {
    const { node, index, end } = this.#top;
    for (let ahead = index + 1; ahead < Math.min(index + 1 + count, end); ahead++) this.#nodes.prefetch(node.child(ahead));
  }

  get #top(): Frame {
    return this.#frames.at(-1)!;
  }

  #push(node: Node): void {
    const { from, until } = this.#range;
    const index = node.lowerBound(from);
    const bound = until ? node.lowerBound(until) : node.count;
    this.#frames.push({ node, index, end: node.level === 0 ? bound : Math.min(bound + 1, node.count) });
    this.#leaveFinished();
  }

  #leaveFinished(): void {
    while (this.#frames.length > 0 && this.#top.index >= this.#top.end) this.#frames.pop();
  }
}
