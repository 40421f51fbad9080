/**
 * Histograms of gradients: for each column and bin, sum of gradients, sum of hessians and number of rows. Sums of hessians and rows share 64 bits, of which the
 * number of rows of the data takes `shift` (see `kernels/assembly/histogram.ts`). All sums are of integers: exact, in any order.
 * Only the smaller child of a split is added up; its sibling is the parent minus it.
 */
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import { COLUMN_BYTES, type HistogramKernel } from "../kernels/histogram.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import { MISSING_BIN } from "../trees/binning.ts";
import { histogramBytes, type Memory, paddedColumns, strideOf } from "./memory.ts";

/** Numbers per bin where a column's sums are read: gradients, hessians, rows. */
export const SUMS = 3;

/** Rows of a call: kernels are called often rather than long. */
const CALL_ROWS = 8192;
/** A member that would have fewer rows leaves them to the others: to empty and reduce one more histogram costs as much. */
const HELPER_ROWS = 2048;

export interface Histograms {
  /**
   * Adds this member's share of the rows from place `from` to `to` into the leaf's slot or its own; `listed` or in the order of the data.
   * `before` is called for some rows at a time, which are then still near.
   */
  add(slot: number, from: number, to: number, listed: boolean, before?: (first: number, last: number) => void): void;
  /** After a barrier: the slot's `columns` become whole, and the parent's slot (>= 0) is left with the sibling's. */
  reduce(columns: readonly number[], slot: number, parentSlot: number, rowCount: number): void;
  /** The sums of a column, three numbers per bin; valid until the next call. */
  column(slot: number, column: number): Float64Array;
  /** The same, but only the bin of missing values is written. */
  missing(slot: number, column: number): Float64Array;
  /** Address of a column. */
  addressOf(slot: number, column: number): number;
  readonly kernel: HistogramKernel;
  readonly shift: bigint;
  /** What `scanColumn` writes. */
  readonly result: Float64Array;
}

/** Bits that hold the number of rows. */
export const shiftOf = (rowCount: number) => Math.ceil(Math.log2(rowCount + 1));

export function createHistograms(
  memory: Memory,
  columnCount: number,
  rowCount: number,
  leavesMax: number,
  member: Member,
): Histograms {
  const kernel = instantiateKernel<HistogramKernel>("histogram", memory.memory);
  const { records, rows, histograms, binCounts } = memory;
  const { column: sums, scratch, result } = memory.own[member.index]!;
  const bytes = histogramBytes(columnCount);
  const stride = strideOf(columnCount);
  const padded = paddedColumns(columnCount);
  const shift = BigInt(shiftOf(rowCount));
  const slotAt = (slot: number) => histograms.byteOffset + slot * bytes;
  const helpersAt = slotAt(leavesMax);
  const membersFor = (count: number) => Math.max(1, Math.min(member.count, Math.floor(count / HELPER_ROWS)));
  const addressOf = (slot: number, column: number) => slotAt(slot) + column * COLUMN_BYTES;

  function add(slot: number, from: number, to: number, listed: boolean, before?: (first: number, last: number) => void): void {
    const helpers = membersFor(to - from);
    if (member.index >= helpers) return;
    const target = member.index === 0 ? slotAt(slot) : helpersAt + (member.index - 1) * bytes;
    for (let column = 0; column < padded; column++) kernel.clearColumn(target + column * COLUMN_BYTES, binCounts[column] ?? 1);
    const [first, last] = share(to - from, member.index, helpers);
    const list = listed ? rows.byteOffset : 0;
    for (let at = from + first; at < from + last; at += CALL_ROWS) {
      const end = Math.min(at + CALL_ROWS, from + last);
      before?.(at, end);
      kernel.addRows(records.byteOffset, stride, padded, list, at, end, shift, scratch.byteOffset, target);
    }
  }

  function reduce(columns: readonly number[], slot: number, parentSlot: number, count: number): void {
    const helpers = membersFor(count) - 1;
    if (helpers === 0 && parentSlot < 0) return;
    for (const column of columns) {
      const parent = parentSlot < 0 ? 0 : addressOf(parentSlot, column);
      const helper = helpersAt + column * COLUMN_BYTES;
      kernel.reduceColumn(addressOf(slot, column), helper, bytes, helpers, parent, binCounts[column]!);
    }
  }

  function read(slot: number, column: number, binCount: number): Float64Array {
    kernel.readColumn(addressOf(slot, column), binCount, shift, sums.byteOffset);
    return sums;
  }

  return {
    add,
    reduce,
    column: (slot, column) => read(slot, column, binCounts[column]!),
    missing: (slot, column) => read(slot, column, 0),
    addressOf,
    kernel,
    shift,
    result,
  };
}

/** Sums over all bins of a column: those of the leaf. */
export function totalsOf(sums: Float64Array, binCount: number): { gradient: number; hessian: number; rows: number } {
  let [gradient, hessian, rows] = [0, 0, 0];
  const add = (bin: number) => {
    gradient += sums[bin * SUMS]!;
    hessian += sums[bin * SUMS + 1]!;
    rows += sums[bin * SUMS + 2]!;
  };
  for (let bin = 0; bin < binCount; bin++) add(bin);
  add(MISSING_BIN);
  return { gradient, hessian, rows };
}
