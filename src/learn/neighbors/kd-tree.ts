/**
 * A k-d tree: each node halves its points at the median of the dimension in which they spread most; children follow their parent, the left one at once. A kernel
 * makes it (`kernels/assembly/neighbors.ts`, where its layout stands), and moves the points to where the leaves hold them.
 */
import type { Arena } from "../kernels/arena.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import type { NeighborsKernel } from "../kernels/neighbors.ts";

/** Points of a leaf, at most. */
const LEAF = 24;

export interface Tree {
  readonly nodes: Int32Array;
  /** Two points of `stride` for each node. */
  readonly boxes: Float64Array;
  /** The rows as the leaves hold them. */
  readonly order: Int32Array;
}

/** `points` are row-major with `stride`, at least one, and lie in the arena. Depends on them alone. Error: `learn.too-large`. */
export function buildTree(arena: Arena, points: Float64Array, stride: number): Tree {
  const rowCount = points.length / stride;
  const nodeCountMax = Math.max(1, 2 * Math.ceil(rowCount / (LEAF / 2)));
  const nodes = arena.int32(4 * nodeCountMax);
  const boxes = arena.float64(2 * stride * nodeCountMax);
  const order = arena.int32(rowCount);
  for (let row = 0; row < rowCount; row++) order[row] = row;
  const kernel = instantiateKernel<NeighborsKernel>("neighbors", arena.memory);
  kernel.buildTree(points.byteOffset, order.byteOffset, rowCount, stride, LEAF, nodes.byteOffset, boxes.byteOffset);
  return { nodes, boxes, order };
}
