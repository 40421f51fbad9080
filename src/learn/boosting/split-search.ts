/**
 * The best cut of a leaf by one column. Gain of cutting (G, H) into left and right, with the sums in units of the loss:
 *
 *   GL^2 / (HL + l2) + GR^2 / (HR + l2) - G^2 / (H + l2)
 *
 * (in one fraction). The bins of a number are cut in their order. The bins of a text are put in the order of their mean gradient in this leaf first: the best of all cuts into
 * two sets is then a cut of that order (Fisher 1958; decisions/texts-in-trees.md). Missing values, and texts with too few rows in the leaf, are the rest: tried on both sides. Where a leaf
 * has no rest, it belongs to the child with more rows. Ties go to the lower column, then the earlier cut, then the rest to the right, so that the answer does
 * not depend on who searched which column.
 */

import { BINS, MISSING_BIN } from "../trees/binning.ts";
import { SET_WORDS } from "../trees/forest.ts";
import type { Scales } from "./gradients.ts";
import { type Histograms, SUMS } from "./histogram.ts";

export interface SplitRules {
  readonly minRowsPerLeaf: number;
  readonly l2: number;
  readonly minGain: number;
  /** A child below this sum of hessians is not made: its value would be noise. */
  readonly minHessianPerLeaf: number;
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

/** A gain below this part of the parent's term is a rounding error. */
const ROUNDING = 1e-12;
/** A text with fewer rows in the leaf is part of the rest; as many rows' worth of hessian draw each text's mean to 0. */
const TEXT_ROWS = 10;

/** Between these a leaf's value must lie, before the learning rate. */
export interface Bounds {
  readonly lower: number;
  readonly upper: number;
}

/** One leaf's histogram and what it is searched by. */
export interface LeafSums {
  readonly histograms: Histograms;
  readonly slot: number;
  readonly totals: Totals;
  readonly scales: Scales;
  readonly rules: SplitRules;
  /** Only where some column is monotone. */
  readonly bounds?: Bounds;
}

/** The Newton step of a leaf, within its bounds. */
export function stepOf({ gradient, hessian }: Totals, scales: Scales, l2: number, bounds: Bounds | undefined): number {
  const denominator = hessian / scales.hessian + l2;
  const step = denominator > 0 ? -(gradient / scales.gradient) / denominator : 0;
  return bounds === undefined ? step : Math.min(Math.max(step, bounds.lower), bounds.upper);
}

/** The better of `best` and the best cut of a number column; `direction` 1 or -1 where the model must rise or fall with it. */
export function searchNumber(
  leaf: LeafSums,
  column: number,
  binCount: number,
  hasMissing: boolean,
  direction: number,
  best: Split,
): Split {
  const scan = leaf.bounds === undefined ? kernelScan(leaf, column) : plainScan(leaf, column, IN_ORDER, direction);
  const missing = hasMissing ? sumsAt(leaf.histograms.missing(leaf.slot, column), MISSING_BIN) : NOTHING;
  const cut = bestCut(scan, binCount, missing, leaf.totals.rows, best.gain);
  return cut === null ? best : { ...cut, column, bin: cut.last, set: null };
}

/** The better of `best` and the best cut of a text column. */
export function searchText(leaf: LeafSums, column: number, binCount: number, hasMissing: boolean, best: Split): Split {
  const sums = leaf.histograms.column(leaf.slot, column);
  const { order, others } = orderBins(leaf, sums, binCount);
  const missing = hasMissing ? sumsAt(sums, MISSING_BIN) : NOTHING;
  const cut = bestCut(plainScan(leaf, column, order, 0), order.length, plus(missing, others), leaf.totals.rows, best.gain);
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

/** Tries the cut after each of the first `cuts` bins, the left sums beginning with `start`: the best that gains more than `gainMin`. */
type Scan = (cuts: number, start: Totals, gainMin: number) => Omit<Cut, "missingLeft"> | null;

/** The best cut that gains more than `gain`; the rest is tried on both sides. */
function bestCut(scan: Scan, count: number, rest: Totals, leafRows: number, gain: number): Cut | null {
  if (rest.rows === 0) {
    const cut = scan(count - 1, NOTHING, gain);
    return cut && { ...cut, missingLeft: cut.left.rows * 2 >= leafRows };
  }
  const restRight = scan(count, NOTHING, gain);
  const restLeft = scan(count - 1, rest, restRight?.gain ?? gain);
  return restLeft ? { ...restLeft, missingLeft: true } : restRight && { ...restRight, missingLeft: false };
}

/** A gain that a cut must pass: what was found before, what the rules ask for, and what rounding may feign. */
function gainToPass(parent: number, { minGain }: SplitRules, gainMin: number): number {
  return Math.max(gainMin, minGain, parent * ROUNDING);
}

/** The scan of a number column by its kernel, whose missing values are the rest. */
function kernelScan({ histograms, slot, totals, scales, rules }: LeafSums, column: number): Scan {
  const { minRowsPerLeaf, minHessianPerLeaf, l2 } = rules;
  const perGradient = 1 / scales.gradient;
  const perHessian = 1 / scales.hessian;
  const whole = totals.gradient * perGradient;
  const parent = (whole * whole) / (totals.hessian * perHessian + l2);
  const { kernel, shift, result } = histograms;
  return (cuts, start, gainMin) => {
    const last = kernel.scanColumn(
      ...([histograms.addressOf(slot, column), cuts, start.rows > 0, shift, perGradient, perHessian] as const),
      ...([totals.gradient, totals.hessian, totals.rows, minRowsPerLeaf, minHessianPerLeaf, l2] as const),
      ...([parent, gainToPass(parent, rules, gainMin), result.byteOffset] as const),
    );
    if (last < 0) return null;
    const [gain, gradient, hessian, rows] = result;
    return { gain: gain!, last, left: { gradient: gradient!, hessian: hessian!, rows: rows! } };
  };
}

/** The same for bins in any order, and for leaves whose values have bounds: their gain is that of the values they may have. */
export function plainScan(leaf: LeafSums, column: number, order: Uint8Array, direction: number): Scan {
  const { totals, scales, rules, bounds } = leaf;
  const { minRowsPerLeaf, minHessianPerLeaf, l2 } = rules;
  const perGradient = 1 / scales.gradient;
  const perHessian = 1 / scales.hessian;
  const whole = totals.gradient * perGradient;
  const wholeHessian = totals.hessian * perHessian + l2;
  const parent = bounds === undefined ? (whole * whole) / wholeHessian : boundGain(whole, wholeHessian, bounds);
  return (cuts, start, gainMin) => {
    const sums = leaf.histograms.column(leaf.slot, column);
    let { gradient, hessian, rows } = start;
    let bestGain = gainToPass(parent, rules, gainMin);
    let last = -1;
    let left = NOTHING;
    for (let index = 0; index < cuts; index++) {
      const at = order[index]! * SUMS;
      gradient += sums[at]!;
      hessian += sums[at + 1]!;
      rows += sums[at + 2]!;
      if (rows < minRowsPerLeaf) continue;
      if (totals.rows - rows < minRowsPerLeaf) break;
      const hessianLeft = hessian * perHessian;
      const hessianRight = (totals.hessian - hessian) * perHessian;
      if (hessianLeft < minHessianPerLeaf || hessianRight < minHessianPerLeaf) continue;
      const gradientLeft = gradient * perGradient;
      const gradientRight = whole - gradientLeft;
      const dLeft = hessianLeft + l2;
      const dRight = hessianRight + l2;
      const gain =
        bounds === undefined
          ? (gradientLeft * gradientLeft * dRight + gradientRight * gradientRight * dLeft) / (dLeft * dRight) - parent
          : turnsBack(gradientLeft / dLeft, gradientRight / dRight, direction)
            ? -1
            : boundGain(gradientLeft, dLeft, bounds) + boundGain(gradientRight, dRight, bounds) - parent;
      if (gain > bestGain) {
        bestGain = gain;
        last = index;
        left = { gradient, hessian, rows };
      }
    }
    return last < 0 ? null : { gain: bestGain, last, left };
  };
}

/** What a leaf's value gains: 2 x the fall of G v + D v^2 / 2, which without bounds is G^2 / D. */
function boundGain(gradient: number, denominator: number, { lower, upper }: Bounds): number {
  const value = denominator > 0 ? Math.min(Math.max(-gradient / denominator, lower), upper) : 0;
  return -(2 * gradient + denominator * value) * value;
}

/** Whether the children's steps, which are the negatives of these, go against the direction. */
const turnsBack = (left: number, right: number, direction: number) => (left - right) * direction < 0;

/** The text's bins with enough rows, by falling need of a higher score, and the sums of the others. */
function orderBins({ totals, scales }: LeafSums, sums: Float64Array, binCount: number): { order: Uint8Array; others: Totals } {
  const smoothing = (TEXT_ROWS * totals.hessian) / scales.hessian / totals.rows;
  const means = new Float64Array(BINS);
  const kept: number[] = [];
  let [gradient, hessian, rows] = [0, 0, 0];
  for (let bin = 0; bin < binCount; bin++) {
    const at = bin * SUMS;
    if (sums[at + 2]! < TEXT_ROWS) {
      gradient += sums[at]!;
      hessian += sums[at + 1]!;
      rows += sums[at + 2]!;
      continue;
    }
    means[bin] = sums[at]! / scales.gradient / (sums[at + 1]! / scales.hessian + smoothing);
    kept.push(bin);
  }
  return { order: Uint8Array.from(kept.sort((a, b) => means[a]! - means[b]! || a - b)), others: { gradient, hessian, rows } };
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

function sumsAt(sums: Float64Array, bin: number): Totals {
  const at = bin * SUMS;
  return { gradient: sums[at]!, hessian: sums[at + 1]!, rows: sums[at + 2]! };
}

function plus(a: Totals, b: Totals): Totals {
  return { gradient: a.gradient + b.gradient, hessian: a.hessian + b.hessian, rows: a.rows + b.rows };
}
