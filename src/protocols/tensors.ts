/**
 * Tensors of the Open Inference Protocol v2, as JSON and as raw bytes (Triton's binary tensor extension):
 * little-endian, row-major; BOOL one byte; BYTES a 4-byte length before each element.
 */
import type { TypeName } from "../contract/index.ts";

export const DATATYPES = [
  "BOOL",
  "UINT8",
  "UINT16",
  "UINT32",
  "UINT64",
  "INT8",
  "INT16",
  "INT32",
  "INT64",
  "FP16",
  "FP32",
  "FP64",
  "BYTES",
] as const;
export type Datatype = (typeof DATATYPES)[number];

/** An element as a request row carries it: missing is null, an integer beyond 2^53 is decimal text. */
export type Element = null | number | string | boolean;

const OF_COLUMN: Readonly<Record<TypeName, Datatype>> = {
  int8: "INT8",
  int16: "INT16",
  int32: "INT32",
  int64: "INT64",
  uint8: "UINT8",
  uint16: "UINT16",
  uint32: "UINT32",
  float32: "FP32",
  float64: "FP64",
  boolean: "BOOL",
  string: "BYTES",
  category: "BYTES",
  date: "BYTES",
  timestamp: "BYTES",
  instant: "BYTES",
};

export const datatypeOf = (type: TypeName): Datatype => OF_COLUMN[type];

/** A tensor of any number type may stand for a column of another; whether the value fits is the endpoint's to say. */
export const fits = (given: Datatype, column: Datatype): boolean => family(given) === family(column);
const family = (datatype: Datatype) => (datatype === "BOOL" || datatype === "BYTES" ? datatype : "number");

/** What is wrong with a tensor, in words; the caller knows which. */
export class TensorFault extends Error {}

/** Elements of a JSON `data` field, nested or flat. */
export function readJsonData(data: unknown, datatype: Datatype): Element[] {
  if (!Array.isArray(data)) throw new TensorFault(`data must be a list, got ${data === null ? "null" : typeof data}`);
  return (data.flat(8) as unknown[]).map((element) => readJsonElement(element, datatype));
}

function readJsonElement(element: unknown, datatype: Datatype): Element {
  if (element === null) return null;
  if (datatype === "BYTES" && typeof element === "string") return element;
  if (datatype === "BOOL" && typeof element === "boolean") return element;
  if (family(datatype) === "number") {
    if (typeof element === "string" && datatype.endsWith("INT64") && /^-?\d+$/.test(element)) return element;
    if (typeof element === "number" && fitsNumber(element, datatype)) return element;
    if (typeof element === "number" && datatype.endsWith("INT64") && Number.isInteger(element)) {
      throw new TensorFault(`${element} has lost digits: send integers beyond 2^53 as decimal text`);
    }
  }
  throw new TensorFault(`${JSON.stringify(element).slice(0, 60)} is no ${datatype}`);
}

function fitsNumber(value: number, datatype: Datatype): boolean {
  if (datatype.startsWith("FP")) return true;
  const unsigned = datatype.startsWith("U");
  const bits = Math.min(53, Number(datatype.replace(/\D+/, "")) - (unsigned ? 0 : 1));
  return Number.isSafeInteger(value) && value < 2 ** bits && value >= (unsigned ? 0 : -(2 ** bits));
}

/** Elements of a raw tensor. A NaN is a missing value. */
export function readRawData(bytes: Uint8Array, datatype: Datatype): Element[] {
  if (datatype === "BYTES") return readTexts(bytes);
  const { size, read } = RAW[datatype];
  if (bytes.byteLength % size !== 0)
    throw new TensorFault(`${bytes.byteLength} bytes are no whole number of ${datatype} elements`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / size }, (_, index) => read(view, index * size));
}

type RawType = Exclude<Datatype, "BYTES">;

const RAW: Readonly<Record<RawType, { readonly size: number; read(view: DataView, at: number): Element }>> = {
  BOOL: { size: 1, read: (view, at) => view.getUint8(at) !== 0 },
  UINT8: { size: 1, read: (view, at) => view.getUint8(at) },
  UINT16: { size: 2, read: (view, at) => view.getUint16(at, true) },
  UINT32: { size: 4, read: (view, at) => view.getUint32(at, true) },
  UINT64: { size: 8, read: (view, at) => exact(view.getBigUint64(at, true)) },
  INT8: { size: 1, read: (view, at) => view.getInt8(at) },
  INT16: { size: 2, read: (view, at) => view.getInt16(at, true) },
  INT32: { size: 4, read: (view, at) => view.getInt32(at, true) },
  INT64: { size: 8, read: (view, at) => exact(view.getBigInt64(at, true)) },
  FP16: { size: 2, read: (view, at) => orMissing(halfToNumber(view.getUint16(at, true))) },
  FP32: { size: 4, read: (view, at) => orMissing(view.getFloat32(at, true)) },
  FP64: { size: 8, read: (view, at) => orMissing(view.getFloat64(at, true)) },
};

const exact = (value: bigint): Element => (value >= -(2n ** 53n) && value <= 2n ** 53n ? Number(value) : value.toString());

function orMissing(value: number): Element {
  if (Number.isNaN(value)) return null;
  if (Number.isFinite(value)) return value;
  throw new TensorFault(`${value} is no finite number`);
}

/** IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function readTexts(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: string[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const start = at + 4;
    const end = start + (start <= bytes.byteLength ? view.getUint32(at, true) : Number.POSITIVE_INFINITY);
    if (end > bytes.byteLength) throw new TensorFault(`BYTES element ${texts.length} reaches beyond the tensor`);
    texts.push(readText(bytes.subarray(start, end), texts.length));
    at = end;
  }
  return texts;
}

function readText(bytes: Uint8Array, index: number): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new TensorFault(`BYTES element ${index} is not UTF-8`);
  }
}

/** Raw bytes of an output. */
export function writeRawData(elements: readonly (number | string | boolean)[], datatype: "BOOL" | "FP64" | "BYTES"): Buffer {
  if (datatype === "BOOL") return Buffer.from(elements.map((element) => (element ? 1 : 0)));
  if (datatype === "FP64") return Buffer.from(Float64Array.from(elements as readonly number[]).buffer);
  return Buffer.concat(
    elements.flatMap((element) => {
      const text = Buffer.from(String(element));
      const length = Buffer.alloc(4);
      length.writeUInt32LE(text.byteLength);
      return [length, text];
    }),
  );
}
