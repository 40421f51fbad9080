import { type Digest, digestOf, MillError } from "../../base/index.ts";
import { decodeNode, Node } from "./node.ts";
import type { NodeStore } from "./tree.ts";

/** Puts under way at once: enough that a store shares syncs among them, few enough that their bytes are no burden. */
const PUTS_MAX = 256;

/** The nodes of a store through a cache of the ones used last, bounded by bytes. */
export interface Nodes {
  /** `level`: the one that the node above promises. Errors: `lake.corrupt-node`, and what the store tells. */
  load(digest: Digest, level?: number): Promise<Node>;
  /** The same, and a node that was not in the cache stays outside. */
  peek(digest: Digest, level?: number): Promise<Node>;
  /** Begins to load what will be asked for soon. */
  prefetch(digest: Digest): void;
  writer(): Writer;
}

/** Puts nodes, many at once. */
export interface Writer {
  /** `stored`: a digest that is known to be stored. */
  write(bytes: Buffer, stored?: Digest): Digest;
  readonly full: boolean;
  /** Waits until there is room for more. */
  room(): Promise<void>;
  /** Resolves when everything that was written is stored; throws the first failure, when none is under way any more. */
  settled(): Promise<void>;
}

export function openNodes(store: NodeStore, cacheBytes: number): Nodes {
  /** Nodes, and the bytes of those that were written and not read yet. */
  const cached = new Map<Digest, Node | Buffer>();
  const loading = new Map<Digest, Promise<Node>>();
  let sizeBytes = 0;

  return {
    async load(digest, level) {
      const node = recall(digest) ?? (await fetched(digest));
      return atLevel(digest, node, level);
    },

    async peek(digest, level) {
      const known = cached.get(digest);
      return atLevel(digest, known ? decoded(digest, known) : decodeNode(digest, await store.get(digest)), level);
    },

    prefetch(digest) {
      if (!cached.has(digest)) fetched(digest).catch(() => undefined);
    },

    writer,
  };

  function recall(digest: Digest): Node | undefined {
    const known = cached.get(digest);
    if (!known) return undefined;
    const node = decoded(digest, known);
    cached.delete(digest);
    cached.set(digest, node);
    return node;
  }

  function keep(digest: Digest, node: Node | Buffer): void {
    if (cached.has(digest)) return;
    cached.set(digest, node);
    sizeBytes += footprint(node);
    for (const [oldest, gone] of cached) {
      if (sizeBytes <= cacheBytes) return;
      cached.delete(oldest);
      sizeBytes -= footprint(gone);
    }
  }

  function fetched(digest: Digest): Promise<Node> {
    const under = loading.get(digest);
    if (under) return under;
    const fetching = store
      .get(digest)
      .then((bytes) => {
        const node = decodeNode(digest, bytes);
        keep(digest, node);
        return node;
      })
      .finally(() => loading.delete(digest));
    loading.set(digest, fetching);
    return fetching;
  }

  /** Nodes of all levels go out together, so that a store shares one sync among them; a parent may be stored before its child, and counts only as part of a root that was told. */
  function writer(): Writer {
    const underway = new Set<Promise<void>>();
    let failure: { readonly cause: unknown } | null = null;
    return {
      write(bytes, known) {
        const digest = digestOf(bytes);
        if (digest === known) return digest;
        const put = store
          .put(bytes)
          .then((stored) => {
            if (stored !== digest) throw new MillError("internal.unexpected", `The store named ${digest} ${stored}.`);
            keep(digest, bytes);
          })
          .catch((cause) => {
            failure ??= { cause };
          })
          .finally(() => underway.delete(put));
        underway.add(put);
        return digest;
      },
      get full() {
        return underway.size >= PUTS_MAX;
      },
      async room() {
        for (const oldest of underway) {
          if (underway.size < PUTS_MAX) break;
          await oldest;
        }
        if (failure) throw failure.cause;
      },
      async settled() {
        await Promise.all(underway);
        if (failure) throw failure.cause;
      },
    };
  }
}

const decoded = (digest: Digest, node: Node | Buffer) => (node instanceof Node ? node : decodeNode(digest, node));

/** Bytes in memory, with the two tables of a decoded node. */
function footprint(node: Node | Buffer): number {
  const bytes = node instanceof Node ? node.bytes : node;
  return bytes.length + 6 * bytes.readUInt32LE(4) + 500;
}

function atLevel(digest: Digest, node: Node, level = node.level): Node {
  if (node.level === level) return node;
  throw new MillError("lake.corrupt-node", `The node ${digest} does not stand where its tree says.`, {
    at: digest,
    expected: `level ${level}`,
    got: `level ${node.level}`,
  });
}
