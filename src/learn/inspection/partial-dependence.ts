/**
 * What a model would predict on average were a column, or two, to have one value in all rows, for a grid of values (Friedman, 2001); and for each row alone
 * (individual conditional expectation: Goldstein and others, 2015). Values that never occur together are tried too: read it with care where columns hang
 * together.
 */
import { throwIfCancelled } from "../crew/crew.ts";
import type { Predictor } from "../estimator.ts";
import type { Frame, NumberColumn, TextColumn } from "../frame.ts";
import { bindColumns } from "../inputs.ts";
import { pickFrame } from "../model-selection/rows.ts";
import { checkColumn } from "./permutation-importance.ts";
import { type Listener, restAfter } from "./rest.ts";

export interface DependenceOptions {
  /** Values of each column: all when there are no more, else quantiles from 5 % to 95 %, or the commonest texts; default 20. */
  readonly points?: number;
  /** Rows to average over, evenly taken; default 1000. */
  readonly rowsMax?: number;
  /** Whether to give each row's predictions; default false. */
  readonly individual?: boolean;
}

/** Null stands for missing, last in its grid, where the column has missing values. */
export type GridValue = number | string | null;

export interface PartialDependence {
  readonly columns: readonly string[];
  /** For each column: rising numbers, or texts by falling count. */
  readonly grids: readonly (readonly GridValue[])[];
  readonly outputs: number;
  /** Points x outputs; with two columns the second's value changes fastest. */
  readonly averages: Float64Array;
  /** Points x rows x outputs, when asked for, and the rows it is of. */
  readonly individual?: Float64Array;
  readonly rows: Int32Array;
}

/** Of one column or two. Errors: `learn.bad-column`, `learn.cancelled`. */
export async function partialDependence(
  predictor: Predictor,
  X: Frame,
  columns: readonly [string] | readonly [string, string],
  { points = 20, rowsMax = 1000, individual = false }: DependenceOptions,
  listener: Listener,
): Promise<PartialDependence> {
  throwIfCancelled(listener.signal);
  for (const name of columns) checkColumn(predictor, name);
  bindColumns(X, predictor.inputs);
  const grids = columns.map((name) => gridOf(X.columns[name]!, points));
  const rows = evenRows(X.rowCount, rowsMax);
  const frame = pickFrame(X, rows);
  const combined = grids.reduce<readonly (readonly GridValue[])[]>(
    (found, grid) => found.flatMap((values) => grid.map((value) => [...values, value])),
    [[]],
  );
  const { outputs } = predictor;
  const averages = new Float64Array(combined.length * outputs);
  const each = individual ? new Float64Array(combined.length * rows.length * outputs) : undefined;
  for (const [point, values] of combined.entries()) {
    const predictions = predictor.predict(withValues(frame, columns, values));
    predictions.forEach((prediction, at) => {
      averages[point * outputs + (at % outputs)]! += prediction / rows.length;
    });
    each?.set(predictions, point * rows.length * outputs);
    await restAfter(point + 1, combined.length, listener);
  }
  return { columns, grids, outputs, averages, rows, ...(each && { individual: each }) };
}

function withValues(frame: Frame, columns: readonly string[], values: readonly GridValue[]): Frame {
  const fixed = columns.map(
    (name, index) => [name, repeated(frame.columns[name]!.kind, values[index]!, frame.rowCount)] as const,
  );
  return { rowCount: frame.rowCount, columns: { ...frame.columns, ...Object.fromEntries(fixed) } };
}

function repeated(kind: "number" | "text", value: GridValue, rowCount: number): NumberColumn | TextColumn {
  if (kind === "number") return { kind, values: new Float64Array(rowCount).fill(value === null ? NaN : (value as number)) };
  return { kind, codes: new Int32Array(rowCount).fill(value === null ? -1 : 0), texts: value === null ? [] : [value as string] };
}

function gridOf(column: NumberColumn | TextColumn, points: number): readonly GridValue[] {
  return column.kind === "number" ? numberGrid(column.values, points) : textGrid(column, points);
}

function numberGrid(values: Float64Array, points: number): readonly GridValue[] {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  const missing = sorted.length < values.length ? [null] : [];
  const distinct = [...new Set(sorted)];
  if (distinct.length <= points) return [...distinct, ...missing];
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
  const shares = Array.from({ length: points }, (_, point) => 0.05 + (0.9 * point) / Math.max(1, points - 1));
  return [...new Set(shares.map(at)), ...missing];
}

function textGrid({ codes, texts }: TextColumn, points: number): readonly GridValue[] {
  const counts = new Float64Array(texts.length);
  let missing = 0;
  for (const code of codes) {
    if (code < 0 || texts[code] === "") missing++;
    else counts[code]!++;
  }
  const seen = [...texts.keys()].filter((code) => counts[code]! > 0);
  seen.sort((a, b) => counts[b]! - counts[a]! || (texts[a]! < texts[b]! ? -1 : 1));
  return [...seen.slice(0, points).map((code) => texts[code]!), ...(missing > 0 ? [null] : [])];
}

/** At most `rowsMax` rows, evenly taken. */
export function evenRows(rowCount: number, rowsMax: number): Int32Array {
  const count = Math.min(rowCount, rowsMax);
  return Int32Array.from({ length: count }, (_, at) => Math.floor((at * rowCount) / count));
}
