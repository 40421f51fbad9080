/**
 * The products of all columns with each other, summed over the rows: what least squares need of the data. Blocks of rows are packed and multiplied by a
 * kernel; a text costs an addition per column and row, never a one-hot matrix.
 *
 *   order of the columns:  | dense | slots | 1 | y |
 */
import { type DesignRows, packRows } from "../design.ts";
import { createArena } from "../kernels/arena.ts";
import { instantiateKernel } from "../kernels/kernel.ts";
import type { LinearKernel } from "../kernels/linear.ts";

const BLOCK = 256;

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
  const stride = Math.ceil((denseCount + 2) / 4) * 4;
  const arena = createArena();
  const kernel = instantiateKernel<LinearKernel>("linear", arena.memory);
  const [plain, weighted, out] = [arena.float64(BLOCK * stride), arena.float64(BLOCK * stride), arena.float64(stride * stride)];
  const place = (column: number) => (column < denseCount ? column : column - denseCount + weightCount - 1);

  function pack(from: number, to: number): void {
    packRows(rows, from, to, plain, stride);
    for (let row = from, at = denseCount; row < to; row++, at += stride) {
      plain[at] = 1;
      plain[at + 1] = y[row]! - centre;
    }
    if (rowWeights === undefined) return;
    for (let row = from, first = 0; row < to; row++, first += stride)
      for (let at = first; at < first + stride; at++) weighted[at] = rowWeights[row]! * plain[at]!;
  }

  function addSlots(from: number, to: number, x: Float64Array, into: Float64Array): void {
    for (let text = 0; text < slots.length; text++)
      for (let row = from, first = 0; row < to; row++, first += stride) {
        const slot = slots[text]![row]!;
        if (slot < 0) continue;
        const line = slot * size;
        for (let column = 0; column < denseCount; column++) into[line + column]! += x[first + column]!;
        const weight = x[first + denseCount]!;
        into[line + weightCount - 1]! += weight;
        into[line + weightCount]! += x[first + denseCount + 1]!;
        for (let other = 0; other <= text; other++) if (slots[other]![row]! >= 0) into[line + slots[other]![row]!]! += weight;
      }
  }

  return (from, to, into) => {
    const x = rowWeights === undefined ? plain : weighted;
    out.fill(0);
    for (let row = from; row < to; row += BLOCK) {
      const end = Math.min(to, row + BLOCK);
      pack(row, end);
      kernel.addGram(x.byteOffset, plain.byteOffset, end - row, stride, out.byteOffset);
      addSlots(row, end, x, into);
    }
    for (let i = 0; i < denseCount + 2; i++)
      for (let k = i; k < denseCount + 2; k++) into[place(i) * size + place(k)]! += out[i * stride + k]!;
  };
}

/** What stands in one of two places comes to stand in both. */
export function mirror(gram: Float64Array, size: number): void {
  for (let i = 0; i < size; i++)
    for (let k = 0; k < i; k++) gram[i * size + k] = gram[k * size + i] = gram[i * size + k]! + gram[k * size + i]!;
}
