/** Rows that try a model at its decision edges. */
import { createRandom } from "../base/index.ts";
import type { Predictor } from "./estimator.ts";
import type { Frame, NumberColumn, TextColumn } from "./frame.ts";

/** Values of one column that are worth trying; NaN and null are missing. */
export type EdgeValues = { readonly name: string } & (
  | { readonly numbers: readonly number[] }
  | { readonly texts: readonly (string | null)[] }
);

/** A text that no training set has. */
export const UNSEEN_TEXT = "\u2400 never seen";

/** Rows that sit on every decision edge of the model: at most `limit`. */
export const edgeRowsOf = (predictor: Predictor, limit: number): Frame => edgeFrame(predictor.edges(), limit);

/**
 * At most `limit` rows in which each value of each column occurs at least once, if there is room (else an even selection of them);
 * the other columns' values are mixed by a fixed seed. Twice as many rows as the longest list needs, so that each meets other neighbours.
 */
export function edgeFrame(edges: readonly EdgeValues[], limit: number): Frame {
  const lengths = edges.map((edge) => ("numbers" in edge ? edge.numbers.length : edge.texts.length));
  const longest = Math.max(1, ...lengths);
  const rowCount = Math.min(limit, longest * 2);
  const random = createRandom(20_010_601);
  const covering = Math.min(rowCount, longest);
  const pick = (column: number, row: number) =>
    row < covering ? Math.floor(spread(row, lengths[column]!, covering)) : random.below(lengths[column]!);
  const columns: Record<string, NumberColumn | TextColumn> = {};
  edges.forEach((edge, column) => {
    const picks = Array.from({ length: rowCount }, (_, row) => pick(column, row));
    columns[edge.name] =
      "numbers" in edge ? numberColumn(picks.map((at) => edge.numbers[at]!)) : textColumn(picks.map((at) => edge.texts[at]!));
  });
  return { rowCount, columns };
}

/** Short lists repeat, long ones are thinned out evenly. */
const spread = (row: number, length: number, rows: number) => (length <= rows ? row % length : (row * length) / rows);

const numberColumn = (values: readonly number[]): NumberColumn => ({ kind: "number", values: Float64Array.from(values) });

function textColumn(values: readonly (string | null)[]): TextColumn {
  const texts = [...new Set(values.filter((value) => value !== null))];
  const codeOf = new Map(texts.map((text, code) => [text, code] as const));
  return { kind: "text", texts, codes: Int32Array.from(values, (value) => (value === null ? -1 : codeOf.get(value)!)) };
}
