/**
 * What an endpoint's traffic is held against: the test part that its model was judged by, which the model has not learnt from.
 * Made once per model version by the step `reference`, kept as a JSON object.
 */
import type { Task } from "../contract/index.ts";
import type { Gain } from "../learn/index.ts";
import { type Objects, readJson } from "../ports/objects/index.ts";
import type { ModelVersion } from "../registry/index.ts";
import type { Ledger } from "../steps/index.ts";

export interface References {
  /** null: the version was made before there were references, or its reference is gone. */
  of(version: ModelVersion): Promise<Reference | null>;
}

export function createReferences({
  ledger,
  objects,
}: {
  readonly ledger: Pick<Ledger, "resultOf">;
  readonly objects: Objects;
}): References {
  const read = new Map<string, Promise<Reference | null>>();
  const find = async ({ model, lineage }: ModelVersion): Promise<Reference | null> => {
    const key = lineage.steps[`model/${model}:reference`];
    const digest = key === undefined ? undefined : (await ledger.resultOf(key))?.objects.reference;
    return digest === undefined ? null : readJson<Reference>(objects, digest);
  };
  return {
    of(version) {
      const key = `${version.model} ${version.version} ${version.lineage.steps[`model/${version.model}:reference`]}`;
      const known = read.get(key);
      if (known !== undefined) return known;
      const found = find(version);
      read.set(key, found);
      found.catch(() => read.delete(key));
      if (read.size > KEPT_MAX) read.delete(read.keys().next().value!);
      return found;
    },
  };
}

/** References held in memory; the oldest asked for goes first. */
const KEPT_MAX = 20;

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
  /** Features that read the time alone: what a day of them is like, the calendar says. */
  readonly calendar: readonly string[];
  /** Maps a stated probability to the share that was true (of the positive, or of the likeliest class): pairs of both, rising; null for regression. */
  readonly calibration: readonly (readonly [stated: number, observed: number])[] | null;
  /** What each measure was on the reference's days: the band that a day is expected in. */
  readonly quality: Readonly<Record<string, Band>>;
  /** What each measure was estimated to be on the same days without their labels; none for regression. */
  readonly estimated: Readonly<Record<string, Band>>;
  /** By text feature of at most 1,000 values: how far labels and predictions fell apart in one group of rows on one day. */
  readonly groups: Readonly<Record<string, GroupResiduals>>;
  /** Rows by hour of the day, on average, and the least and most of any hour of that kind. */
  readonly rate: readonly { readonly mean: number; readonly low: number; readonly high: number }[];
}

/** Of the mean of label less prediction over the rows of one value on one day, less the same over all rows of that day. */
export interface GroupResiduals {
  /** Standard deviation from day to day and group to group, without what so few rows vary by chance. */
  readonly sd: number;
  /** Greatest in size, and greatest of the lesser of two days in a row, both to the same side: a storm is gone the day after. */
  readonly worst: number;
  readonly lasting: number;
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
