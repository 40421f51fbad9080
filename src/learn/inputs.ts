/** The columns a model reads, by name: the one place where a frame or a row becomes numbers and level indices. */
import type { Json } from "../base/index.ts";
import type { GraphBuilder } from "../onnx/index.ts";
import type { Frame, NumberColumn, TextColumn } from "./frame.ts";
import { badModel } from "./packed.ts";
import { badColumn } from "./training-data.ts";

export interface InputColumn {
  readonly name: string;
  /** Of a text column: the texts the model knows, each text's level being its place here; null for a number column. */
  readonly texts: readonly string[] | null;
}

/** A row of feature values; undefined counts as null. */
export type FeatureRow = Readonly<Record<string, number | string | null>>;

export type BoundColumn =
  | { readonly values: Float64Array }
  /** The level of a row is levelOf[codes[row]], -1 for texts that are missing or not known. */
  | { readonly codes: Int32Array; readonly levelOf: Int32Array };

/** The frame's columns in the order of `inputs`. Error: `learn.bad-column` when one is absent or of the other kind. */
export function bindColumns(X: Frame, inputs: readonly InputColumn[]): BoundColumn[] {
  return inputs.map(({ name, texts }) => {
    const column = X.columns[name];
    const kind = texts === null ? "number" : "text";
    if (column?.kind !== kind)
      throw badColumn(
        name,
        `a ${kind} column, as in training`,
        column?.kind ?? "none",
        "Give the model the columns it was trained on.",
      );
    if (texts === null) return { values: (column as NumberColumn).values };
    const text = column as TextColumn;
    const levels = levelsByText(texts);
    return { codes: text.codes, levelOf: Int32Array.from(text.texts, (value) => levels.get(value) ?? -1) };
  });
}

export const levelsByText = (texts: readonly string[]) => new Map(texts.map((text, level) => [text, level] as const));

/** A number of a row, NaN for anything else. */
export const numberOf = (value: number | string | null | undefined) => (typeof value === "number" ? value : NaN);

/** Declares the graph's inputs, `["N", 1]` each, of doubles or texts; their names are the columns'. */
export const declareInputs = (graph: GraphBuilder, inputs: readonly InputColumn[]) =>
  inputs.map(({ name, texts }) => graph.input(name, texts === null ? "float64" : "string"));

export const inputsToJson = (inputs: readonly InputColumn[]): Json => inputs.map(({ name, texts }) => ({ name, texts }));

export function inputsFromJson(json: unknown): InputColumn[] {
  if (!Array.isArray(json)) throw badModel("its columns are not listed");
  return json.map(({ name, texts }) => {
    const known = texts === null || (Array.isArray(texts) && texts.every((text) => typeof text === "string"));
    if (typeof name !== "string" || !known) throw badModel("a column has no name or no list of texts");
    return { name, texts };
  });
}
