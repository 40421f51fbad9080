import { NodeBuilder } from "./builder.ts";
import type { Level, Located } from "./level.ts";
import { encodeReference } from "./node.ts";
import type { Writer } from "./nodes.ts";

/** Edits whose old nodes are loaded before their turn. */
const AHEAD = 32;

/** An edit of one level: of the paths themselves, or of the references to the nodes of the level below. */
export interface KeyEdit {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/**
 * Applies edits to one level and gives the edits that follow for the level above. From the first edit in a node on, the items are cut anew:
 *
 *     old   [ a b c ][ d e f ][ g h ][ i j k ][ l m ]          + e'
 *     new   [ a b c ][ d e e' ][ f g h ][ i j k ][ l m ]       removed: f, h   added: e', h
 *                                      ^ an old and a new node end here: all that follows is as it was
 *
 * So work is as the edits. Nodes that come out as they were are not written and not told.
 */
export async function* rechunk(
  number: number,
  old: Level,
  edits: AsyncIterable<readonly KeyEdit[]>,
  writer: Writer,
): AsyncIterable<readonly KeyEdit[]> {
  const above = createAbove();
  const builder = new NodeBuilder(number, ({ lastKey, bytes, entries }) =>
    above.add(lastKey, encodeReference(writer.write(bytes, at?.digest), entries)),
  );
  /** The old node that is read; `index`: its next item. */
  let at = null as Located | null;
  let index = 0;
  let ended = false;

  for await (const batch of edits) {
    let asked = 0;
    for (const [turn, { key, value }] of batch.entries()) {
      while (!copyTo(key)) {
        for (asked = Math.max(asked, turn + 1); asked <= turn + AHEAD && asked < batch.length; asked++)
          old.prefetch(batch[asked]!.key);
        await open(key);
      }
      if (at?.node.has(index, key)) {
        index++;
        leaveFinished(at);
      }
      if (value) builder.append(key, value);
      if (writer.full) await writer.room();
    }
    yield above.take(builder);
  }
  while (!copyTo(null)) await open(null);
  builder.finish();
  yield above.take(builder);

  /** Copies the old items before a key (null: all), as far as the open node goes; false: go on with another node. */
  function copyTo(key: Uint8Array | null): boolean {
    if (ended) return true;
    if (at && index < at.node.count) {
      const { node } = at;
      const end = key ? node.lowerBound(key, index) : node.count;
      while (index < end) builder.copy(node, index++);
      if (index < node.count) return true;
      leaveFinished(at);
    }
    return key === null && builder.empty;
  }

  async function open(key: Uint8Array | null): Promise<void> {
    const last = at?.node.lastKey() ?? null;
    const next: Located | null = last && !builder.empty ? await old.behind(last) : key ? await old.holding(key) : null;
    ended = !next || next.digest === at?.digest;
    if (!ended) {
      at = next;
      index = 0;
    }
  }

  function leaveFinished({ node, digest }: Located): void {
    if (index === node.count) above.remove(node.lastKey(), encodeReference(digest, node.entries()));
  }
}

interface Child {
  readonly key: Uint8Array;
  readonly reference: Buffer;
}

/** What the level above must learn: references that go and such that come, both in order. */
function createAbove() {
  let removed: Child[] = [];
  let added: Child[] = [];
  return {
    remove(key: Uint8Array, reference: Buffer): void {
      removed.push({ key, reference });
    },

    add(key: Uint8Array, reference: Buffer): void {
      added.push({ key, reference });
    },

    /** Takes what is settled: whatever still comes is not before the first key that the builder holds. */
    take(builder: NodeBuilder): KeyEdit[] {
      const settled = ({ key }: Child) => builder.empty || builder.startsBehind(key);
      const edits: KeyEdit[] = [];
      let [r, a] = [0, 0];
      for (;;) {
        const gone = r < removed.length && settled(removed[r]!) ? removed[r]! : null;
        const come = a < added.length && settled(added[a]!) ? added[a]! : null;
        if (!gone && !come) break;
        const order = !gone ? 1 : !come ? -1 : Buffer.compare(gone.key, come.key);
        if (order <= 0) r++;
        if (order >= 0) a++;
        if (order < 0) edits.push({ key: gone!.key, value: null });
        else if (order > 0 || !gone!.reference.equals(come!.reference)) edits.push({ key: come!.key, value: come!.reference });
      }
      removed = removed.slice(r);
      added = added.slice(a);
      return edits;
    },
  };
}
