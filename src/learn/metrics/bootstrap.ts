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

/** Null where the rows, or fewer than half of the resamples, do not define the measure, or all rows are one group. */
export function bootstrap(measure: Measure, rows: Scored, options: BootstrapOptions = {}): Bootstrapped | null {
  const { resamples = 1000, level = 0.95, method = "bca", seed = 1, groups = rows.groups } = options;
  const { value } = measure.of(rows);
  const units = unitsOf(rows.y.length, groups);
  if (value === null || units.length < 2) return null;
  const random = createRandom(seed);
  const draws: number[] = [];
  for (let resample = 0; resample < resamples; resample++) {
    const drawn = measure.of(picked(rows, drawUnits(units, random))).value;
    if (drawn !== null) draws.push(drawn);
  }
  if (draws.length < Math.max(2, resamples / 2)) return null;
  const sorted = Float64Array.from(draws).sort();
  const levels = method === "percentile" ? plainLevels(level) : bcaLevels(value, sorted, jackknife(measure, rows, units), level);
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

/** What is drawn: single rows, or all rows of a group. */
function unitsOf(rowCount: number, groups: Int32Array | undefined): readonly (readonly number[])[] {
  if (groups === undefined) return Array.from({ length: rowCount }, (_, row) => [row]);
  return [
    ...Map.groupBy(
      Array.from({ length: rowCount }, (_, row) => row),
      (row) => groups[row]!,
    ).values(),
  ];
}

const drawUnits = (units: readonly (readonly number[])[], random: Random) => units.map(() => units[random.below(units.length)]!);

/** The rows of the units, in their order; a list that was drawn twice is two lists. */
function picked(rows: Scored, units: readonly (readonly number[])[]): Scored {
  const { predictions, y, weights, groups, ...rest } = rows;
  const order = units.flat();
  const outputs = predictions.length / y.length;
  const taken = new Float64Array(order.length * outputs);
  order.forEach((row, at) => {
    for (let k = 0; k < outputs; k++) taken[at * outputs + k] = predictions[row * outputs + k]!;
  });
  return {
    ...rest,
    predictions: taken,
    y: Float64Array.from(order, (row) => y[row]!),
    ...(weights && { weights: Float64Array.from(order, (row) => weights[row]!) }),
    ...(groups && { groups: Int32Array.from(units.flatMap((unit, index) => unit.map(() => index))) }),
  };
}

const PARTS_MAX = 200;

/** The measures without each unit in turn, or of many units without each of 200 equal parts of them. */
function jackknife(measure: Measure, rows: Scored, units: readonly (readonly number[])[]): number[] {
  const parts = Math.min(PARTS_MAX, units.length);
  return Array.from({ length: parts }, (_, part) => {
    const left = units.filter((_, index) => index % parts !== part);
    return measure.of(picked(rows, left)).value;
  }).filter((value) => value !== null);
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
