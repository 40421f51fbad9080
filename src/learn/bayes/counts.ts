/**
 * What naive Bayes learns from: sums of each column within each class. The job of a crew: each column is one member's, so the sums have one order. A model keeps
 * them, so that more rows can be added.
 */
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";
import { levelsByText } from "../inputs.ts";

export type CountColumn =
  | { readonly kind: "number"; readonly values: Float64Array }
  | { readonly kind: "text"; readonly levels: Int32Array; readonly levelCount: number };

/** What a model has counted. */
export interface ClassCounts {
  /** Weight of the rows of each class. */
  readonly classWeights: Float64Array;
  /** One for each column: classCount x what is counted. */
  readonly sums: readonly Float64Array[];
  /** Above which a number counted as yes. */
  readonly threshold: number;
}

export interface CountOrder {
  readonly columns: readonly CountColumn[];
  readonly of: keyof typeof counters;
  readonly y: Float64Array;
  readonly weights: Float64Array | undefined;
  readonly classCount: number;
  readonly threshold: number;
  /** One for each column: classCount x what is counted, in memory that all see. */
  readonly sums: readonly Float64Array[];
}

/** moments: weight, mean and mean square from it; sums: of the values; above: weight, and that of values above the threshold; levels: weight of each. */
const counters = { moments: countMoments, sums: countSums, above: countAbove, levels: countLevels } as const;

/** How many numbers of a class each counter makes of a column. */
export const widthOf = (of: CountOrder["of"], column: CountColumn) =>
  column.kind === "text" ? column.levelCount : { moments: 3, sums: 1, above: 2, levels: 0 }[of];

export function countClasses(order: CountOrder, member: Member): true {
  const [from, to] = share(order.columns.length, member.index, member.count);
  for (let column = from; column < to; column++) {
    counters[order.of](order, order.columns[column]!, order.sums[column]!);
    member.progress(column - from + 1, to - from + 1);
  }
  member.barrier();
  member.progress(to - from + 1, to - from + 1);
  return true;
}

function countMoments({ y, weights, classCount }: CountOrder, column: CountColumn, sums: Float64Array): void {
  const { values } = column as CountColumn & { kind: "number" };
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (Number.isNaN(value)) continue;
    const weight = weights === undefined ? 1 : weights[row]!;
    sums[y[row]! * 3]! += weight;
    sums[y[row]! * 3 + 1]! += weight * value;
  }
  for (let k = 0; k < classCount; k++) if (sums[k * 3]! > 0) sums[k * 3 + 1]! /= sums[k * 3]!;
  for (let row = 0; row < values.length; row++) {
    const away = values[row]! - sums[y[row]! * 3 + 1]!;
    if (!Number.isNaN(away)) sums[y[row]! * 3 + 2]! += (weights === undefined ? 1 : weights[row]!) * away * away;
  }
  for (let k = 0; k < classCount; k++) if (sums[k * 3]! > 0) sums[k * 3 + 2]! /= sums[k * 3]!;
}

function countSums({ y, weights }: CountOrder, column: CountColumn, sums: Float64Array): void {
  const { values } = column as CountColumn & { kind: "number" };
  for (let row = 0; row < values.length; row++) sums[y[row]!]! += (weights === undefined ? 1 : weights[row]!) * values[row]!;
}

function countAbove({ y, weights, threshold }: CountOrder, column: CountColumn, sums: Float64Array): void {
  const { values } = column as CountColumn & { kind: "number" };
  for (let row = 0; row < values.length; row++) {
    if (Number.isNaN(values[row]!)) continue;
    const weight = weights === undefined ? 1 : weights[row]!;
    sums[y[row]! * 2]! += weight;
    if (values[row]! > threshold) sums[y[row]! * 2 + 1]! += weight;
  }
}

function countLevels({ y, weights }: CountOrder, column: CountColumn, sums: Float64Array): void {
  const { levels, levelCount } = column as CountColumn & { kind: "text" };
  for (let row = 0; row < levels.length; row++) {
    const level = levels[row]!;
    if (level >= 0) sums[y[row]! * levelCount + level]! += weights === undefined ? 1 : weights[row]!;
  }
}

/** Adds what was counted before to the sums of a column. */
export function addCounts(of: CountOrder["of"], sums: Float64Array, before: Float64Array): void {
  if (of === "moments") for (let at = 0; at < sums.length; at += 3) addMoments(sums, before, at);
  else for (let at = 0; at < sums.length; at++) sums[at]! += before[at]!;
}

/** Means and spreads of two sets of rows, as those of one. Source: Chan, Golub and LeVeque 1979. */
function addMoments(sums: Float64Array, before: Float64Array, at: number): void {
  const total = sums[at]! + before[at]!;
  if (!(total > 0)) return;
  const [share, away] = [sums[at]! / total, sums[at + 1]! - before[at + 1]!];
  sums[at] = total;
  sums[at + 1] = before[at + 1]! + share * away;
  sums[at + 2] = before[at + 2]! + share * (sums[at + 2]! - before[at + 2]!) + share * (1 - share) * away * away;
}

/** Weights of levels in the places that their texts have among more texts. */
export function relaid(before: Float64Array, known: readonly string[], texts: readonly string[]): Float64Array {
  const levels = levelsByText(texts);
  const classCount = known.length === 0 ? 0 : before.length / known.length;
  const sums = new Float64Array(classCount * texts.length);
  known.forEach((text, level) => {
    for (let k = 0; k < classCount; k++) sums[k * texts.length + levels.get(text)!] = before[k * known.length + level]!;
  });
  return sums;
}
