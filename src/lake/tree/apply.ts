import { type Digest, MillError } from "../../base/index.ts";
import { NodeBuilder } from "./builder.ts";
import { Level, type Located } from "./level.ts";
import { encodeReference } from "./node.ts";
import type { Nodes, Writer } from "./nodes.ts";
import { type KeyEdit, rechunk } from "./rechunk.ts";
import type { Edit } from "./tree.ts";

const BATCH = 1000;

/**
 * Each level's edits follow from those of the level below, as they stream; behind the old root new levels grow until one node holds all.
 * The root that results, stored with all below it; null: no path is left. Errors: `lake.unsorted`.
 */
export async function applyEdits(
  nodes: Nodes,
  root: Located,
  edits: AsyncIterable<readonly Edit[]> | readonly Edit[],
): Promise<Digest | null> {
  const writer = nodes.writer();
  try {
    let changes = sortedKeys(edits);
    for (let level = 0; level <= root.node.level; level++)
      changes = rechunk(level, new Level(nodes, root, level), changes, writer);
    const top = createTop(root.node.level + 1, writer);
    await replaceRoot(root, changes, top);
    const grown = top.finish();
    await writer.settled();
    return grown && lowestRoot(nodes, grown);
  } catch (error) {
    await writer.settled().catch(() => undefined);
    throw error;
  }
}

/** The old root stays among the references of its level when no edit names it. */
async function replaceRoot({ digest, node }: Located, edits: AsyncIterable<readonly KeyEdit[]>, top: Top): Promise<void> {
  let old = node.count === 0 ? null : { key: node.lastKey(), reference: encodeReference(digest, node.entries()) };
  for await (const batch of edits) {
    for (const { key, value } of batch) {
      const order = old ? Buffer.compare(old.key, key) : 1;
      if (old && order < 0) top.add(old.key, old.reference);
      if (order <= 0) old = null;
      if (value) top.add(key, value);
    }
  }
  if (old) top.add(old.key, old.reference);
}

interface Top {
  add(key: Uint8Array, reference: Uint8Array): void;
  /** The one node that holds all; null: nothing was added. */
  finish(): Digest | null;
}

/** Builds levels over references: the first level with one reference only has the root. */
function createTop(level: number, writer: Writer): Top {
  let only: { readonly key: Uint8Array; readonly reference: Uint8Array } | null = null;
  let builder: NodeBuilder | null = null;
  const above = () => (next ??= createTop(level + 1, writer));
  let next: Top | null = null;
  return {
    add(key, reference) {
      if (!only) {
        only = { key, reference };
        return;
      }
      if (!builder) {
        builder = new NodeBuilder(level, ({ lastKey, bytes, entries }) =>
          above().add(lastKey, encodeReference(writer.write(bytes), entries)),
        );
        builder.append(only.key, only.reference);
      }
      builder.append(key, reference);
    },
    finish() {
      if (!builder) return only && `sha256:${Buffer.from(only.reference.subarray(0, 32)).toString("hex")}`;
      builder.finish();
      return above().finish();
    },
  };
}

/** Below a node with one child the tree ends sooner: equal content has one height. */
async function lowestRoot(nodes: Nodes, root: Digest): Promise<Digest> {
  const node = await nodes.load(root);
  return node.level > 0 && node.count === 1 ? lowestRoot(nodes, node.child(0)) : root;
}

async function* sortedKeys(edits: AsyncIterable<readonly Edit[]> | readonly Edit[]): AsyncIterable<readonly KeyEdit[]> {
  let last: Uint8Array | null = null;
  for await (const batch of Array.isArray(edits) ? slices(edits) : (edits as AsyncIterable<readonly Edit[]>)) {
    yield batch.map(({ path, value }) => {
      const key = Buffer.from(path);
      if (last && Buffer.compare(last, key) >= 0) throw unsorted(path, last);
      last = key;
      return { key, value };
    });
  }
}

function* slices(edits: readonly Edit[]): Iterable<readonly Edit[]> {
  for (let start = 0; start < edits.length; start += BATCH) yield edits.slice(start, start + BATCH);
}

const unsorted = (path: string, last: Uint8Array) =>
  new MillError("lake.unsorted", "Edits of a tree came out of order; nothing was changed.", {
    at: path,
    expected: `a path behind ${Buffer.from(last).toString()}`,
    got: path,
    fix: "Sort the paths by their UTF-8 bytes (not by UTF-16 code units) and give each path once.",
  });
