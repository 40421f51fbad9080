/**
 * Memory that WebAssembly and all threads see. Arrays are laid one after the other and given back all at once, when nobody holds the arena any more:
 * what a training needs is known before it begins.
 *
 * A view's `byteOffset` is its address for a kernel. Views stay valid when the memory grows, and cross to other threads as they are, with `memory` beside.
 */
import { MillError } from "../../base/index.ts";

const PAGE_BYTES = 65_536;
const PAGES_MAX = 65_536;
/** A cache line, so that no two threads write to the same one. */
const ALIGNMENT = 64;

export interface Arena {
  readonly memory: WebAssembly.Memory;
  float64(length: number): Float64Array<SharedArrayBuffer>;
  float32(length: number): Float32Array<SharedArrayBuffer>;
  int32(length: number): Int32Array<SharedArrayBuffer>;
  uint32(length: number): Uint32Array<SharedArrayBuffer>;
  uint16(length: number): Uint16Array<SharedArrayBuffer>;
  uint8(length: number): Uint8Array<SharedArrayBuffer>;
}

/** Error of each array: `learn.too-large`, when all of them together pass 4 GiB, which is as far as WebAssembly's addresses reach. */
export function createArena(): Arena {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: PAGES_MAX, shared: true });
  let end = ALIGNMENT; // address 0 stays free: a pointer of 0 is none
  const claim = (bytes: number) => {
    const from = end;
    end = Math.ceil((from + bytes) / ALIGNMENT) * ALIGNMENT;
    const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE_BYTES);
    if (missing > 0) grow(memory, missing, end);
    return [memory.buffer, from] as const;
  };
  const claimed =
    <View>(type: { new (buffer: SharedArrayBuffer, from: number, length: number): View; BYTES_PER_ELEMENT: number }) =>
    (length: number) =>
      new type(...claim(length * type.BYTES_PER_ELEMENT), length);
  return {
    memory,
    float64: claimed(Float64Array<SharedArrayBuffer>),
    float32: claimed(Float32Array<SharedArrayBuffer>),
    int32: claimed(Int32Array<SharedArrayBuffer>),
    uint32: claimed(Uint32Array<SharedArrayBuffer>),
    uint16: claimed(Uint16Array<SharedArrayBuffer>),
    uint8: claimed(Uint8Array<SharedArrayBuffer>),
  };
}

function grow(memory: WebAssembly.Memory, pages: number, wantedBytes: number): void {
  try {
    memory.grow(pages);
  } catch (cause) {
    const wanted = `${(wantedBytes / 2 ** 30).toFixed(1)} GiB`;
    const beyond = wantedBytes > PAGES_MAX * PAGE_BYTES;
    throw new MillError(
      "learn.too-large",
      `Training needs ${wanted} of shared memory${beyond ? ", and 4 GiB is the limit" : ", which the machine did not give"}.`,
      {
        expected: "at most 4 GiB for the rows and what is made of them",
        got: wanted,
        fix: "Train on a sample of the rows or on fewer columns, or take an estimator that learns in chunks.",
        cause,
      },
    );
  }
}
