import type { Random } from "../../base/index.ts";
import type { TrainingData } from "../estimator.ts";
import type { Frame, NumberColumn, TextColumn } from "../frame.ts";

/** Those rows of the data, in the order given; what every row has comes along. */
export function pickRows({ X, y, weights, groups, ...rest }: TrainingData, rows: Int32Array): TrainingData {
  return {
    ...rest,
    X: pickFrame(X, rows),
    y: y.length === 0 ? y : pickNumbers(y, rows),
    ...(weights && { weights: pickNumbers(weights, rows) }),
    ...(groups && { groups: rows.map((row) => groups[row]!) }),
  };
}

export function pickFrame({ columns }: Frame, rows: Int32Array): Frame {
  const picked = Object.entries(columns).map(([name, column]): [string, NumberColumn | TextColumn] => [
    name,
    column.kind === "number"
      ? { kind: "number", values: pickNumbers(column.values, rows) }
      : { ...column, codes: rows.map((row) => column.codes[row]!) },
  ]);
  return { rowCount: rows.length, columns: Object.fromEntries(picked) };
}

export function pickNumbers(values: Float64Array, rows: Int32Array): Float64Array {
  const picked = new Float64Array(rows.length);
  for (let at = 0; at < rows.length; at++) picked[at] = values[rows[at]!]!;
  return picked;
}

/** In place, every order as likely (Fisher and Yates). */
export function shuffle<T>(items: { readonly length: number; [at: number]: T }, random: Random): void {
  for (let left = items.length; left > 1; left--) {
    const other = random.below(left);
    [items[left - 1], items[other]] = [items[other]!, items[left - 1]!];
  }
}
