/**
 * The memory that all members of the crew share while a forest grows; a kernel sees it by addresses. Behind it the finished trees are laid, one after the
 * other as they come, wherever the memory ends then.
 */
import { MillError } from "../../base/index.ts";
import { createArena } from "../kernels/arena.ts";
import { NODE_BYTES, scratchBytes } from "../kernels/tree-growth.ts";
import { BINS } from "../trees/binning.ts";

export interface ForestShape {
  readonly rowCount: number;
  readonly columnCount: number;
  /** 0 but for more than two. */
  readonly classCount: number;
  readonly trees: number;
  readonly members: number;
  readonly leavesMax: number;
  readonly hasWeights: boolean;
}

/** What one member works with. */
export interface MemberMemory {
  readonly draws: Uint8Array;
  readonly rows: Uint32Array;
  readonly stats: Float64Array;
  readonly spareRows: Uint32Array;
  readonly spareStats: Float64Array;
  readonly cells: Float64Array;
  readonly scratch: Uint8Array;
  readonly nodes: Uint8Array;
  readonly vectors: Float64Array;
}

export interface ForestMemory {
  readonly memory: WebAssembly.Memory;
  /** By column, edges[b] = the largest float32 that falls in bin b. */
  readonly edges: Float32Array;
  readonly binCounts: Int32Array;
  /** By column: column x rowCount + row. */
  readonly bins: Uint8Array;
  readonly targets: Int32Array;
  /** Whole weights; empty where all are 1. */
  readonly units: Uint32Array;
  readonly labels: Float64Array;
  readonly weights: Float64Array;
  /** The next tree to grow, and where the finished ones end, in steps of 64 bytes. */
  readonly counters: Int32Array;
  /** Trees that each member has grown, in cells that lie apart. */
  readonly grown: Float64Array;
  /** Per tree: where its nodes lie (in steps of 64 bytes), how many; the same of its vectors. */
  readonly finished: Uint32Array;
  readonly members: readonly MemberMemory[];
}

export const NEXT = 0;
export const END = 16;
export const STEP = 64;
const PAGE = 65_536;

/** Error: `learn.too-large`. */
export function allocate(shape: ForestShape): ForestMemory {
  const { rowCount, columnCount, classCount, trees, leavesMax } = shape;
  const arena = createArena();
  const member = (): MemberMemory => ({
    draws: arena.uint8(rowCount),
    rows: arena.uint32(rowCount),
    stats: arena.float64(rowCount * 2),
    spareRows: arena.uint32(rowCount),
    spareStats: arena.float64(rowCount * 2),
    cells: arena.float64(BINS * (classCount === 0 ? 2 : 1 + classCount)),
    scratch: arena.uint8(scratchBytes(classCount, columnCount)),
    nodes: arena.uint8(leavesMax * 2 * NODE_BYTES),
    vectors: arena.float64((classCount + Math.min(leavesMax, rowCount >> 1)) * classCount),
  });
  const memory: ForestMemory = {
    memory: arena.memory,
    edges: arena.float32(columnCount * BINS),
    binCounts: arena.int32(columnCount),
    bins: arena.uint8(columnCount * rowCount),
    targets: arena.int32(rowCount),
    units: arena.uint32(shape.hasWeights ? rowCount : 0),
    labels: arena.float64(rowCount),
    weights: arena.float64(shape.hasWeights ? rowCount : 0),
    counters: arena.int32(32),
    grown: arena.float64(shape.members * 8),
    finished: arena.uint32(trees * 4),
    members: Array.from({ length: shape.members }, member),
  };
  memory.counters[END] = arena.memory.buffer.byteLength / STEP;
  return memory;
}

/** Lays bytes behind all others; answers where, in steps of 64 bytes. Error: `learn.too-large`. */
export function keep({ memory, counters }: ForestMemory, bytes: Uint8Array): number {
  const steps = Math.ceil(bytes.length / STEP);
  const at = Atomics.add(counters, END, steps) >>> 0;
  grow(memory, (at + steps) * STEP);
  new Uint8Array(memory.buffer, at * STEP, bytes.length).set(bytes);
  return at;
}

/** Some members may grow it at once: what is too much serves the next tree. */
function grow(memory: WebAssembly.Memory, bytes: number): void {
  while (memory.buffer.byteLength < bytes) {
    const pages = Math.ceil((bytes - memory.buffer.byteLength) / PAGE);
    try {
      memory.grow(pages);
    } catch (cause) {
      throw new MillError("learn.too-large", "The trees of this forest and their rows together pass 4 GiB of shared memory.", {
        expected: "at most 4 GiB for the rows and the trees made of them",
        fix: "Raise minRowsPerLeaf, bound depthMax, grow fewer trees, or train on a sample of the rows.",
        cause,
      });
    }
  }
}
