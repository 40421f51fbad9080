/**
 * The arrays that all members of the crew share while a forest grows. Bytes per row: 4 per column of values, 1 per column of bins,
 * 4 x (2 + columns / 4) for the record, 12 for the row orders, 8 per output for the scores.
 *
 *   record of a row, in 32-bit words:  | gradient | hessian | bins of columns 0..3 | bins of columns 4..7 | ...
 *
 * One record holds all that a histogram needs of a row, mostly in one cache line: leaves deep in a tree visit rows far apart.
 * The same bins by column serve the partition, which reads one column only.
 */

import { sharedFloat32, sharedFloat64, sharedInt32, sharedUint8, sharedUint32 } from "../crew/shared.ts";
import { BINS } from "../trees/binning.ts";
import { SET_WORDS } from "../trees/forest.ts";

/** Numbers per bin of a histogram: sum of gradients, sum of hessians, rows. */
export const SUMS = 3;
/** Numbers per candidate of a split; see `candidates.ts`. */
export const CANDIDATE = 8 + SET_WORDS;

export interface Shape {
  readonly rowCount: number;
  readonly columnCount: number;
  readonly outputs: number;
  readonly members: number;
  readonly leavesMax: number;
}

export interface Memory {
  /** By column, edges[b] = the largest float32 that falls in bin b. */
  readonly edges: Float32Array;
  readonly binCounts: Int32Array;
  /** 1 where the column has missing values in training. */
  readonly hasMissing: Uint8Array;
  /** 1 for a text column: its bins have no order of their own. */
  readonly isText: Uint8Array;
  /** Bins by column: column x rowCount + row. */
  readonly bins: Uint8Array;
  readonly records: Int32Array;
  /** Row indices; the rows of a leaf lie side by side. */
  readonly rows: Uint32Array;
  readonly goingLeft: Uint32Array;
  readonly goingRight: Uint32Array;
  /** Row x outputs. */
  readonly scores: Float64Array;
  /** Softmax only: log of the sum of exponentials of a row's scores. */
  readonly normalisers: Float64Array;
  /** A pool of histograms, one slot per open leaf. */
  readonly histograms: Float64Array;
  /** One histogram per member. */
  readonly partials: Float64Array;
  /** Two candidates per member. */
  readonly candidates: Float64Array;
  /** Small exchange: one cache line of 8 numbers per member. */
  readonly slate: Float64Array;
}

const wordsOf = (columnCount: number) => Math.ceil(columnCount / 4);
/** Words of a record. */
export const strideOf = (columnCount: number) => 2 + wordsOf(columnCount);
/** Numbers of one histogram; columns are padded to the width of a word. */
export const histogramSize = (columnCount: number) => wordsOf(columnCount) * 4 * BINS * SUMS;

export function allocate({ rowCount, columnCount, outputs, members, leavesMax }: Shape): Memory {
  const histogram = histogramSize(columnCount);
  return {
    edges: sharedFloat32(columnCount * BINS),
    binCounts: sharedInt32(columnCount),
    hasMissing: sharedUint8(columnCount),
    isText: sharedUint8(columnCount),
    bins: sharedUint8(columnCount * rowCount),
    records: sharedInt32(rowCount * strideOf(columnCount)),
    rows: sharedUint32(rowCount),
    goingLeft: sharedUint32(rowCount),
    goingRight: sharedUint32(rowCount),
    scores: sharedFloat64(rowCount * outputs),
    normalisers: sharedFloat64(outputs > 1 ? rowCount : 0),
    histograms: sharedFloat64(leavesMax * histogram),
    partials: sharedFloat64(members * histogram),
    candidates: sharedFloat64(members * 2 * CANDIDATE),
    slate: sharedFloat64(members * 8),
  };
}
