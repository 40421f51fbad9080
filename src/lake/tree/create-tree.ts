import type { Digest } from "../../base/index.ts";
import { applyEdits } from "./apply.ts";
import { Cursor, rangeOf } from "./cursor.ts";
import { diffTrees } from "./diff.ts";
import { encodeNode, type Node } from "./node.ts";
import { openNodes } from "./nodes.ts";
import type { Item, NodeStore, Tree } from "./tree.ts";

const CACHE_BYTES = 64 << 20;
/** Leaves that are loaded before they are asked for, by a reader who has read as many. */
const AHEAD_MAX = 8;

/**
 * Trees over a store of nodes, with the nodes used last kept in `cacheBytes` of memory (default 64 MiB). Values that come out are views into nodes and
 * must not be changed. Paths: 1 to 65,535 bytes, well-formed Unicode; values: any length, best below 4 KiB.
 * Errors: `lake.corrupt-node`, and what the store tells of an object that is missing or corrupt.
 */
export function createTree(store: NodeStore, { cacheBytes = CACHE_BYTES }: { readonly cacheBytes?: number } = {}): Tree {
  const nodes = openNodes(store, cacheBytes);
  const emptyNode = encodeNode(0, Buffer.alloc(0), 0, [], []);
  const empty = () => store.put(emptyNode);

  return {
    empty,

    async get(root, path) {
      const key = Buffer.from(path);
      let node = await nodes.load(root);
      for (;;) {
        const index = node.lowerBound(key);
        if (node.level === 0) return node.has(index, key) ? node.value(index) : null;
        if (index === node.count) return null;
        node = await nodes.load(node.child(index), node.level - 1);
      }
    },

    async *scan(root, options = {}) {
      const cursor = new Cursor(nodes, rangeOf(options), await nodes.load(root));
      for (let leaves = 0; !cursor.done; ) {
        if (cursor.level > 0) {
          if (cursor.level === 1) cursor.prefetch(Math.min(leaves, AHEAD_MAX));
          await cursor.open();
        } else {
          const { node, index, end } = cursor;
          cursor.moveTo(end);
          leaves++;
          yield node.items(index, end);
        }
      }
    },

    async apply(root, edits) {
      const result = await applyEdits(nodes, { digest: root, node: await nodes.load(root) }, edits);
      return result ?? (await empty());
    },

    async *diff(before, after, options = {}) {
      if (before === after) return;
      const [a, b] = await Promise.all([nodes.load(before), nodes.load(after)]);
      yield* diffTrees(nodes, a, b, options);
    },

    async count(root) {
      return (await nodes.load(root)).entries();
    },

    nodes: walk,
  };

  async function* walk(root: Digest, skip: (node: Digest) => boolean): AsyncIterable<Walked> {
    if (!skip(root)) yield* below(root, await nodes.peek(root), skip);
  }

  /** Several children are loaded at once; they stay outside the cache, which the others need. */
  async function* below(digest: Digest, node: Node, skip: (node: Digest) => boolean): AsyncIterable<Walked> {
    yield { node: digest, items: node.level === 0 ? node.items() : [] };
    if (node.level === 0) return;
    for (let start = 0; start < node.count; start += AHEAD_MAX) {
      const end = Math.min(start + AHEAD_MAX, node.count);
      const group = Array.from({ length: end - start }, (_, at) => node.child(start + at)).filter((child) => !skip(child));
      const children = await Promise.all(group.map((child) => nodes.peek(child, node.level - 1)));
      for (const [at, child] of children.entries()) yield* below(group[at]!, child, skip);
    }
  }
}

interface Walked {
  readonly node: Digest;
  readonly items: readonly Item[];
}
