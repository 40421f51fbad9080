/**
 * Query results as typed arrays. The engine casts every number to a double, so that a chunk's numbers are copied as one block. Texts become codes by
 * 16 bytes, and a JavaScript string is made only for the first of its kind:
 *
 *     | length u32 | 12 bytes of text, zero padded |      at most 12 bytes: the text itself, as the engine stores it
 *     | length u32 | 4 bytes prefix | hash u64     |      longer: the engine's hash in the place of its pointer
 *
 * Of a million distinct long texts two would share all 16 bytes, and thus a code, with a probability below 1e-7.
 */
import type { DuckDBDataChunk } from "@duckdb/node-api";
import { MillError } from "../../base/index.ts";
import type { Frame, NumberColumn, TextColumn } from "../../learn/index.ts";

/** What a vector of the pinned `@duckdb/node-api` holds; its own `getItem` costs a call and, with nulls, a bigint for each value. */
interface DoubleVector {
  readonly items: Float64Array;
}
interface HashVector {
  readonly items: BigUint64Array;
}
interface TextVector {
  readonly dataView: DataView;
  /** Bit 1: valid; null: all are. */
  readonly validity: { readonly data: BigUint64Array | null };
  getItem(row: number): string | null;
}

interface ResultColumn {
  readonly name: string;
  readonly type: string;
}

const NUMBERS = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)$/;
const MOMENTS = /^(DATE|TIMESTAMP.*)$/;
const isText = ({ type }: ResultColumn) => /^(VARCHAR|ENUM.*)$/.test(type);

/**
 * The query with each column as DOUBLE (NaN for null; moments in microseconds) or VARCHAR, and behind them the hash of each text column.
 * Errors: `tables.frame-type`.
 */
export function frameProjection(columns: readonly ResultColumn[], sql: string): string {
  const names = columns.map((_, index) => `c${index}`);
  const projected = columns.map((column, index) => `${projection(column, names[index]!)} AS ${names[index]}`);
  const hashes = columns.flatMap((column, index) => (isText(column) ? [`hash(${names[index]}::VARCHAR)`] : []));
  return `SELECT ${[...projected, ...hashes].join(", ")} FROM (\n${sql}\n) AS result(${names.join(", ")})`;
}

function projection(column: ResultColumn, name: string): string {
  if (isText(column)) return `${name}::VARCHAR`;
  if (NUMBERS.test(column.type)) return `coalesce(${name}::DOUBLE, 'NaN'::DOUBLE)`;
  if (column.type === "BOOLEAN") return `coalesce(${name}::INTEGER::DOUBLE, 'NaN'::DOUBLE)`;
  if (MOMENTS.test(column.type)) return `coalesce(epoch_us(${name})::DOUBLE, 'NaN'::DOUBLE)`;
  throw new MillError(
    "tables.frame-type",
    `The column "${column.name}" is of the type ${column.type}, which a frame cannot hold.`,
    {
      at: column.name,
      expected: "a number, boolean, text or moment",
      got: column.type,
      fix: "Cast it in the query.",
    },
  );
}

export interface FrameBuilder {
  add(chunk: DuckDBDataChunk): void;
  frame(): Frame;
}

export function createFrameBuilder(columns: readonly ResultColumn[]): FrameBuilder {
  const builders = columns.map((column) => (isText(column) ? createTextBuilder() : createNumberBuilder()));
  const hashIndex = columns.map((_, index) => columns.length + columns.slice(0, index).filter(isText).length);
  let rowCount = 0;
  return {
    add(chunk) {
      const vector = <T>(index: number) => chunk.getColumnVector(index) as unknown as T;
      builders.forEach((builder, index) => {
        if (builder.kind === "number") builder.add(vector(index), rowCount, chunk.rowCount);
        else builder.add(vector(index), vector(hashIndex[index]!), rowCount, chunk.rowCount);
      });
      rowCount += chunk.rowCount;
    },
    frame: () => ({
      rowCount,
      columns: Object.fromEntries(columns.map(({ name }, index) => [name, builders[index]!.column(rowCount)])),
    }),
  };
}

const CAPACITY_FIRST = 4096;
const INLINE_BYTES_MAX = 12;

function createNumberBuilder() {
  let values = new Float64Array(CAPACITY_FIRST);
  return {
    kind: "number" as const,
    add(vector: DoubleVector, at: number, count: number) {
      if (at + count > values.length) values = new Float64Array(values.buffer.transfer(values.byteLength * 2));
      values.set(vector.items.subarray(0, count), at);
    },
    column: (rowCount: number): NumberColumn => ({
      kind: "number",
      values: new Float64Array(values.buffer.transfer(rowCount * 8)),
    }),
  };
}

function createTextBuilder() {
  let codes = new Int32Array(CAPACITY_FIRST);
  const texts: string[] = [];
  const known = createCodeTable();
  const key = new Int32Array(4);

  return {
    kind: "text" as const,
    add(vector: TextVector, hashes: HashVector, at: number, count: number) {
      if (at + count > codes.length) codes = new Int32Array(codes.buffer.transfer(codes.byteLength * 2));
      const words = new Int32Array(vector.dataView.buffer, vector.dataView.byteOffset, count * 4);
      const hashWords = new Int32Array(hashes.items.buffer, hashes.items.byteOffset, count * 2);
      const valid = validBits(vector.validity.data);
      for (let row = 0; row < count; row++) {
        if (valid !== null && ((valid[row >> 3]! >> (row & 7)) & 1) === 0) {
          codes[at + row] = -1;
          continue;
        }
        const long = words[row * 4]! > INLINE_BYTES_MAX;
        key[0] = words[row * 4]!;
        key[1] = words[row * 4 + 1]!;
        key[2] = long ? hashWords[row * 2]! : words[row * 4 + 2]!;
        key[3] = long ? hashWords[row * 2 + 1]! : words[row * 4 + 3]!;
        let code = known.find(key);
        if (code === -1) {
          code = texts.push(vector.getItem(row)!) - 1;
          known.insert(key, code);
        }
        codes[at + row] = code;
      }
    },
    column: (rowCount: number): TextColumn => ({
      kind: "text",
      codes: new Int32Array(codes.buffer.transfer(rowCount * 4)),
      texts,
    }),
  };
}

const validBits = (bits: BigUint64Array | null): Uint8Array | null =>
  bits && new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength);

/** Codes by 16 bytes: open addressing, at most half full; -1 is not found. */
function createCodeTable() {
  let size = 1024;
  let keys = new Int32Array(size * 4);
  let codes = new Int32Array(size).fill(-1);
  let count = 0;

  function slotOf(words: Int32Array, at: number): number {
    const mixed = Math.imul(
      words[at]! ^ Math.imul(words[at + 1]!, 0x9e3779b1) ^ Math.imul(words[at + 2]!, 0x85ebca6b),
      0xc2b2ae35,
    );
    const hash = Math.imul(mixed ^ (mixed >>> 15) ^ Math.imul(words[at + 3]!, 0x27d4eb2f), 0x165667b1);
    let slot = (hash ^ (hash >>> 13)) & (size - 1);
    while (codes[slot] !== -1 && !isKey(slot, words, at)) slot = (slot + 1) & (size - 1);
    return slot;
  }

  const isKey = (slot: number, words: Int32Array, at: number) =>
    keys[slot * 4] === words[at] &&
    keys[slot * 4 + 1] === words[at + 1] &&
    keys[slot * 4 + 2] === words[at + 2] &&
    keys[slot * 4 + 3] === words[at + 3];

  function put(words: Int32Array, at: number, code: number): void {
    const slot = slotOf(words, at);
    for (let word = 0; word < 4; word++) keys[slot * 4 + word] = words[at + word]!;
    codes[slot] = code;
  }

  function grow(): void {
    const [oldKeys, oldCodes] = [keys, codes];
    size *= 2;
    keys = new Int32Array(size * 4);
    codes = new Int32Array(size).fill(-1);
    for (let slot = 0; slot < oldCodes.length; slot++) if (oldCodes[slot] !== -1) put(oldKeys, slot * 4, oldCodes[slot]!);
  }

  return {
    find: (key: Int32Array): number => codes[slotOf(key, 0)]!,
    insert(key: Int32Array, code: number) {
      if (count * 2 >= size) grow();
      put(key, 0, code);
      count++;
    },
  };
}
