/** What naive Bayes learns from: sums of each column within each class. The job of a crew: each column is one member's, so the sums have one order. */
import type { Member } from "../crew/crew.ts";
import { share } from "../crew/shared.ts";

export type CountColumn =
  | { readonly kind: "number"; readonly values: Float64Array }
  | { readonly kind: "text"; readonly levels: Int32Array; readonly levelCount: number };

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
