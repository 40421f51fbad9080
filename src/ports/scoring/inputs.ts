/** From the columns of a frame to what a graph's inputs take. */
import { MillError } from "../../base/index.ts";
import type { NumberColumn, TextColumn } from "../../learn/index.ts";

export const INPUT_TYPES = ["float64", "float32", "int64", "int32", "bool", "string"] as const;
export type InputType = (typeof INPUT_TYPES)[number];
export type InputData = Float64Array | Float32Array | BigInt64Array | Int32Array | Uint8Array | string[];

export interface GraphInput {
  readonly name: string;
  readonly type: InputType;
}

/** What a runtime tells of an input; a dimension that is free has a name or -1. */
export type InputMetadata =
  | { readonly name: string; readonly isTensor: false }
  | { readonly name: string; readonly isTensor: true; readonly type: string; readonly shape: readonly (number | string)[] };

/** The inputs of a graph that reads rows by column; else `scoring.bad-model`. */
export function graphInputs(metadata: readonly InputMetadata[]): GraphInput[] {
  return metadata.map((input) => {
    if (input.isTensor && isInputType(input.type) && isColumn(input.shape)) return { name: input.name, type: input.type };
    throw new MillError("scoring.bad-model", `The model's input "${input.name}" is not one column of rows.`, {
      at: input.name,
      expected: `a tensor [N, 1] of ${INPUT_TYPES.join(", ")}`,
      got: input.isTensor ? `${input.type} [${input.shape.join(", ")}]` : "a value that is no tensor",
      fix: "Export the model with one input for each column.",
    });
  });
}

/** The elements of rows `from` to `to` (exclusive) of a column, as the graph's input takes them. */
export function inputBatch({ name, type }: GraphInput, column: NumberColumn | TextColumn, from: number, to: number): InputData {
  if (type === "string") {
    if (column.kind !== "text") throw badInput(name, "texts", "numbers");
    return Array.from(column.codes.subarray(from, to), (code) => column.texts[code] ?? "");
  }
  if (column.kind !== "number") throw badInput(name, `numbers (${type})`, "texts");
  const values = column.values.subarray(from, to);
  if (type === "float64") return values.slice();
  if (type === "float32") return Float32Array.from(values);
  checkIntegers(name, type, values);
  if (type === "int64") return BigInt64Array.from(values, BigInt);
  return type === "int32" ? Int32Array.from(values) : Uint8Array.from(values);
}

const INTEGER_RANGES = {
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  bool: [0, 1],
} as const;

function checkIntegers(name: string, type: keyof typeof INTEGER_RANGES, values: Float64Array): void {
  const [low, high] = INTEGER_RANGES[type];
  const wrong = values.find((value) => !(Number.isInteger(value) && value >= low && value <= high));
  if (wrong !== undefined) throw badInput(name, `integers from ${low} to ${high} (${type})`, String(wrong));
}

const isInputType = (type: string): type is InputType => (INPUT_TYPES as readonly string[]).includes(type);

const isColumn = (shape: readonly (number | string)[]) => shape.length === 2 && typeof shape[0] === "string" && shape[1] === 1;

const badInput = (name: string, expected: string, got: string) =>
  new MillError("scoring.bad-input", `The column "${name}" does not fit the model's input.`, {
    at: name,
    expected,
    got,
    fix: "Score rows with the column types that the model was trained on.",
  });
