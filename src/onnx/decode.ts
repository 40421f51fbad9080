/**
 * Reads an `.onnx` file into plain data. Subgraphs, functions, sparse and external tensors are refused, so the depth of the messages is
 * fixed and nothing outside the bytes is ever opened. Documentation texts, node names and shapes of intermediate values are skipped.
 */
import { MillError } from "../base/index.ts";
import { readAttribute } from "./decode-attribute.ts";
import { readTensor } from "./decode-tensor.ts";
import { DIMENSION, ENTRY, GRAPH, MODEL, MODEL_BYTES_MAX, NODE, OPSET, SHAPE, TENSOR_TYPE, TYPE, VALUE } from "./fields.ts";
import { createMessageReader, elementTypeOf, type Message, type MessageReader, unsupported } from "./messages.ts";
import type { OnnxModel, OnnxNode, ValueInfo } from "./model.ts";
import { malformed } from "./protobuf-read.ts";

export interface DecodeLimits {
  /** 2 GiB, which is protobuf's own limit, unless told otherwise. */
  readonly sizeBytesMax?: number;
  /** Fields of all messages together, which bounds the memory: 2 million unless told otherwise. */
  readonly fieldsMax?: number;
}

/**
 * The model in `bytes`; what `encodeOnnx` wrote comes back equal. An opset that is not imported has version 0.
 * Errors: `onnx.malformed` (no ONNX model, or a broken one), `onnx.unsupported` (names the part that is not read), `onnx.too-large`.
 */
export function decodeOnnx(bytes: Uint8Array, limits: DecodeLimits = {}): OnnxModel {
  const { sizeBytesMax = MODEL_BYTES_MAX, fieldsMax = 2e6 } = limits;
  if (bytes.length > sizeBytesMax) {
    throw new MillError("onnx.too-large", "The ONNX model is too large.", {
      expected: `at most ${sizeBytesMax} bytes`,
      got: `${bytes.length} bytes`,
      fix: "Check that the file is a model, or export a smaller one.",
    });
  }
  const read = createMessageReader(fieldsMax);
  // A Buffer's slices would be views of memory that others use too.
  const model = read(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), "the model");
  model.refuse(MODEL.functions, "model-local functions");
  model.refuse(MODEL.trainingInfo, "training information");
  const graphBytes = model.message(MODEL.graph);
  if (!graphBytes) throw malformed("the model", "a graph", "none");
  return {
    irVersion: model.integer(MODEL.irVersion),
    opsets: readOpsets(read, model),
    producer: model.text(MODEL.producer),
    ...readGraph(read, read(graphBytes, "the graph")),
    metadata: Object.fromEntries(
      model.messages(MODEL.metadata).map((entryBytes) => {
        const entry = read(entryBytes, "metadata");
        return [entry.text(ENTRY.key), entry.text(ENTRY.value)];
      }),
    ),
  };
}

function readOpsets(read: MessageReader, model: Message): OnnxModel["opsets"] {
  const opsets = { "ai.onnx": 0, "ai.onnx.ml": 0 };
  for (const bytes of model.messages(MODEL.opset)) {
    const opset = read(bytes, "an opset");
    const domain = opset.text(OPSET.domain) || "ai.onnx";
    if (domain in opsets) opsets[domain as keyof typeof opsets] = opset.integer(OPSET.version);
  }
  return opsets;
}

function readGraph(read: MessageReader, graph: Message) {
  graph.refuse(GRAPH.sparseInitializer, "sparse initializers");
  return {
    graphName: graph.text(GRAPH.name),
    nodes: graph.messages(GRAPH.node).map((bytes, index) => readNode(read, read(bytes, `node ${index}`), index)),
    initializers: graph.messages(GRAPH.initializer).map((bytes, index) => readTensor(read, bytes, `initializer ${index}`)),
    inputs: graph.messages(GRAPH.input).map((bytes, index) => readValue(read, bytes, `input ${index}`)),
    outputs: graph.messages(GRAPH.output).map((bytes, index) => readValue(read, bytes, `output ${index}`)),
  };
}

function readNode(read: MessageReader, node: Message, index: number): OnnxNode {
  const op = node.text(NODE.op);
  if (op === "") throw malformed(`node ${index}`, "an operator", "none");
  const at = `node ${index} (${op})`;
  const attributes = node.messages(NODE.attribute).map((bytes) => readAttribute(read, bytes, at));
  const names = new Set(attributes.map(([name]) => name));
  if (names.size < attributes.length) throw malformed(at, "attributes of different names", "one name twice");
  return {
    op,
    domain: domainOf(node.text(NODE.domain), at),
    inputs: node.texts(NODE.input),
    outputs: node.texts(NODE.output),
    attributes: Object.fromEntries(attributes),
  };
}

function domainOf(domain: string, at: string): OnnxNode["domain"] {
  if (domain === "" || domain === "ai.onnx") return "";
  if (domain === "ai.onnx.ml") return domain;
  throw unsupported(at, `the operator domain "${domain}"`);
}

function readValue(read: MessageReader, bytes: Uint8Array, at: string): ValueInfo {
  const value = read(bytes, at);
  const name = value.text(VALUE.name);
  const where = `${at} ("${name}")`;
  const type = value.message(VALUE.type);
  const tensorType = type && read(type, where).message(TYPE.tensor);
  if (!tensorType) throw unsupported(where, "a value that is no tensor, or has no type");
  const tensor = read(tensorType, where);
  const shape = tensor.message(TENSOR_TYPE.shape);
  if (!shape) throw unsupported(where, "a tensor without a shape");
  return {
    name,
    type: elementTypeOf(tensor.integer(TENSOR_TYPE.elementType), where),
    shape: read(shape, where)
      .messages(SHAPE.dimension)
      .map((dimension) => readDimension(read(dimension, where), where)),
  };
}

/** A dimension with neither a size nor a symbol is unknown: the empty symbol. */
function readDimension(dimension: Message, at: string): number | string {
  if (!dimension.has(DIMENSION.value)) return dimension.text(DIMENSION.symbol);
  const size = dimension.integer(DIMENSION.value);
  if (size < 0) throw malformed(at, "a dimension of 0 or more", String(size));
  return size;
}
