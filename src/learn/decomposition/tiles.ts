/** A block of rows by columns, whose products a kernel adds up: where its columns lie, and what the sums mean. */
import type { Arena } from "../kernels/arena.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import type { ProductsKernel } from "../kernels/products.ts";

/** Rows that are multiplied at once: some fifty columns of them stay in the cache of a core. */
export const BLOCK = 512;
/** Rows that a block has room for: longer pieces of columns are copied in half the time. */
export const STRIPE = 4 * BLOCK;
/** Doubles from one column to the next, as the kernel has it: a power of two would send the same rows of all columns to the same lines of the cache. */
export const PITCH = STRIPE + 8;

export const productsKernel = (memory: WebAssembly.Memory): ProductsKernel => instantiateKernel("products", memory);

const tilesOf = (columns: number) => Math.ceil(columns / 3);

export const createBlock = (arena: Arena, columns: number) => arena.float64(tilesOf(columns) * 3 * PITCH);

/** A multiple of 3 and of 8, as the kernel takes columns and rows. */
export const padded = (columns: number, rows: number) => [tilesOf(columns) * 3, Math.ceil(rows / 8) * 8] as const;

export const createTiles = (arena: Arena, columns: number) =>
  arena.float64(((tilesOf(columns) * (tilesOf(columns) + 1)) / 2) * 18);

/** Adds the products to `into`, row-major with `stride`, on and above the diagonal. */
export function addTiles(tiles: Float64Array, columns: number, stride: number, into: Float64Array): void {
  let at = 0;
  for (let i = 0; i < columns; i += 3)
    for (let k = i; k < columns; k += 3)
      for (let tile = 0; tile < 9; tile++, at += 2) {
        const [row, column] = [i + Math.floor(tile / 3), k + (tile % 3)];
        if (row <= column && column < columns) into[row * stride + column]! += tiles[at]! + tiles[at + 1]!;
      }
}
