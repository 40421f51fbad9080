/**
 * What a search takes over from earlier ones of the same model. Points are carried over as far as the spaces agree: the best are tried again first, as on other rows
 * they may have other values; and the sampler learns from all that lie in the space whole.
 */
import { counts, type Dimension, type Point, type TuningDefinition } from "../../define/index.ts";
import type { ParamValue } from "../../learn/index.ts";
import type { TrialResult } from "./choose.ts";
import type { Observed } from "./sampler.ts";
import { indexOf, textOf } from "./space.ts";

/** An earlier search: its trials, and what they were measured by. */
export interface Searched {
  readonly metric: string;
  readonly better: "higher" | "lower";
  readonly trials: readonly TrialResult[];
}

export interface WarmStart {
  /** Tried before anything else. */
  readonly start: readonly Point[];
  readonly earlier: readonly (readonly Observed[])[];
  /** Trials that were taken over. */
  readonly trials: number;
  /** How many of the points to start from are theirs. */
  readonly begins: number;
}

/** `searches` come oldest first. One generation begins with their best points, the newest search's first; then come the definition's own that none has tried. */
export function warmStart(tuning: TuningDefinition, searches: readonly Searched[]): WarmStart {
  const alike = searches.filter(({ metric }) => metric === tuning.metric).map(ranked);
  const best = interleaved(alike.toReversed().map((trials) => trials.map((one) => carried(one, tuning, startValue))));
  const begins = best.slice(0, tuning.parallel);
  const earlier = alike.map((trials) => trials.flatMap((one) => observed(one, tuning)));
  const tried = new Set([...begins, ...earlier.flat().map(({ point }) => point)].map(textOf));
  return {
    start: [...begins, ...tuning.start.filter((point) => !tried.has(textOf(point)))],
    earlier: earlier.map((trials) => trials.toSorted((a, b) => a.trial - b.trial)),
    trials: earlier.flat().length,
    begins: begins.length,
  };
}

interface Ranked extends TrialResult {
  readonly loss: number;
}

/** Of each trial what was found on most rows, the best first; what has no value tells nothing on other rows. */
function ranked({ trials, better }: Searched): Ranked[] {
  const sign = better === "lower" ? 1 : -1;
  const last = [...new Map(trials.map((one) => [one.trial, one])).values()];
  const known = last.flatMap((one) => (one.value === null ? [] : { ...one, loss: sign * one.value }));
  const seen = ({ share, values }: TrialResult) => share * values.length;
  return known.sort((a, b) => seen(b) - seen(a) || a.loss - b.loss || a.trial - b.trial);
}

/** The first of each, then the second of each; no point twice. */
function interleaved(lists: readonly (readonly (Point | null)[])[]): Point[] {
  const found = new Map<string, Point>();
  for (let rank = 0; rank < Math.max(0, ...lists.map(({ length }) => length)); rank++)
    for (const list of lists) {
      const point = list[rank] ?? null;
      if (point !== null && !found.has(textOf(point))) found.set(textOf(point), point);
    }
  return [...found.values()];
}

function observed(one: Ranked, tuning: TuningDefinition): (Observed & { readonly trial: number })[] {
  const point = carried(one, tuning, (dimension, value) => (value !== undefined && fits(dimension, value) ? value : null));
  return point === null ? [] : [{ point, loss: one.loss, share: one.share, trial: one.trial }];
}

/** The trial's point in this space, with what `valueFor` makes of each of its values and of the definition's own; null: it cannot be told there. */
function carried(
  { estimator, point }: TrialResult,
  { space, among, start }: Pick<TuningDefinition, "space" | "among" | "start">,
  valueFor: (dimension: Dimension, value: ParamValue | undefined, own: ParamValue | undefined) => ParamValue | null,
): Point | null {
  if (!Object.hasOwn(among, estimator)) return null;
  const bare = new Map(Object.entries(point).map(([name, value]) => [name.slice(name.indexOf(".") + 1), value]));
  const own = start.find((one) => (one.estimator ?? estimator) === estimator);
  const found: Record<string, ParamValue> = {};
  for (const [name, dimension] of Object.entries(space)) {
    if (!counts(dimension, found)) continue;
    const given = name === "estimator" ? estimator : bare.get(name.slice(name.indexOf(".") + 1));
    const value = valueFor(dimension, given, own?.[name]);
    if (value === null) return null;
    found[name] = value;
  }
  return found;
}

function fits(dimension: Dimension, value: ParamValue): boolean {
  if (dimension.kind === "choice") return indexOf(dimension, value) >= 0;
  if (typeof value !== "number" || (dimension.kind === "integer" && !Number.isInteger(value))) return false;
  return value >= dimension.from && value <= dimension.to;
}

/** A number outside of a range is taken to its end; of another value that is not there, and of a dimension that is new, the definition's own is tried. */
function startValue(dimension: Dimension, value: ParamValue | undefined, own: ParamValue | undefined): ParamValue | null {
  if (value === undefined) return own ?? null;
  if (dimension.kind === "choice" || typeof value !== "number") return fits(dimension, value) ? value : (own ?? null);
  const within = Math.min(Math.max(value, dimension.from), dimension.to);
  return dimension.kind === "integer" ? Math.round(within) : within;
}
