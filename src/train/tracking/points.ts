/**
 * Points of metrics as columns, and as bytes. Little-endian:
 *
 *     u32 count | codes: u8 width, entries | timestamps | steps | values: f64 each
 *     timestamps, steps: u8 width, f64 least; of width 4 the entries are u32 above the least, of 8 they are f64, of 0 there are none
 *
 * A code is a place in the list of keys, which stands elsewhere. A chunk is a batch with its keys, sorted by key, timestamp, step and value without
 * the same point twice: u8 1 where the rest is compressed by zstd, else 0; u32 length of the keys' JSON, that JSON, the batch.
 */
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import { compareValues } from "./columns.ts";
import type { Point } from "./tracking.ts";

export interface PointBatch {
  readonly keys: readonly string[];
  readonly codes: Uint8Array | Uint16Array | Uint32Array;
  readonly timestamps: Float64Array;
  readonly steps: Float64Array;
  readonly values: Float64Array;
}

export function createBatch(keys: readonly string[], count: number): PointBatch {
  const Codes = keys.length <= 256 ? Uint8Array : keys.length <= 65_536 ? Uint16Array : Uint32Array;
  return {
    keys,
    codes: new Codes(count),
    timestamps: new Float64Array(count),
    steps: new Float64Array(count),
    values: new Float64Array(count),
  };
}

export const pointAt = (batch: PointBatch, at: number): Point => ({
  value: batch.values[at]!,
  timestamp: batch.timestamps[at]!,
  step: batch.steps[at]!,
});

export function comparePoints(a: Point, b: Point): number {
  return a.timestamp - b.timestamp || a.step - b.step || compareValues(a.value, b.value);
}

/** The bytes of batches one after the other; their keys are not in them. */
export function encodeBatches(batches: readonly PointBatch[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { codes, timestamps, steps, values } of batches) {
    const head = new Uint8Array(5);
    new DataView(head.buffer).setUint32(0, codes.length, true);
    head[4] = codes.BYTES_PER_ELEMENT;
    parts.push(head, bytesOf(codes), ...encodeWhole(timestamps), ...encodeWhole(steps), bytesOf(values));
  }
  return Buffer.concat(parts);
}

/** The batches again, given the keys of each. Throws RangeError when the bytes end before them. */
export function decodeBatches(bytes: Uint8Array, keysOfEach: readonly (readonly string[])[]): PointBatch[] {
  let at = 0;
  const take = (length: number) => {
    if (at + length > bytes.length) throw new RangeError("the points end too early");
    at += length;
    return new Uint8Array(bytes.subarray(at - length, at)); // a copy, so that views of any width lie right
  };
  return keysOfEach.map((keys) => {
    const head = take(5);
    const count = new DataView(head.buffer).getUint32(0, true);
    const width = head[4]!;
    const Codes = width === 1 ? Uint8Array : width === 2 ? Uint16Array : Uint32Array;
    const codes = new Codes(take(count * width).buffer);
    const timestamps = decodeWhole(take, count);
    const steps = decodeWhole(take, count);
    return { keys, codes, timestamps, steps, values: new Float64Array(take(count * 8).buffer) };
  });
}

/**
 * The points of one batch, each told once: for small batches in large numbers, where arrays would cost more than what is in them.
 * Throws RangeError when the bytes end before them.
 */
export function eachPoint(bytes: Uint8Array, tell: (code: number, value: number, step: number, timestamp: number) => void): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(0, true);
  const codeWidth = view.getUint8(4);
  const timestamps = wholesAt(view, 5 + count * codeWidth, count);
  const steps = wholesAt(view, timestamps.end, count);
  for (let at = 0; at < count; at++) {
    const place = 5 + at * codeWidth;
    const code =
      codeWidth === 1 ? view.getUint8(place) : codeWidth === 2 ? view.getUint16(place, true) : view.getUint32(place, true);
    tell(code, view.getFloat64(steps.end + at * 8, true), steps.read(at), timestamps.read(at));
  }
}

function wholesAt(view: DataView, from: number, count: number): { readonly end: number; read(at: number): number } {
  const width = view.getUint8(from);
  const least = view.getFloat64(from + 1, true);
  const first = from + 9;
  return {
    end: first + count * width,
    read: (at) =>
      width === 0 ? least : width === 4 ? least + view.getUint32(first + at * 4, true) : view.getFloat64(first + at * 8, true),
  };
}

function encodeWhole(numbers: Float64Array): Uint8Array[] {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (const number of numbers) {
    if (number < least) least = number;
    if (number > greatest) greatest = number;
  }
  const width = greatest <= least ? 0 : greatest - least < 2 ** 32 ? 4 : 8;
  const head = new Uint8Array(9);
  head[0] = width;
  new DataView(head.buffer).setFloat64(1, numbers.length === 0 ? 0 : least, true);
  if (width === 0) return [head];
  if (width === 8) return [head, bytesOf(numbers)];
  const above = new Uint32Array(numbers.length);
  for (let index = 0; index < numbers.length; index++) above[index] = numbers[index]! - least;
  return [head, bytesOf(above)];
}

function decodeWhole(take: (length: number) => Uint8Array, count: number): Float64Array {
  const head = take(9);
  const least = new DataView(head.buffer).getFloat64(1, true);
  if (head[0] === 8) return new Float64Array(take(count * 8).buffer);
  const numbers = new Float64Array(count).fill(least);
  if (head[0] === 4) {
    const above = new Uint32Array(take(count * 4).buffer);
    for (let index = 0; index < count; index++) numbers[index]! += above[index]!;
  }
  return numbers;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: PointBatch["codes"] | Float64Array) =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** What is shorter stays as it is: setting up the compression would take longer than it saves. */
const PLAIN_BYTES = 4096;

export async function encodeChunk(batch: PointBatch): Promise<Buffer> {
  const keys = Buffer.from(JSON.stringify(batch.keys));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(keys.length);
  const plain = Buffer.concat([length, keys, encodeBatches([batch])]);
  if (plain.length < PLAIN_BYTES) return Buffer.concat([Buffer.of(0), plain]);
  return Buffer.concat([Buffer.of(1), await compress(plain, { params: { [constants.ZSTD_c_compressionLevel]: 1 } })]);
}

export async function decodeChunk(bytes: Uint8Array): Promise<PointBatch> {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset + 1, bytes.byteLength - 1);
  const plain = bytes[0] === 0 ? body : await decompress(body);
  const end = 4 + plain.readUInt32LE(0);
  return decodeBatches(plain.subarray(end), [JSON.parse(plain.toString("utf8", 4, end))])[0]!;
}

/** All points of the batches, sorted by key, timestamp, step and value, each once. */
export function mergeBatches(batches: readonly PointBatch[]): PointBatch {
  const keys = [...new Set(batches.flatMap((batch) => batch.keys))].sort();
  const all = concatenated(batches, keys);
  const { order, ends } = groupedByCode(all);
  const compare = (a: number, b: number) => comparePointsAt(all, a, b);
  const merged = createBatch(keys, order.length);
  let count = 0;
  for (let code = 0, from = 0; code < keys.length; from = ends[code++]!) {
    const group = order.subarray(from, ends[code]);
    if (!isSorted(group, compare)) group.sort(compare);
    for (let index = 0; index < group.length; index++) {
      const at = group[index]!;
      if (index > 0 && compare(group[index - 1]!, at) === 0) continue;
      merged.codes[count] = code;
      merged.timestamps[count] = all.timestamps[at]!;
      merged.steps[count] = all.steps[at]!;
      merged.values[count++] = all.values[at]!;
    }
  }
  return partOf(merged, 0, count);
}

export const partOf = ({ keys, codes, timestamps, steps, values }: PointBatch, from: number, to: number): PointBatch => ({
  keys,
  codes: codes.slice(from, to),
  timestamps: timestamps.slice(from, to),
  steps: steps.slice(from, to),
  values: values.slice(from, to),
});

function concatenated(batches: readonly PointBatch[], keys: readonly string[]): PointBatch {
  const codeOf = new Map(keys.map((key, code) => [key, code]));
  const all = createBatch(
    keys,
    batches.reduce((sum, { codes }) => sum + codes.length, 0),
  );
  let at = 0;
  for (const batch of batches) {
    const own = batch.keys.map((key) => codeOf.get(key)!);
    for (let index = 0; index < batch.codes.length; index++) all.codes[at + index] = own[batch.codes[index]!]!;
    all.timestamps.set(batch.timestamps, at);
    all.steps.set(batch.steps, at);
    all.values.set(batch.values, at);
    at += batch.codes.length;
  }
  return all;
}

/** The places of the points, those of one key together in the order in which they came; where each key's end. */
function groupedByCode({ keys, codes }: PointBatch): { order: Uint32Array; ends: Uint32Array } {
  const ends = new Uint32Array(keys.length);
  for (const code of codes) ends[code]!++;
  for (let code = 1; code < keys.length; code++) ends[code]! += ends[code - 1]!;
  const next = Uint32Array.from(ends, (_, code) => (code === 0 ? 0 : ends[code - 1]!));
  const order = new Uint32Array(codes.length);
  for (let at = 0; at < codes.length; at++) order[next[codes[at]!]!++] = at;
  return { order, ends };
}

const comparePointsAt = ({ timestamps, steps, values }: PointBatch, a: number, b: number): number =>
  timestamps[a]! - timestamps[b]! || steps[a]! - steps[b]! || compareValues(values[a]!, values[b]!);

function isSorted(group: Uint32Array, compare: (a: number, b: number) => number): boolean {
  for (let index = 1; index < group.length; index++) if (compare(group[index - 1]!, group[index]!) > 0) return false;
  return true;
}
