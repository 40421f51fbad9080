/**
 * The arrays that all members of the crew share while a forest grows, in one memory that the kernels see. Bytes per row: 1 per column of bins, 8 + columns for
 * the record (to a multiple of 8), 12 for the row orders, 8 for the label, 8 per output for the scores, 8 for a weight.
 *
 *   record of a row:  | gradient i32 | hessian i32 | bin of column 0 | bin of column 1 | ...
 *
 * One record holds all that a histogram needs of a row, mostly in one cache line: leaves deep in a tree visit rows far apart.
 * The same bins by column serve the partition, which reads one column only.
 */
import { createArena } from "../kernels/arena.ts";
import { SORT_COUNTER_BYTES } from "../kernels/binning.ts";
import { COLUMN_BYTES, histogramScratchBytes } from "../kernels/histogram.ts";
import { NODE_BYTES } from "../kernels/rows.ts";
import { BINS, SAMPLE_ROWS } from "../trees/binning.ts";
import { SET_WORDS } from "../trees/forest.ts";

/** Numbers per candidate of a split; see `candidates.ts`. */
export const CANDIDATE = 8 + SET_WORDS;
/** Numbers per member of the slate. */
export const SLATE = 8;

export interface Shape {
  readonly rowCount: number;
  readonly columnCount: number;
  readonly outputs: number;
  readonly members: number;
  readonly leavesMax: number;
  readonly hasWeights: boolean;
  /** The loss works its derivatives out itself, as doubles. */
  readonly hasRaw: boolean;
  /** Rows are sampled, held out or ranked. */
  readonly hasKeys: boolean;
}

export interface Memory {
  readonly memory: WebAssembly.Memory;
  /** By column, edges[b] = the largest float32 that falls in bin b. */
  readonly edges: Float32Array;
  readonly binCounts: Int32Array;
  /** 1 where the column has missing values in training. */
  readonly hasMissing: Int32Array;
  /** 1 for a text column: its bins have no order of their own. */
  readonly isText: Uint8Array;
  /** Bins by column: column x rowCount + row. */
  readonly bins: Uint8Array;
  readonly records: Uint8Array;
  readonly y: Float64Array;
  /** Empty where all rows weigh the same. */
  readonly weights: Float64Array;
  /** Row indices; the rows of a leaf lie side by side. */
  readonly rows: Uint32Array;
  readonly goingLeft: Uint32Array;
  readonly goingRight: Uint32Array;
  /** Of each row the node that is its leaf; in the place of `goingLeft`, when a tree has grown. */
  readonly leaves: Uint16Array;
  /** Row x outputs. */
  readonly scores: Float64Array;
  /** Softmax only: a row's largest score, and what its exponentials are multiplied by. */
  readonly normalisers: Float64Array;
  /** Gradient and hessian of each row, for losses that work them out in doubles. */
  readonly raw: Float64Array;
  /** What a row is chosen by, and what else tells rows apart that hold other things (`sampling.ts`). */
  readonly keys: Uint32Array;
  readonly otherKeys: Uint32Array;
  /** A pool of histograms, one slot per open leaf, and one per member but the first. */
  readonly histograms: Uint8Array;
  /** Two candidates per member. */
  readonly candidates: Float64Array;
  /** Leaves' values, where they are worked out leaf by leaf. */
  readonly values: Float64Array;
  /** Small exchange: one cache line of 8 numbers per member. */
  readonly slate: Float64Array;
  /** Of each member: a column's sums, a cut's, sides of bins, a tree's nodes, and what the kernels work in. */
  readonly own: readonly Own[];
}

export interface Own {
  readonly column: Float64Array;
  readonly result: Float64Array;
  readonly sides: Uint8Array;
  readonly nodes: Uint8Array;
  readonly scratch: Uint8Array;
}

/** Rows whose values are binned at a time. */
export const BINNED_ROWS = 4096;

const toMultipleOf = (unit: number, count: number) => Math.ceil(count / unit) * unit;
/** Columns of a record and of a histogram. Those past the last hold bins that nobody asks for, and that differ from row to row: to add to the one that was just added to is slow. */
export const paddedColumns = (columnCount: number) => toMultipleOf(4, columnCount);
/** Bytes of a record. */
export const strideOf = (columnCount: number) => toMultipleOf(8, 8 + paddedColumns(columnCount));
export const histogramBytes = (columnCount: number) => paddedColumns(columnCount) * COLUMN_BYTES;

/** Error: `learn.too-large`. */
export function allocate(shape: Shape): Memory {
  const { rowCount, columnCount, outputs, members, leavesMax, hasWeights, hasRaw, hasKeys } = shape;
  const arena = createArena();
  const stride = strideOf(columnCount);
  const sampled = Math.min(rowCount, SAMPLE_ROWS);
  const goingLeft = arena.uint32(rowCount);
  const scratchBytes = Math.max(histogramScratchBytes(stride), BINNED_ROWS * 4, sampled * 8 + SORT_COUNTER_BYTES);
  return {
    memory: arena.memory,
    edges: arena.float32(columnCount * BINS),
    binCounts: arena.int32(columnCount),
    hasMissing: arena.int32(columnCount),
    isText: arena.uint8(columnCount),
    bins: arena.uint8(columnCount * rowCount),
    records: arena.uint8(rowCount * stride),
    y: arena.float64(rowCount),
    weights: arena.float64(hasWeights ? rowCount : 0),
    rows: arena.uint32(rowCount),
    goingLeft,
    goingRight: arena.uint32(rowCount),
    leaves: new Uint16Array(goingLeft.buffer, goingLeft.byteOffset, rowCount),
    scores: arena.float64(rowCount * outputs),
    normalisers: arena.float64(outputs > 1 ? rowCount * 2 : 0),
    raw: arena.float64(hasRaw ? rowCount * 2 : 0),
    keys: arena.uint32(hasKeys ? rowCount : 0),
    otherKeys: arena.uint32(hasKeys ? rowCount : 0),
    histograms: arena.uint8((leavesMax + members - 1) * histogramBytes(columnCount)),
    candidates: arena.float64(members * 2 * CANDIDATE),
    values: arena.float64(leavesMax),
    slate: arena.float64(members * SLATE),
    own: Array.from({ length: members }, () => ({
      column: arena.float64(BINS * 3),
      result: arena.float64(4),
      sides: arena.uint8(BINS),
      nodes: arena.uint8(leavesMax * 2 * NODE_BYTES),
      scratch: arena.uint8(scratchBytes),
    })),
  };
}
