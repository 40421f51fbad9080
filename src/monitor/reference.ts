/**
 * What an endpoint's traffic is held against: the test part that its model was judged by, which the model has not learnt from.
 * Made once per model version by the step `reference`, kept as a JSON object.
 */
import type { Task } from "../contract/index.ts";
import type { Gain } from "../learn/index.ts";

export interface Reference {
  readonly format: 1;
  readonly model: string;
  readonly task: Task;
  readonly classes: readonly string[];
  readonly threshold: number | null;
  readonly gain: Gain | null;
  readonly rows: number;
  /** Days of data time among the rows; 0 without a time column. */
  readonly days: number;
  /** Features as the model reads them. */
  readonly features: Readonly<Record<string, Distribution>>;
  /** Of the probability, the likeliest class, or the value. */
  readonly prediction: Distribution;
  /** Columns that a request carries, but for the time. */
  readonly columns: Readonly<Record<string, FeedColumn>>;
  /** Share of the model's importance by feature, summing to 1. */
  readonly importance: Readonly<Record<string, number>>;
  /** The data set's columns that each feature reads, the time column among them. */
  readonly reads: Readonly<Record<string, readonly string[]>>;
  /** Maps a stated probability to the share that was true (of the positive, or of the likeliest class): pairs of both, rising; null for regression. */
  readonly calibration: readonly (readonly [stated: number, observed: number])[] | null;
  /** What each measure was on the reference's days: the band that a day is expected in. */
  readonly quality: Readonly<Record<string, Band>>;
  /** Rows by hour of the day, on average, and the least and most of any hour of that kind. */
  readonly rate: readonly { readonly mean: number; readonly low: number; readonly high: number }[];
}

/** Ten quantile bins (or the commonest values), with bins of their own for null and for the rest. */
export interface Distribution {
  readonly kind: "number" | "text";
  /** Inner edges of the bins, rising: a number belongs to the first bin whose edge it does not pass. Empty for texts. */
  readonly edges: readonly number[];
  /** Texts with a bin of their own. Empty for numbers. */
  readonly values: readonly string[];
  /** By bin: the numbers' or values' bins, then other texts (texts only), then null. Sums to 1. */
  readonly shares: readonly number[];
  /** What one day of the reference differs from the whole by itself. */
  readonly daily: Band;
}

export interface Band {
  readonly mean: number;
  readonly sd: number;
  readonly low: number;
  readonly high: number;
}

export interface FeedColumn {
  readonly nulls: number;
  /** Worst share of nulls in any hour of the reference with 20 rows or more. */
  readonly nullsHigh: number;
  /** Share of the commonest value. */
  readonly top: number;
  /** Longest run of one value, in the order of time. */
  readonly longestRun: number;
  /** Of numbers: least, greatest, and the 0.1 % and 99.9 % quantiles. */
  readonly range: { readonly min: number; readonly max: number; readonly low: number; readonly high: number } | null;
  /** Of texts with at most 1,000 different values: all of them; null where there are more. */
  readonly values: readonly string[] | null;
  /** Of numbers with at most 2,000 different values, as codes and distances in whole miles are: all of them; null where there are more. */
  readonly numbers: readonly number[] | null;
  /** Share of the later half's rows, in the order of time, whose value the earlier half did not have: how often a new value is no news. */
  readonly fresh: number;
}
