/** Rows outside a tree's bag find their leaves by their bins. */
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
  /** Adds the leaves' values to the scores of this member's share of rows[from..to). */
  addLeaves(from: number, to: number, output: number): void;
}

export function createTreeWalk(memory: Memory, columnCount: number, outputs: number, member: Member): TreeWalk {
  const kernel = instantiateKernel<RowsKernel>("rows", memory.memory);
  const { rows, records, scores } = memory;
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
    addLeaves: (from, to, output) => {
      const [first, last] = share(to - from, member.index, member.count);
      for (let at = from + first; at < from + last; at += CALL_ROWS)
        kernel.addLeaves(
          ...([rows.byteOffset, at, Math.min(at + CALL_ROWS, from + last), records.byteOffset + 8] as const),
          ...([strideOf(columnCount), nodes.byteOffset, scores.byteOffset + output * 8, outputs * 8] as const),
        );
    },
  };
}
