/**
 * The writing half of protobuf's wire format (protobuf.dev/programming-guides/encoding). A message is a list of chunks, joined once at
 * the end, so that a large tensor is copied once whatever the depth it stands at.
 */
export type Chunks = readonly Uint8Array[];

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

const textEncoder = new TextEncoder();

export const varintField = (field: number, value: number | bigint): Chunks => [
  new Uint8Array([...varint(field * 8 + VARINT), ...varint(value)]),
];

export function floatField(field: number, value: number): Chunks {
  return [new Uint8Array(varint(field * 8 + FIXED32)), bytesOf(Float32Array.of(value))];
}

export const bytesField = (field: number, bytes: Uint8Array): Chunks => [lengthHeader(field, bytes.length), bytes];

export const textField = (field: number, text: string): Chunks => bytesField(field, textEncoder.encode(text));

export function messageField(field: number, message: Chunks): Chunks {
  return [lengthHeader(field, sizeOf(message)), ...message];
}

export function packedVarints(field: number, values: readonly (number | bigint)[]): Chunks {
  const bytes: number[] = [];
  for (const value of values) appendVarint(bytes, value);
  return bytesField(field, new Uint8Array(bytes));
}

export const packedFloats = (field: number, values: readonly number[] | Float32Array): Chunks =>
  bytesField(field, bytesOf(values instanceof Float32Array ? values : Float32Array.from(values)));

/** The bytes of a typed array in memory order, which is little-endian, as protobuf's, on every machine Node 24 is built for but s390x. */
export const bytesOf = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

export const sizeOf = (chunks: Chunks): number => chunks.reduce((sum, chunk) => sum + chunk.length, 0);

export function join(chunks: Chunks): Uint8Array {
  const whole = new Uint8Array(sizeOf(chunks));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

const lengthHeader = (field: number, length: number) =>
  new Uint8Array([...varint(field * 8 + LENGTH_DELIMITED), ...varint(length)]);

function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  appendVarint(bytes, value);
  return bytes;
}

/** Seven bits a byte, low ones first; a negative number is its 64-bit two's complement. */
function appendVarint(bytes: number[], value: number | bigint): void {
  if (typeof value === "number" && value >= 0) {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
    bytes.push(rest);
    return;
  }
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
}
