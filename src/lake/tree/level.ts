import type { Digest } from "../../base/index.ts";
import type { Node } from "./node.ts";
import type { Nodes } from "./nodes.ts";

export interface Located {
  readonly digest: Digest;
  readonly node: Node;
}

/** The nodes of one level of a tree, found from its root. */
export class Level {
  readonly #nodes: Nodes;
  readonly #root: Located;
  readonly #level: number;

  constructor(nodes: Nodes, root: Located, level: number) {
    this.#nodes = nodes;
    this.#root = root;
    this.#level = level;
  }

  /** The node that holds a key, or would: the first that ends at or behind it, else the last one. null: the tree is empty. */
  async holding(key: Uint8Array): Promise<Located | null> {
    if (this.#root.node.count === 0) return null;
    return this.#descend((node) => Math.min(node.lowerBound(key), node.count - 1));
  }

  /** Begins to load what `holding` will be asked for. */
  prefetch(key: Uint8Array): void {
    this.holding(key).catch(() => undefined);
  }

  /** The node that stands behind the one with this last key. */
  async behind(lastKey: Uint8Array): Promise<Located | null> {
    const { node } = this.#root;
    const next = (from: Node) => {
      const index = from.lowerBound(lastKey);
      return from.has(index, lastKey) ? index + 1 : index;
    };
    if (node.level === this.#level || next(node) === node.count) return null;
    return this.#descend(next);
  }

  async #descend(choose: (node: Node) => number): Promise<Located> {
    let at = this.#root;
    while (at.node.level > this.#level) {
      const digest = at.node.child(choose(at.node));
      at = { digest, node: await this.#nodes.load(digest, at.node.level - 1) };
    }
    return at;
  }
}
