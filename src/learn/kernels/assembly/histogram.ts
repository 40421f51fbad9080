/**
 * Histograms of trees on binned columns: of each column and bin the sum of gradients, the sum of hessians and the number of rows, as integers.
 *
 *   record of a row:   | gradient i32 | hessian i32 | bin of column 0 | bin of column 1 | ... | any to a multiple of 4 |
 *   histogram:         for each column 256 entries of 16 bytes:  | sum of gradients i64 | sum of hessians << shift + rows i64 |
 *
 * One vector addition per row and column does all three. Columns are taken eight at a time, so that the part of the histogram that is written to stays in
 * the first-level cache, for as many rows at a time as stay in the second.
 */

/** Bytes of a column's histogram; the addresses below are multiples of it, written out so that they become part of the instructions. */
const COLUMN: usize = 4096;
const ENTRY: usize = 16;
const MISSING: usize = 255 * ENTRY;
/** Rows at a time; `scratch` has room for 16 bytes and a record of each (`histogramScratchBytes`). */
function chunkRows(stride: usize): u32 {
  return max(128, min(2048, 131072 / (16 + <u32>stride)));
}

/**
 * Adds records `from` to `to`, of all rows or, where `rows` is not 0, of the rows listed there. `columns` is a multiple of 4. Rows that are listed lie apart:
 * their records are copied side by side first, so that the processor waits for many of them at once.
 */
export function addRows(
  records: usize,
  stride: usize,
  columns: u32,
  rows: usize,
  from: u32,
  to: u32,
  shift: i64,
  scratch: usize,
  histogram: usize,
): void {
  const chunk = chunkRows(stride);
  const copies = scratch + ((<usize>chunk) << 4);
  for (let first = from; first < to; first += chunk) {
    const count = min(chunk, to - first);
    let bins = records + <usize>first * stride + 8;
    if (rows === 0) expand(bins - 8, stride, count, shift, scratch);
    else {
      gather(records, stride, rows + ((<usize>first) << 2), count, copies);
      expand(copies, stride, count, shift, scratch);
      bins = copies + 8;
    }
    let at = histogram;
    let left = columns;
    for (; left >= 8; left -= 8) {
      addEight(bins, stride, count, scratch, at);
      bins += 8;
      at += 8 * COLUMN;
    }
    if (left > 0) addFour(bins, stride, count, scratch, at);
  }
}

function gather(records: usize, stride: usize, rows: usize, count: u32, to: usize): void {
  for (const end = rows + ((<usize>count) << 2); rows < end; rows += 4) {
    const from = records + <usize>load<u32>(rows) * stride;
    let at: usize = 0;
    for (; at + 16 <= stride; at += 16) v128.store(to + at, v128.load(from + at));
    if (at < stride) store<u64>(to + at, load<u64>(from + at));
    to += stride;
  }
}

/** What each row adds to each of its bins. */
function expand(records: usize, stride: usize, count: u32, shift: i64, to: usize): void {
  for (const end = to + ((<usize>count) << 4); to < end; to += 16) {
    store<i64>(to, <i64>load<i32>(records));
    store<i64>(to, ((<i64>load<i32>(records, 4)) << shift) + 1, 8);
    records += stride;
  }
}

/** `bins` holds four of them, a byte each. */
function addFourOf(bins: u32, sums: v128, histogram: usize): void {
  let at = histogram + <usize>((bins << 4) & 0xff0);
  v128.store(at, i64x2.add(v128.load(at), sums));
  at = histogram + <usize>((bins >> 4) & 0xff0);
  v128.store(at, i64x2.add(v128.load(at, 4096), sums), 4096);
  at = histogram + <usize>((bins >> 12) & 0xff0);
  v128.store(at, i64x2.add(v128.load(at, 8192), sums), 8192);
  at = histogram + <usize>((bins >> 20) & 0xff0);
  v128.store(at, i64x2.add(v128.load(at, 12288), sums), 12288);
}

function addFour(bins: usize, stride: usize, count: u32, sums: usize, histogram: usize): void {
  for (const end = sums + ((<usize>count) << 4); sums < end; sums += 16) {
    addFourOf(load<u32>(bins), v128.load(sums), histogram);
    bins += stride;
  }
}

function addEight(bins: usize, stride: usize, count: u32, sums: usize, histogram: usize): void {
  for (const end = sums + ((<usize>count) << 4); sums < end; sums += 16) {
    const both = v128.load(sums);
    const last = load<u32>(bins, 4);
    addFourOf(load<u32>(bins), both, histogram);
    let at = histogram + <usize>((last << 4) & 0xff0);
    v128.store(at, i64x2.add(v128.load(at, 16384), both), 16384);
    at = histogram + <usize>((last >> 4) & 0xff0);
    v128.store(at, i64x2.add(v128.load(at, 20480), both), 20480);
    at = histogram + <usize>((last >> 12) & 0xff0);
    v128.store(at, i64x2.add(v128.load(at, 24576), both), 24576);
    at = histogram + <usize>((last >> 20) & 0xff0);
    v128.store(at, i64x2.add(v128.load(at, 28672), both), 28672);
    bins += stride;
  }
}

/** Empties the column whose histogram is at `column`: its first `binCount` bins and that of missing values. */
export function clearColumn(column: usize, binCount: u32): void {
  memory.fill(column, 0, (<usize>binCount) << 4);
  v128.store(column + MISSING, i64x2.splat(0));
}

/**
 * Adds to the child's column those of `count` helpers, `apart` bytes one from the other, and takes the whole from the parent's, where there is one (not 0),
 * which leaves the sibling there.
 */
export function reduceColumn(child: usize, helpers: usize, apart: usize, count: u32, parent: usize, binCount: u32): void {
  const end = (<usize>binCount) << 4;
  for (let at: usize = 0; at < end; at += ENTRY) reduce(child + at, helpers + at, apart, count, parent === 0 ? 0 : parent + at);
  reduce(child + MISSING, helpers + MISSING, apart, count, parent === 0 ? 0 : parent + MISSING);
}

function reduce(child: usize, helper: usize, apart: usize, count: u32, parent: usize): void {
  let sums = v128.load(child);
  for (let other: u32 = 0; other < count; other++) sums = i64x2.add(sums, v128.load(helper + <usize>other * apart));
  if (count > 0) v128.store(child, sums);
  if (parent !== 0) v128.store(parent, i64x2.sub(v128.load(parent), sums));
}

/** Writes a column's bins as three doubles each: gradients, hessians, rows. Bins past `binCount` are passed over, that of missing values is not. */
export function readColumn(column: usize, binCount: u32, shift: i64, to: usize): void {
  for (let bin: usize = 0; bin < <usize>binCount; bin++) readEntry(column + bin * ENTRY, shift, to + bin * 24);
  readEntry(column + MISSING, shift, to + 255 * 24);
}

function readEntry(entry: usize, shift: i64, to: usize): void {
  const both = load<i64>(entry, 8);
  store<f64>(to, <f64>load<i64>(entry));
  store<f64>(to, <f64>(both >> shift), 8);
  store<f64>(to, <f64>(both & ((1 << shift) - 1)), 16);
}

/**
 * The best cut after one of the first `cuts` bins in their order, missing values left or right: as `scan` in `split-search.ts`, to the bit. Where none
 * gains more than `gainMin` the answer is -1, else the last bin that goes left; then the gain and the left sums stand in `result`: 4 doubles.
 */
export function scanColumn(
  column: usize,
  cuts: u32,
  missingLeft: bool,
  shift: i64,
  perGradient: f64,
  perHessian: f64,
  gradientAll: f64,
  hessianAll: f64,
  rowsAll: f64,
  rowsMin: f64,
  hessianMin: f64,
  l2: f64,
  parent: f64,
  gainMin: f64,
  result: usize,
): i32 {
  const mask = ((<i64>1) << shift) - 1;
  const whole = gradientAll * perGradient;
  let gradient: i64 = 0;
  let both: i64 = 0;
  if (missingLeft) {
    gradient = load<i64>(column + MISSING);
    both = load<i64>(column + MISSING, 8);
  }
  let best = -1;
  for (let bin: u32 = 0; bin < cuts; bin++) {
    const entry = column + ((<usize>bin) << 4);
    const added = load<i64>(entry, 8);
    // An empty bin cuts as the bin before it does, except for the first: there the missing values may stand alone.
    if (added === 0 && bin > 0) continue;
    gradient += load<i64>(entry);
    both += added;
    const rows = <f64>(both & mask);
    if (rows < rowsMin) continue;
    if (rowsAll - rows < rowsMin) break;
    const hessian = <f64>(both >> shift);
    const hessianLeft = hessian * perHessian;
    const hessianRight = (hessianAll - hessian) * perHessian;
    if (hessianLeft < hessianMin || hessianRight < hessianMin) continue;
    const gradientLeft = <f64>gradient * perGradient;
    const gradientRight = whole - gradientLeft;
    const left = hessianLeft + l2;
    const right = hessianRight + l2;
    const gain = (gradientLeft * gradientLeft * right + gradientRight * gradientRight * left) / (left * right) - parent;
    if (gain > gainMin) {
      gainMin = gain;
      best = <i32>bin;
      store<f64>(result, gain);
      store<f64>(result, <f64>gradient, 8);
      store<f64>(result, hessian, 16);
      store<f64>(result, rows, 24);
    }
  }
  return best;
}
