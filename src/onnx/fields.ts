/** Field numbers and enumerations of onnx.proto3 (ONNX 1.17, IR version 10): what `encode` writes and `decode` reads. */
import type { ElementType, Tensor } from "./model.ts";

export const MODEL = { irVersion: 1, producer: 2, graph: 7, opset: 8, metadata: 14, trainingInfo: 20, functions: 25 } as const;
export const OPSET = { domain: 1, version: 2 } as const;
export const ENTRY = { key: 1, value: 2 } as const;
export const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12, sparseInitializer: 15 } as const;
export const NODE = { input: 1, output: 2, op: 4, attribute: 5, domain: 7 } as const;
export const VALUE = { name: 1, type: 2 } as const;
export const TYPE = { tensor: 1 } as const;
export const TENSOR_TYPE = { elementType: 1, shape: 2 } as const;
export const SHAPE = { dimension: 1 } as const;
export const DIMENSION = { value: 1, symbol: 2 } as const;

export const ATTRIBUTE = {
  name: 1,
  float: 2,
  int: 3,
  string: 4,
  tensor: 5,
  floats: 7,
  ints: 8,
  strings: 9,
  type: 20,
  reference: 21,
} as const;

/** AttributeProto.AttributeType. */
export const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7, strings: 8 } as const;

export const TENSOR = {
  dims: 1,
  type: 2,
  segment: 3,
  floats: 4,
  int32s: 5,
  strings: 6,
  int64s: 7,
  name: 8,
  raw: 9,
  doubles: 10,
  externalData: 13,
  dataLocation: 14,
} as const;

/** TensorProto.DataType. */
export const ELEMENT_TYPE: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float64: 11,
};

export const ELEMENT_TYPE_NAMES: ReadonlyMap<number, ElementType> = new Map(
  Object.entries(ELEMENT_TYPE).map(([name, number]) => [number, name as ElementType]),
);

type NumericData = Exclude<Tensor["data"], readonly string[]>;

/** The array that holds a tensor's elements; texts are a plain array. */
export const ELEMENT_ARRAY = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const satisfies Record<Exclude<ElementType, "string">, { new (length: number): NumericData }>;

/** Protobuf itself stops at 2 GiB. */
export const MODEL_BYTES_MAX = 2 ** 31 - 1;
