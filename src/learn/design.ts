/**
 * The columns as a linear model sees them. A number is standardised; where it is missing it counts as the mean, and a column of its own says so, if that
 * occurred in training. A text has a slot of weights per value: values with few rows share one, missing has its own if it occurred, and a value never seen
 * has none, so it adds nothing.
 *
 *   weights of one output:  | dense: numbers and missing marks | slots of text columns | bias |
 */
import { sharedFloat64, sharedInt32 } from "./crew/shared.ts";
import type { TrainingData } from "./estimator.ts";
import type { NumberColumn, TextColumn } from "./frame.ts";
import { badColumn } from "./training-data.ts";

export interface NumberInput {
  readonly kind: "number";
  readonly name: string;
  readonly mean: number;
  /** 1 / standard deviation, 0 for a column of one value. */
  readonly scale: number;
  /** Where its weight stands; that of the missing mark, or -1. */
  readonly at: number;
  readonly missingAt: number;
}

export interface TextInput {
  readonly kind: "text";
  readonly name: string;
  readonly texts: readonly string[];
  /** The weight of each text; pooled texts share one. */
  readonly at: Int32Array;
  readonly missingAt: number;
}

export type LinearInput = NumberInput | TextInput;

export interface Design {
  readonly inputs: readonly LinearInput[];
  readonly denseCount: number;
  /** Weights of one output, the bias included. */
  readonly weightCount: number;
  /** Row-major, rowCount x denseCount. */
  readonly dense: Float64Array;
  /** Per text column the weight of each row, -1 for none. */
  readonly slots: readonly Int32Array[];
  /** Mean square of each weight's column: 1 for a standardised number, the share of its rows for a slot. */
  readonly squares: Float64Array;
  /** Share of the rows in each slot, or of the missing, which makes the spread of a column's contribution. */
  readonly shares: Float64Array;
}

/** Error: `learn.bad-column` when a number column's spread is beyond a double. */
export function createDesign({ X, weights }: TrainingData, countMin: number): Design {
  const weightOf = weights === undefined ? () => 1 : (row: number) => weights[row]!;
  let total = 0;
  for (let row = 0; row < X.rowCount; row++) total += weightOf(row);
  const entries = Object.entries(X.columns);
  const shares: number[] = [];
  let next = 0;
  const claim = (share: number) => {
    shares.push(share / total);
    return next++;
  };
  const numbers = new Map(
    entries.flatMap(([name, column]) =>
      column.kind === "number" ? [[name, numberInput(name, column, weightOf, total, claim)] as const] : [],
    ),
  );
  const denseCount = next;
  const texts = new Map(
    entries.flatMap(([name, column]) =>
      column.kind === "text" ? [[name, textInput(name, column, weightOf, countMin, claim)] as const] : [],
    ),
  );
  const inputs = entries.map(([name]): LinearInput => numbers.get(name) ?? texts.get(name)!);
  const squares = Float64Array.from([...shares, 1]);
  for (const { at } of numbers.values()) squares[at] = 1;
  const dense = sharedFloat64(X.rowCount * denseCount);
  for (const [name, input] of numbers) fillDense(input, X.columns[name] as NumberColumn, dense, denseCount);
  const slots = [...texts].map(([name, input]) => slotsOf(input, X.columns[name] as TextColumn));
  return { inputs, denseCount, weightCount: next + 1, dense, slots, squares, shares: Float64Array.from(shares) };
}

type WeightOf = (row: number) => number;

function numberInput(
  name: string,
  { values }: NumberColumn,
  weightOf: WeightOf,
  total: number,
  claim: (share: number) => number,
): NumberInput {
  let [present, sum] = [0, 0];
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (Number.isNaN(value)) continue;
    present += weightOf(row);
    sum += weightOf(row) * value;
  }
  const mean = present > 0 ? sum / present : 0;
  let square = 0;
  let missing = false;
  for (let row = 0; row < values.length; row++) {
    const away = values[row]! - mean;
    if (!Number.isNaN(away)) square += weightOf(row) * away * away;
    else missing = true;
  }
  const deviation = Math.sqrt(square / total);
  if (!Number.isFinite(deviation))
    throw badColumn(name, "numbers whose squares fit a double", "larger ones", `Scale "${name}" down, or take its logarithm.`);
  const scale = deviation > 1e-12 * Math.abs(mean) ? 1 / deviation : 0;
  return { kind: "number", name, mean, scale, at: claim(total), missingAt: missing ? claim(total - present) : -1 };
}

function textInput(
  name: string,
  { codes, texts }: TextColumn,
  weightOf: WeightOf,
  countMin: number,
  claim: (share: number) => number,
): TextInput {
  const counts = new Float64Array(texts.length);
  let missing = 0;
  for (let row = 0; row < codes.length; row++) {
    if (codes[row]! < 0 || texts[codes[row]!] === "") missing += weightOf(row);
    else counts[codes[row]!]! += weightOf(row);
  }
  const seen = [...texts.keys()].filter((code) => counts[code]! > 0).sort((a, b) => (texts[a]! < texts[b]! ? -1 : 1));
  const common = seen.filter((code) => counts[code]! >= countMin);
  const rare = seen.filter((code) => counts[code]! < countMin);
  const own = common.map((code) => claim(counts[code]!));
  const pooled = rare.length > 0 ? claim(rare.reduce((sum, code) => sum + counts[code]!, 0)) : -1;
  return {
    kind: "text",
    name,
    texts: [...common, ...rare].map((code) => texts[code]!),
    at: Int32Array.from([...own, ...rare.map(() => pooled)]),
    missingAt: missing > 0 ? claim(missing) : -1,
  };
}

function fillDense(input: NumberInput, { values }: NumberColumn, dense: Float64Array, denseCount: number): void {
  for (let row = 0, first = 0; row < values.length; row++, first += denseCount) {
    const value = values[row]!;
    if (!Number.isNaN(value)) dense[first + input.at] = standardised(input, value);
    else if (input.missingAt >= 0) dense[first + input.missingAt] = 1;
  }
}

export const standardised = ({ mean, scale }: NumberInput, value: number) => (value - mean) * scale;

function slotsOf(input: TextInput, { codes, texts }: TextColumn): Int32Array {
  const slotOf = slotTable(input, texts);
  const slots = sharedInt32(codes.length);
  for (let row = 0; row < codes.length; row++) slots[row] = codes[row]! < 0 ? input.missingAt : slotOf[codes[row]!]!;
  return slots;
}

/** The weight for each of `texts`, -1 for none; the empty text is missing. */
export function slotTable(input: TextInput, texts: readonly string[]): Int32Array {
  const slots = slotsByText(input);
  return Int32Array.from(texts, (text) => slots.get(text) ?? -1);
}

export const slotsByText = ({ texts, at, missingAt }: TextInput) =>
  new Map<string, number>([...texts.map((text, index) => [text, at[index]!] as const), ["", missingAt]]);
