/**
 * How far a measure of these rows may lie from that of all rows like them, for any measure: the rows are drawn again with replacement, and measured each
 * time (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13 and 14).
 *
 *     percentile: the middle `level` of what was drawn;  bca: percentiles moved for bias (z0) and for a spread that changes with the value (a)
 */
import { createRandom, type Random } from "../../base/index.ts";
import type { Interval } from "./intervals.ts";
import type { Measure, Scored } from "./measures.ts";
import { normalCdf, normalQuantile } from "./normal.ts";

export interface BootstrapOptions {
  /** Default 1000. */
  readonly resamples?: number;
  /** Share of the intervals that hold the true value; default 0.95. */
  readonly level?: number;
  /** Default `bca`: better where a measure is skewed or biased, as near its bounds. */
  readonly method?: "percentile" | "bca";
  /** Default 1. */
  readonly seed?: number;
  /** One number per row: rows of one group, such as one customer's, are drawn together. Lists of ranking are groups in any case. */
  readonly groups?: Int32Array;
}

export interface Bootstrapped {
  readonly value: number;
  readonly interval: Interval;
  /** Standard deviation of what was drawn. */
  readonly error: number;
  /** Resamples on which the measure was defined. */
  readonly resamples: number;
}

/**
 * Works in the calling thread: a resample costs what the measure costs, and drawing the rows. Null where the rows, or fewer than half of the resamples, do not define the measure, or all rows are one group.
 */
export function bootstrap(measure: Measure, rows: Scored, options: BootstrapOptions = {}): Bootstrapped | null {
  const { resamples = 1000, level = 0.95, method = "bca", seed = 1, groups = rows.groups } = options;
  const { value } = measure.of(rows);
  const units = unitsOf(rows.y.length, groups);
  if (value === null || units.count < 2) return null;
  const random = createRandom(seed);
  const measureOf = measured(measure, rows, units);
  const draws: number[] = [];
  for (let resample = 0; resample < resamples; resample++) {
    const drawn = measureOf(drawUnits(units, random));
    if (drawn !== null) draws.push(drawn);
  }
  if (draws.length < Math.max(2, resamples / 2)) return null;
  const sorted = Float64Array.from(draws).sort();
  const levels = method === "percentile" ? plainLevels(level) : bcaLevels(value, sorted, jackknife(measureOf, units), level);
  return {
    value,
    interval: [quantileOf(sorted, levels[0]), quantileOf(sorted, levels[1])],
    error: deviationOf(sorted),
    resamples: draws.length,
  };
}

/** Which percentiles of the draws bound the interval; `left` are the measures without each part of the rows in turn. */
export function bcaLevels(value: number, draws: Float64Array, left: readonly number[], level: number): Interval {
  const below = draws.reduce((count, draw) => count + (draw < value ? 1 : draw === value ? 0.5 : 0), 0) / draws.length;
  if (below === 0 || below === 1) return plainLevels(level);
  const z0 = normalQuantile(below);
  const mean = left.reduce((sum, each) => sum + each, 0) / left.length;
  const powers = (power: number) => left.reduce((sum, each) => sum + (mean - each) ** power, 0);
  const spread = powers(2);
  const acceleration = spread > 0 ? powers(3) / (6 * spread ** 1.5) : 0;
  const moved = (z: number) => normalCdf(z0 + (z0 + z) / (1 - acceleration * (z0 + z)));
  const [low, high] = plainLevels(level);
  return [moved(normalQuantile(low)), moved(normalQuantile(high))];
}

const plainLevels = (level: number): Interval => [(1 - level) / 2, (1 + level) / 2];

/** What is drawn: single rows, or all rows of a group. Unit u has the rows from `starts[u]` to `starts[u + 1]` of `rows`. */
interface Units {
  readonly count: number;
  readonly starts: Int32Array;
  readonly rows: Int32Array;
}

function unitsOf(rowCount: number, groups: Int32Array | undefined): Units {
  const rows = Int32Array.from({ length: rowCount }, (_, row) => row);
  if (groups === undefined)
    return { count: rowCount, starts: Int32Array.from({ length: rowCount + 1 }, (_, unit) => unit), rows };
  const byGroup = [...Map.groupBy(rows, (row) => groups[row]!).values()];
  const starts = new Int32Array(byGroup.length + 1);
  byGroup.forEach((group, unit) => {
    starts[unit + 1] = starts[unit]! + group.length;
  });
  return { count: byGroup.length, starts, rows: Int32Array.from(byGroup.flat()) };
}

function drawUnits({ count }: Units, random: Random): Int32Array {
  const drawn = new Int32Array(count);
  for (let at = 0; at < count; at++) drawn[at] = random.below(count);
  return drawn;
}

/** The measure of the chosen units: by the rows' weights where it can, else of the rows picked out. */
function measured(measure: Measure, rows: Scored, units: Units): (chosen: Int32Array) => number | null {
  const again = measure.reweighed?.(rows);
  if (again === undefined) return (chosen) => measure.of(picked(rows, units, chosen)).value;
  const weights = new Float64Array(rows.y.length);
  const { starts, rows: order } = units;
  const own = rows.weights;
  return (chosen) => {
    weights.fill(0);
    for (let index = 0; index < chosen.length; index++) {
      const unit = chosen[index]!;
      for (let at = starts[unit]!; at < starts[unit + 1]!; at++) weights[order[at]!]! += own === undefined ? 1 : own[order[at]!]!;
    }
    return again(weights);
  };
}

/** The rows of the chosen units, in their order; a list that was drawn twice is two lists. */
function picked(scored: Scored, { starts, rows }: Units, chosen: Int32Array): Scored {
  const { predictions, y, weights, groups, ...rest } = scored;
  const length = chosen.reduce((sum, unit) => sum + starts[unit + 1]! - starts[unit]!, 0);
  const order = new Int32Array(length);
  const lists = new Int32Array(length);
  let at = 0;
  chosen.forEach((unit, list) => {
    for (let from = starts[unit]!; from < starts[unit + 1]!; from++, at++) {
      order[at] = rows[from]!;
      lists[at] = list;
    }
  });
  const outputs = predictions.length / y.length;
  const taken = new Float64Array(length * outputs);
  for (let row = 0, to = 0; row < length; row++)
    for (let k = 0; k < outputs; k++, to++) taken[to] = predictions[order[row]! * outputs + k]!;
  const pick = (values: Float64Array) => {
    const found = new Float64Array(length);
    for (let row = 0; row < length; row++) found[row] = values[order[row]!]!;
    return found;
  };
  return {
    ...rest,
    predictions: taken,
    y: pick(y),
    ...(weights && { weights: pick(weights) }),
    ...(groups && { groups: lists }),
  };
}

const PARTS_MAX = 200;

/** The measures without each unit in turn, or of many units without each of 200 equal parts of them. */
function jackknife(measureOf: (chosen: Int32Array) => number | null, units: Units): number[] {
  const parts = Math.min(PARTS_MAX, units.count);
  const all = Int32Array.from({ length: units.count }, (_, unit) => unit);
  return Array.from({ length: parts }, (_, part) => measureOf(all.filter((unit) => unit % parts !== part))).filter(
    (value) => value !== null,
  );
}

/** Between two draws in proportion. */
function quantileOf(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  return low + (high - low) * (place - Math.floor(place));
}

function deviationOf(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
