/**
 * What is not worth its time. `median` ends a trial when its mean over the folds so far is worse than the median of earlier trials at the same fold (Golovin 2017).
 * `halving` tries all points on few rows, and the best third again on three times as many (Jamieson and Talwalkar 2016). `asha` does not wait until all points have
 * been tried: a trial goes on as soon as it is in the best third of what its rung has seen (Li 2018); here that is decided between generations, so that it does not
 * depend on which job ended first.
 */
import type { PrunerName } from "../../define/index.ts";
import type { Found, Job } from "./search.ts";

/** One of so many goes on to the next rung. */
export const REDUCTION = 3;
/** Of the training rows, by rung. */
export const SHARES: readonly number[] = [1 / 9, 1 / 3, 1];

/** Trials that end whole before any is compared with them. */
const STARTUP = 5;

export interface Promotion {
  readonly trial: number;
  readonly share: number;
}

export const isByRungs = (pruner: PrunerName) => pruner === "halving" || pruner === "asha";

/** The bounds of a trial's mean losses, fold by fold: the medians of the trials that have seen all folds. */
export function boundsOf(found: readonly Found[], folds: number): (number | null)[] {
  const whole = found.filter(({ running, loss }) => running.length === folds && loss !== null);
  return Array.from({ length: folds }, (_, fold) =>
    whole.length < STARTUP || fold === folds - 1 ? null : medianOf(whole.map(({ running }) => running[fold]!)),
  );
}

/** null where one of them is not defined. */
function medianOf(values: readonly (number | null)[]): number | null {
  if (values.includes(null)) return null;
  const sorted = (values as readonly number[]).toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A trial that goes on to more rows; null: none has earned it. `jobs` are those of the generation that is being made. */
export function promoted(pruner: PrunerName, found: readonly Found[], jobs: readonly Job[]): Promotion | null {
  const rungs = SHARES.keys().toArray().slice(0, -1);
  for (const rung of pruner === "asha" ? rungs.reverse() : rungs) {
    const [share, next] = [SHARES[rung]!, SHARES[rung + 1]!];
    if (pruner === "halving" && jobs.some((job) => job.share <= share)) return null; // it waits until the rung has ended
    const places = Math.floor(found.filter((job) => job.share === share).length / REDUCTION);
    const risen = rankedOn(found, share)
      .slice(0, places)
      .find(({ trial }) => !isBegun([...found, ...jobs], trial, next));
    if (risen) return { trial: risen.trial, share: next };
  }
  return null;
}

/** With few trials a rung sends nobody up: the best of the highest goes on, so that one sees all rows. */
export function lastPromotion(found: readonly Found[]): Promotion | null {
  const rung = SHARES.findLastIndex((share) => rankedOn(found, share).length > 0);
  const next = SHARES[rung + 1];
  if (rung < 0 || next === undefined) return null;
  const { trial } = rankedOn(found, SHARES[rung]!)[0]!;
  return isBegun(found, trial, next) ? null : { trial, share: next };
}

const rankedOn = (found: readonly Found[], share: number) =>
  found.filter((job) => job.share === share && job.loss !== null).toSorted((a, b) => a.loss! - b.loss! || a.trial - b.trial);

const isBegun = (jobs: readonly Job[], trial: number, share: number) =>
  jobs.some((job) => job.trial === trial && job.share === share);
