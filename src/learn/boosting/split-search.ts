/**
 * The best cut of a leaf by one column. Gain of cutting (G, H) into left and right, with the sums in units of the loss:
 *
 *   GL^2 / (HL + l2) + GR^2 / (HR + l2) - G^2 / (H + l2)
 *
 * The bins of a number are cut in their order. The bins of a text are put in the order of their mean gradient in this leaf first: the best of all cuts into
 * two sets is then a cut of that order (Fisher 1958; decisions/texts-in-trees.md). Missing values, and texts with too few rows in the leaf, are the rest: tried on both sides. Where a leaf
 * has no rest, it belongs to the child with more rows. Ties go to the lower column, then the earlier cut, then the rest to the right, so that the answer does
 * not depend on who searched which column.
 */

import { BINS, MISSING_BIN } from "../trees/binning.ts";
import { SET_WORDS } from "../trees/forest.ts";
import type { Scales } from "./gradients.ts";
import { SUMS } from "./memory.ts";

export interface SplitRules {
  readonly minRowsPerLeaf: number;
  readonly l2: number;
  readonly minGain: number;
}

/** Integer sums over the rows of a leaf. */
export interface Totals {
  readonly gradient: number;
  readonly hessian: number;
  readonly rows: number;
}

export interface Split {
  readonly gain: number;
  /** -1: no cut gains anything. */
  readonly column: number;
  /** Of a number: bins up to this one go left. */
  readonly bin: number;
  /** Of a text: the bins that go left, a bit each; null for a number. */
  readonly set: Int32Array | null;
  /** Where missing values go, and texts never seen. */
  readonly missingLeft: boolean;
  readonly left: Totals;
}

const NOTHING: Totals = { gradient: 0, hessian: 0, rows: 0 };
export const NO_SPLIT: Split = { gain: 0, column: -1, bin: 0, set: null, missingLeft: false, left: NOTHING };

/** A child below this sum of hessians is not made: its value would be noise (scikit-learn's `min_hessian_to_split`). */
const HESSIAN_MIN = 1e-3;
/** A gain below this part of the parent's term is a rounding error. */
const ROUNDING = 1e-12;
/** A text with fewer rows in the leaf is part of the rest; as many rows' worth of hessian draw each text's mean to 0. */
const TEXT_ROWS = 10;

/** One leaf's histogram and what it is searched by. */
export interface LeafSums {
  readonly pool: Float64Array;
  /** Where the leaf's histogram lies in `pool`. */
  readonly at: number;
  readonly totals: Totals;
  readonly scales: Scales;
  readonly rules: SplitRules;
}

/** The better of `best` and the best cut of a number column. */
export function searchNumber(leaf: LeafSums, column: number, binCount: number, hasMissing: boolean, best: Split): Split {
  const first = leaf.at + column * BINS * SUMS;
  const missing = hasMissing ? sumsAt(leaf.pool, first + MISSING_BIN * SUMS) : NOTHING;
  const cut = bestCut(leaf, first, IN_ORDER, binCount, missing, best.gain);
  return cut === null ? best : { ...cut, column, bin: cut.last, set: null };
}

/** The better of `best` and the best cut of a text column. */
export function searchText(leaf: LeafSums, column: number, binCount: number, hasMissing: boolean, best: Split): Split {
  const first = leaf.at + column * BINS * SUMS;
  const { order, others } = orderBins(leaf, first, binCount);
  const missing = hasMissing ? sumsAt(leaf.pool, first + MISSING_BIN * SUMS) : NOTHING;
  const cut = bestCut(leaf, first, order, order.length, plus(missing, others), best.gain);
  return cut === null ? best : { ...cut, column, bin: 0, set: setOf(order, cut.last, cut.missingLeft) };
}

const IN_ORDER = Uint8Array.from({ length: BINS }, (_, bin) => bin);

interface Cut {
  readonly gain: number;
  /** Place in the order of the last bin that goes left. */
  readonly last: number;
  readonly missingLeft: boolean;
  readonly left: Totals;
}

/** The best cut of the bins in `order` that gains more than `gain`; the rest is tried on both sides. */
function bestCut(leaf: LeafSums, first: number, order: Uint8Array, count: number, rest: Totals, gain: number): Cut | null {
  if (rest.rows === 0) {
    const cut = scan(leaf, first, order, count - 1, NOTHING, gain);
    return cut && { ...cut, missingLeft: cut.left.rows * 2 >= leaf.totals.rows };
  }
  const restRight = scan(leaf, first, order, count, NOTHING, gain);
  const restLeft = scan(leaf, first, order, count - 1, rest, restRight?.gain ?? gain);
  return restLeft ? { ...restLeft, missingLeft: true } : restRight && { ...restRight, missingLeft: false };
}

/** Tries the cut after each of the first `cuts` bins; the left sums begin with `start`. */
function scan(
  leaf: LeafSums,
  first: number,
  order: Uint8Array,
  cuts: number,
  start: Totals,
  gainMin: number,
): Omit<Cut, "missingLeft"> | null {
  const { pool, totals, scales, rules } = leaf;
  const perGradient = 1 / scales.gradient;
  const perHessian = 1 / scales.hessian;
  const { minRowsPerLeaf, l2 } = rules;
  const whole = totals.gradient * perGradient;
  const parent = (whole * whole) / (totals.hessian * perHessian + l2);
  let { gradient, hessian, rows } = start;
  let bestGain = Math.max(gainMin, rules.minGain, parent * ROUNDING);
  let last = -1;
  let left = NOTHING;
  for (let index = 0; index < cuts; index++) {
    const at = first + order[index]! * SUMS;
    gradient += pool[at]!;
    hessian += pool[at + 1]!;
    rows += pool[at + 2]!;
    if (rows < minRowsPerLeaf) continue;
    if (totals.rows - rows < minRowsPerLeaf) break;
    const hessianLeft = hessian * perHessian;
    const hessianRight = (totals.hessian - hessian) * perHessian;
    if (hessianLeft < HESSIAN_MIN || hessianRight < HESSIAN_MIN) continue;
    const gradientLeft = gradient * perGradient;
    const gradientRight = whole - gradientLeft;
    const gain =
      (gradientLeft * gradientLeft) / (hessianLeft + l2) + (gradientRight * gradientRight) / (hessianRight + l2) - parent;
    if (gain > bestGain) {
      bestGain = gain;
      last = index;
      left = { gradient, hessian, rows };
    }
  }
  return last < 0 ? null : { gain: bestGain, last, left };
}

/** The text's bins with enough rows, by falling need of a higher score, and the sums of the others. */
function orderBins({ pool, totals, scales }: LeafSums, first: number, binCount: number): { order: Uint8Array; others: Totals } {
  const smoothing = (TEXT_ROWS * totals.hessian) / scales.hessian / totals.rows;
  const means = new Float64Array(BINS);
  const kept: number[] = [];
  let others = NOTHING;
  for (let bin = 0; bin < binCount; bin++) {
    const sums = sumsAt(pool, first + bin * SUMS);
    if (sums.rows < TEXT_ROWS) {
      others = plus(others, sums);
      continue;
    }
    means[bin] = sums.gradient / scales.gradient / (sums.hessian / scales.hessian + smoothing);
    kept.push(bin);
  }
  return { order: Uint8Array.from(kept.sort((a, b) => means[a]! - means[b]! || a - b)), others };
}

/** The bins up to place `last`, and those that are not in the order when the rest goes left. */
function setOf(order: Uint8Array, last: number, restLeft: boolean): Int32Array {
  const set = new Int32Array(SET_WORDS).fill(restLeft ? -1 : 0);
  order.forEach((bin, index) => {
    if (index <= last) set[bin >>> 5]! |= 1 << (bin & 31);
    else set[bin >>> 5]! &= ~(1 << (bin & 31));
  });
  return set;
}

function sumsAt(pool: Float64Array, at: number): Totals {
  return { gradient: pool[at]!, hessian: pool[at + 1]!, rows: pool[at + 2]! };
}

function plus(a: Totals, b: Totals): Totals {
  return { gradient: a.gradient + b.gradient, hessian: a.hessian + b.hessian, rows: a.rows + b.rows };
}
