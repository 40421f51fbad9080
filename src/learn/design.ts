/**
 * The columns as a linear model sees them. A number is standardised; where it is missing it counts as the mean, and a column of its own says so, if that
 * occurred in training. A text has a slot of weights per value: values with few rows share one, missing has its own if it occurred, and a value never seen
 * has none, so it adds nothing.
 *
 *   weights of one output:  | dense: numbers and missing marks | slots of text columns | bias |
 *
 * The threads of a training see the columns as they are (`DesignRows`) and standardise them block by block (`packRows`).
 */
import { setImmediate } from "node:timers/promises";
import { sharedCopy, sharedInt32 } from "./crew/shared.ts";
import type { TrainingData } from "./estimator.ts";
import type { TextColumn } from "./frame.ts";
import { type Moments, momentsOf, roughMean, scaleOf } from "./moments.ts";

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
  readonly rows: DesignRows;
  /** Sum of the rows' weights. */
  readonly total: number;
  /** Mean square of each weight's column: 1 for a standardised number, the share of its rows for a slot. */
  readonly squares: Float64Array;
  /** Share of the rows in each slot, or of the missing; of numbers, that have a value. */
  readonly shares: Float64Array;
}

/** The rows, for all threads to see. */
export interface DesignRows {
  readonly rowCount: number;
  readonly denseCount: number;
  readonly weightCount: number;
  readonly numbers: readonly { readonly input: NumberInput; readonly values: Float64Array }[];
  /** Per text column the weight of each row, -1 for none. */
  readonly slots: readonly Int32Array[];
}

/** Checks number columns as it reads them. Error: `learn.bad-column`, also when a column's spread is beyond a double. */
export async function createDesign(data: TrainingData, countMin: number): Promise<Design> {
  const { X, weights } = data;
  const total = totalOf(data);
  const moments = new Map<string, Moments>();
  for (const [name, column] of Object.entries(X.columns)) {
    if (column.kind !== "number") continue;
    moments.set(name, momentsOf(name, column, weights, total));
    await setImmediate(); // columns are many and long: the caller's event loop goes on between them
  }
  return designOf(data, countMin, moments);
}

/**
 * The same of a look at some rows alone: numbers are only brought near 0, and missing ones stay missing. Sums over all rows then make it whole (`refined`), or tell
 * by not being finite that a column has missing values.
 */
export function roughDesign(data: TrainingData, countMin: number): Design {
  const moments = new Map<string, Moments>();
  for (const [name, column] of Object.entries(data.X.columns))
    if (column.kind === "number") moments.set(name, { mean: roughMean(column.values), scale: 1, missing: null });
  return designOf(data, countMin, moments);
}

/** A rough design without missing values, by how far each number's mean is from the rough one and by the deviation around it. */
export function refined(design: Design, of: (input: NumberInput) => { away: number; deviation: number }): Design {
  const whole = new Map<LinearInput, NumberInput>();
  for (const { input } of design.rows.numbers) {
    const { away, deviation } = of(input);
    const mean = input.mean + away;
    whole.set(input, { ...input, mean, scale: scaleOf(mean, deviation) });
  }
  const inputs = design.inputs.map((input) => whole.get(input) ?? input);
  const numbers = design.rows.numbers.map(({ input, values }) => ({ input: whole.get(input)!, values }));
  return { ...design, inputs, rows: { ...design.rows, numbers } };
}

const totalOf = ({ X, weights }: TrainingData) => (weights === undefined ? X.rowCount : weights.reduce((a, b) => a + b, 0));

function designOf(data: TrainingData, countMin: number, moments: ReadonlyMap<string, Moments>): Design {
  const { X, weights } = data;
  const total = totalOf(data);
  const entries = Object.entries(X.columns);
  const shares: number[] = [];
  let next = 0;
  const claim = (share: number) => {
    shares.push(share / total);
    return next++;
  };
  const numbers = new Map<string, DesignRows["numbers"][number]>();
  for (const [name, column] of entries) {
    if (column.kind !== "number") continue;
    const { mean, scale, missing } = moments.get(name)!;
    const at = claim(total);
    const input: NumberInput = { kind: "number", name, mean, scale, at, missingAt: missing === null ? -1 : claim(missing) };
    numbers.set(name, { input, values: column.values });
  }
  const denseCount = next;
  const texts = new Map<string, TextInput>();
  for (const [name, column] of entries)
    if (column.kind === "text") texts.set(name, textInput(name, column, weights, countMin, claim));
  const inputs = entries.map(([name]): LinearInput => numbers.get(name)?.input ?? texts.get(name)!);
  const squares = Float64Array.from([...shares, 1]);
  for (const { input } of numbers.values()) squares[input.at] = 1;
  const slots = [...texts].map(([name, input]) => slotsOf(input, X.columns[name] as TextColumn));
  const weightCount = next + 1;
  const rows: DesignRows = { rowCount: X.rowCount, denseCount, weightCount, numbers: [...numbers.values()], slots };
  return { inputs, denseCount, weightCount, rows, total, squares, shares: Float64Array.from(shares) };
}

/** The rows in memory that all threads see. */
export async function sharedRows(rows: DesignRows): Promise<DesignRows> {
  const numbers: DesignRows["numbers"][number][] = [];
  for (const { input, values } of rows.numbers) {
    numbers.push({ input, values: sharedOf(values) });
    await setImmediate();
  }
  return { ...rows, numbers };
}

const sharedOf = (values: Float64Array) => (values.buffer instanceof SharedArrayBuffer ? values : sharedCopy(values));

/**
 * Standardised numbers and marks of rows `from` to `to` into `block`, column after column, `pitch` doubles apart; leaves other columns as they are. NaN stays in a
 * column without a mark.
 */
export function packRows({ numbers }: DesignRows, from: number, to: number, block: Float64Array, pitch: number): void {
  for (const { input, values } of numbers) {
    const first = input.at * pitch;
    block.set(values.subarray(from, to), first);
    standardise(block, first, first + to - from, input);
    if (input.missingAt >= 0) mark(block, first, first + to - from, (input.missingAt - input.at) * pitch);
  }
}

function standardise(block: Float64Array, from: number, to: number, { mean, scale }: NumberInput): void {
  for (let at = from; at < to; at++) block[at] = (block[at]! - mean) * scale;
}

/** Missing values become 0, and 1 so many places further on. */
function mark(block: Float64Array, from: number, to: number, away: number): void {
  for (let at = from; at < to; at++) {
    const missing = Number.isNaN(block[at]!);
    if (missing) block[at] = 0;
    block[at + away] = missing ? 1 : 0;
  }
}

/**
 * What each weight's penalty is multiplied with, the bias's too: 1, or, where columns are not to be standardised, what makes the penalty act on the weights of
 * the numbers as they came.
 */
export function penaltyScales({ inputs, weightCount }: Design, standardise: boolean): Float64Array {
  const scales = new Float64Array(weightCount).fill(1);
  if (!standardise) for (const input of inputs) if (input.kind === "number") scales[input.at] = input.scale;
  scales[weightCount - 1] = 0;
  return scales;
}

export function textInput(
  name: string,
  { codes, texts }: TextColumn,
  weights: Float64Array | undefined,
  countMin: number,
  claim: (share: number) => number,
): TextInput {
  const counts = new Float64Array(texts.length);
  let missing = 0;
  for (let row = 0; row < codes.length; row++) {
    const weight = weights === undefined ? 1 : weights[row]!;
    if (codes[row]! < 0 || texts[codes[row]!] === "") missing += weight;
    else counts[codes[row]!]! += weight;
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
