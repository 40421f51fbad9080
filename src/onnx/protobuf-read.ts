/**
 * The reading half of protobuf's wire format, for bytes nobody vouches for: every length is checked against what is left before it is
 * used, groups are refused, and the fields are counted, because two bytes can ask for an object of hundreds.
 */
import { MillError } from "../base/index.ts";

export interface Field {
  readonly number: number;
  readonly wire: number;
  /** The value of a varint, of a fixed64 as its bits, or 0. */
  readonly value: number | bigint;
  /** The content of a length-delimited field, or the bytes of a fixed32 or fixed64; a view, not a copy. */
  readonly bytes: Uint8Array;
}

export interface ProtobufReader {
  /** The fields of a message in order. */
  fields(message: Uint8Array, at: string): Field[];
  /** The varints of a packed field. */
  varints(packed: Uint8Array, at: string): (number | bigint)[];
}

const WIRE = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;
const NOTHING = new Uint8Array(0);
const FIELD_NUMBER_MAX = 2 ** 29 - 1;

/** `fieldsMax`: how many fields may be read with this reader, all messages together. */
export function createProtobufReader(fieldsMax: number): ProtobufReader {
  let made = 0;
  const count = (at: string) => {
    if (++made <= fieldsMax) return;
    throw new MillError("onnx.too-large", "The ONNX model has too many parts.", {
      at,
      expected: `at most ${fieldsMax} fields`,
      fix: "Check that the file is a model, or export a smaller one.",
    });
  };

  return {
    fields(message, at) {
      const fields: Field[] = [];
      for (let position = 0; position < message.length; ) {
        count(at);
        const next = fieldAt(message, position, at);
        fields.push(next.field);
        position = next.end;
      }
      return fields;
    },
    varints(packed, at) {
      const values: (number | bigint)[] = [];
      for (let position = 0; position < packed.length; ) {
        const next = varintAt(packed, position, at);
        values.push(next.value);
        position = next.end;
      }
      return values;
    },
  };
}

function fieldAt(message: Uint8Array, start: number, at: string): { field: Field; end: number } {
  const tag = varintAt(message, start, at);
  const key = Number(tag.value);
  const [number, wire] = [Math.floor(key / 8), key % 8];
  if (number < 1 || number > FIELD_NUMBER_MAX) throw malformed(at, "a field number from 1 to 536870911", String(number));
  switch (wire) {
    case WIRE.varint: {
      const { value, end } = varintAt(message, tag.end, at);
      return { field: { number, wire, value, bytes: NOTHING }, end };
    }
    case WIRE.lengthDelimited: {
      const length = varintAt(message, tag.end, at);
      return slice(message, number, wire, length.end, Number(length.value), at);
    }
    case WIRE.fixed32:
      return slice(message, number, wire, tag.end, 4, at);
    case WIRE.fixed64:
      return slice(message, number, wire, tag.end, 8, at);
    default:
      throw malformed(at, "a wire type of 0, 1, 2 or 5", String(wire));
  }
}

function slice(message: Uint8Array, number: number, wire: number, start: number, length: number, at: string) {
  const left = message.length - start;
  if (!(length >= 0 && length <= left)) throw malformed(at, `at most the ${left} bytes that are left`, `a length of ${length}`);
  return { field: { number, wire, value: 0, bytes: message.subarray(start, start + length) }, end: start + length };
}

/** A signed 64-bit integer: a number where it is safe, else a bigint. */
function varintAt(bytes: Uint8Array, start: number, at: string): { value: number | bigint; end: number } {
  let value = 0;
  let position = start;
  for (let scale = 1; scale <= 2 ** 42; scale *= 128) {
    const byte = byteAt(bytes, position++, at);
    value += (byte & 127) * scale;
    if (byte < 128) return { value, end: position };
  }
  let wide = BigInt(value);
  for (let shift = 49n; shift <= 63n; shift += 7n) {
    const byte = byteAt(bytes, position++, at);
    wide += BigInt(byte & 127) << shift;
    if (byte < 128) return { value: narrow(BigInt.asIntN(64, wide)), end: position };
  }
  throw malformed(at, "an integer of at most 10 bytes", "a longer one");
}

const narrow = (value: bigint) => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
};

function byteAt(bytes: Uint8Array, position: number, at: string): number {
  const byte = bytes[position];
  if (byte === undefined) throw malformed(at, "more bytes", "the end of the message");
  return byte;
}

/** The one sentence for bytes that are no ONNX model. */
export const malformed = (at: string, expected: string, got: string): MillError =>
  new MillError("onnx.malformed", `The bytes are not an ONNX model: ${at} is broken.`, {
    at,
    expected,
    got,
    fix: "Check that the file is a whole .onnx file, then export or download it again.",
  });
