/**
 * The columns as points in space, for what measures distances and directions. A number has a dimension: its distance from the mean, in standard deviations or
 * as it is; where it is missing it lies at the mean, and a dimension of its own says so, if that occurred in training. A text has a dimension per value, 0 or
 * 1: values with few rows share one, missing has its own if it occurred, and a value never seen has none.
 *
 *   point:  | number | missing mark | text "a" | text "b" | rare texts | missing | ...     in the order of the columns
 */
import type { Json } from "../base/index.ts";
import { type TextInput, textInput } from "./design.ts";
import { type EdgeValues, UNSEEN_TEXT } from "./edge-rows.ts";
import type { TrainingData } from "./estimator.ts";
import type { NumberColumn } from "./frame.ts";
import type { InputColumn } from "./inputs.ts";
import { badModel, pack, unpackInt32 } from "./packed.ts";
import { badColumn } from "./training-data.ts";

/** A coordinate is (value - offset) x scale, `fill` where the value is missing. */
export interface PointNumber {
  readonly kind: "number";
  readonly name: string;
  readonly offset: number;
  readonly scale: number;
  readonly fill: number;
  /** Its dimension; that of the missing mark, or -1. */
  readonly at: number;
  readonly missingAt: number;
  /** No coordinate of training is larger, without its sign. */
  readonly reach: number;
}

export type PointInput = PointNumber | TextInput;

export interface PointSpace {
  readonly inputs: readonly PointInput[];
  /** Dimensions. */
  readonly width: number;
}

export interface SpaceOptions {
  /** Texts of a column with fewer rows share a dimension. */
  readonly countMin: number;
  readonly standardise: boolean;
  /** Subtract the mean; always when standardised. */
  readonly centre: boolean;
}

/** Error: `learn.bad-column` when a number column's spread is beyond a double. */
export function createSpace({ X, weights }: TrainingData, options: SpaceOptions): PointSpace {
  let width = 0;
  const claim = () => width++;
  const inputs = Object.entries(X.columns).map(
    ([name, column]): PointInput =>
      column.kind === "number"
        ? pointNumber(name, column, weights, options, claim)
        : textInput(name, column, weights, options.countMin, claim),
  );
  return { inputs, width };
}

function pointNumber(
  name: string,
  { values }: NumberColumn,
  weights: Float64Array | undefined,
  options: SpaceOptions,
  claim: () => number,
): PointNumber {
  const { total, sum, missing } = sumOf(values, weights);
  const mean = total > 0 ? sum / total : 0;
  let [square, farthest] = [0, 0];
  for (let row = 0; row < values.length; row++) {
    const away = values[row]! - mean;
    if (missing && Number.isNaN(away)) continue;
    square += weights === undefined ? away * away : weights[row]! * away * away;
    if (away > farthest) farthest = away;
    else if (-away > farthest) farthest = -away;
  }
  const deviation = Math.sqrt(square / (total > 0 ? total : 1));
  if (!Number.isFinite(deviation) || !Number.isFinite(mean))
    throw badColumn(name, "numbers whose squares fit a double", "larger ones", `Scale "${name}" down, or take its logarithm.`);
  return numberOfStatistics(name, { mean, deviation, farthest, missing }, options, claim);
}

/** What a number column's dimension is made from. */
export interface NumberStatistics {
  readonly mean: number;
  readonly deviation: number;
  /** Largest distance from the mean. */
  readonly farthest: number;
  readonly missing: boolean;
}

/** The space of number columns whose statistics are known. */
export function spaceOfNumbers(
  names: readonly string[],
  statistics: readonly NumberStatistics[],
  options: Pick<SpaceOptions, "standardise" | "centre">,
): PointSpace {
  let width = 0;
  const inputs = names.map((name, at) => numberOfStatistics(name, statistics[at]!, options, () => width++));
  return { inputs, width };
}

function numberOfStatistics(
  name: string,
  { mean, deviation, farthest, missing }: NumberStatistics,
  { standardise, centre }: Pick<SpaceOptions, "standardise" | "centre">,
  claim: () => number,
): PointNumber {
  const isConstant = !(deviation > 1e-12 * Math.abs(mean));
  const offset = centre || standardise ? mean : 0;
  const scale = isConstant && offset !== 0 ? 0 : standardise && !isConstant ? 1 / deviation : 1;
  const reach = (farthest + Math.abs(mean - offset)) * scale;
  const at = claim();
  return { kind: "number", name, offset, scale, fill: (mean - offset) * scale, at, missingAt: missing ? claim() : -1, reach };
}

/** Four sums at once, which a processor adds side by side; one that is no number has met a missing value, and is added with care. */
function sumOf(values: Float64Array, weights: Float64Array | undefined): { total: number; sum: number; missing: boolean } {
  let [a, b, c, d] = [0, 0, 0, 0];
  let row = 0;
  if (weights === undefined) {
    for (; row + 3 < values.length; row += 4) {
      a += values[row]!;
      b += values[row + 1]!;
      c += values[row + 2]!;
      d += values[row + 3]!;
    }
    for (; row < values.length; row++) a += values[row]!;
    const sum = a + b + (c + d);
    if (!Number.isNaN(sum)) return { total: values.length, sum, missing: false };
  }
  let [total, sum, missing] = [0, 0, false];
  for (row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (Number.isNaN(value)) missing = true;
    else {
      const weight = weights === undefined ? 1 : weights[row]!;
      total += weight;
      sum += weight * value;
    }
  }
  return { total, sum, missing };
}

/** The power of two that brings all coordinates of training to 1 at most: distances keep their order, and single precision its range. */
export function factorOf({ inputs }: PointSpace): number {
  const reach = inputs.reduce((most, input) => Math.max(most, input.kind === "number" ? input.reach : 1), 0);
  return reach > 0 ? 2 ** -Math.ceil(Math.log2(reach)) : 1;
}

export const columnsOf = ({ inputs }: PointSpace): InputColumn[] =>
  inputs.map((input) => ({ name: input.name, texts: input.kind === "text" ? input.texts : null }));

/** The dimensions of each column. */
export const dimensionsOf = ({ inputs }: PointSpace): number[][] =>
  inputs.map((input) =>
    [...new Set(input.kind === "number" ? [input.at, input.missingAt] : [...input.at, input.missingAt])]
      .filter((at) => at >= 0)
      .sort((a, b) => a - b),
  );

/** Distances have no steps: the middle, the ends of training and far out on both sides, missing, every text and an unknown one. */
export const pointEdges = ({ inputs }: PointSpace): EdgeValues[] =>
  inputs.map((input) => {
    if (input.kind === "text") return { name: input.name, texts: [null, UNSEEN_TEXT, ...input.texts] };
    const end = input.scale > 0 ? input.reach / input.scale : 1;
    return { name: input.name, numbers: [NaN, 0, ...[-100, -1, -0.3, 0, 0.3, 1, 100].map((ends) => input.offset + ends * end)] };
  });

export const spaceToJson = ({ inputs }: PointSpace): Json =>
  inputs.map((input): Json => (input.kind === "number" ? { ...input } : { ...input, at: pack(input.at) }));

/** The way back; the dimensions must be those from 0 up to the last, each once. Error: `learn.bad-model`. */
export function spaceFromJson(json: unknown): PointSpace {
  if (!Array.isArray(json) || json.length === 0) throw badModel("its columns are not listed");
  const space = { inputs: json.map(inputFromJson), width: 0 };
  const dimensions = dimensionsOf(space).flat();
  if (dimensions.some((at, index) => at !== index)) throw badModel("its columns do not fill its space");
  return { ...space, width: dimensions.length };
}

function inputFromJson(json: unknown): PointInput {
  const input = (json ?? {}) as Record<string, unknown>;
  const isPlace = (at: unknown) => Number.isInteger(at) && (at as number) >= -1;
  if (typeof input.name !== "string" || !isPlace(input.missingAt)) throw badModel("a column has no name or no dimension");
  const numbers = [input.offset, input.scale, input.fill, input.reach];
  if (input.kind === "number" && numbers.every(Number.isFinite) && isPlace(input.at)) return input as unknown as PointNumber;
  const at = input.kind === "text" ? unpackInt32(input.at) : undefined;
  if (at === undefined || !Array.isArray(input.texts) || at.length !== input.texts.length || !at.every(isPlace))
    throw badModel(`its column "${input.name}" is incomplete`);
  return { ...(input as unknown as TextInput), at };
}
