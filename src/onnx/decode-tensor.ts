import { ELEMENT_ARRAY, TENSOR } from "./fields.ts";
import { elementTypeOf, type Message, type MessageReader, safe, unsupported } from "./messages.ts";
import type { ElementType, Tensor } from "./model.ts";
import { malformed } from "./protobuf-read.ts";

/** A TensorProto with its elements inside, as raw bytes or as the field of their type. */
export function readTensor(read: MessageReader, bytes: Uint8Array, place: string): Tensor {
  const tensor = read(bytes, place);
  const name = tensor.text(TENSOR.name);
  const at = name === "" ? place : `${place} ("${name}")`;
  tensor.refuse(TENSOR.externalData, "tensors in other files");
  tensor.refuse(TENSOR.segment, "tensors in segments");
  if (tensor.integer(TENSOR.dataLocation) !== 0) throw unsupported(at, "tensors in other files");
  const type = elementTypeOf(tensor.integer(TENSOR.type), at);
  const shape = tensor.integers(TENSOR.dims).map((size) => safe(size, at));
  const data = readElements(tensor, type, at);
  const length = shape.reduce((product, size) => product * size, 1);
  if (shape.some((size) => size < 0) || length !== data.length) {
    throw malformed(at, `${length} elements for the shape [${shape.join(", ")}]`, `${data.length}`);
  }
  return { name, type, shape, data };
}

function readElements(tensor: Message, type: ElementType, at: string): Tensor["data"] {
  if (type === "string") return tensor.texts(TENSOR.strings);
  const raw = tensor.message(TENSOR.raw);
  if (raw) return fromRaw(raw, type, at);
  switch (type) {
    case "float32":
      return new Float32Array(tensor.fixed(TENSOR.floats, 4).slice().buffer);
    case "float64":
      return new Float64Array(tensor.fixed(TENSOR.doubles, 8).slice().buffer);
    case "int64":
      return BigInt64Array.from(tensor.integers(TENSOR.int64s), BigInt);
    case "int32":
      return Int32Array.from(tensor.integers(TENSOR.int32s), (value) => safe(value, at));
    case "uint8":
    case "bool":
      return Uint8Array.from(tensor.integers(TENSOR.int32s), (value) => safe(value, at));
  }
}

/** A copy, because a view may not stand at any byte, and so that the file's bytes can be let go. */
function fromRaw(raw: Uint8Array, type: Exclude<ElementType, "string">, at: string): Tensor["data"] {
  const ElementArray = ELEMENT_ARRAY[type];
  if (raw.length % ElementArray.BYTES_PER_ELEMENT) {
    throw malformed(at, `elements of ${ElementArray.BYTES_PER_ELEMENT} bytes`, `${raw.length} bytes`);
  }
  return new ElementArray(raw.slice().buffer);
}
