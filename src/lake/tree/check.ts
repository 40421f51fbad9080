/** Looks whether a tree is as it must be: every node read from the store and not from memory, its digest, form, order and counts, and that it ends where the rule says. */
import { type Digest, MillError } from "../../base/index.ts";
import { NodeBuilder } from "./builder.ts";
import { decodeNode, type Node, referencedEntries } from "./node.ts";
import type { Item, NodeStore } from "./tree.ts";

export interface CheckedNode {
  readonly node: Digest;
  /** What is wrong with it, in words; nothing below a node that cannot be read is looked at. */
  readonly faults: readonly string[];
  /** The first path that it should hold, as far as is known. */
  readonly path: string;
  readonly items: readonly Item[];
}

/** What the node above says of one. */
interface Promised {
  readonly level: number;
  readonly entries: number;
  readonly lastKey: Buffer;
}

/** Every node below a root that `skip` does not know yet; a node that several trees share is held against the first one that it is met in. */
export async function* checkTree(store: NodeStore, root: Digest, skip: (node: Digest) => boolean): AsyncGenerator<CheckedNode> {
  yield* check(root, null, null, true);

  async function* check(
    digest: Digest,
    promised: Promised | null,
    behind: Buffer | null,
    isLast: boolean,
  ): AsyncGenerator<CheckedNode> {
    if (skip(digest)) return;
    const read = await readNode(store, digest);
    const path = (behind ?? Buffer.alloc(0)).toString();
    if (typeof read === "string") return yield { node: digest, faults: [read], path, items: [] };
    const faults = [...keptPromises(read, promised, behind), ...ownFaults(read, isLast, promised === null)];
    const first = read.count > 0 ? read.path(0) : path;
    yield { node: digest, faults, path: first, items: read.level === 0 ? read.items() : [] };
    if (read.level === 0) return;
    for (let index = 0; index < read.count; index++) {
      const below = {
        level: read.level - 1,
        entries: referencedEntries(read.bytes, read.valueStart(index)),
        lastKey: read.key(index),
      };
      yield* check(read.child(index), below, index === 0 ? behind : read.key(index - 1), isLast && index === read.count - 1);
    }
  }
}

async function readNode(store: NodeStore, digest: Digest): Promise<Node | string> {
  try {
    return decodeNode(digest, await store.get(digest));
  } catch (thrown) {
    if (thrown instanceof MillError && UNFIT.has(thrown.code))
      return thrown.got ? `${thrown.message} ${thrown.got}` : thrown.message;
    throw thrown;
  }
}

const UNFIT = new Set(["object.missing", "object.corrupt", "lake.corrupt-node"]);

function keptPromises(node: Node, promised: Promised | null, behind: Buffer | null): string[] {
  const faults: string[] = [];
  if (behind && node.count > 0 && Buffer.compare(node.key(0), behind) <= 0)
    faults.push("it begins before the node before it ends");
  if (!promised) return faults;
  if (node.level !== promised.level) faults.push(`it is of level ${node.level}, and level ${promised.level} is promised`);
  if (node.entries() !== promised.entries) faults.push(`it holds ${node.entries()} paths, and ${promised.entries} are promised`);
  if (node.count === 0 || !node.lastKey().equals(promised.lastKey)) faults.push("it does not end with the path that is promised");
  return faults;
}

/** Cuts the node's items anew: they make this one node, in these bytes. */
function ownFaults(node: Node, isLast: boolean, isRoot: boolean): string[] {
  if (node.level > 0 && isRoot && node.count < 2) return ["it is a root with a single child"];
  const built: { readonly bytes: Buffer; readonly items: number }[] = [];
  let taken = 0;
  const builder = new NodeBuilder(node.level, ({ bytes }) => built.push({ bytes, items: taken }));
  for (let index = 0; index < node.count; index++) {
    taken++;
    builder.append(node.key(index), node.value(index));
    if (built.length > 0 && taken < node.count) return [`it should have ended behind item ${taken} of ${node.count}`];
  }
  if (built.length === 0 && !isLast) return ["it ends too early"];
  builder.finish();
  const [only] = built;
  return node.count === 0 || only?.bytes.equals(node.bytes) ? [] : ["its bytes are not those that its content has"];
}
