/** The rows of a frame, or one row, as the points of a space (`points.ts`). */
import { sharedCopy, sharedInt32 } from "./crew/shared.ts";
import { slotsByText, slotTable, type TextInput } from "./design.ts";
import type { Frame, NumberColumn, TextColumn } from "./frame.ts";
import { bindColumns, type FeatureRow, numberOf } from "./inputs.ts";
import { columnsOf, type PointNumber, type PointSpace } from "./points.ts";

const BLOCK = 1024;

/** Writes the points of a range of rows, or of the places in `picked` that hold rows, to the beginning of `into`, `stride` doubles each, what lies beyond the dimensions being 0. */
export type PointFiller = (from: number, to: number, into: Float64Array, picked?: Uint32Array) => void;

/** The points of a frame, times `factor`. Error: `learn.bad-column`, as `bindColumns`. */
export function pointFiller(space: PointSpace, X: Frame, stride: number, factor = 1): PointFiller {
  const bound = bindColumns(X, columnsOf(space));
  const tables = space.inputs.map((input) =>
    input.kind === "text" ? slotTable(input, (X.columns[input.name] as TextColumn).texts) : null,
  );
  return (from, to, into, picked) => {
    into.fill(0, 0, (to - from) * stride);
    space.inputs.forEach((input, index) => {
      const column = bound[index]!;
      const place = { into, stride, factor, from, to, picked };
      if (input.kind === "number") fillNumbers(input, (column as { values: Float64Array }).values, place);
      else fillTexts(input, (column as { codes: Int32Array }).codes, tables[index]!, place);
    });
  };
}

/** Calls with some points after the other, row-major, `width` doubles each. */
export function eachPoints(space: PointSpace, X: Frame, visit: (points: Float64Array, from: number, to: number) => void): void {
  const fill = pointFiller(space, X, space.width);
  const points = new Float64Array(Math.min(BLOCK, X.rowCount) * space.width);
  for (let from = 0; from < X.rowCount; from += BLOCK) {
    const to = Math.min(X.rowCount, from + BLOCK);
    fill(from, to, points);
    visit(points, from, to);
  }
}

/** All points of the frame, `stride` doubles each, times `factor`. */
export function fillPoints(space: PointSpace, X: Frame, into: Float64Array, stride: number, factor = 1): void {
  const fill = pointFiller(space, X, stride, factor);
  for (let from = 0; from < X.rowCount; from += BLOCK) {
    const to = Math.min(X.rowCount, from + BLOCK);
    fill(from, to, into.subarray(from * stride, to * stride));
  }
}

/** The columns where all threads see them. */
export function sharedFrame({ rowCount, columns }: Frame): Frame {
  const shared = (column: NumberColumn | TextColumn): NumberColumn | TextColumn => {
    if (column.kind === "number") return { kind: "number", values: sharedCopy(column.values) };
    const codes = sharedInt32(rowCount);
    codes.set(column.codes);
    return { ...column, codes };
  };
  return { rowCount, columns: Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, shared(column)])) };
}

interface Place {
  readonly into: Float64Array;
  readonly stride: number;
  readonly factor: number;
  readonly from: number;
  readonly to: number;
  readonly picked: Uint32Array | undefined;
}

function fillNumbers(
  { offset, scale, fill, at, missingAt }: PointNumber,
  values: Float64Array,
  { into, stride, factor, from, to, picked }: Place,
): void {
  for (let row = from, first = 0; row < to; row++, first += stride) {
    const value = values[picked === undefined ? row : picked[row]!]!;
    if (!Number.isNaN(value)) into[first + at] = (value - offset) * scale * factor;
    else {
      into[first + at] = fill * factor;
      if (missingAt >= 0) into[first + missingAt] = factor;
    }
  }
}

function fillTexts(
  { missingAt }: TextInput,
  codes: Int32Array,
  slots: Int32Array,
  { into, stride, factor, from, to, picked }: Place,
): void {
  for (let row = from; row < to; row++) {
    const code = codes[picked === undefined ? row : picked[row]!]!;
    const slot = code < 0 ? missingAt : slots[code]!;
    if (slot >= 0) into[(row - from) * stride + slot] = factor;
  }
}

/** A function that gives the point of one row, always in the same array; the same coordinates as those of a frame, bit for bit. */
export function pointReader({ inputs, width }: PointSpace): (row: FeatureRow) => Float64Array {
  const slots = inputs.map((input) => (input.kind === "text" ? slotsByText(input) : null));
  const point = new Float64Array(width);
  return (row) => {
    point.fill(0);
    for (let index = 0; index < inputs.length; index++) {
      const input = inputs[index]!;
      const given = row[input.name];
      if (input.kind === "text") {
        const slot = typeof given === "string" ? (slots[index]!.get(given) ?? -1) : input.missingAt;
        if (slot >= 0) point[slot] = 1;
        continue;
      }
      const value = numberOf(given);
      if (!Number.isNaN(value)) point[input.at] = (value - input.offset) * input.scale;
      else {
        point[input.at] = input.fill;
        if (input.missingAt >= 0) point[input.missingAt] = 1;
      }
    }
    return point;
  };
}
