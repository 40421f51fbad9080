/**
 * Rows get the values of their leaves: first each row's leaf is written down, which is known of the rows that the tree was grown on and found by their bins for the others;
 * then scores are gone through in their order, which is far cheaper than leaf by leaf.
 */
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import { NODE_BYTES, type RowsKernel } from "../kernels/rows.ts";
import { type Memory, strideOf } from "./memory.ts";

/** Rows of a call: kernels are called often rather than long. */
const CALL_ROWS = 8192;

export interface TreeWalk {
  /** A tree that is a leaf. */
  plant(): void;
  /** Node `node`, counted from the root as 0, asks about `column`; its children are `left` and the next. `sides` has 1 for each bin that goes right. */
  split(node: number, column: number, left: number, sides: Uint8Array): void;
  setValue(node: number, value: number): void;
  /** Writes the leaf of this member's share of rows[from..to): `node`, or the one that their bins lead to. */
  mark(from: number, to: number, node?: number): void;
  /** Adds the leaves' values to the scores of this member's share of all rows, whose leaves must be written. */
  addValues(output: number): void;
}

export function createTreeWalk(memory: Memory, columnCount: number, outputs: number, member: Member): TreeWalk {
  const kernel = instantiateKernel<RowsKernel>("rows", memory.memory);
  const { rows, records, scores } = memory;
  const leaves = memory.leaves.byteOffset;
  const { nodes } = memory.own[member.index]!;
  const view = new DataView(nodes.buffer, nodes.byteOffset, nodes.byteLength);
  const leaf = (node: number) => {
    nodes.fill(0, node * NODE_BYTES, (node + 1) * NODE_BYTES);
    view.setInt32(node * NODE_BYTES, -1, true);
  };
  return {
    plant: () => leaf(0),
    split: (node, column, left, sides) => {
      const at = node * NODE_BYTES;
      view.setInt32(at, column, true);
      view.setInt32(at + 4, left, true);
      for (let bin = 0; bin < sides.length; bin++) if (sides[bin] === 0) nodes[at + 16 + (bin >> 3)]! |= 1 << (bin & 7);
      leaf(left);
      leaf(left + 1);
    },
    setValue: (node, value) => view.setFloat64(node * NODE_BYTES + 8, value, true),
    mark: (from, to, node) => {
      const stride = strideOf(columnCount);
      const bins = records.byteOffset + 8;
      inCalls(from, to, member, (first, last) => {
        if (node !== undefined) kernel.mark(rows.byteOffset, first, last, leaves, node);
        else kernel.findLeaves(rows.byteOffset, first, last, bins, stride, nodes.byteOffset, leaves);
      });
    },
    addValues: (output) => {
      const at = scores.byteOffset + output * 8;
      inCalls(0, rows.length, member, (first, last) => kernel.addValues(leaves, first, last, nodes.byteOffset, at, outputs * 8));
    },
  };
}

function inCalls(from: number, to: number, member: Member, call: (first: number, last: number) => void): void {
  const [first, last] = share(to - from, member.index, member.count);
  for (let at = from + first; at < from + last; at += CALL_ROWS) call(at, Math.min(at + CALL_ROWS, from + last));
}
