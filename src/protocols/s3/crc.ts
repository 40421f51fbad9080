/**
 * Cyclic redundancy checks of 32 and 64 bits, reflected (bit 0 first), sixteen bytes at a step: "slicing by 16", after Kounavis and Berry, "Novel Table
 * Lookup-Based Algorithms for High-Performance CRC Generation" (2008). The inner loop is WebAssembly, since JavaScript has no fast integers of 64 bits.
 *
 *     state ^= bytes 0..7                    table[n][b] = remainder of byte b with n zero bytes behind it
 *     state = table[15][byte 0] ^ table[14][byte 1] ^ ... ^ table[8][byte 7] ^ table[7][byte 8] ^ ... ^ table[0][byte 15]
 *
 *     memory    0         32 KiB      +8     +64 KiB
 *               | tables  | state     | window |          16 tables of 256 entries of 8 bytes
 */

/** What of the runtime's own WebAssembly is used here; TypeScript has its types only beside those of a browser's page. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Memory {
    constructor(pages: { initial: number });
    readonly buffer: ArrayBuffer;
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, Memory>>);
    readonly exports: object;
  }
}

export interface Crc {
  /** Takes bytes in; the state of no bytes is `start`. */
  update(state: bigint, bytes: Uint8Array): bigint;
  readonly start: bigint;
  /** The value of a state. */
  value(state: bigint): bigint;
  /** The value of two runs of bytes in a row, from the value of each and the length of the second. */
  combine(first: bigint, second: bigint, secondBytes: number): bigint;
  readonly byteCount: 4 | 8;
}

const STATE_AT = 32 << 10;
const WINDOW_AT = STATE_AT + 8;
const WINDOW_BYTES = 64 << 10;

/** `polynomial`: reflected, without its highest term. Start and end are inverted, as in all that are in use here. */
export function createCrc(polynomial: bigint, byteCount: 4 | 8): Crc {
  const ones = (1n << BigInt(byteCount * 8)) - 1n;
  const memory = new WebAssembly.Memory({ initial: 2 });
  new BigUint64Array(memory.buffer, 0, 16 * 256).set(tables(polynomial));
  const { step } = new WebAssembly.Instance(kernel(), { m: { m: memory } }).exports as { step(length: number): void };
  const state = new BigUint64Array(memory.buffer, STATE_AT, 1);
  const window = new Uint8Array(memory.buffer, WINDOW_AT, WINDOW_BYTES);

  return {
    byteCount,
    start: ones,
    update(from, bytes) {
      state[0] = from;
      for (let at = 0; at < bytes.byteLength; at += WINDOW_BYTES) {
        const piece = bytes.byteLength <= WINDOW_BYTES ? bytes : bytes.subarray(at, at + WINDOW_BYTES);
        window.set(piece);
        step(piece.byteLength);
      }
      return state[0];
    },
    value: (from) => from ^ ones,
    combine: (first, second, secondBytes) =>
      times(powerOf(polynomial, byteCount, secondBytes), first, polynomial, byteCount) ^ second,
  };
}

function tables(polynomial: bigint): BigUint64Array {
  const table = new BigUint64Array(16 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let remainder = BigInt(byte);
    for (let bit = 0; bit < 8; bit++) remainder = (remainder & 1n) === 1n ? (remainder >> 1n) ^ polynomial : remainder >> 1n;
    table[byte] = remainder;
  }
  for (let at = 256; at < table.length; at++) {
    const before = table[at - 256]!;
    table[at] = (before >> 8n) ^ table[Number(before & 0xffn)]!;
  }
  return table;
}

/** The product of two remainders; bit 0 is the highest term. */
function times(a: bigint, b: bigint, polynomial: bigint, byteCount: number): bigint {
  let product = 0n;
  for (let bit = 1n << BigInt(byteCount * 8 - 1); bit > 0n; bit >>= 1n) {
    if ((a & bit) !== 0n) product ^= b;
    b = (b & 1n) === 1n ? (b >> 1n) ^ polynomial : b >> 1n;
  }
  return product;
}

const powers = new Map<string, bigint>();

/** x^(8 bytes) by squaring; the last lengths are remembered, as the parts of an upload are mostly equally long. */
function powerOf(polynomial: bigint, byteCount: number, bytes: number): bigint {
  const name = `${polynomial}/${bytes}`;
  const known = powers.get(name);
  if (known !== undefined) return known;
  const one = 1n << BigInt(byteCount * 8 - 1);
  let power = one;
  let square = one >> 8n;
  for (let left = bytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) power = times(square, power, polynomial, byteCount);
    square = times(square, square, polynomial, byteCount);
  }
  if (powers.size >= 64) powers.clear();
  powers.set(name, power);
  return power;
}

let compiled: WebAssembly.Module | undefined;

/**
 * `step(length)`: state = crc(state, window[0..length]). In the words of WebAssembly's text form:
 *
 *     (loop while end - at >= 16: state = the sum above of i64.load(at) ^ state and i64.load(at + 8); at += 16)
 *     (loop while at < end: state = (state >> 8) ^ table[0][(state ^ i32.load8_u(at)) & 255]; at += 1)
 */
function kernel(): WebAssembly.Module {
  if (compiled !== undefined) return compiled;
  const [I32, I64, VOID] = [0x7f, 0x7e, 0x40];
  const [at, end, state, low, high] = [0, 1, 2, 3, 4] as const; // `at` comes in as the length
  const get = (local: number) => [0x20, local];
  const set = (local: number) => [0x21, local];
  const i32 = (value: number) => [0x41, ...signed(value)];
  const i64 = (value: number) => [0x42, ...signed(value)];
  const load64 = (offset: number) => [0x29, 0, ...unsigned(offset)];
  const XOR64 = 0x85;

  /** Entry of table `table` for byte `byte` (0 to 7) of a local. */
  const entry = (local: number, byte: number, table: number) => [
    ...get(local),
    ...(byte === 0 ? [...i64(3), 0x86] : [...i64(byte * 8 - 3), 0x88]), // shl, shr_u
    0xa7, // i32.wrap_i64
    ...i32(0x7f8),
    0x71, // i32.and
    ...load64(table * 2048),
  ];
  const bytes = [0, 1, 2, 3, 4, 5, 6, 7];
  const sum = [
    ...bytes.flatMap((byte) => [...entry(low, byte, 15 - byte), ...(byte === 0 ? [] : [XOR64])]),
    ...bytes.flatMap((byte) => [...entry(high, byte, 7 - byte), XOR64]),
  ];
  const advance = (by: number) => [...get(at), ...i32(by), 0x6a, ...set(at)];
  // biome-ignore format: one group of instructions a line
  const body = [
    ...[2, 1, I32, 3, I64], // locals behind the parameter: end; state, low, high
    ...get(at), ...i32(WINDOW_AT), 0x6a, ...set(end),
    ...i32(WINDOW_AT), ...set(at),
    ...i32(0), ...load64(STATE_AT), ...set(state),
    ...[0x02, VOID, 0x03, VOID],
    ...get(end), ...get(at), 0x6b, ...i32(16), 0x48, 0x0d, 1, // br_if out: end - at < 16
    ...get(at), ...load64(0), ...get(state), XOR64, ...set(low),
    ...get(at), ...load64(8), ...set(high),
    ...sum, ...set(state),
    ...advance(16),
    ...[0x0c, 0, 0x0b, 0x0b],
    ...[0x02, VOID, 0x03, VOID],
    ...get(at), ...get(end), 0x4e, 0x0d, 1, // br_if out: at >= end
    ...get(state), ...i64(8), 0x88,
    ...get(state), ...get(at), 0x31, 0, 0, XOR64, // i64.load8_u
    0xa7, ...i32(255), 0x71, ...i32(3), 0x74, ...load64(0),
    XOR64, ...set(state),
    ...advance(1),
    ...[0x0c, 0, 0x0b, 0x0b],
    ...i32(0), ...get(state), 0x37, 0, ...unsigned(STATE_AT), // i64.store
    0x0b,
  ];
  const name = (text: string) => [text.length, ...Buffer.from(text)];
  const section = (id: number, content: readonly number[]) => [id, ...unsigned(content.length), ...content];
  compiled = new WebAssembly.Module(
    Uint8Array.from([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, [1, 0x60, 1, I32, 0]), // type 0: (i32) -> ()
      ...section(2, [1, ...name("m"), ...name("m"), 2, 0, 2]), // import memory, at least 2 pages
      ...section(3, [1, 0]),
      ...section(7, [1, ...name("step"), 0, 0]),
      ...section(10, [1, ...unsigned(body.length), ...body]),
    ]),
  );
  return compiled;
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}
