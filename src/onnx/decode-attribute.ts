import { readTensor } from "./decode-tensor.ts";
import { ATTRIBUTE, ATTRIBUTE_TYPE } from "./fields.ts";
import { type Message, type MessageReader, unsupported } from "./messages.ts";
import type { Attribute } from "./model.ts";
import { malformed } from "./protobuf-read.ts";

/** The name and value of an AttributeProto; a writer may leave out a zero, so the declared type decides which field is meant. */
export function readAttribute(read: MessageReader, bytes: Uint8Array, node: string): [string, Attribute] {
  const attribute = read(bytes, node);
  const name = attribute.text(ATTRIBUTE.name);
  const at = `${node}, attribute "${name}"`;
  if (name === "") throw malformed(node, "a name for each attribute", "none");
  attribute.refuse(ATTRIBUTE.reference, "a reference to an attribute of a function");
  return [name, readAttributeValue(read, attribute, at)];
}

function readAttributeValue(read: MessageReader, attribute: Message, at: string): Attribute {
  switch (attribute.integer(ATTRIBUTE.type)) {
    case ATTRIBUTE_TYPE.int:
      return { int: attribute.wideInteger(ATTRIBUTE.int) };
    case ATTRIBUTE_TYPE.float:
      return { float: attribute.float(ATTRIBUTE.float) };
    case ATTRIBUTE_TYPE.string:
      return { string: attribute.text(ATTRIBUTE.string) };
    case ATTRIBUTE_TYPE.ints:
      return { ints: attribute.integers(ATTRIBUTE.ints) };
    case ATTRIBUTE_TYPE.floats:
      return { floats: new Float32Array(copyOf(attribute.fixed(ATTRIBUTE.floats, 4))) };
    case ATTRIBUTE_TYPE.strings:
      return { strings: attribute.texts(ATTRIBUTE.strings) };
    case ATTRIBUTE_TYPE.tensor: {
      const tensor = attribute.message(ATTRIBUTE.tensor);
      if (!tensor) throw malformed(at, "a tensor", "none");
      return { tensor: readTensor(read, tensor, at) };
    }
    default:
      throw unsupported(at, "an attribute that is no number, text or tensor (a subgraph, for one)");
  }
}

const copyOf = (bytes: Uint8Array) => bytes.slice().buffer;
