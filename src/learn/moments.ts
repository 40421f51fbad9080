/** Mean and spread of a column of numbers, in one or two readings. */
import type { NumberColumn } from "./frame.ts";
import { badColumn, checkNumbers } from "./training-data.ts";

export interface Moments {
  readonly mean: number;
  /** 1 / standard deviation, 0 for a column of one value. */
  readonly scale: number;
  /** Weight of the rows without a value, null where all have one. */
  readonly missing: number | null;
}

/** Checks the column. Error: `learn.bad-column`, also when its spread is beyond a double. */
export function momentsOf(name: string, column: NumberColumn, weights: Float64Array | undefined, total: number): Moments {
  const { values } = column;
  const { present, sum } = weights === undefined ? sumOf(values) : weightedSumOf(values, weights);
  const mean = present > 0 ? sum / present : 0;
  const square = weights === undefined ? squaresOf(values, mean) : weightedSquaresOf(values, weights, mean);
  const deviation = Math.sqrt(square / total);
  const isWhole = weights === undefined ? present === values.length : !values.some(Number.isNaN);
  if (!isWhole || !Number.isFinite(deviation)) checkNumbers({ rowCount: values.length, columns: { [name]: column } });
  if (!Number.isFinite(deviation))
    throw badColumn(name, "numbers whose squares fit a double", "larger ones", `Scale "${name}" down, or take its logarithm.`);
  return { mean, scale: scaleOf(mean, deviation), missing: isWhole ? null : total - present };
}

export const scaleOf = (mean: number, deviation: number) => (deviation > 1e-12 * Math.abs(mean) ? 1 / deviation : 0);

/** Number and sum of the values that are there; in four lanes, as nothing is missing most of the time. */
function sumOf(values: Float64Array): { present: number; sum: number } {
  const end = values.length & ~3;
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let row = 0; row < end; row += 4) {
    a += values[row]!;
    b += values[row + 1]!;
    c += values[row + 2]!;
    d += values[row + 3]!;
  }
  let sum = a + b + (c + d);
  for (let row = end; row < values.length; row++) sum += values[row]!;
  if (!Number.isNaN(sum)) return { present: values.length, sum };
  let present = 0;
  sum = 0;
  for (let row = 0; row < values.length; row++) {
    if (Number.isNaN(values[row]!)) continue;
    present++;
    sum += values[row]!;
  }
  return { present, sum };
}

function weightedSumOf(values: Float64Array, weights: Float64Array): { present: number; sum: number } {
  let [present, sum] = [0, 0];
  for (let row = 0; row < values.length; row++) {
    if (Number.isNaN(values[row]!)) continue;
    present += weights[row]!;
    sum += weights[row]! * values[row]!;
  }
  return { present, sum };
}

/** Sum of squares around the mean. */
function squaresOf(values: Float64Array, mean: number): number {
  const end = values.length & ~3;
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let row = 0; row < end; row += 4) {
    a += (values[row]! - mean) ** 2;
    b += (values[row + 1]! - mean) ** 2;
    c += (values[row + 2]! - mean) ** 2;
    d += (values[row + 3]! - mean) ** 2;
  }
  let square = a + b + (c + d);
  for (let row = end; row < values.length; row++) square += (values[row]! - mean) ** 2;
  if (!Number.isNaN(square)) return square;
  square = 0;
  for (let row = 0; row < values.length; row++) if (!Number.isNaN(values[row]!)) square += (values[row]! - mean) ** 2;
  return square;
}

function weightedSquaresOf(values: Float64Array, weights: Float64Array, mean: number): number {
  let square = 0;
  for (let row = 0; row < values.length; row++)
    if (!Number.isNaN(values[row]!)) square += weights[row]! * (values[row]! - mean) ** 2;
  return square;
}

/** The mean of some rows from all over: so near the mean of all that squares about it keep their digits, in whatever order the rows come. */
export function roughMean(values: Float64Array): number {
  const step = Math.ceil(values.length / 256);
  let [count, sum] = [0, 0];
  for (let row = 0; row < values.length; row += step) {
    if (Number.isNaN(values[row]!)) continue;
    count++;
    sum += values[row]!;
  }
  return count > 0 ? sum / count : 0;
}
