/**
 * Texts become bins. Each text of training has a rank: its place by smoothed mean target, (sum of w (t - mean)) / (sum of w + SMOOTHING), rare texts being drawn
 * to the mean so that one lucky row puts no text at an end; ties are broken by the text itself. Up to `maxBins` texts have a bin each; more of them share bins
 * with their neighbours in rank. Which bins go left is learnt anew in each leaf (`split-search.ts`). Texts not seen in training go where missing ones go.
 */

/** Rows' worth of the overall mean that each text is mixed with. */
export const SMOOTHING = 10;

/**
 * What texts are ordered by: the label itself for two classes and for regression. With more classes the label's place when the classes stand in
 * order of falling frequency (ties: of the class list), which does not depend on how the classes are named.
 */
export function orderTarget(y: Float64Array, weights: Float64Array | undefined, classCount: number): Float64Array {
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

/**
 * The codes in rank order; codes without a row are left out. Codes must be in the order of their texts. Sums are of integers, so that the order of
 * the rows does not matter.
 */
export function rankLevels(
  codes: Int32Array,
  levelCount: number,
  target: Float64Array,
  mean: number,
  weights: Float64Array | undefined,
): Int32Array {
  const sums = new Float64Array(levelCount);
  const masses = new Float64Array(levelCount);
  const rows = new Float64Array(levelCount);
  const scale = integerScale(target, mean, weights);
  const massScale = integerScale(new Float64Array(target.length), -1, weights);
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row]!;
    if (code < 0) continue;
    const weight = weights === undefined ? 1 : weights[row]!;
    sums[code]! += Math.round(weight * (target[row]! - mean) * scale);
    masses[code]! += Math.round(weight * massScale);
    rows[code]!++;
  }
  const statistic = sums.map((sum, code) => sum / scale / (masses[code]! / massScale + SMOOTHING));
  return Int32Array.from(Array.from(rows.keys()).filter((code) => rows[code]! > 0)).sort(
    (a, b) => statistic[a]! - statistic[b]! || a - b,
  );
}

/** A power of two that turns every weighted distance from the mean into an integer whose sum over all rows is exact in a double. */
function integerScale(target: Float64Array, mean: number, weights: Float64Array | undefined): number {
  let largest = 0;
  for (let row = 0; row < target.length; row++) {
    const weight = weights === undefined ? 1 : weights[row]!;
    largest = Math.max(largest, Math.abs(weight * (target[row]! - mean)));
  }
  if (largest === 0) return 1;
  return 2 ** Math.min(51 - Math.ceil(Math.log2(target.length + 1)) - Math.ceil(Math.log2(largest)), 1000);
}

/** Replaces each row's code by its rank; NaN where there is none. */
export function writeRanks(
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
