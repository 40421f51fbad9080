/** Products of all columns with each other, and with 1, over a chunk of rows: less their shifts, block by block. */
import { createArena } from "../kernels/arena.ts";
import { addTiles, BLOCK, createBlock, createTiles, PITCH, padded, productsKernel, STRIPE } from "./tiles.ts";

/** Rows of a chunk: some milliseconds of work, between which the event loop runs. */
export const CHUNK = 4 * STRIPE;

export interface ChunkSums {
  /** One column more than there are, squared; on and above the diagonal; the last column is 1. */
  readonly products: Float64Array;
  /** Of each column two least and two greatest differences from its shift. */
  readonly ranges: Float64Array;
}

export const emptySums = (width: number): ChunkSums => ({
  products: new Float64Array((width + 1) ** 2),
  ranges: Float64Array.from({ length: 4 * width }, (_, at) => (at % 4 < 2 ? Infinity : -Infinity)),
});

/** A function that writes the sums over rows `from` to `to` of columns. */
export function createMultiplier(
  shifts: Float64Array,
): (columns: readonly Float64Array[], from: number, to: number, into: ChunkSums) => void {
  const width = shifts.length;
  const arena = createArena();
  const kernel = productsKernel(arena.memory);
  const [block, tiles] = [createBlock(arena, width + 1), createTiles(arena, width + 1)];
  const places = Array.from(shifts, (_, at) => block.subarray(at * PITCH, at * PITCH + STRIPE));
  const [ranges, empty] = [arena.float64(4 * width), emptySums(width)];

  const addStripe = (columns: readonly Float64Array[], from: number, to: number) => {
    const [tiled, rows] = padded(width + 1, to - from);
    if (to - from < STRIPE) block.fill(0);
    for (let at = 0; at < width; at++) {
      const place = places[at]!;
      place.set(columns[at]!.subarray(from, to));
      if (to - from < rows) place.fill(shifts[at]!, to - from, rows);
      kernel.shift(place.byteOffset, rows, shifts[at]!, ranges.byteOffset + at * 32);
    }
    block.fill(1, width * PITCH, width * PITCH + to - from);
    for (let first = 0; first < rows; first += BLOCK) {
      const place = block.byteOffset + first * 8;
      kernel.addProducts(place, place, tiled, Math.min(BLOCK, rows - first), tiles.byteOffset);
    }
  };

  return (columns, from, to, into) => {
    tiles.fill(0);
    ranges.set(empty.ranges);
    for (let first = from; first < to; first += STRIPE) addStripe(columns, first, Math.min(to, first + STRIPE));
    addTiles(tiles, width + 1, width + 1, into.products.fill(0));
    into.ranges.set(ranges);
  };
}
