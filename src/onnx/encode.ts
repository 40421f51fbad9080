import { MillError } from "../base/index.ts";
import {
  ATTRIBUTE,
  ATTRIBUTE_TYPE,
  DIMENSION,
  ELEMENT_ARRAY,
  ELEMENT_TYPE,
  ENTRY,
  GRAPH,
  MODEL,
  MODEL_BYTES_MAX,
  NODE,
  OPSET,
  SHAPE,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
  VALUE,
} from "./fields.ts";
import type { Attribute, OnnxModel, OnnxNode, Tensor, ValueInfo } from "./model.ts";
import {
  bytesField,
  bytesOf,
  type Chunks,
  floatField,
  join,
  messageField,
  packedFloats,
  packedVarints,
  sizeOf,
  textField,
  varintField,
} from "./protobuf-write.ts";

/**
 * The bytes of an `.onnx` file: onnx.proto3 in protobuf's wire format. The same model gives the same bytes.
 * `float` attributes are rounded to float32, as the format holds them. An opset of version 0 is not written.
 * Errors: `onnx.invalid-graph` (data that does not fit its type and shape, an integer beyond 64 bits, a broken text), `onnx.too-large` (2 GiB).
 */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  const chunks = [
    ...int(MODEL.irVersion, model.irVersion, "the IR version"),
    ...text(MODEL.producer, model.producer),
    ...messageField(MODEL.graph, graphMessage(model)),
    ...opsets(model).flatMap(([domain, version]) => messageField(MODEL.opset, opsetMessage(domain, version))),
    ...Object.entries(model.metadata).flatMap((entry) => messageField(MODEL.metadata, entryMessage(entry))),
  ];
  const sizeBytes = sizeOf(chunks);
  if (sizeBytes > MODEL_BYTES_MAX) {
    throw new MillError("onnx.too-large", "The graph does not fit in one ONNX file.", {
      expected: `at most ${MODEL_BYTES_MAX} bytes`,
      got: `${sizeBytes} bytes`,
      fix: "Train a smaller model (fewer trees or leaves, fewer categories).",
    });
  }
  return join(chunks);
}

function graphMessage(model: OnnxModel): Chunks {
  return [
    ...model.nodes.flatMap((node) => messageField(GRAPH.node, nodeMessage(node))),
    ...text(GRAPH.name, model.graphName),
    ...model.initializers.flatMap((tensor) => messageField(GRAPH.initializer, tensorMessage(tensor))),
    ...model.inputs.flatMap((value) => messageField(GRAPH.input, valueMessage(value))),
    ...model.outputs.flatMap((value) => messageField(GRAPH.output, valueMessage(value))),
  ];
}

function nodeMessage({ op, domain, inputs, outputs, attributes }: OnnxNode): Chunks {
  return [
    ...inputs.flatMap((name) => text(NODE.input, name)),
    ...outputs.flatMap((name) => text(NODE.output, name)),
    ...text(NODE.op, op),
    ...Object.entries(attributes).flatMap(([name, value]) => messageField(NODE.attribute, attributeMessage(name, value))),
    ...(domain === "" ? [] : text(NODE.domain, domain)),
  ];
}

function attributeMessage(name: string, value: Attribute): Chunks {
  const at = `attribute ${name}`;
  const typed = (type: keyof typeof ATTRIBUTE_TYPE, content: Chunks): Chunks => [
    ...text(ATTRIBUTE.name, name),
    ...content,
    ...varintField(ATTRIBUTE.type, ATTRIBUTE_TYPE[type]),
  ];
  if ("int" in value) return typed("int", int(ATTRIBUTE.int, value.int, at));
  if ("float" in value) return typed("float", floatField(ATTRIBUTE.float, value.float));
  if ("string" in value) return typed("string", text(ATTRIBUTE.string, value.string));
  if ("tensor" in value) return typed("tensor", messageField(ATTRIBUTE.tensor, tensorMessage(value.tensor)));
  if ("floats" in value) return typed("floats", packedFloats(ATTRIBUTE.floats, value.floats));
  if ("strings" in value)
    return typed(
      "strings",
      value.strings.flatMap((each) => text(ATTRIBUTE.strings, each)),
    );
  for (const each of value.ints) checkInt(each, at);
  return typed("ints", packedVarints(ATTRIBUTE.ints, value.ints));
}

function tensorMessage(tensor: Tensor): Chunks {
  checkTensor(tensor);
  return [
    ...packedVarints(TENSOR.dims, tensor.shape),
    ...varintField(TENSOR.type, ELEMENT_TYPE[tensor.type]),
    ...text(TENSOR.name, tensor.name),
    ...(isTexts(tensor.data)
      ? tensor.data.flatMap((each) => text(TENSOR.strings, each))
      : bytesField(TENSOR.raw, bytesOf(tensor.data))),
  ];
}

function valueMessage({ name, type, shape }: ValueInfo): Chunks {
  const dimensions = shape.flatMap((size) =>
    messageField(
      SHAPE.dimension,
      typeof size === "string" ? text(DIMENSION.symbol, size) : int(DIMENSION.value, size, `value ${name}`),
    ),
  );
  const tensorType = [
    ...varintField(TENSOR_TYPE.elementType, ELEMENT_TYPE[type]),
    ...messageField(TENSOR_TYPE.shape, dimensions),
  ];
  return [...text(VALUE.name, name), ...messageField(VALUE.type, messageField(TYPE.tensor, tensorType))];
}

const opsets = (model: OnnxModel) => Object.entries(model.opsets).filter(([, version]) => version > 0);

/** `ai.onnx` is written as the empty domain, which every reader knows. */
const opsetMessage = (domain: string, version: number): Chunks => [
  ...text(OPSET.domain, domain === "ai.onnx" ? "" : domain),
  ...int(OPSET.version, version, `opset ${domain}`),
];

const entryMessage = ([key, value]: [string, string]): Chunks => [...text(ENTRY.key, key), ...text(ENTRY.value, value)];

function int(field: number, value: number | bigint, at: string): Chunks {
  checkInt(value, at);
  return varintField(field, value);
}

function text(field: number, value: string): Chunks {
  if (!value.isWellFormed()) {
    throw new MillError("onnx.invalid-graph", `A text in the graph holds half of a character: ${JSON.stringify(value)}.`, {
      expected: "well-formed Unicode",
      fix: "Clean the text where it enters the data set.",
    });
  }
  return textField(field, value);
}

function checkInt(value: number | bigint, at: string): void {
  const fits = typeof value === "number" ? Number.isSafeInteger(value) : BigInt.asIntN(64, value) === value;
  if (fits) return;
  throw new MillError("onnx.invalid-graph", `${value} is not an integer that ONNX can hold.`, {
    at,
    expected: "a safe integer, or a bigint of 64 bits",
    got: String(value),
  });
}

function checkTensor({ name, type, shape, data }: Tensor): void {
  const length = shape.reduce((product, size) => product * size, 1);
  const rightArray = type === "string" ? isTexts(data) : data instanceof ELEMENT_ARRAY[type];
  if (rightArray && length === data.length && shape.every((size) => Number.isSafeInteger(size) && size >= 0)) return;
  throw new MillError("onnx.invalid-graph", `The tensor "${name}" does not hold what its type and shape say.`, {
    at: `tensor ${name}`,
    expected: `${length} elements of ${type} for the shape [${shape.join(", ")}]`,
    got: `${data.length} elements in ${isTexts(data) ? "an array of texts" : data.constructor.name}`,
  });
}

const isTexts = (data: Tensor["data"]): data is readonly string[] => Array.isArray(data);
