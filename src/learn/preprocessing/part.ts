/** The parts of a fitted transform: each makes some output columns, of numbers, of one text, or a text of a text. */
import type { GraphBuilder, OnnxProfile } from "../../onnx/index.ts";

export type Part = NumbersPart | TextPart | TextToTextPart;

/** Numbers (NaN = missing) of some columns become numbers. */
export interface NumbersPart {
  readonly kind: "numbers";
  readonly inputs: readonly string[];
  /** Names it would like; the transform gives a column another one where two would be alike. */
  readonly outputs: readonly string[];
  /** Writes each of `out`. */
  write(values: Float64Array, out: Float64Array): void;
  addTo(graph: GraphBuilder, tensors: readonly string[], profile: OnnxProfile): readonly string[];
  /** For each input, values where an output jumps. */
  readonly jumps?: readonly (readonly number[])[];
  /** Of a single input: those that become `value` in the output of this index. */
  back?(value: number, output: number): readonly number[];
}

/** A text (null = missing, as the empty text) becomes numbers. */
export interface TextPart {
  readonly kind: "text";
  readonly input: string;
  /** Those it knows, in the order of their levels. */
  readonly texts: readonly string[];
  /** Worth a try beside these. */
  readonly tries?: readonly string[];
  readonly outputs: readonly string[];
  /** `out` holds zeros. */
  write(text: string | null, out: Float64Array): void;
  addTo(graph: GraphBuilder, tensor: string, profile: OnnxProfile): readonly string[];
}

export interface TextToTextPart {
  readonly kind: "text-to-text";
  readonly input: string;
  readonly output: string;
  map(text: string | null): string | null;
  addTo(graph: GraphBuilder, tensor: string, profile: OnnxProfile): string;
}

export const inputsOf = (part: Part) => (part.kind === "numbers" ? part.inputs : [part.input]);
export const outputsOf = (part: Part) => (part.kind === "text-to-text" ? [part.output] : part.outputs);

/** A number as it is. */
export const sameNumber = (name: string): NumbersPart => ({
  kind: "numbers",
  inputs: [name],
  outputs: [name],
  write: (values, out) => {
    out[0] = values[0]!;
  },
  addTo: (_, tensors) => tensors,
  back: (value) => [value],
});

/** A text as it is. */
export const sameText = (name: string): TextToTextPart => ({
  kind: "text-to-text",
  input: name,
  output: name,
  map: (text) => text,
  addTo: (_, tensor) => tensor,
});
