/**
 * A search as a pure function of what it has found: which jobs run next. A job is a trial of some share of the rows. Jobs come in generations of a fixed size, and each
 * generation sees the ones before it whole, so that the same definition and seed try the same points on any machine, however many jobs run there at one time.
 */
import type { Point, TuningDefinition } from "../../define/index.ts";
import { boundsOf, isByRungs, lastPromotion, type Promotion, promoted, SHARES } from "./pruners.ts";
import { type Asked, type Observed, suggest } from "./sampler.ts";
import { textOf } from "./space.ts";

export interface Job {
  /** Number of the trial, from 0. */
  readonly trial: number;
  readonly point: Point;
  /** Of the training rows of each fold. */
  readonly share: number;
  /** By fold: a mean loss above it over the folds so far ends the trial; null: nothing is known to compare with. */
  readonly bounds?: readonly (number | null)[];
}

export interface Found extends Job {
  /** Mean over the folds, lower is better; null: it failed, or the measure is not defined. */
  readonly loss: number | null;
  /** Mean over the folds up to each, null while none defines the measure; shorter when the trial was pruned. */
  readonly running: readonly (number | null)[];
}

export type SearchRules = Pick<TuningDefinition, "space" | "start" | "trials" | "parallel" | "sampler" | "pruner" | "folds"> &
  Pick<Asked, "earlier">;

/** The next generation, given all jobs so far with what came of them; none: the search is over. */
export function nextJobs(rules: SearchRules, seed: number, found: readonly Found[]): readonly Job[] {
  const begun = new Map(found.map((job) => [job.trial, job.point]));
  const jobs: Job[] = [];
  const generation = Math.min(rules.parallel, Math.max(1, rules.trials));
  while (jobs.length < generation) {
    const job = nextOf(rules, seed, found, jobs, begun);
    if (job === null) break;
    begun.set(job.trial, job.point);
    jobs.push(job);
  }
  return jobs;
}

function nextOf(
  rules: SearchRules,
  seed: number,
  found: readonly Found[],
  jobs: readonly Job[],
  begun: ReadonlyMap<number, Point>,
) {
  const anew = () => another(rules, seed, found, begun);
  const onMoreRows = (rung: Promotion | null): Job | null => rung && { ...rung, point: begun.get(rung.trial)! };
  if (!isByRungs(rules.pruner)) return anew();
  const risen = () => onMoreRows(promoted(rules.pruner, found, jobs));
  const next = rules.pruner === "asha" ? (risen() ?? anew()) : (anew() ?? risen());
  return next ?? (jobs.length === 0 ? onMoreRows(lastPromotion(found)) : null);
}

/** A trial of a new point; null: all are begun, or the space has no more. */
function another(rules: SearchRules, seed: number, found: readonly Found[], begun: ReadonlyMap<number, Point>): Job | null {
  const trial = begun.size;
  if (trial >= rules.trials) return null;
  const point =
    startOf(rules, begun) ?? suggest(rules.sampler, { ...rules, history: historyOf(found, begun), index: trial, seed });
  if (point === null) return null;
  if (isByRungs(rules.pruner)) return { trial, point, share: SHARES[0]! };
  return { trial, point, share: 1, ...(rules.pruner === "median" && { bounds: boundsOf(found, rules.folds) }) };
}

/** The first of the points to start from that has not been tried. */
function startOf({ start }: SearchRules, begun: ReadonlyMap<number, Point>): Point | null {
  const tried = new Set([...begun.values()].map(textOf));
  return start.find((point) => !tried.has(textOf(point))) ?? null;
}

/** Of each trial what was said of most rows. */
function historyOf(found: readonly Found[], begun: ReadonlyMap<number, Point>): readonly Observed[] {
  const last = new Map(found.map((job) => [job.trial, job]));
  return [...begun].map(([trial, point]) => ({ point, loss: last.get(trial)?.loss ?? null, share: last.get(trial)?.share ?? 0 }));
}

/** The job with the least loss among those that saw most rows and were not pruned; of equals the first; null: none has a value. */
export function bestOf<J extends Found>(found: readonly J[]): J | null {
  const known = found.filter(({ loss }) => loss !== null);
  const most = Math.max(...known.map(reached));
  return known
    .filter((job) => reached(job) === most)
    .reduce<J | null>((best, job) => (best === null || job.loss! < best.loss! ? job : best), null);
}

/** Rows seen, in parts of a fold's training rows. */
const reached = ({ share, running }: Found) => share * running.length;
