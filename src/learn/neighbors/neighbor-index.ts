/** Points as a search for the nearest reads them: a k-d tree where there are few dimensions, else panels beside the doubles. */
import { type Arena, createArena } from "../kernels/arena.ts";
import { buildTree, type Tree } from "./kd-tree.ts";
import { createPanels, type Panels } from "./panels.ts";

/** A tree passes over most points up to about so many dimensions, of at least so many points. */
const TREE_WIDTH_MAX = 8;
const TREE_ROWS_MIN = 1024;

export const suitsTree = (rowCount: number, width: number) => width <= TREE_WIDTH_MAX && rowCount >= TREE_ROWS_MIN;

/** Queries that are searched for together. */
export const BATCH = 256;

export interface NeighborIndex {
  readonly memory: WebAssembly.Memory;
  readonly rowCount: number;
  readonly width: number;
  readonly stride: number;
  /** Row-major with `stride`; of a tree as its leaves hold them. */
  readonly points: Float64Array;
  readonly tree: Tree | null;
  /** Null beside a tree. */
  readonly panels: Panels | null;
}

/** What one thread needs to search: its batch of queries and what is found for them. */
export interface SearchScratch {
  readonly neighbours: number;
  readonly capacity: number;
  readonly stateBytes: number;
  readonly queries: Float64Array;
  /** Fours of queries, single or whole. */
  readonly packed: Float32Array;
  readonly states: Uint8Array;
  readonly scores: Float32Array;
  readonly distances: Float64Array;
  readonly rows: Uint32Array;
}

export const strideOf = (width: number) => Math.ceil(width / 4) * 4;

/** Of `points` times `factor`, row-major, rowCount x width. Error: `learn.too-large`. */
export function createIndex(
  points: Float64Array,
  width: number,
  { kind = "auto", factor = 1 }: { readonly kind?: "tree" | "scan" | "auto"; readonly factor?: number } = {},
): { readonly index: NeighborIndex; readonly arena: Arena } {
  const rowCount = points.length / width;
  const arena = createArena();
  const stride = strideOf(width);
  const isTree = kind === "auto" ? suitsTree(rowCount, width) : kind === "tree";
  const base = { memory: arena.memory, rowCount, width, stride, points: arena.float64(rowCount * stride) };
  for (let row = 0, from = 0, to = 0; row < rowCount; row++, from += width, to += stride)
    for (let at = 0; at < width; at++) base.points[to + at] = points[from + at]! * factor;
  const index = isTree
    ? { ...base, tree: buildTree(arena, base.points, stride), panels: null }
    : { ...base, tree: null, panels: createPanels(arena, base.points, width, stride) };
  return { arena, index };
}

export function createScratch(arena: Arena, { width, stride }: NeighborIndex, neighbours: number): SearchScratch {
  const capacity = 4 * neighbours + 256;
  const stateBytes = Math.ceil((16 + neighbours * 4 + capacity * 8) / 8) * 8;
  return {
    ...{ neighbours, capacity, stateBytes },
    queries: arena.float64(BATCH * stride),
    packed: arena.float32(BATCH * width + BATCH),
    states: arena.uint8(BATCH * stateBytes),
    scores: arena.float32(32),
    distances: arena.float64(BATCH * neighbours),
    rows: arena.uint32(BATCH * neighbours),
  };
}
