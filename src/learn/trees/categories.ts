/**
 * Texts become bins. Each text of training has a rank: its place by smoothed mean target, (sum of w (t - mean)) / (sum of w + SMOOTHING), rare texts being drawn
 * to the mean so that one lucky row puts no text at an end; ties are broken by the text itself. Up to `maxBins` texts have a bin each; more of them share bins
 * with their neighbours in rank. Which bins go left is learnt anew in each leaf (`split-search.ts`). Texts not seen in training go where missing ones go.
 */
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import { exactMean } from "../exact-sum.ts";
import { BINS } from "./binning.ts";
import type { TextLevels, TreeColumn } from "./columns.ts";

/** Rows' worth of the overall mean that each text is mixed with. */
export const SMOOTHING = 10;

/**
 * What texts are ordered by: the label itself for two classes and for regression. With more classes the label's place when the classes stand in
 * order of falling frequency (ties: of the class list), which does not depend on how the classes are named.
 */
function orderTarget(y: Float64Array, weights: Float64Array | undefined, classCount: number): Float64Array {
  if (classCount <= 2) return y;
  const mass = new Float64Array(classCount);
  for (let row = 0; row < y.length; row++) mass[y[row]!]! += weights === undefined ? 1 : weights[row]!;
  const byFrequency = Array.from(mass.keys()).sort((a, b) => mass[b]! - mass[a]! || a - b);
  const place = new Float64Array(classCount);
  byFrequency.forEach((classIndex, index) => {
    place[classIndex] = index;
  });
  return Float64Array.from(y, (classIndex) => place[classIndex]!);
}

/** What texts are ranked by: the same for all columns. */
export interface RankTarget {
  readonly target: Float64Array;
  readonly mean: number;
  readonly weights: Float64Array | undefined;
}

/**
 * The codes in rank order of each text column, null for other columns; each member writes the ranks of its share of the rows into the columns' values.
 * Every member ranks all texts itself, as the answer is small and the same.
 */
export function rankTexts(
  columns: readonly TreeColumn[],
  y: Float64Array,
  weights: Float64Array | undefined,
  classCount: number,
  member: Member,
): (Int32Array | null)[] {
  if (columns.every(({ codes }) => codes === undefined)) return columns.map(() => null);
  const target = orderTarget(y, weights, classCount);
  const rank = rankerBy({ target, mean: exactMean(target, weights), weights });
  const [from, to] = share(y.length, member.index, member.count);
  return columns.map(({ codes, levelCount, values }) => {
    if (codes === undefined) return null;
    const levels = rank(codes, levelCount);
    writeRanks(codes, levels, levelCount, values, from, to);
    return levels;
  });
}

/** Of each text column its texts and their bins, once ranks have bins. */
export const levelsOf = (
  ranked: readonly (Int32Array | null)[],
  { edges, binCounts }: { readonly edges: Float32Array; readonly binCounts: Int32Array },
): (TextLevels | null)[] =>
  ranked.map((codes, column) => {
    const own = edges.subarray(column * BINS, column * BINS + binCounts[column]!);
    return codes && { codes, bins: codes.map((_, rank) => own.findIndex((edge) => rank <= edge)) };
  });

/**
 * Gives the codes in rank order; codes without a row are left out. Codes must be in the order of their texts. Sums are of integers, so that the order of
 * the rows does not matter.
 */
export function rankerBy({ target, mean, weights }: RankTarget): (codes: Int32Array, levelCount: number) => Int32Array {
  const weightAt = (row: number) => (weights === undefined ? 1 : weights[row]!);
  let farthest = 0;
  let heaviest = weights === undefined ? 1 : 0;
  for (let row = 0; row < target.length; row++) {
    farthest = Math.max(farthest, Math.abs(weightAt(row) * (target[row]! - mean)));
    heaviest = Math.max(heaviest, weightAt(row));
  }
  const scale = integerScale(farthest, target.length);
  const massScale = integerScale(heaviest, target.length);
  return (codes, levelCount) => {
    const sums = new Float64Array(levelCount);
    const masses = new Float64Array(levelCount);
    const rows = new Float64Array(levelCount);
    for (let row = 0; row < codes.length; row++) {
      const code = codes[row]!;
      if (code < 0) continue;
      const weight = weightAt(row);
      sums[code]! += Math.round(weight * (target[row]! - mean) * scale);
      masses[code]! += Math.round(weight * massScale);
      rows[code]!++;
    }
    const statistic = sums.map((sum, code) => sum / scale / (masses[code]! / massScale + SMOOTHING));
    return Int32Array.from(Array.from(rows.keys()).filter((code) => rows[code]! > 0)).sort(
      (a, b) => statistic[a]! - statistic[b]! || a - b,
    );
  };
}

/** A power of two that turns numbers up to `largest` into integers whose sum over all rows is exact in a double. */
function integerScale(largest: number, rowCount: number): number {
  if (largest === 0) return 1;
  return 2 ** Math.min(51 - Math.ceil(Math.log2(rowCount + 1)) - Math.ceil(Math.log2(largest)), 1000);
}

/** Replaces each row's code by its rank; NaN where there is none. */
function writeRanks(
  codes: Int32Array,
  levels: Int32Array,
  levelCount: number,
  values: Float32Array,
  from: number,
  to: number,
): void {
  const rankOf = new Float32Array(levelCount).fill(NaN);
  for (let rank = 0; rank < levels.length; rank++) rankOf[levels[rank]!] = rank;
  for (let row = from; row < to; row++) values[row] = codes[row]! < 0 ? NaN : rankOf[codes[row]!]!;
}
