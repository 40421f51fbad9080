/** A protobuf message by field number, with the checks that make a wrong type an error and not a wrong number. */
import { MillError } from "../base/index.ts";
import { ELEMENT_TYPE, ELEMENT_TYPE_NAMES } from "./fields.ts";
import type { ElementType } from "./model.ts";
import { createProtobufReader, type Field, malformed } from "./protobuf-read.ts";

export interface Message {
  has(number: number): boolean;
  /** The last value given, as protobuf says; 0 when absent. */
  wideInteger(number: number): number | bigint;
  integer(number: number): number;
  float(number: number): number;
  /** "" when absent. */
  text(number: number): string;
  texts(number: number): string[];
  /** Repeated integers, packed or not. */
  integers(number: number): (number | bigint)[];
  /** Repeated numbers of 4 or 8 bytes, packed or not, as bytes. */
  fixed(number: number, sizeBytes: 4 | 8): Uint8Array;
  /** A message or bytes field; more than one is refused. */
  message(number: number): Uint8Array | undefined;
  messages(number: number): Uint8Array[];
  /** `onnx.unsupported` when the field is there. */
  refuse(number: number, what: string): void;
}

export type MessageReader = (bytes: Uint8Array, at: string) => Message;

const LENGTH_DELIMITED = 2;
const VARINT = 0;
const FIXED32 = 5;
const FIXED64 = 1;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function createMessageReader(fieldsMax: number): MessageReader {
  const protobuf = createProtobufReader(fieldsMax);
  return (bytes, at) => {
    const fields = Map.groupBy(protobuf.fields(bytes, at), ({ number }) => number);
    const all = (number: number) => fields.get(number) ?? [];
    const ofWire = (number: number, wire: number) => all(number).map((field) => expectWire(field, wire, at));
    const message: Message = {
      has: (number) => fields.has(number),
      wideInteger: (number) => ofWire(number, VARINT).at(-1)?.value ?? 0,
      integer: (number) => safe(message.wideInteger(number), at),
      float(number) {
        const last = ofWire(number, FIXED32).at(-1);
        return last ? viewOf(last.bytes).getFloat32(0, true) : 0;
      },
      text: (number) => textOf(ofWire(number, LENGTH_DELIMITED).at(-1)?.bytes ?? new Uint8Array(0), at),
      texts: (number) => ofWire(number, LENGTH_DELIMITED).map((field) => textOf(field.bytes, at)),
      integers: (number) =>
        all(number).flatMap((field) =>
          field.wire === LENGTH_DELIMITED ? protobuf.varints(field.bytes, at) : [expectWire(field, VARINT, at).value],
        ),
      fixed: (number, sizeBytes) => fixedBytes(all(number), sizeBytes, at),
      message(number) {
        const found = ofWire(number, LENGTH_DELIMITED);
        if (found.length > 1) throw malformed(at, `field ${number} once`, `${found.length} times`);
        return found[0]?.bytes;
      },
      messages: (number) => ofWire(number, LENGTH_DELIMITED).map((field) => field.bytes),
      refuse(number, what) {
        if (fields.has(number)) throw unsupported(at, what);
      },
    };
    return message;
  };
}

export function elementTypeOf(code: number, at: string): ElementType {
  const type = ELEMENT_TYPE_NAMES.get(code);
  if (type) return type;
  throw unsupported(at, `the element type ${code}`, `one of ${Object.keys(ELEMENT_TYPE).join(", ")}`);
}

export const unsupported = (at: string, what: string, expected?: string): MillError =>
  new MillError("onnx.unsupported", `The ONNX model uses ${what}, which Millwright does not read.`, {
    at,
    expected,
    fix: "Export the model without it.",
  });

/** A safe integer, or `onnx.malformed`. */
export function safe(value: number | bigint, at: string): number {
  if (typeof value === "number") return value;
  throw malformed(at, "an integer below 2^53", String(value));
}

function expectWire(field: Field, wire: number, at: string): Field {
  if (field.wire === wire) return field;
  throw malformed(at, `wire type ${wire} for field ${field.number}`, `wire type ${field.wire}`);
}

function fixedBytes(fields: readonly Field[], sizeBytes: 4 | 8, at: string): Uint8Array {
  const wire = sizeBytes === 4 ? FIXED32 : FIXED64;
  const parts = fields.map((field) => (field.wire === LENGTH_DELIMITED ? field.bytes : expectWire(field, wire, at).bytes));
  for (const part of parts) {
    if (part.length % sizeBytes) throw malformed(at, `packed numbers of ${sizeBytes} bytes`, `${part.length} bytes`);
  }
  return parts.length === 1 ? parts[0]! : new Uint8Array(Buffer.concat(parts));
}

function textOf(bytes: Uint8Array, at: string): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformed(at, "a text in UTF-8", "other bytes");
  }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
