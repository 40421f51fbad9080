/**
 * The products of all columns with each other, summed over the rows: what least squares need of the data. Blocks of rows are packed and multiplied by a
 * kernel; a text costs an addition per column and row, never a one-hot matrix.
 *
 *   order of the columns:  | dense | slots | 1 | y |
 */
import { addTiles, BLOCK, createBlock, createTiles, PITCH, padded, productsKernel } from "../decomposition/tiles.ts";
import { type DesignRows, packRows } from "../design.ts";
import { createArena } from "../kernels/arena.ts";

export interface GramRows {
  readonly rows: DesignRows;
  readonly y: Float64Array;
  /** Taken from every label first, so that little cancels. */
  readonly centre: number;
  readonly rowWeights: Float64Array | undefined;
}

/** A function that adds the products of rows `from` to `to` into `into`, size x size: each pair of columns into one of its two places, `mirror` makes both. */
export function createGram({ rows, y, centre, rowWeights }: GramRows): (from: number, to: number, into: Float64Array) => void {
  const { denseCount, weightCount, slots } = rows;
  const size = weightCount + 1;
  const width = denseCount + 2;
  const arena = createArena();
  const kernel = productsKernel(arena.memory);
  const plain = createBlock(arena, width);
  const weighted = rowWeights === undefined ? plain : createBlock(arena, width);
  const tiles = createTiles(arena, width);
  const out = new Float64Array(width * width);
  const [ones, labels] = [denseCount * PITCH, (denseCount + 1) * PITCH];
  const place = (column: number) => (column < denseCount ? column : column - denseCount + weightCount - 1);

  function pack(from: number, to: number): void {
    const count = to - from;
    if (count < BLOCK) plain.fill(0);
    packRows(rows, from, to, plain, PITCH);
    plain.fill(1, ones, ones + count);
    for (let row = 0; row < count; row++) plain[labels + row] = y[from + row]! - centre;
    if (rowWeights === undefined) return;
    for (let first = 0; first < width * PITCH; first += PITCH)
      for (let row = 0; row < BLOCK; row++)
        weighted[first + row] = row < count ? rowWeights[from + row]! * plain[first + row]! : 0;
  }

  function addSlots(from: number, to: number, into: Float64Array): void {
    for (let text = 0; text < slots.length; text++)
      for (let row = from, at = 0; row < to; row++, at++) {
        const slot = slots[text]![row]!;
        if (slot < 0) continue;
        const line = slot * size;
        for (let column = 0; column < denseCount; column++) into[line + column]! += weighted[column * PITCH + at]!;
        const weight = weighted[ones + at]!;
        into[line + weightCount - 1]! += weight;
        into[line + weightCount]! += weighted[labels + at]!;
        for (let other = 0; other <= text; other++) if (slots[other]![row]! >= 0) into[line + slots[other]![row]!]! += weight;
      }
  }

  return (from, to, into) => {
    tiles.fill(0);
    for (let row = from; row < to; row += BLOCK) {
      const end = Math.min(to, row + BLOCK);
      const [columns, count] = padded(width, end - row);
      pack(row, end);
      kernel.addProducts(weighted.byteOffset, plain.byteOffset, columns, count, tiles.byteOffset);
      addSlots(row, end, into);
    }
    addTiles(tiles, width, width, out.fill(0));
    for (let i = 0; i < width; i++) for (let k = i; k < width; k++) into[place(i) * size + place(k)]! += out[i * width + k]!;
  };
}

/** What stands in one of two places comes to stand in both. */
export function mirror(gram: Float64Array, size: number): void {
  for (let i = 0; i < size; i++)
    for (let k = 0; k < i; k++) gram[i * size + k] = gram[k * size + i] = gram[i * size + k]! + gram[k * size + i]!;
}
