/**
 * The best cut of a leaf by one column. Gain of cutting (G, H) into left and right, with the sums in units of the loss:
 *
 *   GL^2 / (HL + l2) + GR^2 / (HR + l2) - G^2 / (H + l2)
 *
 * Missing values are tried on both sides. Where a leaf has none, they go to the child with more rows. Ties go to the lower column, then the lower bin,
 * then missing to the right, so that the answer does not depend on who searched which column.
 */
import type { Scales } from "./gradients.ts";
import { BINS, CANDIDATE, MISSING_BIN, SUMS } from "./memory.ts";

export interface SplitRules {
  readonly minRowsPerLeaf: number;
  readonly l2: number;
  readonly minGain: number;
}

/** A child below this sum of hessians is not made: its value would be noise (scikit-learn's `min_hessian_to_split`). */
export const HESSIAN_MIN = 1e-3;

/** A gain below this part of the parent's term is a rounding error. */
const ROUNDING = 1e-12;

/** Integer sums over the rows of a leaf. */
export interface Totals {
  readonly gradient: number;
  readonly hessian: number;
  readonly rows: number;
}

export interface Split {
  gain: number;
  column: number;
  bin: number;
  missingLeft: boolean;
  left: Totals;
}

export const NO_SPLIT: Split = { gain: 0, column: -1, bin: 0, missingLeft: false, left: { gradient: 0, hessian: 0, rows: 0 } };

/** The better of `best` and this column's best cut; `at` is where the leaf's histogram lies in `pool`. */
export function searchColumn(
  pool: Float64Array,
  at: number,
  column: number,
  binCount: number,
  hasMissing: boolean,
  totals: Totals,
  rules: SplitRules,
  scales: Scales,
  best: Split,
): Split {
  const first = at + column * BINS * SUMS;
  const missing = first + MISSING_BIN * SUMS;
  const missingRows = hasMissing ? pool[missing + 2]! : 0;
  if (missingRows === 0) return scan(pool, first, binCount - 1, 0, 0, 0, column, "larger", totals, rules, scales, best);
  const right = scan(pool, first, binCount, 0, 0, 0, column, "right", totals, rules, scales, best);
  const [gradient, hessian] = [pool[missing]!, pool[missing + 1]!];
  return scan(pool, first, binCount - 1, gradient, hessian, missingRows, column, "left", totals, rules, scales, right);
}

/** Tries each cut after bins 0 .. `cuts` - 1; the left sums start from what is given (the missing ones, or nothing). */
function scan(
  pool: Float64Array,
  first: number,
  cuts: number,
  gradientStart: number,
  hessianStart: number,
  rowsStart: number,
  column: number,
  missingTo: "left" | "right" | "larger",
  totals: Totals,
  rules: SplitRules,
  scales: Scales,
  best: Split,
): Split {
  const perGradient = 1 / scales.gradient;
  const perHessian = 1 / scales.hessian;
  const { minRowsPerLeaf, l2 } = rules;
  const whole = totals.gradient * perGradient;
  const parent = (whole * whole) / (totals.hessian * perHessian + l2);
  let [gradient, hessian, rows] = [gradientStart, hessianStart, rowsStart];
  let bestGain = Math.max(best.gain, rules.minGain, parent * ROUNDING);
  let bestBin = -1;
  let bestLeft = NO_SPLIT.left;
  for (let bin = 0, from = first; bin < cuts; bin++, from += SUMS) {
    gradient += pool[from]!;
    hessian += pool[from + 1]!;
    rows += pool[from + 2]!;
    if (rows < minRowsPerLeaf) continue;
    if (totals.rows - rows < minRowsPerLeaf) break;
    const hessianLeft = hessian * perHessian;
    const hessianRight = (totals.hessian - hessian) * perHessian;
    if (hessianLeft < HESSIAN_MIN || hessianRight < HESSIAN_MIN) continue;
    const left = gradient * perGradient;
    const right = (totals.gradient - gradient) * perGradient;
    const gain = (left * left) / (hessianLeft + l2) + (right * right) / (hessianRight + l2) - parent;
    if (gain > bestGain) {
      bestGain = gain;
      bestBin = bin;
      bestLeft = { gradient, hessian, rows };
    }
  }
  if (bestBin < 0) return best;
  const missingLeft = missingTo === "larger" ? bestLeft.rows * 2 >= totals.rows : missingTo === "left";
  return { gain: bestGain, column, bin: bestBin, missingLeft, left: bestLeft };
}

/** A member's answer in shared memory. */
export function writeCandidate(split: Split, candidates: Float64Array, index: number): void {
  const { gain, column, bin, missingLeft, left } = split;
  candidates.set([gain, column, bin, missingLeft ? 1 : 0, left.gradient, left.hessian, left.rows], index * CANDIDATE);
}

/** The best of all members' answers for one of the two leaves that were searched together. */
export function bestCandidate(candidates: Float64Array, leaf: 0 | 1, count: number): Split {
  let best = NO_SPLIT;
  for (let member = 0; member < count; member++) {
    const split = readCandidate(candidates, member * 2 + leaf);
    if (split.column >= 0 && (split.gain > best.gain || (split.gain === best.gain && split.column < best.column))) best = split;
  }
  return best;
}

function readCandidate(candidates: Float64Array, index: number): Split {
  const [gain, column, bin, missingLeft, gradient, hessian, rows] = candidates.subarray(
    index * CANDIDATE,
    (index + 1) * CANDIDATE,
  );
  return {
    gain: gain!,
    column: column!,
    bin: bin!,
    missingLeft: missingLeft === 1,
    left: { gradient: gradient!, hessian: hessian!, rows: rows! },
  };
}
