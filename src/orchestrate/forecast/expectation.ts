/**
 * What comes next of a number that was measured before, and how sure that is. Plain and robust: medians, order statistics, a line through medians.
 *
 *     value ~ fit(size) x ratio        fit: the median, or Theil and Sen's line over the size where that foretells the seen better
 *
 * The interval goes from the j-th smallest to the j-th largest ratio that was seen: the next of n + 1 numbers that may come in any order lies there
 * with probability (n + 1 - 2j) / (n + 1), whatever they are distributed like (Wilks, "Determination of sample sizes for setting tolerance limits", 1941).
 * Line: H. Theil (1950), P. K. Sen (1968); neither slope nor offset is below 0, since more input never takes less than none.
 */

export interface Sample {
  /** What was measured, above 0. */
  readonly value: number;
  /** Of the input; null: not known. */
  readonly size: number | null;
}

export interface Expectation {
  readonly value: number;
  /** From here to `high` with probability `sure`. */
  readonly low: number;
  readonly high: number;
  /** 0 where one sample stands behind it, or where the size is far from all that was seen. */
  readonly sure: number;
  readonly attempts: number;
  /** What each sample says of the size that is asked for: as likely as each other. */
  readonly drawn: readonly number[];
}

/** An interval is as narrow as it can be and still be as sure as this; fewer than 9 samples are less sure. */
const SURE = 0.8;
/** A line is drawn from this many samples on, with this many sizes among them. */
const LINE_SAMPLES_MIN = 5;
const LINE_SIZES_MIN = 3;
/** Sizes that are this much larger or smaller than all that were seen are far. */
const FAR = 2;

/** A clock that shows nothing passed shows less than this. */
const LEAST = 1e-3;

type Fit = (size: number | null) => number;

/** null where nothing was measured. `size`: of the input that is asked for. */
export function expectNext(samples: readonly Sample[], size: number | null): Expectation | null {
  const measured = samples.map((sample) => ({ ...sample, value: Math.max(sample.value, LEAST) }));
  if (measured.length === 0) return null;
  const fit = bestFit(measured, size);
  const value = fit(size);
  const drawn = measured.map((sample) => sample.value * (value / fit(sample.size))).sort((a, b) => a - b);
  const n = drawn.length;
  const cut = Math.max(1, Math.floor(((n + 1) * (1 - SURE)) / 2 + 1e-9));
  const low = drawn[cut - 1]!;
  const high = drawn[n - cut]!;
  return {
    value,
    low: Math.min(low, value),
    high: Math.max(high, value),
    sure: isFar(measured, size) ? 0 : (n + 1 - 2 * cut) / (n + 1),
    attempts: n,
    drawn,
  };
}

function isFar(samples: readonly Sample[], size: number | null): boolean {
  const seen = samples.flatMap((sample) => sample.size ?? []);
  return size !== null && seen.length > 0 && (size > FAR * Math.max(...seen) || size < Math.min(...seen) / FAR);
}

/** The line where each sample, left out, is foretold better by the line of the others than by their median. */
function bestFit(samples: readonly Sample[], size: number | null): Fit {
  const constant = constantFit(samples);
  const sized = samples.filter((sample) => sample.size !== null);
  const sizes = new Set(sized.map((sample) => sample.size));
  if (size === null || sized.length < samples.length || sized.length < LINE_SAMPLES_MIN || sizes.size < LINE_SIZES_MIN)
    return constant;
  const line = lineFit(samples);
  return line !== null && errorOf(samples, (others) => lineFit(others) ?? constantFit(others)) < errorOf(samples, constantFit)
    ? line
    : constant;
}

/** Median of |log(measured / foretold)|, each sample foretold by the others. */
const errorOf = (samples: readonly Sample[], fitOf: (samples: readonly Sample[]) => Fit): number =>
  median(samples.map(({ value, size }, left) => Math.abs(Math.log(value / fitOf(samples.filter((_, i) => i !== left))(size)))));

function constantFit(samples: readonly Sample[]): Fit {
  const middle = median(samples.map(({ value }) => value));
  return () => middle;
}

/** null where it would not rise. */
function lineFit(samples: readonly Sample[]): Fit | null {
  const slopes = samples.flatMap((a, i) =>
    samples.slice(i + 1).flatMap((b) => (a.size === b.size ? [] : [(b.value - a.value) / (b.size! - a.size!)])),
  );
  const slope = slopes.length === 0 ? 0 : median(slopes);
  if (slope <= 0) return null;
  const offset = Math.max(0, median(samples.map(({ value, size }) => value - slope * size!)));
  const least = Math.min(...samples.map(({ value }) => value)) * 1e-3; // an empty input takes its time too
  return (size) => Math.max(offset + slope * size!, least);
}

/** Of a list that is not empty; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : sorted[half - 1]! + (sorted[half]! - sorted[half - 1]!) / 2;
}
