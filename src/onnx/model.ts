/**
 * An ONNX model as plain data (the messages of onnx.proto3 that inference graphs use), independent of any runtime.
 * Source: the ONNX specification, IR version 9; operators `ai.onnx` 17 and `ai.onnx.ml` 3, which today's servers read.
 */
export type ElementType = "float32" | "float64" | "int64" | "int32" | "uint8" | "string" | "bool";

export interface Tensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | BigInt64Array | Int32Array | readonly string[] | Uint8Array;
}

/** An attribute's value: ONNX tells int from float, so a bare number is not enough. */
export type Attribute =
  | { readonly int: number | bigint }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly tensor: Tensor }
  | { readonly ints: readonly (number | bigint)[] }
  | { readonly floats: readonly number[] | Float32Array }
  | { readonly strings: readonly string[] };

export interface OnnxNode {
  readonly op: string;
  /** "" is `ai.onnx`. */
  readonly domain: "" | "ai.onnx.ml";
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A graph input or output; a text dimension is symbolic, as "N". */
export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

export interface OnnxModel {
  readonly irVersion: number;
  readonly opsets: Readonly<Record<"ai.onnx" | "ai.onnx.ml", number>>;
  readonly producer: string;
  readonly graphName: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Tensor[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly metadata: Readonly<Record<string, string>>;
}
