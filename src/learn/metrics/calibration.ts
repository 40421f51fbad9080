import { type Metric, NO_ROWS } from "./metric.ts";
import type { RankedScores } from "./ranked-scores.ts";

export const CALIBRATION_BINS = 15;

export interface CalibrationPoint {
  /** Mean probability that was stated. */
  readonly stated: number;
  /** Share of positives. */
  readonly observed: number;
  readonly count: number;
}

/**
 * Rows by rising probability in 15 bins of equal count. Rows of equal probability stay together, in the bin of their middle rank, so bins
 * differ in count, and some may not exist, where there are ties.
 */
export function calibrationCurve(ranked: RankedScores, bins = CALIBRATION_BINS): CalibrationPoint[] {
  const { scores, positives, negatives, positiveCount, negativeCount } = ranked;
  const rowCount = positiveCount + negativeCount;
  const sums = Array.from({ length: bins }, () => ({ stated: 0, positives: 0, count: 0 }));
  let below = 0;
  for (let i = 0; i < scores.length; i++) {
    const count = positives[i]! + negatives[i]!;
    const sum = sums[Math.floor((bins * (below + count / 2)) / rowCount)]!;
    sum.stated += scores[i]! * count;
    sum.positives += positives[i]!;
    sum.count += count;
    below += count;
  }
  return sums
    .filter(({ count }) => count > 0)
    .map((sum) => ({ stated: sum.stated / sum.count, observed: sum.positives / sum.count, count: sum.count }));
}

/** Expected calibration error: mean over the rows of the distance between stated and observed in their bin. */
export function calibrationError(ranked: RankedScores, bins = CALIBRATION_BINS): Metric {
  const rowCount = ranked.positiveCount + ranked.negativeCount;
  if (rowCount === 0) return NO_ROWS;
  const distances = calibrationCurve(ranked, bins).map(({ stated, observed, count }) => count * Math.abs(stated - observed));
  return { value: distances.reduce((sum, distance) => sum + distance, 0) / rowCount };
}
