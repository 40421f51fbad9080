/** A frame's columns as trees learn from them: numbers as float32, texts as codes in the order of the texts. */
import { sharedFloat32, sharedInt32 } from "../crew/shared.ts";
import type { Frame, NumberColumn, TextColumn } from "../frame.ts";
import type { InputColumn } from "../inputs.ts";
import { badColumn } from "../training-data.ts";

export interface TreeColumn {
  readonly name: string;
  /** Shared; NaN is missing; of a text column still to be filled with ranks. */
  readonly values: Float32Array;
  /** Of a text column: codes in the order of the texts, -1 for missing. */
  readonly codes?: Int32Array;
  readonly levelCount: number;
}

/** For a text column the codes of its texts in the order of their ranks, and the bin of each rank. */
export interface TextLevels {
  readonly codes: Int32Array;
  readonly bins: Int32Array;
}

export interface TreeFrame {
  readonly columns: readonly TreeColumn[];
  /** Of each text column its texts, sorted; codes are places in them. null for number columns. */
  readonly texts: readonly (readonly string[] | null)[];
  /** The model's inputs, when the ranks of the texts are known; null for number columns. */
  inputs(levels: readonly (TextLevels | null)[]): InputColumn[];
}

/** Numbers beyond float32 become infinite: `checkFloat32`, or whoever bins them, refuses those. */
export function treeFrame({ columns }: Frame): TreeFrame {
  const entries = Object.entries(columns);
  const texts = entries.map(([, column]) => (column.kind === "text" ? sortedTexts(column) : null));
  return {
    columns: entries.map(([name, column], index) =>
      column.kind === "number" ? numberColumn(name, column) : textColumn(name, column, texts[index]!),
    ),
    texts,
    inputs: (levels) =>
      entries.map(([name], index) => {
        const level = levels[index];
        return { name, texts: level ? Array.from(level.codes, (code) => texts[index]![code]!) : null };
      }),
  };
}

/** Error: `learn.bad-column` when a number is beyond float32. */
export function checkFloat32({ columns }: Frame): void {
  for (const [name, column] of Object.entries(columns)) {
    if (column.kind !== "number") continue;
    const { values } = column;
    for (let row = 0; row < values.length; row++)
      if (Math.abs(Math.fround(values[row]!)) === Infinity)
        throw badColumn(name, "numbers within the range of float32", `${values[row]} in row ${row}`, `Scale "${name}" down.`);
  }
}

function numberColumn(name: string, { values }: NumberColumn): TreeColumn {
  const rounded = sharedFloat32(values.length);
  rounded.set(values);
  return { name, values: rounded, levelCount: 0 };
}

/** The texts in their own order, so that nothing depends on how a frame numbers them; the empty text is missing. */
const sortedTexts = ({ texts }: TextColumn) => texts.filter((text) => text !== "").sort();

function textColumn(name: string, { codes, texts }: TextColumn, sorted: readonly string[]): TreeColumn {
  const place = new Map(sorted.map((text, index) => [text, index] as const));
  const placeOf = Int32Array.from(texts, (text) => place.get(text) ?? -1);
  const shared = sharedInt32(codes.length);
  for (let row = 0; row < codes.length; row++) shared[row] = codes[row]! < 0 ? -1 : placeOf[codes[row]!]!;
  return { name, values: sharedFloat32(codes.length), codes: shared, levelCount: sorted.length };
}
