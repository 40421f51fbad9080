/**
 * Histograms of gradients: for each column and bin, sum of gradients, sum of hessians and number of rows.
 * The kernel adds two doubles per row and column: the gradient, and hessian x 2^16 + 1, which counts the rows in its low 16 bits.
 * Every 2^15 rows the packed sums are spread over three, before the count can run into the hessian. All sums are of integers: exact.
 * Only the smaller child of a split is added up; its sibling is the parent minus it.
 */
import { BINS, MISSING_BIN } from "../trees/binning.ts";
import { SUMS } from "./memory.ts";

const PACKED_ROWS = 2 ** 15;
const PACKED_COUNT = 2 ** 16;
/** A leaf with less than this part of all rows is sparse: its records are mostly on cache lines of their own. */
const SPARSE = 4;
/** Records fetched ahead: they fit the first-level cache. */
const FETCHED_ROWS = 256;

export interface HistogramLayout {
  readonly columnCount: number;
  readonly stride: number;
  readonly members: number;
  readonly binCounts: Int32Array;
  readonly hasMissing: Uint8Array;
  /** Where what was read for its own sake goes. */
  readonly sink: Int32Array;
}

/** Adds the records of rows[from..to) into `partial` (at `offset`, which is cleared first); `packed` is zero before and after. */
export function addRows(
  layout: HistogramLayout,
  records: Int32Array,
  rows: Uint32Array,
  from: number,
  to: number,
  packed: Float64Array,
  partial: Float64Array,
  offset: number,
): void {
  forUsedBins(layout, (bin) => partial.fill(0, offset + bin * SUMS, offset + bin * SUMS + SUMS));
  const { stride, columnCount } = layout;
  const isSparse = (to - from) * layout.members * SPARSE < records.length / stride;
  for (let start = from; start < to; start += PACKED_ROWS) {
    const end = Math.min(to, start + PACKED_ROWS);
    if (!isSparse) addPacked(records, stride, rows, start, end, packed, columnCount);
    for (let near = start; isSparse && near < end; near += FETCHED_ROWS) {
      layout.sink[0] = fetch(records, stride, rows, near, Math.min(end, near + FETCHED_ROWS));
      addPacked(records, stride, rows, near, Math.min(end, near + FETCHED_ROWS), packed, columnCount);
    }
    spread(layout, packed, partial, offset);
  }
}

/**
 * Touches the records, so that the processor waits for many of them at once: the kernel's stores let it look ahead a few rows only. Where a leaf's rows lie
 * far apart this cuts 75 ns a row to 28 (7 columns, 1.7 million rows). The answer must be kept, or the compiler drops the loop.
 */
function fetch(records: Int32Array, stride: number, rows: Uint32Array, from: number, to: number): number {
  let touched = 0;
  for (let index = from; index < to; index++) touched ^= records[rows[index]! * stride]!;
  return touched;
}

/** The kernel: four columns at a time from one word, then those of the last, partly filled word. */
function addPacked(
  records: Int32Array,
  stride: number,
  rows: Uint32Array,
  from: number,
  to: number,
  packed: Float64Array,
  columnCount: number,
): void {
  const fullWords = columnCount >> 2;
  const tail = columnCount & 3;
  for (let index = from; index < to; index++) {
    let word = rows[index]! * stride;
    const gradient = records[word]!;
    const hessianAndRow = records[word + 1]! * PACKED_COUNT + 1;
    word += 2;
    const end = word + fullWords;
    let base = 0;
    for (; word < end; word++) {
      const bins = records[word]!;
      let at = base + ((bins << 1) & 510);
      packed[at]! += gradient;
      packed[at + 1]! += hessianAndRow;
      at = base + 512 + ((bins >>> 7) & 510);
      packed[at]! += gradient;
      packed[at + 1]! += hessianAndRow;
      at = base + 1024 + ((bins >>> 15) & 510);
      packed[at]! += gradient;
      packed[at + 1]! += hessianAndRow;
      at = base + 1536 + ((bins >>> 23) & 510);
      packed[at]! += gradient;
      packed[at + 1]! += hessianAndRow;
      base += 2048;
    }
    if (tail === 0) continue;
    const bins = records[word]!;
    let at = base + ((bins << 1) & 510);
    packed[at]! += gradient;
    packed[at + 1]! += hessianAndRow;
    if (tail === 1) continue;
    at = base + 512 + ((bins >>> 7) & 510);
    packed[at]! += gradient;
    packed[at + 1]! += hessianAndRow;
    if (tail === 2) continue;
    at = base + 1024 + ((bins >>> 15) & 510);
    packed[at]! += gradient;
    packed[at + 1]! += hessianAndRow;
  }
}

function spread(layout: HistogramLayout, packed: Float64Array, partial: Float64Array, offset: number): void {
  for (let column = 0; column < layout.columnCount; column++) spreadColumn(layout, column, packed, partial, offset);
}

function spreadColumn(
  layout: HistogramLayout,
  column: number,
  packed: Float64Array,
  partial: Float64Array,
  offset: number,
): void {
  const spreadBin = (bin: number) => {
    const from = (column * BINS + bin) * 2;
    const both = packed[from + 1]!;
    if (both === 0) return;
    const to = offset + (column * BINS + bin) * SUMS;
    const hessian = Math.floor(both / PACKED_COUNT);
    partial[to]! += packed[from]!;
    partial[to + 1]! += hessian;
    partial[to + 2]! += both - hessian * PACKED_COUNT;
    packed[from] = 0;
    packed[from + 1] = 0;
  };
  for (let bin = 0; bin < layout.binCounts[column]!; bin++) spreadBin(bin);
  if (layout.hasMissing[column] === 1) spreadBin(MISSING_BIN);
}

/**
 * Adds the members' partial sums of one column into `pool` at `child`; where there is a parent (>= 0), takes them from it, which leaves the sibling there.
 */
export function reduceColumn(
  layout: HistogramLayout,
  column: number,
  partials: Float64Array,
  size: number,
  pool: Float64Array,
  child: number,
  parent: number,
): void {
  const reduce = (first: number, end: number) => {
    for (let at = first; at < end; at++) {
      let sum = partials[at]!;
      for (let other = at + size; other < partials.length; other += size) sum += partials[other]!;
      pool[child + at] = sum;
      if (parent >= 0) pool[parent + at]! -= sum;
    }
  };
  const first = column * BINS * SUMS;
  reduce(first, first + layout.binCounts[column]! * SUMS);
  if (layout.hasMissing[column] === 1) reduce(first + MISSING_BIN * SUMS, first + BINS * SUMS);
}

function forUsedBins(layout: HistogramLayout, visit: (bin: number) => void): void {
  for (let column = 0; column < layout.columnCount; column++) {
    for (let bin = 0; bin < layout.binCounts[column]!; bin++) visit(column * BINS + bin);
    if (layout.hasMissing[column] === 1) visit(column * BINS + MISSING_BIN);
  }
}
