/** How far a day's values lie from the reference's: the population stability index (Lewis, 1994), sum of (p - q) ln(p / q) over the bins. */
import { addCounts, type Bins, binCount } from "./bins.ts";
import type { Band, Distribution } from "./reference.ts";

/** An empty bin counts as this share: a value that was never seen adds to the index, and does not make it infinite. As Evidently does. */
const SHARE_MIN = 1e-4;
/** Days with fewer rows are not judged. */
export const JUDGED_ROWS_MIN = 100;
/** Below this a shift is small by custom (0.1 small, 0.25 large), however quiet the reference was. */
const SMALL_SHIFT = 0.1;

export function psi(p: readonly number[], q: readonly number[]): number {
  return p.reduce((sum, share, bin) => {
    const [a, b] = [Math.max(share, SHARE_MIN), Math.max(q[bin]!, SHARE_MIN)];
    return sum + (a - b) * Math.log(a / b);
  }, 0);
}

export const sharesOf = (counts: readonly number[]): number[] => {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (total === 0 ? 0 : count / total));
};

export interface Drifted {
  readonly psi: number;
  readonly bound: number;
}

/**
 * What some rows' counts make of a distribution; null when they are too few to be judged. `referenceRows`: how many rows the distribution is of.
 * The bound is what the reference's own days have differed, or a small shift, plus what so few rows differ by chance: without a shift the index times
 * 1 / (1/n + 1/m) is about chi-squared with bins - 1 degrees of freedom (Yurdakul, 2018), whose mean and three standard deviations are added.
 */
export function driftOf(distribution: Distribution, counts: readonly number[], referenceRows: number): Drifted | null {
  const rows = counts.reduce((sum, count) => sum + count, 0);
  if (rows < JUDGED_ROWS_MIN) return null;
  const freedom = Math.max(1, binCount(distribution) - 1);
  const noise = (freedom + 3 * Math.sqrt(2 * freedom)) * (1 / rows + 1 / Math.max(1, referenceRows));
  return { psi: psi(sharesOf(counts), distribution.shares), bound: Math.max(distribution.daily.high, SMALL_SHIFT) + noise };
}

/** A distribution from the counts of the reference's days, and from those of rows that are in none of them. */
export function distributionOf(
  bins: Bins,
  days: readonly (readonly number[])[],
  rest: readonly (readonly number[])[],
): Distribution {
  const { kind, edges, values } = bins;
  const shares = sharesOf([...days, ...rest].reduce(addCounts, new Array<number>(binCount(bins)).fill(0)));
  const daily = skewBandOf(days.map((counts) => psi(sharesOf(counts), shares)));
  return { kind, edges, values, shares, daily: daily ?? UNKNOWN };
}

/** An index is never below 0 and now and then great, as delays are on a day of storms: its logarithm has the three standard deviations. */
function skewBandOf(days: readonly number[]): Band | null {
  const band = bandOf(days);
  const logs = bandOf(days.map((index) => Math.log(Math.max(index, SHARE_MIN))));
  return band && logs && { ...band, low: Math.max(0, band.low), high: Math.max(band.high, Math.exp(logs.mean + 3 * logs.sd)) };
}

/** Where the reference has too few days to tell how days differ: a large shift by custom. */
const UNKNOWN = { mean: 0, sd: 0, low: 0, high: 0.25 };
/** With fewer days there is no telling how days differ. */
export const BAND_DAYS_MIN = 3;

/** Where a day is expected: three standard deviations about the mean, and every day seen; null with fewer than three of them. */
export function bandOf(days: readonly number[]): Band | null {
  if (days.length < BAND_DAYS_MIN) return null;
  const mean = days.reduce((sum, value) => sum + value, 0) / days.length;
  const sd = Math.sqrt(days.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (days.length - 1));
  return { mean, sd, low: Math.min(mean - 3 * sd, ...days), high: Math.max(mean + 3 * sd, ...days) };
}
